"""The oddities of real feeds that no story brings along: removed rows, self posts, crossposts, moved items."""

from typing import Any

from deploy.local.upstreams.corpus import reddit_posts, telling
from deploy.local.upstreams.feed import Entry
from deploy.local.upstreams.newsapi_search import REMOVED
from deploy.local.upstreams.shapes import reddit_entry

HOUR = 3_600
REMOVED_EVERY = 45
"""One NewsAPI row in so many was withdrawn by its outlet."""

_SELF_POSTS = (
    (
        "AskReddit",
        "What is a piece of good news from this week that nobody is talking about?",
        "The top of the feed is grim. Our library just reopened & people queued round the block.\n\nWhat about you?",
    ),
    (
        "science",
        "Weekly discussion: how should a newspaper report a study of <100 people?",
        "Please keep to what the *paper* says, and link to it. Rules are in the sidebar.",
    ),
    (
        "technology",
        "Moderator note: accounts that only post one outlet",
        "We now limit every outlet to 3 posts a day. Questions & appeals go to modmail, not to the comments.",
    ),
    ("worldnews", "Live thread: election night in Carvenia", ""),
)


def add(newsapi: list[Entry], guardian: list[Entry], reddit: list[Entry], now: float) -> dict[str, str]:
    """Work the oddities into the three lists; gives the Guardian's moved items."""
    newsapi.sort(key=lambda entry: entry.at)
    for number in range(REMOVED_EVERY // 2, len(newsapi), REMOVED_EVERY):
        newsapi[number] = telling.removed(newsapi[number], REMOVED)
    _leave_empty(newsapi)
    reddit.extend(_self_posts(now))
    reddit.extend(_crossposts(reddit, now))
    reddit.extend(_image_posts(now))
    return {entry.key.replace("/2", "/preview/2", 1): entry.key for entry in guardian[:3]}


def _leave_empty(newsapi: list[Entry]) -> None:
    """Two rows without a title, as seen in real answers."""
    shown = [entry for entry in newsapi if entry.item is not REMOVED]
    shown[7].item["title"] = None
    shown[60].item["title"] = ""


def _self_posts(now: float) -> list[Entry]:
    return [
        reddit_entry(
            reddit_posts.post(
                name=f"1self{number}",
                subreddit=subreddit,
                title=title,
                at=now - (number * 31 + 5) * HOUR,
                author="AutoModerator" if "note" in title else "wet_leaf_season",
                score=240 + number,
                comments=1_100,
                selftext=text,
                selftext_html=f'<div class="md"><p>{text}</p></div>' if text else None,
                stickied="note" in title,
                distinguished="moderator" if "note" in title else None,
                edited=now - 3_600 if number == 1 else False,
            )
        )
        for number, (subreddit, title, text) in enumerate(_SELF_POSTS)
    ]


def _crossposts(reddit: list[Entry], now: float) -> list[Entry]:
    """Crossposts have a relative address and no domain."""
    parents = sorted(
        (entry for entry in reddit if entry.at < now - 9 * HOUR), key=lambda entry: -entry.item["score"]
    )[:4]
    posts = []
    for number, parent in enumerate(parents):
        posts.append(
            reddit_posts.post(
                name=f"1cross{number}",
                subreddit="UpliftingNews" if number % 2 else "goodlongreads",
                title=parent.item["title"],
                at=parent.at + 2 * HOUR,
                url=parent.item["permalink"],
                domain="",
                author="saltmarsh",
                score=12,
                crosspost_parent=parent.key,
                crosspost_parent_list=[parent.item],
            )
        )
        parent.item["num_crossposts"] += 1
    return [reddit_entry(post) for post in posts]


def _image_posts(now: float) -> list[Entry]:
    shared: dict[str, Any] = {
        "subreddit": "pics",
        "author": "orbital_badger",
        "score": 5_120,
        "post_hint": "image",
    }
    picture = reddit_posts.post(
        name="1image0",
        title="The harbour at six this morning, first clear sky after nine days of smoke",
        at=now - 20 * HOUR,
        url="https://i.redd.it/harbour0smoke.jpg",
        is_reddit_media_domain=True,
        **shared,
    )
    video = reddit_posts.post(
        name="1video0",
        title="Glacier lake drains overnight, filmed from the hut above",
        at=now - 44 * HOUR,
        url="https://v.redd.it/glacier0lake",
        is_reddit_media_domain=True,
        is_video=True,
        over_18=False,
        thumbnail="nsfw",
        spoiler=True,
        **shared,
    )
    return [reddit_entry(picture), reddit_entry(video)]
