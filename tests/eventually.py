"""Waiting for what another thread or process does: polled, and not for ever."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

WAIT_SECONDS = 30.0


def eventually(condition: Callable[[], Any], *, seconds: float = WAIT_SECONDS, every: float = 0.05) -> Any:
    """Poll until the condition is true; its last value is in the failure. every: seconds between two looks."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s; last: {value!r}"
        time.sleep(every)
    return value


async def eventually_async(condition: Callable[[], Any], *, seconds: float = WAIT_SECONDS) -> Any:
    """The same beside other tasks; the condition may have to be awaited."""
    deadline = time.monotonic() + seconds
    while not (value := await _value(condition)):
        assert time.monotonic() < deadline, f"not within {seconds} s; last: {value!r}"
        await asyncio.sleep(0.02)
    return value


async def _value(condition: Callable[[], Any]) -> Any:
    value = condition()
    return await value if inspect.isawaitable(value) else value
