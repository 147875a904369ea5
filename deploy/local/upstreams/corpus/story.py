"""The made-up stories: facts and wording in TOML, one file per topic, read into one type."""

import tomllib
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent / "stories"


class Story(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that happened, in the words that outlets choose from."""

    id: str
    titles: tuple[str, ...]
    """Several wordings of one headline; the first two are much alike."""
    lead: str
    body: tuple[str, ...]
    section: str
    """The Guardian's section id, also the first half of its keyword tags."""
    category: str
    """NewsAPI's category."""
    tags: tuple[str, ...] = ()
    subreddits: tuple[str, ...] = ("news",)
    language: str = "en"
    kind: str = "article"
    tellings: int = 4
    """How many outlets tell it."""


def read_all() -> list[Story]:
    """Every story, in the order of the files."""
    return [story for path in sorted(FOLDER.glob("*.toml")) for story in _read(path)]


def _read(path: Path) -> list[Story]:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    common = {name: value for name, value in content.items() if name != "story"}
    return [msgspec.convert({**common, **story}, Story) for story in content["story"]]
