"""Reads from Redis that are wanted at the same moment go out together: one round trip of the client for all of them."""

import asyncio
from typing import Any

import redis.asyncio


class Reads:
    """`get` as a client has it, with the reads of one turn of the event loop in one MGET."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._wanted: dict[str, list[asyncio.Future[bytes | None]]] = {}
        self._sending: set[asyncio.Task[None]] = set()

    async def get(self, key: str) -> bytes | None:
        """Raises redis.RedisError."""
        loop = asyncio.get_running_loop()
        if not self._wanted:
            loop.call_soon(self._send)
        future: asyncio.Future[bytes | None] = loop.create_future()
        self._wanted.setdefault(key, []).append(future)
        return await future

    def _send(self) -> None:
        wanted, self._wanted = self._wanted, {}
        task = asyncio.create_task(self._read(wanted))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _read(self, wanted: dict[str, list[asyncio.Future[bytes | None]]]) -> None:
        waiting = [future for futures in wanted.values() for future in futures]
        try:
            found: Any = await self._client.mget(list(wanted))
        except Exception as error:  # noqa: BLE001 - each reader is told
            for future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for value, futures in zip(found, wanted.values(), strict=True):
            for future in futures:
                if not future.done():
                    future.set_result(value)
