"""docker-compose.yml, the Procfile, the README and docs/how-it-works.md name the same processes."""

import os
import re
import subprocess
import sys
import tomllib
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml
from honcho.environ import parse_procfile

from inbox.conf import InboxSettings
from inbox.stopping import HARD_END_SECONDS
from stack.kafka import VERSION as KAFKA_VERSION
from stack.pidfiles import end_group

ROOT = Path(__file__).parent.parent.parent
SERVERS = {"postgres", "kafka", "valkey"}
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
PROCESSES: dict[str, str] = parse_procfile((ROOT / "Procfile").read_text()).processes


def essence(command: str) -> str:
    """A command without what differs by nature: the SERVICE prefix, the address, the folder of beat's schedule."""
    command = re.sub(r"^SERVICE=\w+ ", "", command)
    return re.sub(r"--bind \S+|--schedule \S+", "", command)


def test_compose_runs_the_processes_of_the_procfile_with_the_same_commands() -> None:
    composed = {
        name: essence(service["command"]) for name, service in COMPOSE.items() if name not in {*SERVERS, "init"}
    }
    assert composed == {name: essence(command) for name, command in PROCESSES.items()}


@pytest.mark.parametrize("document", ["README.md", "docs/how-it-works.md"])
def test_the_documents_list_the_processes(document: str) -> None:
    text = (ROOT / document).read_text()
    block = text.partition("<!-- processes -->")[2].partition("<!-- /processes -->")[0]
    named = re.findall(r"`((?:payments|billing)-\w+|gateway)`", block)
    assert sorted(named) == sorted(PROCESSES)


def test_every_process_waits_for_the_servers_and_for_init() -> None:
    for name in PROCESSES:
        needs = {other: condition["condition"] for other, condition in COMPOSE[name]["depends_on"].items()}
        assert needs.pop("init") == "service_completed_successfully"
        assert needs == dict.fromkeys(SERVERS, "service_healthy"), name


def test_every_server_and_every_http_process_has_a_health_check() -> None:
    with_ports = {name for name, service in COMPOSE.items() if service.get("ports")}
    for name in SERVERS | with_ports:
        assert COMPOSE[name]["healthcheck"]["test"], name


@pytest.mark.parametrize(("command", "check"), [("relay_outbox", "check_outbox"), ("consume_inbox", "check_inbox")])
def test_every_relay_and_consumer_has_a_health_check_that_asks_for_one_of_its_own_container(
    command: str, check: str
) -> None:
    names = [name for name, line in PROCESSES.items() if command in line]
    assert names
    for name in names:
        assert COMPOSE[name]["healthcheck"]["test"] == ["CMD", "python", "manage.py", check, "--here"], name


def test_a_consumer_has_more_time_to_end_than_it_takes() -> None:
    needed = InboxSettings.model_fields["stop_seconds"].default + HARD_END_SECONDS
    for name in PROCESSES:
        assert int(COMPOSE[name]["stop_grace_period"].removesuffix("s")) > needed
    assert signature(end_group).parameters["seconds"].default > needed, "of the local stack"


def test_every_image_is_pinned_and_nothing_runs_as_root() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    for image in [*bases, *(service["image"] for service in COMPOSE.values())]:
        assert re.search(r":\d+\.\d+\.?\d*", image), f"{image} is not pinned"
    assert dockerfile.index("USER doorstep") < dockerfile.index("CMD")


def test_the_image_holds_every_package_but_the_developers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    packages = sorted({*contracts["root_packages"]} - {"stack", "demo", "bench"})
    assert sorted(re.findall(r"^COPY (\w+) ", (ROOT / "Dockerfile").read_text(), re.MULTILINE)) == packages
    assert sorted(re.findall(r"^!(\w+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)) == packages


def environment_of(name: str) -> dict[str, str]:
    """A service's environment, with the defaults that stand in the file."""
    given = COMPOSE[name]["environment"].items()
    return {key: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value)) for key, value in given}


def run(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env={"PATH": os.environ["PATH"]} | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("service", ["payments", "billing"])
def test_the_processes_of_a_service_have_every_setting_that_they_need(service: str) -> None:
    environments = [environment_of(name) for name in PROCESSES if name.startswith(service)]
    assert all(environment == environments[0] for environment in environments)
    checked = run("manage.py", "check", environment=environments[0])
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", ["gateway", "init"])
def test_the_gateway_has_every_setting_that_it_needs(name: str, tmp_path: Path) -> None:
    given = environment_of(name)
    given["GATEWAY_DATABASE"] = f"{tmp_path}{given['GATEWAY_DATABASE'].removeprefix('/data')}"
    done = run("-m", "gateway", "init", environment=given)
    assert done.returncode == 0, done.stderr


def test_init_has_what_both_services_have() -> None:
    given = environment_of("init").items() | {("SERVICE", "billing")}
    assert given >= environment_of("payments-web").items() | environment_of("billing-web").items()


def test_ports_are_open_to_this_machine_only() -> None:
    ports = [port for service in COMPOSE.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports), ports


def test_one_service_builds_the_image_that_all_processes_share() -> None:
    assert [name for name, service in COMPOSE.items() if "build" in service] == ["init"]
    assert {COMPOSE[name]["image"] for name in PROCESSES} == {COMPOSE["init"]["image"]}


def test_uv_and_kafka_are_the_versions_of_the_local_stack() -> None:
    wanted = re.search(r"^UV_VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert wanted is not None
    assert f"astral-sh/uv:{wanted[1]}" in (ROOT / "Dockerfile").read_text()
    assert COMPOSE["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "KAFKA_BOOTSTRAP_SERVERS", "CELERY_BROKER_URL", "GATEWAY_URL", "GATEWAY_API_KEY", "SERVICE"]
)
def test_a_missing_setting_ends_the_process_at_once_and_is_named(name: str) -> None:
    given = {key: value for key, value in environment_of("payments-relay").items() if key != name}
    ended = run("manage.py", "relay_outbox", environment=given)
    assert ended.returncode != 0
    assert name in ended.stderr.splitlines()[-1]
