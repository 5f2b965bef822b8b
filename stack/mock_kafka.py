"""librdkafka's own mock cluster, for machines without Maven Central. Not Apache Kafka: nothing it holds is durable."""

import subprocess
import sys
import time
from pathlib import Path

from confluent_kafka import Producer

from stack import pidfiles
from stack.network import wait_until


class MockKafka:
    """The same face as stack.kafka.Kafka."""

    version = "librdkafka's mock cluster (NOT Apache Kafka)"

    def __init__(self, folder: Path, run: Path) -> None:
        self.log = folder / "log" / "kafka.log"
        self.address = ""
        self._address_file = run / "mock_kafka.address"
        self._pid_file = run / "kafka.pid"

    def start(self) -> None:
        """Start the cluster in a process of its own; return when its address is known."""
        self._address_file.unlink(missing_ok=True)
        with self.log.open("w") as log:
            command = [sys.executable, "-m", "stack.mock_kafka", str(self._address_file)]
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        pidfiles.write(self._pid_file, process.pid)
        wait_until(self._address_file.exists, what="the mock cluster", process=process, log=self.log, seconds=30)
        self.address = self._address_file.read_text()

    def stop(self) -> None:
        """End it; what it held is gone."""
        if (process := pidfiles.find(self._pid_file)) is not None:
            pidfiles.end_group(process)
        self._pid_file.unlink(missing_ok=True)


def serve(address_file: Path) -> None:
    """Run the mock cluster for ever and leave its address in the file."""
    producer = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
    draft = address_file.with_suffix(".draft")
    draft.write_text(f"{broker.host}:{broker.port}")
    draft.replace(address_file)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
