"""GET /articles: from the cache, else from the archive at once, and fetched first when there is nothing to show."""

import functools
import time
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Request, get
from litestar.exceptions import HTTPException
from litestar.response.base import ASGIResponse

from api import (
    cache,
    cursor,
    deps,
    formats,
    freshness,
    openapi,
    params,
    personal,
    respond,
    searching,
    serving,
)
from api.cache import Alias, Answer
from api.cursor import Cursor
from api.deps import Deps
from api.freshness import Flight, Freshness, SourceFreshness
from api.params import Choice, Flag, Integer, Parameter, Preference, Text
from api.queries import search as queries
from api.queries import sources
from api.queries.articles import Article, Mention, Sentiment
from api.queries.explaining import Explanation, explanation
from api.queries.highlights import Highlights, highlights
from api.queries.listing import RANKED
from api.queries.search import DEEPEST, Found, Place, Relation
from api.queries.sources import LastPull
from api.queries.windows import EPOCH
from api.searching import Asked
from shared.errors import BadParameterError
from shared.query_key import query_key

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
        description="Each article says where the words stand, as HTML whose only tag is `<mark>`; `json` alone.",
        example="true",
        default=False,
    ),
    Parameter(
        name="explain",
        kind=Flag(),
        description="What was understood, how much each term finds, and how much each filter removes; `json` alone.",
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
PREFER = Parameter(
    name="Prefer",
    kind=Preference(),
    description="`wait=n`: seconds to wait for the sources when the archive has nothing yet (0: do not wait).",
    example="wait=5",
    place="header",
)

# While a refresh is under way the same answer serves everybody for this long; then its marking may be out of date.
REFRESHING_SECONDS = 1
# Without words the freshness comes from the cadence, whose fastest topic runs every five minutes.
WITHOUT_WORDS_SECONDS = 60


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
        explained = self.asked.typed if self.view.explain else None
        return cache.digest([*self.asked.key, self.view, explained])


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """An article of a list: all its fields, or with `fields` those that were asked for. highlights: with
    `highlight=true`, where words of the query stand in it.
    """

    id: int | msgspec.UnsetType = msgspec.UNSET
    title: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    content: str | msgspec.UnsetType | None = msgspec.UNSET
    url: str | msgspec.UnsetType = msgspec.UNSET
    source: str | msgspec.UnsetType = msgspec.UNSET
    source_name: str | msgspec.UnsetType = msgspec.UNSET
    author: str | msgspec.UnsetType | None = msgspec.UNSET
    image_url: str | msgspec.UnsetType | None = msgspec.UNSET
    language: str | msgspec.UnsetType | None = msgspec.UNSET
    published_at: datetime | msgspec.UnsetType = msgspec.UNSET
    fetched_at: datetime | msgspec.UnsetType = msgspec.UNSET
    story_id: int | msgspec.UnsetType = msgspec.UNSET
    also_in: list[Mention] | msgspec.UnsetType = msgspec.UNSET
    sentiment: Sentiment | msgspec.UnsetType = msgspec.UNSET
    highlights: Highlights | msgspec.UnsetType = msgspec.UNSET


class ArticleList(msgspec.Struct, frozen=True, kw_only=True):
    """One page of stories. next: `cursor` of the next page; explain: with `explain=true`."""

    articles: list[Hit]
    total: int
    total_relation: Relation
    page: int
    limit: int
    has_more: bool
    next: str | None
    freshness: Freshness
    explain: Explanation | msgspec.UnsetType = msgspec.UNSET


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the archive had at one moment, and the flight that may bring more."""

    answer: Answer
    empty: bool
    flight: Flight | None


@get(
    "/articles",
    operation_class=openapi.operation(
        *PARAMETERS,
        PERSONAL,
        PREFER,
        forms=[each.media_type for each in formats.BY_NAME.values() if each.render],
    ),
    responses=openapi.responses(ArticleList, 400, 406, 503),
    summary="Search articles",
    tags=["articles"],
)
async def list_articles(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Search everything there is. A story appears once, as its best article; `also_in` lists who else tells it.

    The archive answers at once. When the sources were not asked for these words lately, they are asked now: the
    answer is marked `refreshing`, or, if the archive has nothing yet, waits a moment for them.
    """
    at = deps.of(request)
    cursors = cursor.of(at.settings.shared_secret)
    query_string = request.scope["query_string"]
    values = parameters(query_string)
    if own := values["personal"]:
        values = await personal.applied(request, values)
    asked = question(query_string, cursors, request.headers.get("accept"), values)
    name = asked.name
    first = asked.view.page == 1 and asked.after is None
    alias = Alias(name, asked.asked.words if first else None)
    remake = functools.partial(_remake, at, name, asked)
    if hit := await serving.kept(request, at, alias, remake, personal=own):
        return hit
    preferred = respond.wait_preferred(request)
    patience = min(
        at.settings.cold_wait_seconds if preferred is None else preferred, at.settings.cold_wait_max_seconds
    )
    found = await _answer(at, name, asked, patience)
    at.noticed(request.scope, alias, found, "database")
    applied = [] if preferred is None else [(b"preference-applied", f"wait={patience:g}".encode())]
    return respond.kept(request, found, respond.missed(found), applied, personal=own)


def parameters(query_string: bytes) -> dict[str, Any]:
    """Raises BadParameterError."""
    return params.parse(query_string, (*PARAMETERS, PERSONAL))


def question(
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
    here = {"page": 1, "cursor": None, "format": None if form is formats.JSON else form.name}
    pairs = params.texts(values | here, (*PARAMETERS, PERSONAL))
    made = Question(asked=asked, view=view, after=None, pairs=pairs)
    if view.after is None:
        return made
    return msgspec.structs.replace(made, after=cursors.read(view.after, made.listed))


async def _answer(at: Deps, name: str, asked: Question, patience: float) -> Answer:
    """What the archive has; when that is nothing, what it has after the sources were asked, within `patience`."""
    look = functools.partial(_look, at, name, asked)
    first: Look = await at.coalescer.run(name, look)
    if not first.empty or first.flight is None or first.flight.landed:
        return first.answer
    if not await at.refresher.landing(first.flight, patience):
        return first.answer
    # Its own key: a look that began before the landing must not serve those who waited for it.
    second: Look = await at.coalescer.run((name, first.flight.command_id), look)
    return second.answer


async def _remake(at: Deps, name: str, asked: Question) -> Answer:
    """What the archive has now, for nobody in particular."""
    look: Look = await at.coalescer.run(name, functools.partial(_look, at, name, asked))
    return look.answer


async def _look(at: Deps, name: str, asked: Question) -> Look:
    flight = None
    if words := searching.for_sources(asked.asked):
        language = next(iter(asked.asked.wanted.languages), None)
        flight = await at.refresher.flight(words, query_key(words, language), language)
    # Before the database: what is published after this moment may be missing, and such an answer is not kept.
    generation = await at.cache.generation()
    started = time.perf_counter()
    read = await at.database.read(functools.partial(_read, at, asked, flight))
    found = read.found
    after = cursor.of(at.settings.shared_secret).write(found.next, asked.listed) if found.next else None
    answer = cache.answer(
        _body(at, asked, read, after),
        media_type=formats.BY_NAME[asked.view.format].media_type,
        link=_links(asked, after),
        total=found.total,
    )
    seconds = min(at.settings.cache_seconds, _keep_seconds(flight, found))
    if generation is not None and seconds > 0:
        answer = await at.cache.put(
            name,
            answer,
            query=""
            if asked.view.explain
            else asked.asked.standing,  # it counts what only a part of it finds
            generation=generation,
            seconds=seconds,
            stories=[each.story_id for each in found.articles],
            cost_ms=serving.cost_ms(started),
        )
    return Look(answer=answer, empty=found.total == 0, flight=flight)


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    found: Found
    freshness: Freshness
    highlights: dict[int, Highlights]
    explain: Explanation | msgspec.UnsetType


async def _read(at: Deps, asked: Question, flight: Flight | None, connection: Any) -> _Read:
    now, view, wanted = at.clock(), asked.view, asked.asked.wanted
    place = Place(page=view.page, limit=view.limit, after=asked.after)
    found = await queries.find(connection, wanted, view.sort, place, now)
    marks = {}
    if view.highlight:
        ids = [article.id for article in found.articles]
        marks = await highlights(connection, ids, found.matching.ranking)
    return _Read(
        found=found,
        freshness=await _freshness(connection, flight, now),
        highlights=marks,
        explain=await explanation(connection, wanted) if view.explain else msgspec.UNSET,
    )


async def _freshness(connection: Any, flight: Flight | None, now: datetime) -> Freshness:
    pulls = await sources.last_pulls(connection)
    told = [_told(pull) for pull in pulls]
    if flight is not None:
        return freshness.of_flight(flight, told)
    return freshness.of_cadence(zip(told, [pull.cadence_seconds for pull in pulls], strict=True), now)


def _body(at: Deps, asked: Question, read: _Read, after: str | None) -> bytes:
    found = read.found
    if render := formats.BY_NAME[asked.view.format].render:
        return render(_page(at, asked, found, after))
    hits: list[Any] = [_hit(article, asked.view, read.highlights) for article in found.articles]
    return msgspec.json.encode(
        ArticleList(
            articles=hits,
            total=found.total,
            total_relation=found.total_relation,
            page=found.page,
            limit=asked.view.limit,
            has_more=found.has_more,
            next=after,
            freshness=read.freshness,
            explain=read.explain,
        )
    )


def _page(at: Deps, asked: Question, found: Found, after: str | None) -> formats.Page:
    # Not the caller's Host header: the same bytes go to everybody.
    origin = at.settings.origin
    next_query = urlencode([*asked.pairs, ("cursor", after)]) if after else None
    return formats.Page(
        title=f"News: {asked.asked.typed}" if asked.asked.typed else "News",
        url=f"{origin}/articles?{urlencode(asked.pairs)}".rstrip("?"),
        home=origin,
        next_url=f"{origin}/articles?{next_query}" if next_query else None,
        updated=max((article.published_at for article in found.articles), default=EPOCH),
        articles=found.articles,
        fields=asked.view.fields,
    )


def _hit(article: Article, view: View, marks: dict[int, Highlights]) -> Any:
    """The article as it is, or with what was asked for beside it, or a part of it."""
    if view.fields is None and article.id not in marks:
        return article
    shown = {name: getattr(article, name) for name in view.fields or FIELDS}
    return shown | ({"highlights": marks[article.id]} if article.id in marks else {})


def _links(asked: Question, after: str | None) -> str:
    """RFC 8288: the first page, the one before when it has a number, and the next."""
    pages: list[tuple[str, dict[str, Any]]] = [("first", {})]
    if asked.view.page > 1:
        pages.append(("prev", {"page": asked.view.page - 1}))
    if after:
        pages.append(("next", {"cursor": after}))
    return ", ".join(
        f'</articles?{urlencode([*asked.pairs, *more.items()])}>; rel="{relation}"'
        for relation, more in pages
    )


def _told(pull: LastPull) -> SourceFreshness:
    return SourceFreshness(
        source=pull.source,
        asked_at=pull.asked_at,
        outcome=pull.outcome,
        reason=pull.reason,
        new_articles=pull.new_articles,
        last_success_at=pull.last_success_at,
        newest_published_at=pull.newest_published_at,
    )


def _keep_seconds(flight: Flight | None, found: Found) -> int:
    """For how long an answer tells the truth about its freshness."""
    if flight is None:
        return WITHOUT_WORDS_SECONDS
    if flight.landed:
        return flight.seconds
    # Nothing found and still asking: the next reader has to wait for the sources, not for the cache.
    return REFRESHING_SECONDS if flight.command_id and found.total else 0
