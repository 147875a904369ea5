"""Scripted stand-ins: a caller that hands out prepared answers, a clock that stands still, sleeps that are noted."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from ingest.ports import Priority
from ingest.sources.http import Answer, Request
from shared.config import IngestSettings

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def answer(body: Any = b"", status: int = 200, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Answer(status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}, body=raw)


class ScriptedCaller:
    """Stands in for sources.call.Caller: no network, no budget, no retries."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    def call(self, request: Request, read: Callable[[Answer], Any], _priority: Priority) -> Any:
        self.requests.append(request)
        return read(self.answers.pop(0))


class CountingMetrics:
    def __init__(self) -> None:
        self.counted: list[tuple[str, str, str]] = []

    def count(self, name: str, _value: int = 1, **dimensions: str) -> None:
        self.counted.append((name, dimensions["source"], dimensions["outcome"]))


@pytest.fixture
def settings() -> IngestSettings:
    return IngestSettings(
        database_url="postgresql://none/none",
        redis_url="redis://none",
        newsapi_key="newsapi-key",
        guardian_key="guardian-key",
        reddit_client_id="client",
        reddit_client_secret="secret",
        connect_timeout_seconds=10,
        read_timeout_seconds=10,
        max_body_bytes=100_000,
    )


@pytest.fixture
def answers() -> Callable[..., Answer]:
    return answer


@pytest.fixture
def scripted() -> type[ScriptedCaller]:
    return ScriptedCaller


@pytest.fixture
def metrics() -> CountingMetrics:
    return CountingMetrics()


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return lambda: NOW
