"""`newsintel keys`: API keys."""

import argparse
from typing import Any

from ingest.cli.asking import me
from ingest.cli.output import CliError, day, say, table
from ingest.handlers.revoked import announce
from ingest.ports import Ports
from ingest.store import api_keys, audit
from shared import keys


def add(nouns: Any) -> None:
    verbs = nouns.add_parser("keys", help="API keys").add_subparsers(required=True)
    verbs.add_parser("list").set_defaults(run=_list)
    command = verbs.add_parser("revoke")
    command.add_argument("id", type=int)
    command.set_defaults(run=_revoke)


def _list(_asked: argparse.Namespace, ports: Ports) -> None:
    with ports.database.connection() as conn:
        found = api_keys.all_keys(conn)
    table(
        ("ID", "KEY", "OF", "NAME", "SCOPES", "EXPIRES", "REVOKED", "LAST USED"),
        (
            (
                k.id,
                f"{k.prefix}…",
                k.username,
                k.name,
                ",".join(k.scopes),
                day(k.expires_at),
                day(k.revoked_at),
                day(k.last_used_at),
            )
            for k in found
        ),
    )


def _revoke(asked: argparse.Namespace, ports: Ports) -> None:
    at = ports.clock()
    with ports.database.connection() as conn, conn.transaction():
        owner = api_keys.revoke(conn, asked.id, at)
        if owner is None:
            raise CliError(f"there is no key {asked.id} that could be revoked")
        audit.insert(conn, "key_revoked", at, user_id=owner, key_id=asked.id, requested_by=me())
    announce(ports, [keys.revoked_key(asked.id)])
    say(f"key {asked.id} is revoked")
