"""The names of the sources that the product knows."""

from typing import Final, Literal, get_args

SourceName = Literal["newsapi", "guardian", "reddit"]
SOURCES: Final[tuple[SourceName, ...]] = get_args(SourceName)
