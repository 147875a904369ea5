"""Malformed queries: one way to say what is wrong, where, and how the text would be right."""

from shared.errors import BadQueryError
from shared.query.limits import Code


class Source:
    """The text of a query, and the faults found in it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def fault(
        self, code: Code, problem: str, advice: str, start: int, end: int, repair: str | None = None
    ) -> BadQueryError:
        """The error for text[start:end]. repair: what should stand there instead."""
        repaired = None if repair is None else tidy(self.text[:start] + repair + self.text[end:])
        return BadQueryError(code, problem, advice, position=start, suggestion=repaired)


def tidy(text: str) -> str:
    return " ".join(text.split())
