"""What an init job does in a deployment: databases, tables, topics, the gateway's file, an admin user."""

import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
from confluent_kafka.admin import AdminClient
from psycopg import sql

from stack.exceptions import StackError

ROOT = Path(__file__).parent.parent
SERVICES = ("payments", "billing")


def prepare(environment: dict[str, str], *, fresh: bool, with_topics: bool) -> None:
    """Make what is missing, both services side by side; running it twice is fine. Raises StackError.

    fresh: refuse databases and topics that are there; they can only be those of servers that are not the stack's own.
    with_topics=False: the broker has them and cannot make any.
    """
    options = [] if with_topics else ["--without-topics"]
    if fresh and with_topics:
        _refuse_topics(environment["KAFKA_BOOTSTRAP_SERVERS"])
    done: list[Future[None]] = []
    with ThreadPoolExecutor() as side_by_side:
        for service in SERVICES:
            done.append(side_by_side.submit(_prepare_service, environment, service, options, fresh=fresh))
        done.append(side_by_side.submit(_call, [sys.executable, "-m", "gateway", "init"], environment))
    for each in done:
        each.result()


def _prepare_service(environment: dict[str, str], service: str, options: list[str], *, fresh: bool) -> None:
    make_database(environment["DATABASE_URL"], f"doorstep_{service}", must_be_new=fresh)
    _call([sys.executable, "-m", "stack.init_service", *options], environment | {"SERVICE": service})


def make_database(url: str, name: str, *, must_be_new: bool) -> None:
    """Make the database on the URL's server unless it is there. Raises StackError when it must be new and is not."""
    with psycopg.connect(url, autocommit=True) as server:
        try:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.errors.DuplicateDatabase:
            if must_be_new:
                hint = "drop it, or unset DATABASE_URL"
                raise StackError(f"DATABASE_URL's server has a database {name} already: {hint}") from None


def _refuse_topics(address: str) -> None:
    topics = AdminClient({"bootstrap.servers": address}).list_topics(timeout=10).topics
    if used := sorted(topic for topic in topics if topic.partition(".")[0] in SERVICES):
        raise StackError(f"{address} has {', '.join(used)} already: delete them, or unset KAFKA_BOOTSTRAP_SERVERS")


def _call(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
