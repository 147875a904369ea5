"""Things that come again and again - day counts, crosswords, market reports, matches, local news - from facts in lists.

Their titles are much alike without being the same story: only a number, a name or a date differs.
All of it goes on for the next day, so that a running demo keeps getting articles.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime

from deploy.local.upstreams.corpus.story import Story
from deploy.local.upstreams.dates import DAY

DAYS = 7
SATURDAY = 5
HOUR = 3_600
LOCAL_PAST_HOURS = 120
LOCAL_FUTURE_HOURS = 24
LOCAL_EVERY_MINUTES = 95
INVASION = date(2022, 2, 24)
CROSSWORD_ZERO = date(1970, 1, 1)

_FRONT = (
    (
        "drones hit a substation near Sumy",
        "Power was back for most homes by the evening, the grid operator said",
    ),
    ("grain ships leave Odesa again", "It was the first convoy since the port was damaged in early autumn"),
    ("talks on prisoners make progress", "Both sides confirmed a list of 180 names, the mediators said"),
    ("fighting eases along the river", "Observers counted the lowest number of strikes in two months"),
    ("new air defences reach Kharkiv", "Residents spoke of the first quiet night in weeks"),
    ("rail link to Kherson reopens", "The first train was met by families who had waited since the morning"),
    ("aid convoy turned back at the line", "The agency called the delay unacceptable and will try again"),
    ("villages evacuated as shelling grows", "More than 900 people, many of them elderly, were taken west"),
)
_MARKETS = (
    (
        "rise",
        "as inflation cools more than feared",
        "Traders cheered figures that make a rate cut more likely",
    ),
    ("slip", "as oil climbs for a third day", "Airlines and hauliers were among the worst performers"),
    ("jump", "after strong results from chipmakers", "It was the best day for the sector since the spring"),
    (
        "fall",
        "amid worries over unpaid property loans",
        "Two regional lenders lost more than a tenth of their value",
    ),
    ("drift", "before central bank decision", "Trading was thin and few expected a surprise"),
    ("recover", "as bond sell-off ends", "Pension funds were seen buying long-dated debt again"),
    ("tumble", "on fears of a trade war", "Carmakers led the losses after talk of new tariffs"),
    ("edge up", "in quiet trading", "Analysts said investors were waiting for the jobs report"),
)
_TEAMS = (
    "Ashford Rovers",
    "Bellmoor City",
    "Castleton",
    "Dunmore United",
    "Eastcliff Athletic",
    "Farrow Town",
)
_PLACES = (
    "Ashford",
    "Bellmoor",
    "Castleton",
    "Dunmore",
    "Eastcliff",
    "Farrow",
    "Glenhaven",
    "Harrowgate Bay",
    "Ivybridge Falls",
    "Kingsmere",
    "Larkspur",
    "Millbrook",
)
_LOCAL: tuple[tuple[str, str, str, str, str, str], ...] = (
    (
        "Council in {place} votes to keep {n} bus routes running",
        "{place} will keep all {n} of its threatened bus routes after a late vote that surprised campaigners.",
        "“We are delighted,” said a nurse who takes the first bus at five in the morning.",
        "The money comes from parking fees, which rise by eight per cent in the spring.",
        "politics",
        "general",
    ),
    (
        "Storm leaves {n}00 homes without power around {place}",
        "High winds brought down lines and left {n}00 homes in and around {place} in the dark, the utility said.",
        "Crews were struggling to reach two villages where fallen trees block the only road.",
        "Schools stay shut on the coast and people were warned to avoid the harbour wall.",
        "environment",
        "general",
    ),
    (
        "{place} hospital opens children's ward with {n} beds",
        "A new ward with {n} beds opened in {place}, ending long journeys for families with sick children.",
        "The first patient, aged six, cut the ribbon and was given the choice of every toy in the room.",
        "Waiting times in the district have fallen for four months in a row.",
        "society",
        "health",
    ),
    (
        "{place} factory to close with the loss of {n}0 jobs",
        "The owner of the {place} works blamed high energy costs and weak orders for the closure of the plant.",
        "Unions called the decision brutal and said that workers learned of it from the radio.",
        "The town's mayor said it was the worst day that she could remember.",
        "business",
        "business",
    ),
    (
        "Scientists find {n} rare orchids in {place} quarry",
        "Botanists counted {n} plants of an orchid that was thought to be lost to the county in a quarry near {place}.",
        "“It is a wonderful surprise,” said the student who saw the first one on her lunch break.",
        "The quarry will be fenced off until the seeds are ripe.",
        "science",
        "science",
    ),
    (
        "{place} start-up says its battery lasts {n} years",
        "A company of {n} people in {place} says that its sodium battery keeps most of its charge for {n} years.",
        "Independent engineers who saw the data called it promising but asked for tests in the cold.",
        "The first batteries go to farms that pump water with solar power.",
        "technology",
        "technology",
    ),
    (
        "{n} arrested in {place} over forged train tickets",
        "Police in {place} arrested {n} people who are suspected of selling forged season tickets.",
        "Thousands of commuters were cheated, some of them out of a month's wages, detectives said.",
        "The trial is expected to begin in the summer.",
        "uk-news",
        "general",
    ),
)


def stories(now: float, dice: random.Random) -> Iterator[tuple[Story, float]]:
    """Every instalment with its hour, tomorrow's too; markets rest at weekends."""
    midnight = now - now % DAY
    for back in range(-1, DAYS):
        today = midnight - back * DAY
        yield _briefing(today), today + 5 * HOUR
        yield from (
            (crossword, today + 60 * number) for number, crossword in enumerate(_crosswords(today), 1)
        )
        if _day(today).weekday() < SATURDAY:
            yield _market_report(today), today + 17 * HOUR
        yield _match(today, dice), today + 20 * HOUR
    yield from _local_news(now, dice)


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).date()


def _briefing(at: float) -> Story:
    number = (_day(at) - INVASION).days
    event, detail = _FRONT[number % len(_FRONT)]
    title = f"Ukraine war briefing: {event} on day {number:,}"
    return Story(
        id=f"ukraine-day-{number}",
        titles=(title, f"What we know on day {number:,} of the war in Ukraine"),
        lead=f"On day {number:,} of Russia's invasion of Ukraine, {event}. {detail}.",
        body=(
            f"{detail}.",
            "The account could not be checked independently, and both armies claimed to have held their ground.",
            "European foreign ministers are due to meet in Brussels later this week.",
        ),
        section="world",
        category="general",
        tags=("Ukraine", "Russia"),
        subreddits=("worldnews",),
        kind="briefing",
        tellings=2,
    )


def _crosswords(at: float) -> list[Story]:
    number = (_day(at) - CROSSWORD_ZERO).days
    return [
        Story(
            id=f"{name}-{first + number}",
            titles=(f"{name.title()} crossword No {first + number:,}",),
            lead=f"{name.title()} crossword No {first + number:,}",
            body=("Crossword",),
            section="crosswords",
            category="entertainment",
            subreddits=(),
            kind="crossword",
            tellings=0,
        )
        for name, first in (("quick", -2_900), ("cryptic", 9_800))
    ]


def _market_report(at: float) -> Story:
    verb, reason, detail = _MARKETS[(_day(at) - CROSSWORD_ZERO).days % len(_MARKETS)]
    when = f"{_day(at):%A}"
    return Story(
        id=f"markets-{_day(at)}",
        titles=(f"Markets wrap: shares {verb} {reason}", f"{when}'s markets: shares {verb} {reason}"),
        lead=f"European and American shares closed the day with a clear direction on {when}: they {verb} {reason}.",
        body=(f"{detail}.", "The dollar was little changed and gold stayed close to its record."),
        section="business",
        category="business",
        tags=("Stock markets",),
        subreddits=("business",),
        tellings=2,
    )


def _match(at: float, dice: random.Random) -> Story:
    home, away = dice.sample(_TEAMS, 2)
    goals, against = dice.randrange(5), dice.randrange(4)
    feeling = "sang all night" if goals > against else "left early" if goals < against else "shrugged"
    return Story(
        id=f"match-{_day(at)}",
        titles=(f"{home} {goals}-{against} {away}: match report", f"{home} {goals}, {away} {against}"),
        lead=f"{home} met {away} in the football league, and at {goals}-{against} the home crowd {feeling}.",
        body=(
            "The first half was slow, the second had everything: two penalties, a red card and a dog on the pitch.",
            f"{away} have now played six games without keeping a clean sheet.",
        ),
        section="football",
        category="sports",
        tags=("Football",),
        subreddits=("sports",),
        tellings=2,
    )


def _local_news(now: float, dice: random.Random) -> Iterator[tuple[Story, float]]:
    """One local story every hour and a half or so, from five days ago until tomorrow."""
    step = LOCAL_EVERY_MINUTES * 60
    count = (LOCAL_PAST_HOURS + LOCAL_FUTURE_HOURS) * HOUR // step
    for number in range(count):
        at = now - LOCAL_PAST_HOURS * HOUR + number * step + dice.uniform(0, step / 2)
        title, lead, quote, more, section, category = _LOCAL[number % len(_LOCAL)]
        facts = {"place": _PLACES[(number * 5) % len(_PLACES)], "n": dice.randrange(3, 40)}
        yield (
            Story(
                id=f"local-{number}",
                titles=(title.format(**facts),),
                lead=lead.format(**facts),
                body=(quote, more),
                section=section,
                category=category,
                tags=("Local news",),
                subreddits=("news",) if number % 4 == 0 else (),
                tellings=1,
            ),
            at,
        )
