"""Counting under a name: one log line per event that someone may want to add up."""

from typing import Protocol

import structlog

_log = structlog.get_logger("metrics")


class Metrics(Protocol):
    """Port: both services count through it."""

    def count(self, name: str, value: int = 1, **dimensions: str) -> None: ...


class LogMetrics:
    """Writes each count as a structured log line."""

    def count(self, name: str, value: int = 1, **dimensions: str) -> None:
        _log.info("metric", metric=name, value=value, **dimensions)


class NullMetrics:
    """Counts nothing."""

    def count(self, name: str, value: int = 1, **dimensions: str) -> None:
        pass
