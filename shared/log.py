"""Structured JSON logs on standard output, one object a line, never a secret."""

import logging
import sys
from typing import Any

import structlog


def configure(level: str, *, service: str) -> None:
    """Route structlog and the standard library through one JSON renderer; `service` is on every line."""

    # Not a context variable: a thread begins without those of the thread that started it.
    def name_service(
        _logger: object, _method: str, line: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        return {"service": service, **line}

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        name_service,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    handler.addFilter(_name_messages)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "apscheduler"):  # httpx logs whole URLs, and a URL may carry a key
        logging.getLogger(noisy).setLevel(logging.WARNING)


def request_id() -> str | None:
    """Of what is under way here: the HTTP request, schedule slot or operator's command that it all began with."""
    bound: str | None = structlog.contextvars.get_contextvars().get("request_id")
    return bound


class Interruption:
    """Tells that something went away, and that it came back, once each, however often it is tried in between."""

    def __init__(self, logger: Any, what: str) -> None:
        self._log = logger
        self._what = what
        self._under_way = False

    def began(self, error: Exception) -> None:
        if not self._under_way:
            self._log.warning(f"{self._what}_interrupted", error=str(error) or type(error).__name__)
        self._under_way = True

    def ended(self) -> None:
        if self._under_way:
            self._log.info(f"{self._what}_resumed")
        self._under_way = False


def _name_messages(record: logging.LogRecord) -> bool:
    """Dramatiq prints a message with all its arguments: what people write, and codes that are good for a while."""
    if isinstance(record.args, tuple):
        record.args = tuple(_named(argument) for argument in record.args)
    return True


def _named(argument: object) -> object:
    actor, message_id = getattr(argument, "actor_name", None), getattr(argument, "message_id", None)
    return argument if actor is None else f"{actor} {message_id}"
