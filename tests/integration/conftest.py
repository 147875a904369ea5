"""What several parts need on the real servers."""

import threading

import pytest

from ingest import worker
from shared.commands import Queue


@pytest.fixture
def working(ports):
    """A worker in this process, with the `ports` of the part that asks for it."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.serve, args=(ports, set(Queue), stop))
    thread.start()
    yield
    stop.set()
    thread.join()
