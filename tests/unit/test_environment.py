"""What the local stack tells its processes."""

import logging
from pathlib import Path

import pytest
from kombu import Connection

from stack import environment


def test_the_local_broker_s_url_gives_kombu_nothing_to_warn_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = {"DATABASE_URL": "postgres://localhost:5432/postgres"}
    environment.complete(told, tmp_path)
    folders = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path)}
    with caplog.at_level(logging.WARNING, logger="kombu"):
        Connection(told["CELERY_BROKER_URL"], transport_options=folders).info()
    assert not caplog.records
