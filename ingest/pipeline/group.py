"""Stories as the connected parts of a graph: pages are its nodes, titles of one story its edges. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from ingest.pipeline.gather import Draft, Gathered
from ingest.pipeline.match import Title, same_story
from ingest.store.titles import Candidate

# A story's id, or -1 - n for the n-th draft as long as it has none.
Node = int


class NewTitle(NamedTuple):
    """A title that the archive does not have yet, and the draft that it belongs to."""

    draft: int
    title: Title
    words: tuple[int, ...]


class Edge(NamedTuple):
    """draft: whose title; to: a story or another draft; score: how much alike."""

    draft: int
    to: Node
    score: float


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """story_of: per draft its story's id, or -1 - n when it shares the new story of draft n (which may be itself);
    score: per draft how much alike its likest title is; into: stories that others absorb.
    """

    story_of: list[Node]
    score: list[float | None]
    into: dict[int, int]


def edges(
    new: Sequence[NewTitle], candidates: Iterable[Candidate], *, threshold: float, window: timedelta
) -> list[Edge]:
    """Who tells the same story: new titles among each other and with what the archive has."""
    found = []
    for candidate in candidates:
        mine = new[candidate.n]
        stored = Title(
            page=candidate.page,
            key=candidate.title_key,
            numbers=candidate.numbers,
            published_at=candidate.published_at,
        )
        if score := same_story(mine.title, stored, threshold=threshold, window=window):
            found.append(Edge(mine.draft, candidate.story_id, score))
    for a, b in _sharing_a_word(new):
        one, other = new[a], new[b]
        if one.draft != other.draft and (
            score := same_story(one.title, other.title, threshold=threshold, window=window)
        ):
            found += [Edge(one.draft, -1 - other.draft, score), Edge(other.draft, -1 - one.draft, score)]
    return found


def group(gathered: Gathered, found: Iterable[Edge]) -> Grouping:
    """Join what the edges connect. The oldest story of each part stays."""
    parent: dict[Node, Node] = {}
    drafts = gathered.drafts
    nodes: list[Node] = [_node(n, draft) for n, draft in enumerate(drafts)]
    score: list[float | None] = [None] * len(drafts)
    for edge in found:
        score[edge.draft] = max(score[edge.draft] or 0, edge.score)
        _join(parent, nodes[edge.draft], nodes[-1 - edge.to] if edge.to < 0 else edge.to)
    index = {id(draft): n for n, draft in enumerate(drafts)}
    for one, other in gathered.moved:
        _join(parent, nodes[index[id(one)]], nodes[index[id(other)]])
    into = {node: root for node in list(parent) if node > 0 and (root := _root(parent, node)) != node}
    return Grouping(story_of=[_root(parent, node) for node in nodes], score=score, into=into)


def _node(n: int, draft: Draft) -> Node:
    return draft.known.story_id if draft.known else -1 - n


def _sharing_a_word(new: Sequence[NewTitle]) -> set[tuple[int, int]]:
    under: dict[int, list[int]] = defaultdict(list)
    for n, title in enumerate(new):
        for word in title.words:
            under[word].append(n)
    return {(a, b) for filed in under.values() for i, a in enumerate(filed) for b in filed[i + 1 :]}


def _root(parent: dict[Node, Node], node: Node) -> Node:
    while (up := parent.get(node, node)) != node:
        parent[node] = parent.get(up, up)
        node = up
    return node


def _join(parent: dict[Node, Node], one: Node, other: Node) -> None:
    # A story goes before a draft, the older story before the younger, the earlier draft before the later.
    first, second = sorted((_root(parent, one), _root(parent, other)), key=lambda node: (node < 0, abs(node)))
    parent[second] = first
