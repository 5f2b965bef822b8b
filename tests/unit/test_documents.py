"""What the documents say is there: commands, paths, settings, pictures; and they stay short."""

import re
from pathlib import Path

import pytest

from bookmarks.conf import BookmarkSettings
from gateway.faults import NAMES as FAULTS
from idempotency import pruning as key_pruning
from idempotency import tasks as key_tasks
from idempotency.conf import IdempotencySettings
from inbox import pruning, tasks
from inbox.conf import InboxSettings
from outbox.conf import OutboxSettings
from payments.handlers import WEBHOOKS
from reconciliation.conf import ReconciliationSettings
from reconciliation.judging import Kind
from search.conf import SearchSettings
from tests.bad_inputs import BAD_INPUTS
from tests.mutants.mutant import Mutant
from tests.mutants.planted import MUTANTS

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = ["README.md", "CONTRIBUTING.md", *(f"docs/{each.name}" for each in (ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize(("document", "lines"), [("README.md", 200), ("CONTRIBUTING.md", 80), ("docs/proofs.md", 160)])
def test_it_stays_short(document: str, lines: int) -> None:
    assert len((ROOT / document).read_text().splitlines()) <= lines


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_that_is_named_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        word
        for words in re.findall(r"(?:^    |`)make ([a-z -]+)", (ROOT / document).read_text(), re.M)
        for word in words.split("  ")[0].split()
    }
    assert named <= targets, named - targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_is_named_exists(document: str) -> None:
    text = (ROOT / document).read_text()
    links = {path for path in re.findall(r"\]\(([^)]+)\)", text) if not path.startswith("http")}
    paths = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]*(?:\.[a-z]+)?)`", text)) | set(links)
    missing = {
        path for path in paths if not ((ROOT / path).exists() or (ROOT / document).parent.joinpath(path).exists())
    }
    assert not missing


def test_every_setting_of_the_environment_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for module in [*(ROOT / "services" / "settings").glob("*.py"), ROOT / "gateway" / "settings.py"]:
        for name in re.findall(r'env\.\w+\("(\w+)"', module.read_text()):
            assert f"`{name}`" in readme, f"{name} of {module.name}"


def test_every_picture_is_shown_somewhere() -> None:
    shown = "".join((ROOT / document).read_text() for document in DOCUMENTS)
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture.name in shown, picture.name


def test_every_manage_command_that_is_named_exists() -> None:
    known = {path.stem for path in ROOT.glob("*/management/commands/[a-z]*.py")}
    for document in DOCUMENTS:
        named = set(re.findall(r"manage\.py ([a-z_]+)", (ROOT / document).read_text()))
        assert named <= known, document


def test_every_setting_of_storage_and_parking_is_in_operations_with_its_default() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    for name in ("table_partition_rows", "table_partitions_ahead", "retention_days", "maintenance_lock_seconds"):
        default = OutboxSettings.model_fields[name].default
        assert f"| `{name.upper()}` | {default:,} |" in text
    for name in ("attempts", "parked_share", "parked_window"):
        assert f"| `{name.upper()}` | {InboxSettings.model_fields[name].default:,} |" in text


def test_the_reasons_of_check_inbox_are_those_of_the_code_with_the_defaults() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    block = text.partition("<!-- check_inbox -->")[2].partition("<!-- /check_inbox -->")[0]
    code = "".join((ROOT / file).read_text() for file in ("inbox/health.py", "watching/health.py"))
    reasons = re.findall(r'f?"(\w+): ', code)
    assert set(re.findall(r"^\| `(\w+)` \|", block, re.MULTILINE)) == set(reasons)
    for name, default in re.findall(r"`(\w+_SECONDS)` \((\d+)\)", block):
        assert InboxSettings.model_fields[name.lower()].default == float(default)


def test_what_check_search_says_is_in_operations_with_its_default_and_the_problems() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    block = text.partition("<!-- check_search -->")[2].partition("<!-- /check_search -->")[0]
    code = "".join((ROOT / "search" / f).read_text() for f in ("health.py", "management/commands/check_search.py"))
    assert set(re.findall(r"^\| `(\w+)` \|", block, re.MULTILINE)) == set(re.findall(r'f"([a-z]+): ', code))
    assert f"`BEHIND_SECONDS` ({SearchSettings.model_fields['behind_seconds'].default:.0f})" in block
    problems = re.findall(r"^\| `([^`]+)` \|", text.partition("<!-- /check_search -->")[2].partition("\n## ")[0], re.M)
    assert len(problems) == 2
    assert all(problem in (ROOT / "search/node.py").read_text() for problem in problems)


def test_what_reconcile_and_check_reconciliation_say_is_in_operations_with_the_defaults() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    rows = text.partition("<!-- reconcile -->")[2].partition("<!-- /reconcile -->")[0]
    first_cells = re.findall(r"^\| (`.+?) \|", rows, re.MULTILINE)
    assert {name for cell in first_cells for name in re.findall(r"`([a-z-]+)`", cell)} == set(Kind)
    block = text.partition("<!-- check_reconciliation -->")[2].partition("<!-- /check_reconciliation -->")[0]
    code = "".join((ROOT / file).read_text() for file in ("reconciliation/health.py", "watching/health.py"))
    assert set(re.findall(r"^\| `(\w+)` \|", block, re.MULTILINE)) == set(re.findall(r'f?"([a-z]+): ', code))
    for name in ("days", "grace_seconds", "late_hours", "timeout_seconds"):
        assert f"| `{name.upper()}` | {ReconciliationSettings.model_fields[name].default:.0f} |" in text


def test_the_settings_of_bookmarks_are_in_the_document_of_billing_with_their_defaults() -> None:
    text = (ROOT / "docs/billing.md").read_text()
    for name, field in BookmarkSettings.model_fields.items():
        assert f'`BOOKMARKS["{name.upper()}"]` ({field.default:g})' in text


def test_the_retention_of_the_inbox_is_in_operations_with_its_defaults() -> None:
    section = (ROOT / "docs/operations.md").read_text().partition("### The inbox\n")[2].partition("\n### ")[0]
    assert f"| `RETENTION_DAYS` | {InboxSettings.model_fields['retention_days'].default} |" in section
    assert "| `OUTBOXES` | none |" in section
    assert InboxSettings.model_fields["outboxes"].get_default(call_default_factory=True) == {}
    assert f"{pruning._ROWS_AT_ONCE:,} rows at a time" in section
    assert f"at most {tasks._CHUNKS * pruning._ROWS_AT_ONCE:,} rows" in section


def test_the_retention_of_idempotency_keys_is_in_operations_with_its_default() -> None:
    section = (ROOT / "docs/operations.md").read_text().partition("### Idempotency keys\n")[2].partition("\n### ")[0]
    hours = IdempotencySettings.model_fields["retention_hours"].default
    assert f"| `RETENTION_HOURS` | {hours} |" in section
    assert f"at most {key_tasks.CHUNKS * key_pruning.ROWS_AT_ONCE:,} rows a run" in section
    for document in ("payments", "guarantees"):
        assert str(hours) in (ROOT / f"docs/{document}.md").read_text()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_is_named_exists(document: str) -> None:
    for file, name in re.findall(r"`(tests/[a-z_/]+\.py)::(\w+)`", (ROOT / document).read_text()):
        assert f"\ndef {name}(" in (ROOT / file).read_text(), f"{file}::{name}"


def test_the_proofs_name_every_planted_bug_and_no_other() -> None:
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", (ROOT / "docs/proofs.md").read_text()))
    assert named == {mutant.name for mutant in MUTANTS}


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_every_planted_bug_applies_and_its_test_exists(mutant: Mutant) -> None:
    for edit in mutant.edits:
        assert (ROOT / edit.file).read_text().count(edit.old) == 1, "rewrite the mutant for the new code"
    file, name = mutant.test.split("[")[0].split("::")
    assert f"\ndef {name}(" in (ROOT / file).read_text()


def test_the_table_of_bad_inputs_says_what_the_tests_expect() -> None:
    text = (ROOT / "docs/bad-inputs.md").read_text()
    table = text.split("<!-- bad inputs -->")[1].split("<!-- /bad inputs -->")[0]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table.strip().splitlines()[2:]]
    assert [row for row in rows if row[1]] == [(bad.name, bad.billing, bad.payments) for bad in BAD_INPUTS]


def test_the_webhooks_of_payments_are_those_of_the_code() -> None:
    block = (ROOT / "docs/payments.md").read_text().partition("<!-- webhooks -->")[2].partition("<!-- /webhooks -->")[0]
    assert tuple(re.findall(r"`([a-z_.]+)`", block)) == WEBHOOKS


def test_the_faults_of_the_gateway_are_those_of_the_code() -> None:
    block = (ROOT / "docs/gateway.md").read_text().partition("<!-- faults -->")[2].partition("<!-- /faults -->")[0]
    named = {name for row in re.findall(r"^\| (`.+?) \|", block, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    declines = {name for name in FAULTS if name.startswith("decline_")}
    assert named - declines == {*FAULTS} - declines
