"""Servers several times, as `make test` has them: apart from each other, and none is left."""

import json
import subprocess
import sys

import pytest

from tests.own_servers import OWN_SERVERS, ROOT

pytestmark = pytest.mark.kafka
SHOW = """
import json, os, psycopg
from confluent_kafka.admin import AdminClient
found = []
for n in (0, 1):
    server = psycopg.connect(os.environ[f"DATABASE_URL_GW{n}"].replace("/doorstep", "/postgres"))
    [identity] = server.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    kafka = os.environ[f"KAFKA_BOOTSTRAP_SERVERS_GW{n}"]
    [broker] = AdminClient({"bootstrap.servers": kafka}).list_topics(timeout=10).brokers.values()
    found.append([str(identity), kafka, f"{broker.host}:{broker.port}"])
print(json.dumps(found))
raise SystemExit(7)
"""


def test_each_copy_has_a_database_and_a_broker_of_its_own_and_none_is_left() -> None:
    command = ["with-servers", "--folder", "e2e-copies", "--copies", "2", "--", sys.executable, "-c", SHOW]
    done = subprocess.run(
        [sys.executable, "-m", "stack", *command],
        cwd=ROOT, env=OWN_SERVERS, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 7, done.stdout + done.stderr
    (database, kafka, broker), (other_database, other_kafka, other_broker) = json.loads(done.stdout)
    assert database != other_database
    assert (kafka, other_kafka) == (broker, other_broker)
    assert kafka != other_kafka
    for folder in ("e2e-copies-gw0", "e2e-copies-gw1"):
        assert list((ROOT / ".stack" / folder / "run").glob("*.pid")) == []
