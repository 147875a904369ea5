"""A lean load generator: keep-alive connections on non-blocking sockets, in one process that can fill one core.

No generator comes as a wheel for every platform, and one that is not there cannot be measured with.
"""

import heapq
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.bench.report import percentile
from tests.factories import UNLIMITED

# Settings of an api that is to be measured: its limits are counted, and hold nobody back.
SETTINGS = {f"NEWSINTEL_{name.upper()}": str(quota) for name, quota in UNLIMITED.items()}
_HEAD_END = b"\r\n\r\n"


class Measured(NamedTuple):
    """seconds: of the whole run; latencies: milliseconds of each answer, in no order."""

    seconds: float
    latencies: list[float]
    statuses: dict[int, int]

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def p(self, percent: float) -> float:
        return percentile(self.latencies, percent)


# Sees the head of each answer.
Watch = Callable[[bytes], None]


class _Connection:
    """One socket with at most one request under way."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.started = 0.0
        self._parts: list[bytes] = []
        self._missing = -1

    def send(self, request: bytes, started: float) -> None:
        self.started = started
        self._parts.clear()
        self._missing = -1
        self.socket.send(request)

    def receive(self) -> bytes | None:
        """The head of the answer as soon as all of it is there."""
        data = self.socket.recv(262_144)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._parts.append(data)
        if self._missing < 0:
            whole = b"".join(self._parts)
            end = whole.find(_HEAD_END)
            if end < 0:
                return None
            self._parts = [whole[:end]]
            self._missing = end + len(_HEAD_END) + _content_length(whole[:end]) - len(whole)
        else:
            self._missing -= len(data)
        return self._parts[0] if self._missing <= 0 else None


def request(target: str, headers: dict[str, str] | None = None) -> bytes:
    """A GET, as it goes over the wire."""
    lines = [f"GET {target} HTTP/1.1", "Host: bench", *(f"{k}: {v}" for k, v in (headers or {}).items())]
    return "\r\n".join([*lines, "", ""]).encode()


def closed(
    base: str, requests: Iterator[bytes], *, connections: int, seconds: float, watch: Watch | None = None
) -> Measured:
    """As fast as it goes: each connection sends its next request when it has its answer; ends with the requests."""
    loop = _Loop(base, connections, watch)
    begin = time.perf_counter()
    for connection in loop.idle:
        if (first := next(requests, None)) is None:
            break
        connection.send(first, time.perf_counter())
        loop.busy += 1
    while loop.busy:
        for connection in loop.answered(1.0):
            following = next(requests, None) if time.perf_counter() - begin < seconds else None
            if following is None:
                loop.busy -= 1
            else:
                connection.send(following, time.perf_counter())
    return loop.measured(time.perf_counter() - begin)


def paced(
    base: str, requests: Iterator[bytes], *, per_second: float, connections: int, seconds: float
) -> Measured:
    """At a fixed rate, whatever the answers do: latency counts from when a request was due, not from when it went."""
    loop = _Loop(base, connections, None)
    idle = list(loop.idle)
    begin = time.perf_counter()
    due = [begin + n / per_second for n in range(int(per_second * seconds))]
    heapq.heapify(due)
    while due or loop.busy:
        now = time.perf_counter()
        while due and idle and due[0] <= now:
            idle.pop().send(next(requests), heapq.heappop(due))
            loop.busy += 1
        # Late by up to a millisecond, which counts as latency. Spinning would be more exact and keep Redis, which has
        # the same core, from its work.
        wait = max(0.0, due[0] - now) if due and idle else 1.0
        for connection in loop.answered(wait):
            idle.append(connection)
            loop.busy -= 1
    return loop.measured(time.perf_counter() - begin)


class _Loop:
    def __init__(self, base: str, connections: int, watch: Watch | None) -> None:
        parts = urlsplit(base)
        self.idle = [_Connection(parts.hostname or "", parts.port or 80) for _ in range(connections)]
        self.busy = 0
        self._watch = watch
        self._latencies: list[float] = []
        self._statuses: dict[int, int] = {}
        self._selector = selectors.DefaultSelector()
        for connection in self.idle:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def answered(self, wait: float) -> Iterator[_Connection]:
        for key, _ in self._selector.select(wait):
            connection = key.data
            head = connection.receive()
            if head is None:
                continue
            self._latencies.append((time.perf_counter() - connection.started) * 1000)
            status = int(head[9:12])
            self._statuses[status] = self._statuses.get(status, 0) + 1
            if self._watch is not None:
                self._watch(head)
            yield connection

    def measured(self, seconds: float) -> Measured:
        for connection in self.idle:
            connection.socket.close()
        self._selector.close()
        return Measured(seconds, self._latencies, self._statuses)


def _content_length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at < 0:
        return 0
    return int(lower[at + 17 :].split(b"\r\n", 1)[0])
