"""One computation per key."""

import asyncio

import pytest

from api.coalesce import Coalescer
from tests.eventually import eventually_async

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Work:
    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self.error = error

    async def __call__(self) -> int:
        self.calls += 1
        await asyncio.sleep(0.02)
        if self.error:
            raise self.error
        return self.calls


async def test_simultaneous_requests_share_one_computation_and_later_ones_do_not():
    work, coalescer = Work(), Coalescer[int]()
    assert await asyncio.gather(*(coalescer.run("k", work) for _ in range(20))) == [1] * 20
    assert await coalescer.run("k", work) == 2


async def test_keys_are_apart():
    work, coalescer = Work(), Coalescer[int]()
    await asyncio.gather(coalescer.run("a", work), coalescer.run("b", work))
    assert work.calls == 2


async def test_an_error_is_everybodys():
    work, coalescer = Work(ValueError("broken")), Coalescer[int]()
    answers = await asyncio.gather(*(coalescer.run("k", work) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in answers] == [ValueError] * 3
    assert work.calls == 1


async def test_whoever_leaves_takes_nothing_from_the_others():
    work, coalescer = Work(), Coalescer[int]()
    first = asyncio.create_task(coalescer.run("k", work))
    second = asyncio.create_task(coalescer.run("k", work))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1


@pytest.mark.parametrize("error", [None, ValueError("broken")])
async def test_when_everybody_leaves_it_ends_quietly(error):
    coalescer = Coalescer[int]()
    alone = asyncio.create_task(coalescer.run("k", Work(error)))
    await asyncio.sleep(0)
    alone.cancel()
    await eventually_async(lambda: not coalescer._running)
    assert await coalescer.run("k", Work()) == 1


async def test_a_computation_that_is_cancelled_leaves_no_trace():
    coalescer = Coalescer[int]()
    waiting = asyncio.create_task(coalescer.run("k", Work()))
    await asyncio.sleep(0)
    coalescer._running["k"].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert coalescer._running == {}
