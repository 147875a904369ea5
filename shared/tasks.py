"""Tasks in the background of a process."""

import asyncio
from typing import Any, Final

CANCEL_AGAIN_SECONDS: Final = 0.2


async def stop(task: asyncio.Task[Any] | None) -> None:
    """Cancel a task until it ends: a cancellation that meets a time-out inside the Redis client is taken for that
    time-out, and the task goes on as if nobody had said anything.
    """
    while task and not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_AGAIN_SECONDS)
