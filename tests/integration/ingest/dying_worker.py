"""A worker that is killed while it carries out its first write: `dying_worker.py before_commit|before_answer`."""

import os
import signal
import sys
import threading
from typing import Any

from ingest import bootstrap, worker
from ingest.handlers import once
from shared.commands import Queue
from shared.config import IngestSettings, load


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if sys.argv[1] == "before_commit":
    once.idempotency.settle = die
else:
    once.bus.answer = die
worker.serve(bootstrap.ports(load(IngestSettings)), {Queue.INTERACTIVE}, threading.Event())
