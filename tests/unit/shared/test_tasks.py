"""Tasks in the background of a process."""

import asyncio

import pytest

from shared import tasks

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def test_a_task_that_misses_its_cancellation_is_stopped_all_the_same(monkeypatch):
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_SECONDS", 0.01)
    rounds = []

    async def report():
        while len(rounds) < 100:
            rounds.append(1)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if len(rounds) >= 3:
                    raise

    running = asyncio.create_task(report())
    await asyncio.sleep(0)
    await tasks.stop(running)
    assert running.cancelled()
    assert len(rounds) == 3


async def test_what_never_began_or_is_over_is_stopped():
    await tasks.stop(None)
    over = asyncio.create_task(asyncio.sleep(0))
    await over
    await tasks.stop(over)
    assert not over.cancelled()
