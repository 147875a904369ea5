"""What the index knows the words of queries as: asked of PostgreSQL once, then kept, since stems never change."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

from psycopg import AsyncConnection

from shared.query.lexemes import RESOLVE, Lexemes, Lookup, resolve_values

# When it is full: 5 MB of ordinary words, 20 MB at the worst.
KEPT: Final = 20_000
# Characters of a word and its stems together. A phrase may have thousands, and hardly anybody asks for it again.
LONGEST: Final = 200
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
            found[lookup] = text
            if len(lookup[1]) + len(text) <= LONGEST:
                _kept[lookup] = text
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found
