"""Pins the dependencies: one lock per place that installs them, all from one resolution."""

import subprocess
import sys

from deploy.local.environment import LOCKS, REPOSITORY

# `test` is resolved first and holds everything; the others are held to its versions.
EXTRAS = {
    "test": ["api", "worker", "local", "release", "aws", "test"],
    "local": ["api", "worker", "local"],
    "api": ["api"],
    "worker": ["worker"],
    "release": ["release"],
    "aws": ["worker", "release", "aws"],
}


def main() -> int:
    """Write deploy/locks/*.txt: versions and hashes for every platform and Python, no download addresses."""
    everything = LOCKS / "test.txt"
    for name, extras in EXTRAS.items():
        target = LOCKS / f"{name}.txt"
        command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet", "--universal"]
        command += ["--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-annotate"]
        command += ["--custom-compile-command", "python3 -m deploy.local lock", "--output-file", str(target)]
        command += [f"--extra={extra}" for extra in extras]
        if name != "test":
            command += ["--constraint", str(everything)]
        subprocess.run(command, check=True, cwd=REPOSITORY)
        print(f"  {target.relative_to(REPOSITORY)}")
    return 0
