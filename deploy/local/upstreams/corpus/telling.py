"""How one outlet tells one story: a NewsAPI article, a Guardian item, or a Reddit link post."""

import html
import random
import re

from deploy.local.upstreams import dates
from deploy.local.upstreams.corpus import reddit_posts
from deploy.local.upstreams.corpus.outlets import AUTHORS, REDDITORS, Outlet
from deploy.local.upstreams.corpus.story import Story
from deploy.local.upstreams.feed import Entry, Item
from deploy.local.upstreams.shapes import guardian_entry, newsapi_entry, reddit_entry

CONTENT_LENGTH = 200
"""NewsAPI cuts `content` there on every plan."""
SECTIONS = {
    "world": ("World news", "News"),
    "politics": ("Politics", "News"),
    "us-news": ("US news", "News"),
    "uk-news": ("UK news", "News"),
    "business": ("Business", "News"),
    "technology": ("Technology", "News"),
    "science": ("Science", "News"),
    "environment": ("Environment", "News"),
    "society": ("Society", "News"),
    "sport": ("Sport", "Sport"),
    "football": ("Football", "Sport"),
    "culture": ("Culture", "Arts"),
    "film": ("Film", "Arts"),
    "books": ("Books", "Arts"),
    "music": ("Music", "Arts"),
    "lifeandstyle": ("Life and style", "Lifestyle"),
    "travel": ("Travel", "Lifestyle"),
    "commentisfree": ("Opinion", "Opinion"),
    "crosswords": ("Crosswords", "Lifestyle"),
}
_FLAIRS = {
    "worldnews": (None, "Russia/Ukraine", "Covered by other articles"),
    "technology": ("Business", "Society", None),
}


def article(story: Story, outlet: Outlet, number: int, at: float, dice: random.Random) -> Entry:
    """The story as NewsAPI lists it, told by its `number`-th outlet, with the gaps that real rows have."""
    title = story.titles[number % len(story.titles)]
    url = f"https://www.{outlet.domain}/{story.section}/{dates.day(at).replace('-', '/')}/{slug(title)}"
    text = _mixed(story, number)
    description: str | None = story.lead if number % 3 != 1 else story.body[0]
    if _happens(dice, 0.12):
        description = dice.choice((None, "", f"{story.lead[:110].rsplit(' ', 1)[0]}…"))
    item: Item = {
        "source": {"id": outlet.source_id, "name": outlet.name},
        "author": _author(outlet, dice),
        "title": f"{title} - {outlet.name}" if outlet.suffix else title,
        "description": description,
        "url": url,
        "urlToImage": None
        if _happens(dice, 0.15)
        else f"https://img.{outlet.domain}/{story.id}-{number}.jpg",
        "publishedAt": dates.iso(at),
        "content": None if _happens(dice, 0.08) else _cut(text, dice),
    }
    if outlet.entities:
        item |= {name: html.escape(item[name]) for name in ("title", "description") if item[name]}
    return newsapi_entry(item, _facets(story, outlet, number))


def _happens(dice: random.Random, odds: float) -> bool:
    return dice.random() < odds


def _facets(story: Story, outlet: Outlet, number: int) -> dict[str, str]:
    known = {"language": outlet.language, "country": outlet.country, "category": story.category}
    return {**known, "outlet_category": outlet.category, "popularity": str(number)}


def removed(entry: Entry, placeholder: Item) -> Entry:
    """The same article after its outlet took it back: found by its old words and date, shown as a placeholder."""
    return Entry(entry.key, entry.at, placeholder, entry.texts, entry.facets)


def _author(outlet: Outlet, dice: random.Random) -> str | None:
    if outlet.url_author:
        return f"https://www.{outlet.domain}/authors/{slug(dice.choice(AUTHORS))}"
    return None if _happens(dice, 0.2) else dice.choice(AUTHORS)


def _mixed(story: Story, number: int) -> str:
    """The lead and the body, from another paragraph on for each outlet."""
    turn = number % len(story.body)
    return "\r\n".join([story.lead, *story.body[turn:], *story.body[:turn]])


def _cut(text: str, dice: random.Random) -> str:
    hidden = len(text) - CONTENT_LENGTH
    if hidden <= 0:
        return text
    if _happens(dice, 0.1):
        text = f"<ul><li>{text}"
    return f"{text[:CONTENT_LENGTH]}… [+{hidden + dice.randrange(900, 4_200)} chars]"


def content(story: Story, at: float, dice: random.Random) -> Entry:
    """The story as a Guardian item with fields and tags."""
    title = story.titles[-1]
    section_name, pillar = SECTIONS[story.section]
    kind = story.kind if story.kind in {"liveblog", "crossword"} else "article"
    live = "live/" if kind == "liveblog" else ""
    moment = dates.day(at)
    year, month, day = moment.split("-")
    month = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"][
        int(month) - 1
    ]
    item_id = f"{story.section}/{live}{year}/{month}/{day}/{slug(title)}"
    body = "".join(f"<p>{html.escape(part, quote=False)}</p>" for part in [story.lead, *story.body])
    if kind == "crossword":
        body = ""
    item: Item = {
        "id": item_id,
        "type": kind,
        "sectionId": story.section,
        "sectionName": section_name,
        "webPublicationDate": dates.iso(at),
        "webTitle": title,
        "webUrl": f"https://www.theguardian.com/{item_id}",
        "apiUrl": f"https://content.guardianapis.com/{item_id}",
        "fields": {
            "headline": title,
            "trailText": ""
            if kind == "crossword"
            else story.lead.replace(story.tags[0], f"<strong>{story.tags[0]}</strong>")
            if story.tags
            else story.lead,
            "standfirst": f"<p>{html.escape(story.body[0], quote=False)}</p>" if story.body else "",
            "byline": dice.choice(AUTHORS).removeprefix("By "),
            "body": body,
            "shortUrl": f"https://www.theguardian.com/p/{abs(hash_of(item_id)):x}",
            "thumbnail": f"https://media.guim.example/{hash_of(item_id):x}/500.jpg",
            "publication": "theguardian.com",
            "productionOffice": dice.choice(("UK", "UK", "US", "AUS")),
            "commentable": dice.choice(("true", "false")),
            "shouldHideAdverts": "false",
        },
        "tags": _tags(story, kind),
        "isHosted": False,
        "pillarId": f"pillar/{pillar.lower()}",
        "pillarName": pillar,
    }
    return guardian_entry(item)


def _tags(story: Story, kind: str) -> list[Item]:
    section_name = SECTIONS[story.section][0]
    keywords = [(f"{story.section}/{story.section}", section_name, "keyword")]
    keywords += [(f"{story.section}/{slug(tag)}", tag, "keyword") for tag in story.tags]
    keywords += [(f"type/{kind}", kind.title(), "type"), ("tone/news", "News", "tone")]
    return [
        {
            "id": tag_id,
            "type": tag_type,
            "sectionId": story.section,
            "sectionName": section_name,
            "webTitle": title,
            "webUrl": f"https://www.theguardian.com/{tag_id}",
            "apiUrl": f"https://content.guardianapis.com/{tag_id}",
            "references": [],
        }
        for tag_id, title, tag_type in keywords
    ]


def link_post(story: Story, number: int, subreddit: str, url: str, at: float, dice: random.Random) -> Entry:
    """Somebody shares an article; the address may carry what their reader app added to it."""
    tail = dice.choice(
        (
            "",
            "",
            "?utm_source=reddit&utm_medium=social",
            "?ref=share#comments",
            "?CMP=share_btn_url&fbclid=Iw1",
        )
    )
    name = f"1{hash_of(f'{story.id}/{subreddit}/{number}') % 36**6:x}"
    score = int(dice.paretovariate(0.6) * 4) % 60_000
    flairs = _FLAIRS.get(subreddit, (None,))
    thumbnail = dice.choice(("default", "nsfw", "", f"https://b.thumbs.reddit.example/{name}.jpg"))
    item = reddit_posts.post(
        name=name,
        subreddit=subreddit,
        title=story.titles[number % len(story.titles)],
        at=at,
        url=url + tail,
        author=dice.choice(REDDITORS),
        score=score,
        comments=score // dice.randrange(3, 30),
        upvote_ratio=round(dice.uniform(0.55, 0.99), 2),
        thumbnail=thumbnail,
        link_flair_text=dice.choice(flairs),
        post_hint="link",
    )
    return reddit_entry(item)


def slug(text: str) -> str:
    """`Some title, 2nd part` → `some-title-2nd-part`."""
    return re.sub(r"\W+", "-", text.lower()).strip("-")[:80].strip("-")


def hash_of(text: str) -> int:
    """The same number for the same text in every process, unlike `hash`."""
    number = 0
    for letter in text:
        number = (number * 131 + ord(letter)) % (1 << 61)
    return number
