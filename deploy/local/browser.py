"""A real browser for the tests: the one that is there, else the distribution's own package where we may install it."""

import os
import shutil
import subprocess

# In the order of preference; all are the same engine.
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
INSTALL_SECONDS = 600


def find() -> str | None:
    """Path of a Chromium; NEWSINTEL_BROWSER names another one."""
    named = os.environ.get("NEWSINTEL_BROWSER")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


def ensure() -> str | None:
    """Path of a Chromium, installed now if this is root on Debian or Ubuntu; None: the browser tests are skipped."""
    if (found := find()) or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return found
    print("  Installing Chromium for the browser tests (once) ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        command = ["apt-get", "--quiet", *arguments]
        try:
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, env=environment, timeout=INSTALL_SECONDS
            )
        except subprocess.TimeoutExpired:
            print(f"  {' '.join(command)} took too long; the browser tests will be skipped", flush=True)
            return None
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            print(f"  {' '.join(command)}: {' '.join(last)}; the browser tests will be skipped", flush=True)
            return None
    return find()
