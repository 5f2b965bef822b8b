"""librdkafka's own mock cluster, for machines without Maven Central. Not Apache Kafka: nothing it holds is durable."""

import ctypes
import subprocess
import sys
import time
from pathlib import Path

import confluent_kafka

from stack import pidfiles
from stack.network import wait_until

#: It cannot be asked to make topics: the partition counts of both services' OUTBOX["TOPICS"], a test holds them equal.
TOPICS = {"payments.payment": 6, "billing.invoice": 6, "billing.subscription": 6, "billing.refund": 6}


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
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        pidfiles.write(self._pid_file, self._process.pid)
        wait_until(self._address_file.exists, what="the mock cluster", process=self._process, log=self.log, seconds=30)
        self.address = self._address_file.read_text()

    def stop(self) -> None:
        """End it; what it held is gone."""
        if (process := pidfiles.find(self._pid_file)) is not None:
            pidfiles.end_group(process)
            self._process.wait()
        self._pid_file.unlink(missing_ok=True)


def serve(address_file: Path) -> None:
    """Run the mock cluster for ever and leave its address in the file.

    Source of the calls: rdkafka_mock.h. Python's client offers the cluster, but not the partition counts.
    """
    library = _librdkafka()
    client = library.rd_kafka_new(0, library.rd_kafka_conf_new(), None, 0)
    cluster = library.rd_kafka_mock_cluster_new(client, 1)
    library.rd_kafka_mock_broker_add(cluster, 0)  # its metadata call it the controller, which tells ids
    for topic, partitions in TOPICS.items():
        library.rd_kafka_mock_topic_create(cluster, topic.encode(), partitions, 1)
    draft = address_file.with_suffix(".draft")
    draft.write_text(library.rd_kafka_mock_cluster_bootstraps(cluster).decode())
    draft.replace(address_file)
    while True:
        time.sleep(60)


def _librdkafka() -> ctypes.CDLL:
    packages = Path(confluent_kafka.__file__).parent.parent
    library = ctypes.CDLL(str(next(packages.glob("confluent_kafka*/**/librdkafka*"))))
    pointer, number = ctypes.c_void_p, ctypes.c_int
    signatures = {
        "rd_kafka_conf_new": ([], pointer),
        "rd_kafka_new": ([number, pointer, pointer, ctypes.c_size_t], pointer),
        "rd_kafka_mock_cluster_new": ([pointer, number], pointer),
        "rd_kafka_mock_broker_add": ([pointer, number], number),
        "rd_kafka_mock_topic_create": ([pointer, ctypes.c_char_p, number, number], number),
        "rd_kafka_mock_cluster_bootstraps": ([pointer], ctypes.c_char_p),
    }
    for name, (arguments, result) in signatures.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, result
    return library


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
