"""What the documents say is there: commands, paths, settings, pictures; and they stay short."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "docs/how-it-works.md", "docs/guarantees.md", "docs/benchmarks.md"]


@pytest.mark.parametrize(("document", "lines"), [("README.md", 200), ("CONTRIBUTING.md", 80)])
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
    for module in (ROOT / "services" / "settings").glob("*.py"):
        for name in re.findall(r'env\.\w+\("(\w+)"', module.read_text()):
            assert f"`{name}`" in readme, f"{name} of {module.name}"


def test_every_manage_command_that_is_named_exists() -> None:
    known = {path.stem for path in ROOT.glob("*/management/commands/[a-z]*.py")}
    for document in DOCUMENTS:
        named = set(re.findall(r"manage\.py ([a-z_]+)", (ROOT / document).read_text()))
        assert named <= known, document
