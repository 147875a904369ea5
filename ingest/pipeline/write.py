"""One batch → the archive, in one transaction.

Writers take turns from the first read to the commit: what one decides about stories rests on all that was decided
before, so two workers that bring the same story at the same moment make one. What costs time (cleaning, sentiment)
is done before the turn.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from psycopg import Connection

from ingest.article import Discarded, Quarantined, ScoredArticle, Written
from ingest.pipeline.gather import Draft, Gathered, earliest, gather
from ingest.pipeline.group import Grouping, NewTitle, edges, group
from ingest.pipeline.match import Title
from ingest.store import articles, fetches, quarantine, sentiments, sightings, standing, stories, titles
from ingest.store.sightings import Identity, Sighting
from shared.config import IngestSettings

Settled = ScoredArticle | Quarantined | Discarded


class _Placed(NamedTuple):
    """Where each draft is now: article ids by page; what changed for readers, and what queries saw of it before."""

    ids: dict[str, int]
    changed: set[int]
    former: list[str]


def write(
    conn: Connection[Any], batch: Sequence[Settled], fetch_id: str, settings: IngestSettings, at: datetime
) -> Written:
    """Store one batch and its counts; all of it or nothing."""
    scored = [item for item in batch if isinstance(item, ScoredArticle)]
    refused = [item for item in batch if isinstance(item, Quarantined)]
    unwanted = Counter(item.reason for item in batch if isinstance(item, Discarded))
    with conn.transaction():
        stored = _store(conn, scored, settings, at) if scored else Written()
        quarantine.insert(conn, refused, fetch_id, at)
        written = msgspec.structs.replace(
            stored,
            fetched=len(batch),
            merged=len(scored) - stored.stored,
            quarantined=len(refused),
            discarded=dict(unwanted),
        )
        newest = max((s.article.published_at for s in scored), default=None)
        fetches.add_counts(conn, fetch_id, written, newest)
    return written


def _store(
    conn: Connection[Any], scored: Sequence[ScoredArticle], settings: IngestSettings, at: datetime
) -> Written:
    """Counts the new articles, and names all that readers may see changed."""
    stories.take_turns(conn)
    seen = {s.identity: s for s in sightings.known(conn, {_identity(s) for s in scored})}
    known = articles.known(conn, {s.article.page for s in scored}, {s.article_id for s in seen.values()})
    gathered = gather(scored, {identity: s.article_id for identity, s in seen.items()}, known)
    new_titles = _new_titles(conn, gathered)
    grouping = _group(conn, gathered, new_titles, settings)
    placed = _place(conn, gathered.drafts, grouping, at)
    resighted = _file(conn, gathered.drafts, new_titles, seen, placed.ids, at)
    return Written(
        stored=sum(draft.known is None for draft in gathered.drafts),
        changed_articles=tuple(sorted(placed.changed | resighted)),
        former_articles=tuple(placed.former),
    )


def _identity(scored: ScoredArticle) -> Identity:
    return scored.article.source, scored.article.external_id


def _new_titles(conn: Connection[Any], gathered: Gathered) -> list[NewTitle]:
    filed = {
        (t.article_id, t.title_key, t.numbers, t.published_at)
        for t in titles.known(conn, [d.known.id for d in gathered.drafts if d.known])
    }
    return [
        NewTitle(n, Title(page=draft.page, key=title[0], numbers=title[1], published_at=title[2]), words)
        for n, draft in enumerate(gathered.drafts)
        for title, words in draft.titles.items()
        if draft.known is None or (draft.known.id, *title) not in filed
    ]


def _group(
    conn: Connection[Any], gathered: Gathered, new: Sequence[NewTitle], settings: IngestSettings
) -> Grouping:
    window = timedelta(hours=settings.match_window_hours)
    sought = [
        titles.Sought(
            n=n, word=word, since=title.title.published_at - window, until=title.title.published_at + window
        )
        for n, title in enumerate(new)
        for word in title.words
    ]
    candidates = titles.candidates(conn, sought) if sought else []
    return group(gathered, edges(new, candidates, threshold=settings.match_threshold, window=window))


def _place(conn: Connection[Any], drafts: Sequence[Draft], grouping: Grouping, at: datetime) -> _Placed:
    """Stories first, then articles, then what stories say of their articles."""
    fresh = sorted({story for story in grouping.story_of if story < 0}, reverse=True)
    created = dict(zip(fresh, stories.create(conn, len(fresh)), strict=True)) if fresh else {}
    moved = stories.merge(conn, grouping.into) if grouping.into else []
    story_ids = [created.get(story, story) for story in grouping.story_of]
    ids = {d.page: d.known.id for d in drafts if d.known}
    new = [_new(n, d, story_ids[n], grouping) for n, d in enumerate(drafts) if d.known is None]
    if new:
        ids |= articles.insert(conn, new, at)
    changes = [_change(d, d.known.id) for d in drafts if d.known and (d.best or d.widened)]
    former = standing.former(conn, [c.id for c in changes]) if changes else []
    if better := [c for c in changes if c.version]:
        articles.improve(conn, better)
    if wider := [c for c in changes if not c.version]:
        articles.widen(conn, wider)
    scores = {ids[d.page]: d.best.sentiment for d in drafts if d.best}
    if scores:
        sentiments.upsert(conn, scores, at)
    touched = {story_ids[n] for n, d in enumerate(drafts) if d.known is None or d.best or d.widened}
    touched |= set(grouping.into.values())
    leads = stories.refresh(conn, touched) if touched else []
    return _Placed(ids, {*scores, *moved, *leads, *(c.id for c in changes)}, former)


def _new(n: int, draft: Draft, story_id: int, grouping: Grouping) -> articles.New:
    assert draft.best is not None  # noqa: S101 - a page that is not known has a version
    is_first = grouping.story_of[n] == -1 - n
    return articles.New(
        version=draft.best,
        page=draft.page,
        story_id=story_id,
        match_method="first" if is_first else "title",
        match_score=None if is_first else grouping.score[n],
        published_at=draft.published_at,
        sources=sorted(draft.sources),
    )


def _change(draft: Draft, article_id: int) -> articles.Change:
    return articles.Change(
        id=article_id,
        version=draft.best,
        published_at=draft.published_at,
        sources=sorted(draft.sources),
    )


def _file(
    conn: Connection[Any],
    drafts: Sequence[Draft],
    new_titles: Sequence[NewTitle],
    seen: dict[Identity, Sighting],
    ids: dict[str, int],
    at: datetime,
) -> set[int]:
    """Remember items and titles for the batches to come; returns the articles that were sighted anew or elsewhere."""
    said = [
        msgspec.structs.replace(earliest(s, seen.get(s.identity)), article_id=ids[draft.page])
        for draft in drafts
        for s in draft.sightings.values()
    ]
    news = [s for s in said if s != seen.get(s.identity)]
    if news:
        sightings.upsert(conn, news, at)
    if new_titles:
        titles.insert(
            conn,
            [
                titles.New(
                    article_id=ids[t.title.page],
                    title_key=t.title.key,
                    numbers=t.title.numbers,
                    published_at=t.title.published_at,
                    words=t.words,
                )
                for t in new_titles
            ],
        )
    return {s.article_id for s in news}
