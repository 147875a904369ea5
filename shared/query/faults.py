"""Malformed queries: one way to say what is wrong, where, and how the text would be right."""

import re

from shared.errors import BadQueryError
from shared.query.limits import Code

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
