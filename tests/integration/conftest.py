"""The admin's user."""

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def browser(log: None) -> Client:
    """Someone with every permission: what is refused is refused to all."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client
