"""`newsintel users`: who signed in, and roles."""

import argparse
from typing import Any

from ingest.cli.asking import me
from ingest.cli.output import CliError, day, say, table
from ingest.handlers import roles
from ingest.ports import Ports
from ingest.store import users
from ingest.store.users import User

ROLES = ("operator",)


def add(nouns: Any) -> None:
    verbs = nouns.add_parser("users", help="who signed in, and roles").add_subparsers(required=True)
    verbs.add_parser("list").set_defaults(run=_list)
    for verb, run in (("grant", _grant), ("revoke", _revoke)):
        command = verbs.add_parser(verb)
        command.add_argument("name", help="the Reddit name; the person has signed in before")
        command.add_argument("role", choices=ROLES)
        command.set_defaults(run=run)


def _list(_asked: argparse.Namespace, ports: Ports) -> None:
    with ports.database.connection() as conn:
        everybody = users.everybody(conn)
    table(
        ("ID", "NAME", "ROLES", "SINCE", "LAST SIGN-IN"),
        ((u.id, u.username, ",".join(u.roles), day(u.created_at), day(u.last_login_at)) for u in everybody),
    )


def _grant(asked: argparse.Namespace, ports: Ports) -> None:
    user = _user(asked.name, ports)
    added = roles.grant(ports, user.id, asked.role, me())
    say(f"{user.username} is {'now' if added else 'already'} {asked.role}")


def _revoke(asked: argparse.Namespace, ports: Ports) -> None:
    user = _user(asked.name, ports)
    removed = roles.revoke(ports, user.id, asked.role, me())
    say(f"{user.username} is {'no longer' if removed else 'not'} {asked.role}")


def _user(name: str, ports: Ports) -> User:
    with ports.database.connection() as conn:
        found = users.named(conn, name.removeprefix("u/"))
    if not found:
        raise CliError(f"nobody called {name!r} has signed in yet")
    if len(found) > 1:
        raise CliError(f"{name!r} is the name of users {', '.join(str(u.id) for u in found)}: too risky")
    return found[0]
