"""What the index knows the words of queries as: asked of PostgreSQL once, then kept, since stems never change."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

from psycopg import AsyncConnection

from shared.query.lexemes import RESOLVE, Lexemes, Lookup, resolve_values

# About 10 MB when it is full.
KEPT: Final = 50_000
_kept: OrderedDict[Lookup, str] = OrderedDict()


async def lexemes(connection: AsyncConnection[Any], lookups: Iterable[Lookup]) -> Lexemes:
    """The answers to shared.query.lexemes.lookups."""
    found: dict[Lookup, str] = {}
    missing: list[Lookup] = []
    for lookup in lookups:
        if (text := _kept.get(lookup)) is None:
            missing.append(lookup)
        else:
            found[lookup] = text
            _kept.move_to_end(lookup)
    if missing:
        rows = await (await connection.execute(RESOLVE, resolve_values(missing))).fetchall()
        for lookup, (text,) in zip(missing, rows, strict=True):
            found[lookup] = _kept[lookup] = text
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found
