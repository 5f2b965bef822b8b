"""Three Kafka brokers and a controller, for the tests of broker faults: RF 3, min.insync.replicas 2."""

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stack import pidfiles
from stack.kafka import PROPERTIES, Kafka
from stack.network import free_port

#: The controller decides what is in sync: min.insync.replicas counts in its file, not in the brokers' (KIP-966).
_CONTROLLER = """process.roles=controller
node.id=100
controller.quorum.voters=100@127.0.0.1:{controller}
listeners=CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
min.insync.replicas=2
log.dirs=data
"""
#: Appended to a single node's properties: of a key that stands twice, Java takes the last.
_BROKER = """process.roles=broker
node.id={number}
controller.quorum.voters=100@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port}
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
"""


class Controller(Kafka):
    """The node that elects leaders. Apart from the brokers, so that any two of them may be down."""

    def __init__(self, folder: Path, jars: Path) -> None:
        super().__init__(folder / "controller", folder / "controller", jars)

    def _configure(self) -> None:
        port = self.address.rpartition(":")[2]
        (self.folder / "server.properties").write_text(_CONTROLLER.format(controller=port))

    def _answers(self) -> bool:
        host, _, port = self.address.rpartition(":")
        with socket.socket() as client:
            return client.connect_ex((host, int(port))) == 0

    def _reported_version(self) -> str:
        return "Apache Kafka's controller"


class Broker(Kafka):
    """One of three; `number` is its id in the metadata. Started again, it has the same address."""

    def __init__(self, folder: Path, jars: Path, *, number: int, controller: Controller) -> None:
        super().__init__(folder / f"broker-{number}", folder / f"broker-{number}", jars)
        self.number = number
        self._controller = controller.address.rpartition(":")[2]

    def kill(self) -> None:
        """SIGKILL: what is not replicated is gone until it is started again."""
        if (process := pidfiles.find(self._pid_file)) is not None:
            process.kill()
        self.stop()

    def _configure(self) -> None:
        port = self.address.rpartition(":")[2]
        own = _BROKER.format(number=self.number, controller=self._controller, port=port)
        common = PROPERTIES.format(port=port, controller=free_port())
        (self.folder / "server.properties").write_text(common + own)


class Cluster:
    """A context manager: the brokers run inside, everything has ended outside."""

    def __init__(self, folder: Path, jars: Path) -> None:
        self.controller = Controller(folder, jars)
        self.brokers = [Broker(folder, jars, number=n, controller=self.controller) for n in (1, 2, 3)]
        self.addresses = ",".join(broker.address for broker in self.brokers)

    def __enter__(self) -> "Cluster":
        try:
            self.controller.start()
            self.start(*self.brokers)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # Brokers first: one that cannot tell the controller that it leaves waits for it.
        with ThreadPoolExecutor() as side_by_side:
            list(side_by_side.map(Broker.stop, self.brokers))
        self.controller.stop()

    def start(self, *brokers: Broker) -> None:
        """Start them side by side; return when all answer."""
        with ThreadPoolExecutor() as side_by_side:
            list(side_by_side.map(Broker.start, brokers))
