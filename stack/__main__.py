"""python -m stack up | with-servers [--folder NAME] [--without-kafka] [--copies N] -- COMMAND: see stack/__init__."""

import argparse
import signal
import subprocess
import sys
import time
from types import FrameType

from stack import copies
from stack.exceptions import StackError
from stack.interrupts import interrupt_on_signals
from stack.stack import Stack

URLS = """
  {versions}

  payments   {PAYMENTS_URL}/docs     API          {PAYMENTS_URL}/admin/   user admin, password admin
  billing    {BILLING_URL}/docs     API          {BILLING_URL}/admin/   the same
  token      {API_TOKEN}     of both APIs: Authorization: Bearer {API_TOKEN}
  gateway    {GATEWAY_URL}/health
  metrics    of the relays at http://127.0.0.1:{PAYMENTS_METRICS_PORT}/metrics and {BILLING_METRICS_PORT}
             of the consumers at {PAYMENTS_CONSUMER_METRICS_PORT} and {BILLING_CONSUMER_METRICS_PORT}

  Up after {seconds:.1f} s. Ctrl-C ends everything.
"""


def up(folder: str) -> int:
    """Run everything in the foreground until Ctrl-C; the data stays for the next time."""
    started = time.monotonic()
    print("starting PostgreSQL and Kafka ...", flush=True)
    with Stack(folder) as stack:
        print("preparing databases and topics ...", flush=True)
        stack.prepare()
        process = stack.start_processes(quiet=False)
        stack.wait_until_healthy()
        facts = {"versions": ", ".join(stack.versions.values()), "seconds": time.monotonic() - started}
        print(URLS.format(**facts, **stack.environment), flush=True)
        return process.wait()


def with_servers(command: list[str], *, folder: str, with_kafka: bool, count: int) -> int:
    """Run the command with DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS set; return its exit code."""
    with (
        copies.running(folder, count, with_kafka=with_kafka) as environment,
        subprocess.Popen(command, env=environment) as child,
    ):
        _leave_to(child)
        code = child.wait()
    return code if code >= 0 else 128 - code


def _leave_to(child: subprocess.Popen[bytes]) -> None:
    """Let the command end by itself first: the terminal sends it Ctrl-C too, SIGTERM is passed on."""

    def pass_on(signum: int, frame: FrameType | None) -> None:
        if signum != signal.SIGINT:
            child.terminate()

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, pass_on)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stack")
    commands = parser.add_subparsers(dest="command", required=True)
    everything = commands.add_parser("up", help="everything in the foreground")
    everything.add_argument("--folder", default="dev", help="name below .stack")
    servers = commands.add_parser("with-servers", help="PostgreSQL and Kafka for the length of a command")
    servers.add_argument("--folder", default="test", help="name below .stack")
    servers.add_argument("--without-kafka", action="store_true", help="PostgreSQL only")
    servers.add_argument("--copies", type=int, choices=range(1, 9), default=1, help="of both, see stack/copies.py")
    servers.add_argument("arguments", nargs="+", metavar="COMMAND")
    return parser.parse_args()


def main() -> int:
    """Parse the command line and run; errors are one line."""
    options = _options()
    interrupt_on_signals()
    try:
        if options.command == "up":
            return up(options.folder)
        with_kafka = not options.without_kafka
        return with_servers(options.arguments, folder=options.folder, with_kafka=with_kafka, count=options.copies)
    except StackError as error:
        print(f"stack: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0 if options.command == "up" else 130


if __name__ == "__main__":
    raise SystemExit(main())
