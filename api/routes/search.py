"""GET /articles: from the cache, else from the archive at once, and fetched first when there is nothing to show."""

import functools
import time
from typing import Any

import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse

from api import cache, deps, freshness, openapi, params, respond, serving
from api.cache import Alias, Answer
from api.deps import Deps
from api.freshness import Flight, Freshness, SourceFreshness
from api.params import Choice, Integer, Language, Moment, Parameter, Text
from api.queries import search as queries
from api.queries import sources
from api.queries.articles import Article
from api.queries.search import DEEPEST, Found, Relation, Search
from api.queries.sources import LastPull
from shared.errors import BadParameterError
from shared.query_key import fold, query_key

PARAMETERS = (
    Parameter(
        name="q",
        kind=Text(longest=500),
        description=(
            'Words that must occur, `"a phrase"`, `or`, and `-word` for what must not occur. '
            "Each article is searched by the word stems of its own language."
        ),
        example='ukraine -"peace talks"',
    ),
    Parameter(
        name="source",
        kind=Choice(names=("newsapi", "guardian", "reddit"), several=True),
        description="Only what one of these sources told us about.",
        example="guardian,reddit",
    ),
    Parameter(
        name="sentiment",
        kind=Choice(names=("positive", "neutral", "negative")),
        description="Only articles of this tone.",
        example="positive",
    ),
    Parameter(
        name="from",
        kind=Moment(),
        description="Published at or after; a time without a zone is UTC.",
        example="2026-01-01",
    ),
    Parameter(
        name="to",
        kind=Moment(end_of_day=True),
        description="Published before this time, or until the end of this day.",
        example="2026-12-31",
    ),
    Parameter(
        name="language",
        kind=Language(),
        description="Only articles in this language (ISO 639-1).",
        example="en",
    ),
    Parameter(
        name="sort",
        kind=Choice(names=("relevance", "newest", "oldest")),
        description=(
            "`relevance` (default with `q`) is text rank x freshness x completeness over the newest 1,000 matches, "
            "older ones follow by date; `newest` is the default without `q`."
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
        description=f"Page, from 1; page x limit is at most {DEEPEST:,}.",
        example=1,
        default=1,
    ),
)
PREFER = Parameter(
    name="Prefer",
    kind=Text(longest=100),
    description="`wait=n`: seconds to wait for the sources when the archive has nothing yet (0: do not wait).",
    example="wait=5",
    place="header",
)

# While a refresh is under way the same answer serves everybody for this long; then its marking may be out of date.
REFRESHING_SECONDS = 1
# Without words the freshness comes from the cadence, whose fastest topic runs every five minutes.
WITHOUT_WORDS_SECONDS = 60


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A search and the words as they were typed, which is what the sources are asked."""

    search: Search
    typed: str


class ArticleList(msgspec.Struct, frozen=True, kw_only=True):
    """One page of stories. next: for later use, always null."""

    articles: list[Article]
    total: int
    total_relation: Relation
    page: int
    limit: int
    has_more: bool
    next: str | None
    freshness: Freshness


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the archive had at one moment, and the flight that may bring more."""

    answer: Answer
    empty: bool
    flight: Flight | None


@get(
    "/articles",
    operation_class=openapi.operation(*PARAMETERS, PREFER),
    responses=openapi.responses(ArticleList, 400, 406, 503),
    summary="Search articles",
    tags=["articles"],
)
async def list_articles(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Search everything there is. A story appears once, as its best article; `also_in` lists who else tells it.

    The archive answers at once. When the sources were not asked for these words lately, they are asked now: the
    answer is marked `refreshing`, or, if the archive has nothing yet, waits a moment for them.
    """
    asked = question(request.scope["query_string"])
    name = cache.digest(asked.search)
    at = deps.of(request)
    alias = Alias(name, asked.search.q if asked.search.page == 1 else None)
    if hit := await serving.kept(request, at, alias, functools.partial(_remake, at, name, asked)):
        return hit
    preferred = respond.wait_preferred(request)
    patience = min(
        at.settings.cold_wait_seconds if preferred is None else preferred, at.settings.cold_wait_max_seconds
    )
    found = await _answer(at, name, asked, patience)
    at.noticed(request.scope, alias, found)
    applied = [] if preferred is None else [(b"preference-applied", f"wait={patience:g}".encode())]
    return respond.kept(request, found, respond.missed(found), applied)


def question(query_string: bytes) -> Question:
    """Raises BadParameterError."""
    values = params.parse(query_string, PARAMETERS)
    typed = " ".join((values["q"] or "").split())
    if values["page"] * values["limit"] > DEEPEST:
        raise BadParameterError(
            "page",
            f"page {values['page']} of {values['limit']} is too deep",
            f"page x limit must be at most {DEEPEST}; narrow the search with from and to instead",
        )
    if values["from"] and values["to"] and values["from"] >= values["to"]:
        raise BadParameterError("from", "it is not before `to`", "use a time before the one in `to`")
    search = Search(
        q=fold(typed),
        sources=values["source"],
        sentiment=values["sentiment"],
        since=values["from"],
        until=values["to"],
        language=values["language"],
        sort=values["sort"] or ("relevance" if typed else "newest"),
        limit=values["limit"],
        page=values["page"],
    )
    return Question(search=search, typed=typed)


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
    search = asked.search
    flight = None
    if search.q:
        key = query_key(search.q, search.language)
        flight = await at.refresher.flight(asked.typed, key, search.language)
    # Before the database: what is published after this moment may be missing, and such an answer is not kept.
    generation = await at.cache.generation()
    started = time.perf_counter()
    found, fresh = await at.database.read(functools.partial(_read, at, search, flight))
    body = msgspec.json.encode(
        ArticleList(
            articles=found.articles,
            total=found.total,
            total_relation=found.total_relation,
            page=search.page,
            limit=search.limit,
            has_more=found.has_more,
            next=None,
            freshness=fresh,
        )
    )
    answer = cache.answer(body, total=found.total)
    seconds = min(at.settings.cache_seconds, _keep_seconds(flight, found))
    if generation is not None and seconds > 0:
        answer = await at.cache.put(
            name,
            answer,
            query=search.q,
            generation=generation,
            seconds=seconds,
            stories=[each.story_id for each in found.articles],
            cost_ms=serving.cost_ms(started),
        )
    return Look(answer=answer, empty=found.total == 0, flight=flight)


async def _read(at: Deps, search: Search, flight: Flight | None, connection: Any) -> tuple[Found, Freshness]:
    now = at.clock()
    found = await queries.find(connection, search, now)
    if flight is not None and flight.landed:
        return found, freshness.of_flight(flight, ())
    pulls = await sources.last_pulls(connection)
    told = [_told(pull) for pull in pulls]
    if flight is not None:
        return found, freshness.of_flight(flight, told)
    judged = [
        (each, pull.cadence_seconds, pull.last_success_at) for each, pull in zip(told, pulls, strict=True)
    ]
    return found, freshness.of_cadence(judged, now)


def _told(pull: LastPull) -> SourceFreshness:
    return SourceFreshness(
        source=pull.source,
        asked_at=pull.asked_at,
        outcome=pull.outcome,
        reason=pull.reason,
        new_articles=pull.new_articles,
    )


def _keep_seconds(flight: Flight | None, found: Found) -> int:
    """For how long an answer tells the truth about its freshness."""
    if flight is None:
        return WITHOUT_WORDS_SECONDS
    if flight.landed:
        return flight.seconds
    # Nothing found and still asking: the next reader has to wait for the sources, not for the cache.
    return REFRESHING_SECONDS if flight.command_id and found.total else 0
