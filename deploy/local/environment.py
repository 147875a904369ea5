"""The project's own `.venv`, made from the locked dependencies.

Standard library only: it runs before anything is there.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
VENV = REPOSITORY / ".venv"
LOCKS = REPOSITORY / "deploy" / "locks"
# A wider set serves a narrower need: after `test`, `up` installs nothing.
WIDER = {"local": ("local", "test"), "test": ("test",)}


class SetupError(Exception):
    """One sentence that says what this machine lacks."""


def python() -> Path:
    return VENV / "bin" / "python"


def is_active() -> bool:
    """Whether this interpreter is the project's own."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def ensure(locked: str) -> None:
    """Make `.venv` and install deploy/locks/<locked>.txt into it, unless that is done. Raises SetupError."""
    _check_python()
    lock = LOCKS / f"{locked}.txt"
    if any(_stamp(name).is_file() and _stamp(name).read_text() == _digest(name) for name in WIDER[locked]):
        return
    if not python().exists():
        _say("Making .venv")
        _run([sys.executable, "-m", "venv", "--clear", str(VENV)], "cannot make .venv")
    _say("Installing the locked dependencies (about a minute, once)")
    install: list[str | Path] = [python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(
        [*install, "--no-deps", "--require-hashes", "--requirement", lock], "cannot install the dependencies"
    )
    _stamp(locked).write_text(_digest(locked))


def reexec(arguments: list[str]) -> None:
    """Go on as the project's own interpreter."""
    os.chdir(REPOSITORY)
    # Without a desktop session the embedded PostgreSQL keeps its lock in the temporary directory, which is right.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:XDG_RUNTIME_DIR")
    os.execv(python(), [str(python()), "-m", "deploy.local", *arguments])  # noqa: S606 - our own interpreter


def _check_python() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - this is the check
        found = ".".join(map(str, sys.version_info[:3]))
        raise SetupError(f"Python 3.11 or newer is needed; this is {found}")
    try:
        import ensurepip  # noqa: F401, PLC0415
        import venv  # noqa: F401, PLC0415
    except ImportError as error:
        raise SetupError(
            f"this Python has no {error.name} module; on Debian and Ubuntu: apt-get install python3-venv"
        ) from None
    if sys.platform not in ("linux", "darwin"):
        raise SetupError(f"Linux or macOS is needed; this is {sys.platform}")


def _stamp(locked: str) -> Path:
    return VENV / f".installed-{locked}"


def _digest(locked: str) -> str:
    return hashlib.sha256((LOCKS / f"{locked}.txt").read_bytes()).hexdigest()


def _say(sentence: str) -> None:
    print(f"  {sentence} ...", flush=True)


def _run(command: list[str | Path], problem: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise SetupError(f"{problem}: " + " / ".join(last))
