"""Child processes of `up`: started in a session of their own, watched, restarted, stopped in order."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.local.environment import REPOSITORY

# A worker finishes its message first; the longest honest one is a slow source's time-out.
STOP_SECONDS = 20
# A process that keeps dying is a defect to be seen, not to be restarted for ever.
RESTARTS = 5


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def has_ended(process: psutil.Process) -> bool:
    """Also while its parent has not noticed yet: a first process that looks every few seconds leaves it a zombie."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@dataclass
class Child:
    """One process: what runs it, with what environment, and where its output goes."""

    name: str
    module: list[str]
    environment: dict[str, str]
    log: Path
    restarts: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            # A session of its own: Ctrl-C reaches `up` alone, which stops the others in order.
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.module],
                cwd=REPOSITORY,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        if self.process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self.process.pid

    def exit_code(self) -> int | None:
        return self.process.poll() if self.process else None

    def last_line(self) -> str:
        """What the process said last: the sentence that explains why it ended."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Group:
    """Children in the order in which they need one another; they stop in the reverse order.

    register: a file that names them, so that the next run finds what a killed one left behind.
    """

    def __init__(self, register: Path) -> None:
        self.children: list[Child] = []
        self._register = register

    def start(self, child: Child) -> None:
        child.start()
        self.children.append(child)
        self.note(psutil.Process(child.pid))

    def stop(self) -> None:
        while self.children:
            self.children.pop().stop()
        self._register.unlink(missing_ok=True)

    def end_leftovers(self) -> None:
        """Stop the children of a run that was killed; a process id that was given away since is left alone."""
        if not self._register.is_file():
            return
        for line in self._register.read_text().splitlines():
            pid, created = line.split()
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(int(pid))
                if process.create_time() == float(created):
                    process.kill()
                    while not has_ended(process):
                        time.sleep(0.05)
        self._register.unlink()

    def note(self, process: psutil.Process) -> None:
        """Register a process that somebody else started and stops."""
        with self._register.open("a") as register:
            register.write(f"{process.pid} {process.create_time()}\n")

    def watch(self) -> Child | None:
        """Restart what died; returns a child that died too often."""
        for child in self.children:
            if child.exit_code() is None:
                continue
            if child.restarts >= RESTARTS:
                return child
            child.restarts += 1
            print(f"  {child.name} ended ({child.exit_code()}: {child.last_line()[:200]}); starting it again")
            time.sleep(0.2 * 2**child.restarts)
            child.start()
            self.note(psutil.Process(child.pid))
        return None
