"""GET /articles/sentiment/trends and /summary: volume and tone in buckets of a time zone, for any search."""

from datetime import UTC, datetime, timedelta

import pytest

from shared import keys
from shared.query.standing import of_entry

pytestmark = pytest.mark.anyio

TRENDS = "/articles/sentiment/trends"
SUMMARY = "/articles/sentiment/summary"


async def get(api, address, **parameters):
    answer = await api.get(address, params={name.rstrip("_"): value for name, value in parameters.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_empty_buckets_are_there_and_shares_are_of_all_coverage(api, archive):
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for days, title, tone in (
        (0, "A storm", "positive"),
        (0, "Calm", "neutral"),
        (2, "Another storm", "negative"),
    ):
        archive.article(title, tone=tone, published_at=at + timedelta(days=days))
    found = await get(api, TRENDS, q="storm", from_="2026-03-01", to="2026-03-04")
    assert (found["interval"], found["tz"], found["articles"], found["coverage"]) == ("day", "UTC", 2, 3)
    assert [bucket["from"][:10] for bucket in found["buckets"]] == [f"2026-03-0{day}" for day in (1, 2, 3, 4)]
    first, second, third, _ = found["buckets"]
    assert (first["articles"], first["coverage"], first["share"], first["polarity"]) == (1, 2, 0.5, 0.5)
    assert (second["articles"], second["share"], second["polarity"]) == (0, None, None)
    assert (third["negative"], third["share"]) == (1, 1.0)


async def test_days_are_those_of_the_zone(api, archive):
    archive.article("Late", published_at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    found = await get(
        api, TRENDS, tz="Europe/Berlin", from_="2026-03-01T00:00+01:00", to="2026-03-03T00:00+01:00"
    )
    assert [(each["from"], each["articles"]) for each in found["buckets"]] == [
        ("2026-03-01T00:00:00+01:00", 0), ("2026-03-02T00:00:00+01:00", 1),
    ]  # fmt: skip


async def test_the_day_on_which_the_clock_is_moved(api, archive):
    for hour in range(24):
        archive.article(
            f"At {hour}", published_at=datetime(2026, 3, 28, 23, tzinfo=UTC) + timedelta(hours=hour)
        )
    found = await get(
        api, TRENDS, tz="Europe/Berlin", from_="2026-03-29T00:00+01:00", to="2026-03-30T00:00+02:00"
    )
    assert [each["articles"] for each in found["buckets"]] == [23]
    found = await get(
        api,
        TRENDS,
        tz="Europe/Berlin",
        interval="hour",
        from_="2026-03-29T00:00+01:00",
        to="2026-03-30T00:00+02:00",
    )
    assert [each["articles"] for each in found["buckets"]] == [1] * 23


async def test_filters_and_fields_count_as_in_a_search(api, archive):
    now = datetime.now(UTC) - timedelta(hours=1)
    archive.article("A storm", tone="positive", published_at=now)
    archive.article("A storm", tone="negative", source="reddit", published_at=now)
    assert (await get(api, TRENDS, q="storm sentiment:positive"))["articles"] == 1
    assert (await get(api, TRENDS, q="storm", source="reddit", interval="hour"))["articles"] == 1
    assert (await get(api, TRENDS, interval="week"))["articles"] == 2


async def test_the_distribution(api, archive):
    now = datetime.now(UTC) - timedelta(days=1)
    for tone in ("positive", "positive", "negative", "neutral", "no_text", None):
        archive.article("A storm", tone=tone, published_at=now)
    archive.article("A storm of long ago", published_at=now - timedelta(days=60))
    found = await get(api, SUMMARY, q="storm")
    assert (found["articles"], found["measured"]) == (6, 4)
    assert found["unmeasured"] == {"no_text": 1, "not_analyzed": 1}
    assert found["labels"] == {"positive": 2, "neutral": 1, "negative": 1}
    assert (found["polarity"], found["median_polarity"], found["subjectivity"]) == (0.125, 0.25, 0.25)
    assert sum(each["articles"] for each in found["histogram"]) == 4
    assert [each["from"] for each in found["histogram"] if each["articles"]] == [-0.5, 0.0, 0.5]
    assert found["outlets"] == [{"source_name": "The Guardian", "articles": 6, "polarity": 0.125}]


async def test_a_polarity_is_counted_from_where_its_bin_begins(api, archive):
    now = datetime.now(UTC) - timedelta(days=1)
    beginnings = [n / 10 for n in range(-10, 10)]
    for polarity in (*beginnings, 1.0):
        archive.article("A storm", polarity=polarity, published_at=now)
    histogram = (await get(api, SUMMARY, q="storm"))["histogram"]
    assert [each["from"] for each in histogram] == beginnings
    assert [each["articles"] for each in histogram] == [1] * 19 + [2]


async def test_an_empty_archive_has_trends_too(api, archive):
    found = await get(api, TRENDS)
    assert len(found["buckets"]) in {31, 32}
    assert (await get(api, SUMMARY))["polarity"] is None


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("tz=Berlin", "tz"),
        ("tz=Europe/Berln", "tz"),
        ("tz=../etc/passwd", "tz"),
        ("interval=minute", "interval"),
        ("interval=hour&from=2020-01-01", "interval"),
        ("from=2999-01-01", "from"),
        ("from=2026-02-01&to=2026-01-01", "from"),
        ("q=%22", "q"),
        ("limit=5", "limit"),
        ("from=0001-01-01", "interval"),
        ("to=0001-01-05", "to"),
    ],
)
async def test_refusals(api, archive, query, parameter):
    answer = await api.get(f"{TRENDS}?{query}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


@pytest.mark.parametrize(
    ("parameter", "query"),
    [
        ("to", "from=9999-12-28&to=9999-12-30&tz=Asia/Tokyo"),
        ("to", "from=9999-12-28&to=9999-12-31"),
        ("to", "from=9999-12-31T23:30Z&to=9999-12-31T23:40Z&interval=hour"),
        ("from", "from=0001-01-01&to=0001-01-03&tz=America/New_York"),
        ("from", "from=0001-01-01&to=0001-01-03&tz=America/New_York&interval=hour"),
    ],
)
async def test_a_time_at_an_end_of_the_calendar_is_refused_as_such(api, archive, parameter, query):
    problem = (await api.get(f"{TRENDS}?{query}")).json()
    assert (problem["status"], problem["parameter"]) == (400, parameter)
    assert "of the calendar" in problem["detail"]


async def test_a_summary_of_a_time_that_would_begin_before_the_calendar_is_refused(api, archive):
    answer = await api.get(SUMMARY, params={"to": "0001-01-05"})
    assert (answer.status_code, answer.json()["parameter"]) == (400, "to")
    assert (await get(api, SUMMARY, from_="0001-01-01", to="0001-01-05"))["articles"] == 0
    archive.article("Storm")
    assert (await get(api, SUMMARY, from_="0001-01-01", to="9999-12-31"))["articles"] == 1
    assert (await get(api, "/articles", from_="0001-01-01", to="9999-12-31"))["total"] == 1


async def test_every_new_article_of_their_time_changes_them(api, archive, redis):
    await get(api, TRENDS, q="storm")
    [standing] = [of_entry(each.decode()) for each in redis.zrange(keys.STANDING, 0, -1)]
    assert (standing.text, standing.until, standing.has_image) == ("", None, None)
    again = await api.get(TRENDS, params={"q": "storm"})
    assert again.headers["cache-status"].startswith("newsintel; hit; detail=memory; ttl=")
    assert int(again.headers["age"]) < 10
