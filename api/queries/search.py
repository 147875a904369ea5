"""A list of articles for a search: each story once, in the order that was asked for, with a bounded count."""

from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from psycopg import AsyncConnection

from api.cursor import Cursor
from api.queries import articles, listing
from api.queries.articles import Article
from api.queries.listing import Bounds, Extent
from api.queries.matching import Matching, Wanted, matching

# Counting stops here. Each match counted is one more row read from anywhere in the archive: about 5 microseconds, and
# several times that where a filter is not in the index. This many keep every shape within the time of one page.
COUNTED: Final = 200
# Pages by number end here; each walks over everything before it. Cursors go on at the price of a first page.
DEEPEST: Final = 10_000

Relation = Literal["eq", "gte"]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of the list: a page by its number, or what follows a cursor."""

    page: int
    limit: int
    after: Cursor | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One page. total_relation: whether total is exact (eq) or a lower bound (gte); next: where the next one begins."""

    articles: list[Article]
    total: int
    total_relation: Relation
    page: int
    next: Cursor | None
    matching: Matching

    @property
    def has_more(self) -> bool:
        return self.next is not None


async def find(
    connection: AsyncConnection[Any], wanted: Wanted, sort: str, place: Place, now: datetime
) -> Found:
    """One page of stories. Run it in one snapshot: it takes several statements.

    Raises BadQueryError when all words are too common.
    """
    asked = await matching(connection, wanted)
    extent = await listing.extent(connection)
    bounds = _bounds(wanted, sort, extent)
    if bounds and extent and sort == "oldest":
        bounds = msgspec.structs.replace(bounds, sparse=await listing.dense(connection, extent))
    if extent is None or bounds is None:
        return Found(articles=[], total=0, total_relation="eq", page=place.page, next=None, matching=asked)
    walk = _Walk(connection, asked, sort, extent, bounds)
    return await (walk.follow(place.after, place.limit) if place.after else walk.turn(place, now))


def _bounds(wanted: Wanted, sort: str, extent: Extent | None) -> Bounds | None:
    """None when there can be nothing."""
    if extent is None:
        return None
    newest = min(extent.newest, wanted.until) if wanted.until else extent.newest
    oldest = max(extent.oldest, wanted.since) if wanted.since else extent.oldest
    if oldest > newest:
        return None
    return Bounds(begin=oldest, end=newest) if sort == "oldest" else Bounds(begin=newest, end=oldest)


class _Walk:
    """Along one list."""

    def __init__(
        self, connection: AsyncConnection[Any], asked: Matching, sort: str, extent: Extent, bounds: Bounds
    ) -> None:
        self.connection = connection
        self.asked = asked
        self.sort = sort
        self.extent = extent
        self.bounds = bounds

    async def turn(self, place: Place, now: datetime) -> Found:
        """To a page by its number."""
        begin, end = (place.page - 1) * place.limit, place.page * place.limit
        depth = max(COUNTED, end)
        while True:
            listed = await listing.ordered(
                self.connection, self.asked, self.sort, self.bounds, now=now, depth=depth
            )
            heads = _first_of_each(listed.stories)
            exact = len(listed.ids) <= depth
            # A story told by very many articles can take up all of them.
            if len(heads) > end or exact:
                break
            depth *= 4
        shown = await articles.of_ids(self.connection, [listed.ids[n] for n in heads[begin:end]])
        total = len(heads)
        rest = None
        if len(heads) > end:
            told = {listed.stories[n] for n in heads[:end]}
            in_ranks = heads[end - 1] < listed.ranked
            last = listed.boundary if in_ranks else (shown[-1].published_at, shown[-1].id)
            rest = Cursor(
                page=place.page + 1,
                total=total,
                exact=exact,
                newest=self.extent.newest_id,
                ranked=[
                    listed.ids[n] for n in range(listed.ranked) if in_ranks and listed.stories[n] not in told
                ],
                at=listing.microseconds(last[0]) if last else 0,
                id=last[1] if last else 0,
            )
        return self._found(shown, total, exact=exact, page=place.page, rest=rest)

    async def follow(self, cursor: Cursor, limit: int) -> Found:
        """To what comes after a cursor."""
        waiting = await articles.stories_of(self.connection, cursor.ranked)
        ids, stories = list(waiting), list(waiting.values())
        heads = _first_of_each(stories)[:limit]
        shown = await articles.of_ids(self.connection, [ids[n] for n in heads])
        told = {stories[n] for n in heads}
        ranked = [id_ for id_, story in waiting.items() if story not in told]
        rest = msgspec.structs.replace(cursor, page=cursor.page + 1, ranked=ranked)
        more = bool(ranked)
        if not ranked:
            room = limit - len(shown)
            follows = await self._by_date(cursor, room + 1)
            if room and follows:
                shown += await articles.of_ids(self.connection, [id_ for id_, _ in follows[:room]])
                last_id, at = follows[:room][-1]
                rest = msgspec.structs.replace(rest, at=listing.microseconds(at), id=last_id)
            more = len(follows) > room
        return self._found(
            shown, cursor.total, exact=cursor.exact, page=cursor.page, rest=rest if more else None
        )

    async def _by_date(self, cursor: Cursor, limit: int) -> list[tuple[int, datetime]]:
        bounds = msgspec.structs.replace(self.bounds, begin=listing.moment(cursor.at))
        return await listing.after(
            self.connection,
            self.asked,
            self.sort,
            bounds,
            last_id=cursor.id,
            newest_id=cursor.newest,
            limit=limit,
        )

    def _found(
        self, shown: list[Article], total: int, *, exact: bool, page: int, rest: Cursor | None
    ) -> Found:
        return Found(
            articles=shown,
            total=total,
            total_relation="eq" if exact else "gte",
            page=page,
            next=rest,
            matching=self.asked,
        )


def _first_of_each(stories: list[int]) -> list[int]:
    """Where each story comes first."""
    places = {story: n for n, story in reversed(list(enumerate(stories)))}
    return sorted(places.values())
