"""Sends a command to the workers and waits for its answer."""

import getpass
import re
import time
import uuid
from typing import Any, Final, TypeVar

import msgspec
import redis

from ingest.cli.output import CliError
from ingest.ports import Ports
from shared import bus, keys
from shared.commands import Command
from shared.errors import DependencyError
from shared.events import Answer, Refusal

# An idle worker needs milliseconds; a plan over years of gaps a few seconds.
PATIENCE_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.05

_SENTENCES: Final[dict[str, str]] = {
    Refusal.NOT_FOUND: "nothing has that id (see the list)",
    Refusal.WRONG_STATE: "it is over, or not in a state for that (see the list)",
    Refusal.NOTHING_TO_DO: "there is nothing to fetch",
    Refusal.NO_BUDGET: "the cadence needs all calls of the source: pause topics or pull them less often",
    Refusal.IN_THE_FUTURE: "that is in the future: choose an --until that is over",
    Refusal.TOO_LARGE: "that is too much at once: choose a shorter time or fewer sources",
    Refusal.IDEMPOTENCY_MISMATCH: "this --key was used for another backfill",
}

# As msgspec words it: "Expected `int` >= 60 - at `$.cadence_seconds`".
_PLACE: Final = re.compile(r"^(?P<problem>.*) - at `\$\.(?P<field>\w+)`$")
_TYPED: Final = {"cadence_seconds": "--every", "max_pages": "--pages", "backfill_id": "id", "topic_id": "id"}

T = TypeVar("T")


def ask(ports: Ports, command: Command, kind: type[T]) -> T:
    """Raises CliError when it is refused, or not answered: then it is still in the queue."""
    command_id = str(uuid.uuid4())
    send(ports, command, command_id)
    until = time.monotonic() + PATIENCE_SECONDS
    while (raw := _answer(ports, command_id)) is None:
        if time.monotonic() > until:
            raise CliError(
                f"no worker has answered within {PATIENCE_SECONDS:.0f} s; the command is in the queue, "
                "`newsintel status` shows whether a worker is there"
            )
        time.sleep(_POLL_SECONDS)
    answer = msgspec.json.decode(raw, type=Answer)
    if answer.error:
        raise CliError(_SENTENCES.get(answer.error, answer.error))
    return msgspec.json.decode(answer.value, type=kind)


def send(ports: Ports, command: Command, command_id: str | None = None) -> None:
    """Without waiting."""
    bus.send(bus.broker(ports.redis), command, command_id=command_id)


def made(kind: type[T], /, **fields: Any) -> T:
    """A command from what somebody typed. Raises CliError with what is wrong."""
    try:
        return msgspec.convert({k: v for k, v in fields.items() if v is not None}, kind)
    except msgspec.ValidationError as error:
        raise CliError(_sentence(str(error))) from None


def _sentence(refusal: str) -> str:
    """With the name that somebody typed instead of the command's field."""
    found = _PLACE.match(refusal)
    if not found:
        return refusal
    name = _TYPED.get(found["field"], found["field"])
    return f"{name}: {found['problem'].replace('`', '').replace('Expected', 'expected', 1)}"


def me() -> str:
    """For the audit log."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user without a name
        return "cli"


def _answer(ports: Ports, command_id: str) -> bytes | None:
    try:
        found: Any = ports.redis.get(keys.answer(command_id))
    except redis.RedisError as error:
        raise DependencyError(f"cannot read the answer: {error}") from error
    return found  # type: ignore[no-any-return]
