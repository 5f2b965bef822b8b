"""python -m stack up | with-servers [--without-kafka] -- COMMAND. See stack/__init__.py."""

import argparse
import signal
import subprocess
import sys
import time

from stack.environment import secret_key, with_database
from stack.kafka import KafkaMissingError
from stack.stack import ADMIN, Stack, StackError

URLS = """
  {versions}

  payments   {PAYMENTS_URL}/docs     API          {PAYMENTS_URL}/admin/   user {user}, password {password}
  billing    {BILLING_URL}/docs     API          {BILLING_URL}/admin/   the same
  gateway    {GATEWAY_URL}/health

  Ctrl-C ends everything.
"""


def up(folder: str) -> int:
    """Run everything in the foreground until Ctrl-C; the data stays for the next time."""
    started = time.monotonic()
    print("starting PostgreSQL and Kafka ...", flush=True)
    with Stack(folder) as stack:
        print("preparing databases and topics ...", flush=True)
        stack.prepare()
        process = stack.start_processes(quiet=False)
        names = {"user": ADMIN["DJANGO_SUPERUSER_USERNAME"], "password": ADMIN["DJANGO_SUPERUSER_PASSWORD"]}
        print(URLS.format(versions=", ".join(stack.versions.values()), **names, **stack.environment), flush=True)
        print(f"  up after {time.monotonic() - started:.1f} s", flush=True)
        try:
            return process.wait()
        except KeyboardInterrupt:
            return 0


def with_servers(command: list[str], *, with_kafka: bool) -> int:
    """Run the command with DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS set; return its exit code."""
    with Stack("test", require_kafka=True, with_kafka=with_kafka) as stack:
        url = with_database(stack.environment["DATABASE_URL"], "doorstep")  # pytest-django makes test_doorstep
        extra = {"DATABASE_URL": url, "SECRET_KEY": secret_key(stack.folder / "secret_key")}
        try:
            return subprocess.run(command, env=stack.environment | extra, check=False).returncode
        except KeyboardInterrupt:
            return 130


def main() -> int:
    """Parse the command line and run; errors are one line."""
    parser = argparse.ArgumentParser(prog="python -m stack")
    commands = parser.add_subparsers(dest="command", required=True)
    everything = commands.add_parser("up", help="everything in the foreground")
    everything.add_argument("--folder", default="dev", help="name below .stack")
    servers = commands.add_parser("with-servers", help="PostgreSQL and Kafka for the length of a command")
    servers.add_argument("--without-kafka", action="store_true", help="PostgreSQL only")
    servers.add_argument("arguments", nargs="+", metavar="COMMAND")
    options = parser.parse_args()
    # SIGTERM ends the stack like Ctrl-C does, instead of leaving it running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.command == "up":
            return up(options.folder)
        return with_servers(options.arguments, with_kafka=not options.without_kafka)
    except (StackError, KafkaMissingError, TimeoutError, FileNotFoundError) as error:
        print(f"stack: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
