"""The answer of a command that somebody waits for: what it did, or why not."""

from collections.abc import Callable

import msgspec

from ingest.ports import Ports
from shared import bus
from shared.errors import RefusedError


def answered(ports: Ports, command_id: str, effect: Callable[[], msgspec.Struct]) -> None:
    """Carry out `effect` and tell; a RefusedError is an answer, anything else is tried again."""
    try:
        done = effect()
    except RefusedError as error:
        bus.answer(ports.redis, command_id, None, error=error.code)
    else:
        bus.answer(ports.redis, command_id, done)
