"""SetPreference, RemovePreference."""

from ingest.handlers.once import once, tell
from ingest.ports import Connection, Ports
from ingest.store import preferences
from shared.commands import RemovePreference, SetPreference
from shared.errors import BadParameterError, RefusedError
from shared.events import PreferenceSet, Refusal, Removed
from shared.preferences import check


def set_preference(command: SetPreference, ports: Ports, command_id: str) -> None:
    tell(ports, command_id, once(command, ports, lambda conn: _set(conn, command, ports)))


def _set(conn: Connection, command: SetPreference, ports: Ports) -> PreferenceSet:
    user_id, key = command.user_id, command.key
    try:
        value = check(key, command.value)
    except BadParameterError:
        raise RefusedError(Refusal.BAD_PREFERENCE) from None
    if command.if_match is None:
        version = preferences.upsert(conn, user_id, key, value, ports.clock())
        return PreferenceSet(version=version, created=version == 1)
    updated = preferences.update(conn, user_id, key, value, if_match=command.if_match, at=ports.clock())
    if updated is None:
        raise _missed(conn, command)
    return PreferenceSet(version=updated)


def remove_preference(command: RemovePreference, ports: Ports, command_id: str) -> None:
    tell(ports, command_id, once(command, ports, lambda conn: _remove(conn, command)))


def _remove(conn: Connection, command: RemovePreference) -> Removed:
    if not preferences.delete(conn, command.user_id, command.key, command.if_match):
        raise _missed(conn, command)
    return Removed(count=1)


def _missed(conn: Connection, command: SetPreference | RemovePreference) -> RefusedError:
    there = preferences.exists(conn, command.user_id, command.key)
    return RefusedError(Refusal.VERSION_MISMATCH if there else Refusal.NOT_FOUND)
