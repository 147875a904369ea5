"""Operators' commands, with the worker's settings: `python -m ingest.cli users|keys|seal ...`."""

import argparse
import sys
from collections.abc import Iterable
from datetime import datetime

from ingest import bootstrap
from ingest.handlers import roles
from ingest.handlers.reseal import reseal
from ingest.handlers.revoked import announce
from ingest.ports import Ports
from ingest.seal import new_key
from ingest.store import api_keys, users
from ingest.store.users import User
from shared import keys, log
from shared.config import IngestSettings, load
from shared.errors import NewsIntelError

ROLES = ("operator",)


class CliError(NewsIntelError):
    """One sentence about the request."""


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    try:
        if asked.run is None:
            _say(new_key())
            return 0
        settings = load(IngestSettings)
        log.configure("error", service="cli")
        ports = bootstrap.ports(settings)
        try:
            asked.run(asked, ports)
        finally:
            ports.database.close()
    except NewsIntelError as error:
        print(f"newsintel: {error}", file=sys.stderr)  # noqa: T201 - a command line prints
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ingest.cli", description=__doc__)
    nouns = parser.add_subparsers(required=True, metavar="users|keys|seal")

    verbs = nouns.add_parser("users", help="who signed in, and roles").add_subparsers(required=True)
    verbs.add_parser("list").set_defaults(run=_users_list)
    for verb, run in (("grant", _users_grant), ("revoke", _users_revoke)):
        command = verbs.add_parser(verb)
        command.add_argument("name", help="the Reddit name; the person has signed in before")
        command.add_argument("role", choices=ROLES)
        command.set_defaults(run=run)

    verbs = nouns.add_parser("keys", help="API keys").add_subparsers(required=True)
    verbs.add_parser("list").set_defaults(run=_keys_list)
    command = verbs.add_parser("revoke")
    command.add_argument("id", type=int)
    command.set_defaults(run=_keys_revoke)

    verbs = nouns.add_parser("seal", help="the keys that seal Reddit's tokens").add_subparsers(required=True)
    verbs.add_parser("new", help="make a key for NEWSINTEL_SEAL_KEYS").set_defaults(run=None)
    verbs.add_parser("rotate", help="bring everything under the first key").set_defaults(run=_seal_rotate)
    return parser


def _users_list(_asked: argparse.Namespace, ports: Ports) -> None:
    with ports.database.connection() as conn:
        everybody = users.everybody(conn)
    _table(
        ("ID", "NAME", "ROLES", "SINCE", "LAST SIGN-IN"),
        ((u.id, u.username, ",".join(u.roles), _day(u.created_at), _day(u.last_login_at)) for u in everybody),
    )


def _users_grant(asked: argparse.Namespace, ports: Ports) -> None:
    user = _user(asked.name, ports)
    added = roles.grant(ports, user.id, asked.role)
    _say(f"{user.username} is {'now' if added else 'already'} {asked.role}")


def _users_revoke(asked: argparse.Namespace, ports: Ports) -> None:
    user = _user(asked.name, ports)
    removed = roles.revoke(ports, user.id, asked.role)
    _say(f"{user.username} is {'no longer' if removed else 'not'} {asked.role}")


def _user(name: str, ports: Ports) -> User:
    with ports.database.connection() as conn:
        found = users.named(conn, name.removeprefix("u/"))
    if not found:
        raise CliError(f"nobody called {name!r} has signed in yet")
    if len(found) > 1:
        raise CliError(f"{name!r} is the name of users {', '.join(str(u.id) for u in found)}: too risky")
    return found[0]


def _keys_list(_asked: argparse.Namespace, ports: Ports) -> None:
    with ports.database.connection() as conn:
        found = api_keys.all_keys(conn)
    _table(
        ("ID", "KEY", "OF", "NAME", "SCOPES", "EXPIRES", "REVOKED", "LAST USED"),
        (
            (
                k.id,
                f"{k.prefix}…",
                k.username,
                k.name,
                ",".join(k.scopes),
                _day(k.expires_at),
                _day(k.revoked_at),
                _day(k.last_used_at),
            )
            for k in found
        ),
    )


def _keys_revoke(asked: argparse.Namespace, ports: Ports) -> None:
    with ports.database.connection() as conn:
        revoked = api_keys.revoke(conn, asked.id, ports.clock())
    if not revoked:
        raise CliError(f"there is no key {asked.id} that could be revoked")
    announce(ports, [keys.revoked_key(asked.id)])
    _say(f"key {asked.id} is revoked")


def _seal_rotate(_asked: argparse.Namespace, ports: Ports) -> None:
    if not ports.seal.ready:
        raise CliError("NEWSINTEL_SEAL_KEYS is empty")
    done = reseal(ports)
    _say(f"{done.resealed} sealed anew, {done.current} were under the first key already")
    if done.lost:
        raise CliError(f"{done.lost} cannot be opened with any key: put the missing key back")


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"


def _table(head: tuple[str, ...], lines: Iterable[tuple[object, ...]]) -> None:
    cells = [head, *(tuple(map(str, line)) for line in lines)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        _say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _say(sentence: str) -> None:
    print(sentence)  # noqa: T201 - a command line prints


if __name__ == "__main__":
    sys.exit(main())
