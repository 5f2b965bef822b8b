"""The demo as a user runs it: all processes, real kills, and an exit code that tells the truth."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from stack.kafka import VERSION as KAFKA_VERSION
from tests.own_servers import OWN_SERVERS, ROOT


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "demo", "--folder", "e2e", *arguments],
        cwd=ROOT, env=OWN_SERVERS, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip


@pytest.mark.kafka
def test_purchases_become_paid_invoices_while_processes_are_killed() -> None:
    done = demo("--purchases", "60", "--kills", "6")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The cents agree." in done.stdout
    assert "killed:  6" in done.stdout
    assert re.search(rf"PostgreSQL 18\.\d+, Apache Kafka {re.escape(KAFKA_VERSION)};", done.stdout), done.stdout
    assert "WRONG" not in done.stdout


def test_a_broken_file_is_refused_before_anything_starts(tmp_path: Path) -> None:
    file = tmp_path / "broken.csv"
    file.write_text("purchase,customer,date,quantity,amount_usd\n1,a,1997-01-01,1,nine\n")
    done = demo("--file", str(file))
    assert done.returncode == 2
    assert "line 2: amount_usd is 'nine'" in done.stderr
    assert "Traceback" not in done.stderr
