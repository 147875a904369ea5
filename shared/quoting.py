"""A caller's own text in a sentence of ours: short, printable, or as the name that was probably meant."""

import difflib
from collections.abc import Iterable

# Longer than any sensible value.
SHOWN_CHARACTERS = 40


def shown(text: str) -> str:
    cut = text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in cut)


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    near = difflib.get_close_matches(word[:SHOWN_CHARACTERS].lower(), list(names), n=1, cutoff=0.6)
    return near[0] if near else None
