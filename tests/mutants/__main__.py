"""Plant one bug after the other in a copy of the project and run the test that must see it. See tests/mutants."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.mutant import Mutant
from tests.mutants.planted import MUTANTS

ROOT = Path(__file__).parent.parent.parent
#: What git does not keep; the servers and the packages are those of the project itself.
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__")
SECONDS = 300
#: pytest's exit code for "tests ran, and some failed". Another one (no such test, a broken import) proves nothing.
TESTS_FAILED = 1
#: In pytest's summary; ids of parametrized tests may hold blanks.
FAILURE = re.compile(r"^FAILED .+?::.+?(?: - (.*))?$", re.MULTILINE)


class MutantError(Exception):
    """A mutant proves nothing: it does not apply any more, or its test fails without it."""


def plant(mutant: Mutant, copy: Path) -> None:
    """Write the bug into the copy. Raises MutantError unless each old text stands there exactly once."""
    for edit in mutant.edits:
        file = copy / edit.file
        text = file.read_text()
        if (found := text.count(edit.old)) != 1:
            raise MutantError(f"{mutant.name}: {edit.file} has the old text {found} times: rewrite it for the new code")
        file.write_text(text.replace(edit.old, edit.new))


def restore(mutant: Mutant, copy: Path) -> None:
    """Take the bug out again."""
    for edit in mutant.edits:
        shutil.copy2(ROOT / edit.file, copy / edit.file)


def run_tests(names: Sequence[str], copy: Path) -> subprocess.CompletedProcess[str]:
    """Run these tests of the copy."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=line", *names],
        cwd=copy, env=os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "400"},
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


def is_caught(mutant: Mutant, copy: Path) -> str | None:
    """Return what the test said when it saw the bug; None: the bug survived. Raises MutantError."""
    plant(mutant, copy)
    try:
        done = run_tests([mutant.test], copy)
    except subprocess.TimeoutExpired as error:
        raise MutantError(f"{mutant.name}: {mutant.test} took longer than {SECONDS} s") from error
    finally:
        restore(mutant, copy)
    said = FAILURE.search(done.stdout)
    if done.returncode == 0:
        return None
    if done.returncode != TESTS_FAILED or said is None:
        raise MutantError(f"{mutant.name}: {mutant.test} did not run to its end:\n{done.stdout}{done.stderr}")
    return (said[1] or "failed")[:100]


def choose(names: Sequence[str]) -> list[Mutant]:
    """Return the mutants of these names, all without names. Those that need a broker are told when there is none."""
    if unknown := set(names) - {mutant.name for mutant in MUTANTS}:
        raise MutantError(f"no mutant is called {', '.join(unknown)}: see tests/mutants/planted/")
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    if os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return chosen
    for mutant in chosen:
        if mutant.needs_kafka:
            print(f"not run without a broker: {mutant.name}")
    return [mutant for mutant in chosen if not mutant.needs_kafka]


def main(names: Sequence[str]) -> int:
    """Print the table; return how many bugs survived, at most 1 for the shell."""
    mutants = choose(names)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        unmutated = run_tests(sorted({mutant.test for mutant in mutants}), copy)
        if unmutated.returncode != 0:
            raise MutantError(f"the tests fail without any bug:\n{unmutated.stdout}")
        survived = 0
        for mutant in mutants:
            said = is_caught(mutant, copy)
            survived += said is None
            verdict = "SURVIVED" if said is None else f"caught: {said}"
            print(f"{mutant.name:40} {mutant.test.split('::')[1]}\n{'':40} {verdict}", flush=True)
    print(f"{len(mutants)} planted, {len(mutants) - survived} caught")
    return min(survived, 1)


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except MutantError as error:
        raise SystemExit(f"mutants: {error}") from error
