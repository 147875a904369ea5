"""The made-up news of the last seven days, and of the coming one: the same for a seed, dated from now."""

import random

from deploy.local.upstreams.corpus import series, telling, traps
from deploy.local.upstreams.corpus.outlets import ENGLISH, FOREIGN, Outlet
from deploy.local.upstreams.corpus.story import Story, read_all
from deploy.local.upstreams.feed import Entry, Feed
from deploy.local.upstreams.state import Feeds

HOUR = 3_600
DAYS = 7
GUARDIAN_TELLS = 0.85
"""How much of the news the Guardian has."""
NEWEST_MINUTES = 12
"""The newest story broke that long ago."""


def feeds(seed: int, now: float) -> Feeds:
    """Tell every story through its outlets, the Guardian and Reddit; then add the series and the oddities."""
    dice = random.Random(seed)  # noqa: S311 - wording and dates, not secrets
    stories = read_all()
    dice.shuffle(stories)
    told = _Told()
    for number, story in enumerate(stories):
        _tell(story, now - _age(number, len(stories)), dice, told)
    for story, at in series.stories(now, dice):
        _tell(story, at, dice, told)
    moved = traps.add(told.newsapi, told.guardian, told.reddit, now)
    return Feeds(Feed(told.newsapi), Feed(told.guardian, moved), Feed(told.reddit))


class _Told:
    """What has been written so far."""

    def __init__(self) -> None:
        self.newsapi: list[Entry] = []
        self.guardian: list[Entry] = []
        self.reddit: list[Entry] = []


def _age(number: int, count: int) -> float:
    """Seconds since a story broke: more of them lately than a week ago."""
    share: float = (number / count) ** 1.3
    return NEWEST_MINUTES * 60 + share * (DAYS * 24 - 1) * HOUR


def _outlets(story: Story, dice: random.Random) -> list[Outlet]:
    """Who tells it: a specialist outlet only tells its own kind of news."""
    fitting = [outlet for outlet in ENGLISH if outlet.category in {"general", story.category}]
    return dice.sample(fitting, min(story.tellings, len(fitting)))


def _tell(story: Story, at: float, dice: random.Random, told: _Told) -> None:
    """Each outlet some time after the other."""
    if story.language != "en":
        told.newsapi.append(telling.article(story, FOREIGN[story.language], 0, at, dice))
        return
    urls = []
    later = at
    for number, outlet in enumerate(_outlets(story, dice)):
        entry = telling.article(story, outlet, number, later, dice)
        told.newsapi.append(entry)
        urls.append(entry.key)
        later += dice.uniform(120, 5_400)
    if story.section in telling.SECTIONS and (story.kind != "article" or dice.random() < GUARDIAN_TELLS):
        entry = telling.content(story, at + dice.uniform(0, 3_600), dice)
        told.guardian.append(entry)
        urls.append(entry.item["webUrl"])
    for number, subreddit in enumerate(story.subreddits if urls else ()):
        url = dice.choice(urls)
        told.reddit.append(
            telling.link_post(story, number, subreddit, url, at + dice.uniform(600, 7_200), dice)
        )
