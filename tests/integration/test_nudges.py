"""A nudge is worth no wait: with the Celery broker away, a request is not held up by attempts to reach it."""

import socket
import threading
from collections.abc import Iterator

import celery
import pytest
from kombu.exceptions import OperationalError

from services.settings import base


class Refusing:
    """A broker that hangs up on everybody, and counts how often it was asked."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self.attempts = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.attempts += 1
            client.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def broker() -> Iterator[Refusing]:
    refusing = Refusing()
    yield refusing
    refusing.close()


def test_a_broker_that_is_away_is_asked_once(broker: Refusing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "CELERY_BROKER_URL", broker.url)
    monkeypatch.setenv("CELERY_BROKER_URL", broker.url)  # it wins over the app's own setting
    app = celery.Celery("nudges", set_as_current=False)
    app.conf.update(
        broker_transport_options=base.celery_transport_options("payments"),
        task_publish_retry=base.CELERY_TASK_PUBLISH_RETRY,
    )
    with pytest.raises(OperationalError):
        app.send_task("payments.call_gateway", [1])
    assert broker.attempts == 1
