"""One request for a list of articles as it was understood: what it asks for, which part of it, in which form."""

from typing import Any, Final

import msgspec
from litestar.exceptions import HTTPException

from api import cache, cursor, formats, params, searching
from api.cursor import Cursor
from api.kinds import Choice, Flag, Integer, Text
from api.params import Parameter
from api.queries.articles import Article
from api.queries.listing import RANKED
from api.queries.search import DEEPEST
from api.searching import Asked
from shared.errors import BadParameterError

FIELDS: Final = tuple(field.encode_name for field in msgspec.structs.fields(Article))

PARAMETERS = (
    *searching.PARAMETERS,
    Parameter(
        name="sort",
        kind=Choice(names=("relevance", "newest", "oldest", "coverage", "positive", "negative")),
        description=(
            "`relevance` (default with `q`): text rank x freshness x completeness; `coverage`: the story that most "
            f"articles tell first; `positive` and `negative`: by polarity. These compare the newest {RANKED} matches; "
            "older ones follow by date. "
            "`newest` is the default without `q`; without words `relevance` is the same."
        ),
        example="newest",
    ),
    Parameter(
        name="limit",
        kind=Integer(lowest=1, highest=100),
        description="Stories on one page.",
        example=20,
        default=20,
    ),
    Parameter(
        name="page",
        kind=Integer(lowest=1, highest=DEEPEST),
        description=f"Page, from 1; page x limit is at most {DEEPEST:,}. `cursor` goes on without end.",
        example=1,
        default=1,
    ),
    Parameter(
        name="cursor",
        kind=Text(longest=cursor.LONGEST),
        description=(
            "`next` of the page before, with the same search. What was there from the first page on is shown exactly "
            "once, whatever arrives or leaves meanwhile; only an article whose date is corrected may be skipped or "
            "come twice."
        ),
        example="AAECAwQFBgc",
    ),
    Parameter(
        name="fields",
        kind=Choice(names=FIELDS, several=True),
        description="Only these fields of each article; not in feeds.",
        example="id,title,url",
    ),
    Parameter(
        name="highlight",
        kind=Flag(),
        description=(
            "Each article says where words, phrases and prefixes of the query stand: in each of its texts those that "
            "are asked of it and found in it (of a content in its first 20,000 characters), as HTML whose only tag is "
            "`<mark>`; `json` alone."
        ),
        example="true",
        default=False,
    ),
    Parameter(
        name="explain",
        kind=Flag(),
        description=(
            "What was understood, how much each term finds, and how much each filter removes after those before it; "
            "`json` alone."
        ),
        example="true",
        default=False,
    ),
    Parameter(
        name="format",
        kind=Choice(names=tuple(formats.BY_NAME)),
        description="The form of the answer; without it the Accept header decides, and without that it is `json`.",
        example="rss",
    ),
)
PERSONAL = Parameter(
    name="personal",
    kind=Flag(bare=True),
    description=(
        "Apply my preferences: `outlets_hidden`, and `sources` and `language` where the request does not name its own."
    ),
    example="true",
    default=False,
)


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list, in which order, and how much is told of it."""

    sort: str
    limit: int
    page: int
    after: str | None
    fields: tuple[str, ...] | None
    highlight: bool
    explain: bool
    format: str
    personal: bool


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it was understood. pairs: its canonical parameters without those of paging, for links to
    other pages.
    """

    asked: Asked
    view: View
    after: Cursor | None
    pairs: list[tuple[str, str]]

    @property
    def listed(self) -> str:
        """Names the list that a cursor belongs to."""
        return cache.digest([*self.asked.key, self.view.sort])

    @property
    def name(self) -> str:
        """Names the answer."""
        # What it repeats of the query: an explanation tells places in it, links and titles what it means.
        repeated = self.asked.typed if self.view.explain else self.asked.words
        return cache.digest([*self.asked.key, self.view, repeated])


def parameters(query_string: bytes) -> dict[str, Any]:
    """Raises BadParameterError."""
    return params.parse(query_string, (*PARAMETERS, PERSONAL))


def of(
    query_string: bytes,
    cursors: cursor.Cursors,
    accept: str | None = None,
    values: dict[str, Any] | None = None,
) -> Question:
    """values: of the parameters, unless they are what the query string says.

    Raises BadParameterError, or HTTPException (406) when the caller accepts no form that we have.
    """
    values = values or parameters(query_string)
    form = formats.chosen(values["format"], accept)
    if form is None:
        raise HTTPException(status_code=406)
    for name in ("fields", "highlight", "explain"):
        if values[name] and name not in form.shows:
            raise BadParameterError(name, f"{form.name} cannot show it", "leave it out, or use format=json")
    if values["page"] * values["limit"] > DEEPEST:
        raise BadParameterError(
            "page",
            f"page {values['page']} of {values['limit']} is too deep",
            f"page x limit must be at most {DEEPEST}; follow `next` with cursor instead",
        )
    if values["cursor"] and values["page"] > 1:
        raise BadParameterError("page", "a cursor is given as well", "use one of them")
    asked = searching.of_values(values)
    view = View(
        sort=values["sort"] or ("relevance" if asked.words else "newest"),
        limit=values["limit"],
        page=values["page"],
        after=values["cursor"],
        fields=values["fields"],
        highlight=values["highlight"],
        explain=values["explain"],
        format=form.name,
        personal=values["personal"],
    )
    here = {
        "q": asked.words or None,
        "page": 1,
        "cursor": None,
        "format": None if form is formats.JSON else form.name,
    }
    pairs = params.texts(values | here, (*PARAMETERS, PERSONAL))
    made = Question(asked=asked, view=view, after=None, pairs=pairs)
    if view.after is None:
        return made
    return msgspec.structs.replace(made, after=cursors.read(view.after, made.listed))
