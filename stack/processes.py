"""All lines of the Procfile under honcho: python -m stack.processes RUN_FOLDER [NAME ...]."""

import shlex
import sys
from pathlib import Path

from honcho.environ import parse_procfile
from honcho.manager import Manager

PROCFILE = Path(__file__).parent.parent / "Procfile"


def names() -> list[str]:
    """Return the names of all processes, in the Procfile's order."""
    return list(parse_procfile(PROCFILE.read_text()).processes)


def run(folder: str, wanted: list[str]) -> int:
    """Run the wanted lines (none: all) until SIGTERM or SIGINT; return the exit code."""
    manager = Manager()
    for name, command in parse_procfile(PROCFILE.read_text()).processes.items():
        if not wanted or name in wanted:
            line = [sys.executable, "-m", "stack.restart", folder, name, command]
            manager.add_process(name, "exec " + shlex.join(line), cwd=str(PROCFILE.parent))
    manager.loop()
    return int(manager.returncode or 0)


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1], sys.argv[2:]))
