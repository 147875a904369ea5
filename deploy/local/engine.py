"""A container engine, whichever is there: docker, podman, or podman put up on a Debian without either."""

import contextlib
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.environment import REPOSITORY

BASE = "docker.io/library/python:3.11-slim-bookworm"
PACKAGES = ["podman", "buildah", "runc", "mmdebstrap"]
STAND_IN = REPOSITORY / ".cache" / "images"
# What the official base image holds, from the distribution that it is made of.
BASE_PACKAGES = "python3,python3-pip,python3-venv,ca-certificates,netbase,tzdata"
# Where a build finds the certificates of a machine that reaches the package index through a proxy of its own.
CERTIFICATES = "/etc/ssl/certs/build-time.crt"
PULL_SECONDS = 90
SETUP_SECONDS = 600


class NoEngineError(Exception):
    """One sentence: why no image can be built here."""


class EngineError(Exception):
    """A command of the engine failed; the end of what it said."""


@dataclass(frozen=True)
class Engine:
    """Runs the engine's commands with what this machine makes necessary."""

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    build_flags: list[str] = field(default_factory=list)

    @property
    def is_podman(self) -> bool:
        return Path(self.command[0]).name == "podman"

    def try_run(self, *arguments: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=seconds,
            env={**os.environ, **self.environment},
            cwd=REPOSITORY,
        )

    def run(self, *arguments: str) -> str:
        """Standard output. Raises EngineError."""
        done = self.try_run(*arguments)
        if done.returncode != 0:
            said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
            raise EngineError(f"{' '.join(arguments[:2])} failed ({done.returncode}):\n{said}")
        return done.stdout.strip()

    def build(self, dockerfile: str, tag: str) -> None:
        self.run("build", *self.build_flags, "--file", dockerfile, "--tag", tag, ".")


@contextlib.contextmanager
def engine() -> Iterator[Engine]:
    """An engine that works and has the base image.

    Raises NoEngineError where there is none, EngineError when the one that is there cannot have the image.
    """
    docker = Engine(["docker"])
    if shutil.which("docker") and docker.try_run("info").returncode == 0:
        _need_base(docker)
        yield docker
        return
    if not shutil.which("podman"):
        _install_podman()
    with tempfile.TemporaryDirectory() as settings:
        podman = _podman(Path(settings))
        if (info := podman.try_run("info")).returncode != 0:
            raise NoEngineError(f"podman does not work here: {_last(info)}")
        _need_base(podman)
        yield podman


def _install_podman() -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoEngineError("there is neither docker nor podman, and only root on Debian can install one")
    print("  Installing podman ...", flush=True)
    flags = ["--yes", "--quiet", "--no-install-recommends"]
    for arguments in (["update", "--quiet"], ["install", *flags, *PACKAGES]):
        done = _shell(["apt-get", *arguments])
        if done.returncode != 0:
            raise NoEngineError(f"apt-get {arguments[0]} failed: {_last(done)}")


def _podman(settings: Path) -> Engine:
    """Rootless podman as it is; for root, without systemd and inside limits that it may not raise."""
    flags = ["--format", "docker"]  # the other format has no HEALTHCHECK
    if os.geteuid() != 0:
        return Engine(["podman"], build_flags=flags)
    open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    configuration = settings / "containers.conf"
    configuration.write_text(
        f'[containers]\ndefault_ulimits = ["nofile={open_files}:{open_files}", "nproc=4096:4096"]\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
    )
    flags += ["--isolation", "chroot", "--network", "host", "--pull=never"]
    if certificates := os.environ.get("SSL_CERT_FILE"):
        flags += ["--volume", f"{certificates}:{CERTIFICATES}:ro"]
    return Engine(["podman"], {"CONTAINERS_CONF": str(configuration)}, flags)


def _need_base(found: Engine) -> None:
    """Have the base image: there already, pulled, or a stand-in where no image registry is in reach."""
    if found.try_run("image", "inspect", BASE).returncode == 0:
        return
    with contextlib.suppress(subprocess.TimeoutExpired):
        if found.try_run("pull", "--quiet", BASE, seconds=PULL_SECONDS).returncode == 0:
            return
    if not (found.is_podman and os.geteuid() == 0 and shutil.which("mmdebstrap")):
        raise EngineError(
            f"{BASE} cannot be pulled, and only root with podman and mmdebstrap can make a stand-in"
        )
    print(
        "  No image registry in reach: assembling a stand-in for the base image from Debian's packages ...",
        flush=True,
    )
    _assemble(found)


def _assemble(found: Engine) -> None:
    STAND_IN.mkdir(parents=True, exist_ok=True)
    archive = STAND_IN / "base.tar"
    hooks = [
        'ln -s /usr/bin/python3 "$1/usr/local/bin/python"',
        f'printf "[global]\\ncert = {CERTIFICATES}\\n" > "$1/etc/pip.conf"',
    ]
    if "SSL_CERT_FILE" not in os.environ:
        hooks.pop()
    command = ["mmdebstrap", "--variant=minbase", f"--include={BASE_PACKAGES}"]
    command += [f"--customize-hook={hook}" for hook in hooks]
    done = _shell([*command, "bookworm", str(archive)])
    if done.returncode != 0:
        raise EngineError(f"mmdebstrap failed: {_last(done)}")
    found.run("import", str(archive), BASE)
    archive.unlink()


def _shell(command: list[str]) -> subprocess.CompletedProcess[str]:
    """What takes too long has failed."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=SETUP_SECONDS, env=environment
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"it took longer than {SETUP_SECONDS} s")


def _last(done: subprocess.CompletedProcess[str]) -> str:
    return ((done.stderr or done.stdout).strip().splitlines() or ["it said nothing"])[-1]
