"""GET /articles: from the cache, else from the archive at once, and fetched first when there is nothing to show."""

import functools
import time
from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse

from api import (
    article_list,
    cache,
    cursor,
    deps,
    formats,
    freshness,
    openapi,
    personal,
    question,
    respond,
    searching,
    serving,
)
from api.article_list import ArticleList, Read
from api.cache import Alias, Answer
from api.deps import Deps
from api.freshness import Flight, Freshness, SourceFreshness
from api.kinds import Preference
from api.params import Parameter
from api.queries import search as queries
from api.queries import sources
from api.queries.explaining import explanation
from api.queries.highlights import highlights
from api.queries.search import Found, Place
from api.queries.sources import LastPull
from api.question import PARAMETERS, PERSONAL, Question
from shared.query import standing
from shared.query_key import query_key

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
        forms=[openapi.Form(each.media_type, example, each.kind) for each, example in formats.in_examples()],
    ),
    responses=openapi.responses(ArticleList, 406, "not_signed_in"),
    summary="Search articles",
    tags=["articles"],
)
async def list_articles(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Search everything there is. A story appears once, as its first match in the order asked for.

    `also_in` lists who else tells it.

    The archive answers at once. When the sources were not asked for these words lately, they are asked now: the
    answer is marked `refreshing`, or, if the archive has nothing yet, waits a moment for them.
    """
    at = deps.of(request)
    cursors = cursor.of(at.settings.shared_secret)
    query_string = request.scope["query_string"]
    values = question.parameters(query_string)
    if own := values["personal"]:
        values = await personal.applied(request, values)
    asked = question.of(query_string, cursors, respond.header_text(request.scope, b"accept"), values)
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
        # Its links begin with our own address, not the caller's Host header: the same bytes go to everybody.
        article_list.body(at.settings.origin, asked, read, after),
        media_type=formats.BY_NAME[asked.view.format].media_type,
        link=article_list.links(asked, after),
        total=found.total,
    )
    seconds = min(at.settings.cache_seconds, _keep_seconds(flight, found))
    if generation is not None and seconds > 0:
        answer = await at.cache.put(
            name,
            answer,
            # An explanation counts what only a part of the query finds, of any time.
            query=standing.entry(standing.Standing() if asked.view.explain else asked.asked.standing),
            generation=generation,
            seconds=seconds,
            stories=[each.story_id for each in found.articles],
            cost_ms=serving.cost_ms(started),
        )
    return Look(answer=answer, empty=found.total == 0, flight=flight)


async def _read(at: Deps, asked: Question, flight: Flight | None, connection: Any) -> Read:
    now, view, wanted = at.clock(), asked.view, asked.asked.wanted
    place = Place(page=view.page, limit=view.limit, after=asked.after)
    found = await queries.find(connection, wanted, view.sort, place, now)
    marks = {}
    if view.highlight:
        ids = [article.id for article in found.articles]
        marks = await highlights(connection, ids, found.matching.finds)
    return Read(
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
