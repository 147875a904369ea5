"""Which article is each item of a batch about, and what does it change there? Pure.

The outcome for a page is a maximum (its best version), a minimum (its earliest date) and unions (sources, sightings,
titles) over all items ever sighted, so it does not matter in which order or in which batches they come.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from ingest.article import Article, ScoredArticle
from ingest.store.articles import Known
from ingest.store.sightings import Identity, Sighting

TitleIdentity = tuple[str, str, datetime]  # title_key, numbers, published_at


@dataclass(kw_only=True)
class Draft:
    """A page that this batch is about. known: what the archive has of it; best: a version that is better than that."""

    page: str
    known: Known | None
    best: ScoredArticle | None = None
    published_at: datetime
    sources: set[str]
    # What the batch says about items and titles, known or not.
    sightings: dict[Identity, Sighting] = field(default_factory=dict)
    titles: dict[TitleIdentity, tuple[int, ...]] = field(default_factory=dict)

    @property
    def widened(self) -> bool:
        """Whether a known page gets an earlier date or another source."""
        known = self.known
        return known is not None and (self.published_at, len(self.sources)) != (
            known.published_at,
            len(known.sources),
        )

    def add(self, scored: ScoredArticle) -> None:
        article = scored.article
        if rank(article) > (rank(self.best.article) if self.best else rank(self.known)):
            self.best = scored
        self.published_at = min(self.published_at, article.published_at)
        self.sources.add(article.source)
        self.titles[article.title_key, article.numbers, article.published_at] = article.words
        sighting = _sighting(article)
        self.sightings[sighting.identity] = earliest(sighting, self.sightings.get(sighting.identity))


@dataclass(kw_only=True)
class Gathered:
    """The pages of a batch. moved: pairs of pages that share an item: its address changed, so they tell one story."""

    drafts: list[Draft] = field(default_factory=list)
    moved: list[tuple[Draft, Draft]] = field(default_factory=list)


def gather(batch: Iterable[ScoredArticle], seen: Mapping[Identity, int], known: Iterable[Known]) -> Gathered:
    """Assign each item to a page. seen: the article id of each known item; known: the articles of these ids and of
    all pages of the batch.
    """
    gathered = Gathered()
    archive = list(known)
    by_id = {k.id: k for k in archive}
    by_page = {k.page: k for k in archive}
    drafts: dict[str, Draft] = {}
    owner: dict[Identity, str] = {i: by_id[id_].page for i, id_ in seen.items()}

    def draft_of(page: str, published_at: datetime) -> Draft:
        if page not in drafts:
            k = by_page.get(page)
            drafts[page] = Draft(
                page=page,
                known=k,
                published_at=k.published_at if k else published_at,
                sources=set(k.sources) if k else set(),
            )
            gathered.drafts.append(drafts[page])
        return drafts[page]

    for scored in batch:
        article = scored.article
        page = owner.setdefault((article.source, article.external_id), article.page)
        draft = draft_of(page, article.published_at)
        draft.add(scored)
        if page != article.page and (article.page in by_page or article.page in drafts):
            gathered.moved.append((draft, draft_of(article.page, article.published_at)))
    return gathered


def rank(version: Article | Known | None) -> tuple[int, datetime, int] | tuple[()]:
    """The better version of a page is the more complete, then the later, then the one that a hash prefers."""
    return (version.completeness, version.modified_at, version.digest) if version else ()


def earliest(one: Sighting, other: Sighting | None) -> Sighting:
    """Where and when an item was sighted, when it was sighted twice: the smaller of each field."""
    if other is None:
        return one
    return msgspec.structs.replace(
        one,
        url=min(one.url, other.url),
        source_name=min(one.source_name, other.source_name),
        published_at=min(one.published_at, other.published_at),
    )


def _sighting(article: Article) -> Sighting:
    return Sighting(
        source=article.source,
        external_id=article.external_id,
        article_id=0,
        url=article.shown_at,
        source_name=article.source_name,
        published_at=article.published_at,
    )
