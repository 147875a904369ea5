"""Malformed queries: one way to say what is wrong, where, and how the text would be right."""

import difflib
import re
from collections.abc import Iterable

from shared.errors import BadQueryError
from shared.query.limits import Code

_SHOWN_CHARACTERS = 40
_FIELD_BEFORE = re.compile(r"[A-Za-z_]+:\Z")


class Source:
    """The text of a query, and the faults found in it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def fault(
        self,
        code: Code,
        problem: str,
        advice: str,
        start: int,
        end: int,
        repair: str | None = None,
        *,
        since: int | None = None,
    ) -> BadQueryError:
        """The error for text[start:end]. repair: what should stand there instead, or from `since` on."""
        before = self.text[: start if since is None else since]
        repaired = None if repair is None else tidy(before + repair + self.text[end:])
        return BadQueryError(code, problem, advice, position=start, suggestion=repaired)

    def field_before(self, start: int) -> str:
        """`title:`, where that stands directly before; else nothing."""
        found = _FIELD_BEFORE.search(self.text[:start])
        return found[0] if found else ""


def tidy(text: str) -> str:
    return " ".join(text.split())


def shown(text: str) -> str:
    """A piece of the query as it may stand in a sentence: short and printable."""
    cut = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in cut)


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    near = difflib.get_close_matches(word[:_SHOWN_CHARACTERS].lower(), list(names), n=1, cutoff=0.6)
    return near[0] if near else None
