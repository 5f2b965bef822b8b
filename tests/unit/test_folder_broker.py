"""The local stack's broker of files: a message is there whole or not at all."""

from pathlib import Path
from queue import Empty

import pytest
from celery import Celery
from kombu.transport.virtual import Channel

QUEUE = "payments"


@pytest.fixture
def channel(tmp_path: Path) -> Channel:
    app = Celery("folder", broker="filesystem://localhost", set_as_current=False)
    folders = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path), "control_folder": str(tmp_path)}
    app.conf.update(broker_transport="services.folder_broker:Transport", broker_transport_options=folders)
    made = app.connection_for_write().channel()
    assert isinstance(made, Channel)
    return made


class Slow:
    """Is written while somebody reads."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __json__(self) -> str:
        with pytest.raises(Empty):
            self._channel._get(QUEUE)
        return "done"


def test_a_message_that_is_being_written_is_not_read(channel: Channel) -> None:
    channel._put(QUEUE, {"body": Slow(channel)})
    assert channel._get(QUEUE) == {"body": "done"}


def test_a_message_is_read_once_and_from_its_own_queue(channel: Channel) -> None:
    channel._put(QUEUE, {"n": 1})
    channel._put("billing", {"n": 2})
    assert channel._get(QUEUE) == {"n": 1}
    with pytest.raises(Empty):
        channel._get(QUEUE)
