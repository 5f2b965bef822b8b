"""For pytest: `pytest_plugins = ["inbox.testing.plugin"]` in the top conftest.py gives the fixture below."""

from collections.abc import Callable

import pytest


@pytest.fixture
def assert_received_once(transactional_db: None) -> Callable[..., None]:
    """assert_received_once(event, consumer="billing"): see inbox.testing.receive_once. It commits: no transaction."""
    from inbox.testing import receive_once  # not before Django is set up

    return receive_once
