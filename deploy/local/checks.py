"""Every check of the project, in the order in which they are quickest to fail; and the benchmarks."""

import subprocess
import sys
import time

from deploy.local import browser
from deploy.local.environment import REPOSITORY

BENCHES = REPOSITORY / "tests" / "bench"
STATIC = {
    "ruff": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
    # Its modules do nothing when run with -m, and say nothing of that.
    "imports": [
        "-c",
        "import sys; from importlinter.cli import lint_imports_command as lint; sys.exit(lint())",
    ],
}
# The least branch coverage; the pipeline and the sources decide what the archive holds.
COVERAGE = {
    "coverage": ["coverage", "report", "--fail-under=90"],
    "coverage of pipeline and sources": [
        "coverage",
        "report",
        "--include=ingest/pipeline/*,ingest/sources/*",
        "--fail-under=95",
    ],
}


def test(pytest_arguments: list[str], *, campaigns: bool) -> int:
    """Run all checks; with pytest arguments only pytest, with them. Returns the exit code of the first failure."""
    if pytest_arguments:
        return _module("pytest", ["pytest", *pytest_arguments])
    for name, command in STATIC.items():
        if code := _module(name, command):
            return code
    browser.ensure()
    selection = [] if campaigns else ["-m", "not campaign"]
    (REPOSITORY / ".coverage").unlink(missing_ok=True)
    code = _module("pytest", ["pytest", "--cov", "--cov-report=", *selection])
    if code:
        return code
    for name, command in COVERAGE.items():
        if code := _module(name, command):
            return code
    return 0


def bench(name: str, arguments: list[str]) -> int:
    """Run tests/bench/<name>.py, which prints each figure beside its baseline and aim."""
    known = sorted(path.stem for path in BENCHES.glob("*.py") if "def main(" in path.read_text())
    if name not in known:
        print(f"deploy.local: there is no benchmark {name!r}; there is: {', '.join(known)}", file=sys.stderr)
        return 2
    # As a module: a script's own folder comes first on the path, and tests/bench/ingest.py is not the package.
    command = [sys.executable, "-m", f"tests.bench.{name}", *arguments]
    return subprocess.run(command, check=False, cwd=REPOSITORY).returncode


def _module(name: str, command: list[str]) -> int:
    print(f"== {name}", flush=True)
    started = time.monotonic()
    flags = command if command[0] == "-c" else ["-m", *command]
    code = subprocess.run([sys.executable, *flags], check=False, cwd=REPOSITORY).returncode
    print(
        f"== {name}: {'ok' if code == 0 else f'failed ({code})'}, {time.monotonic() - started:.0f} s",
        flush=True,
    )
    return code
