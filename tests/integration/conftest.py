"""The admin's user, and relays as processes."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.relay_process import RelayProcess, Start


@pytest.fixture
def browser(log: None) -> Client:
    """Someone with every permission: what is refused is refused to all."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def start(log: None, tmp_path: Path) -> Iterator[Start]:
    """Starts relay processes; all are ended."""
    started: list[RelayProcess] = []

    def one(**options: object) -> RelayProcess:
        started.append(RelayProcess(tmp_path / f"relay-{len(started)}.log", **options))
        return started[-1]

    yield one
    for process in started:
        process.end(signal.SIGKILL)
