"""One source is delayed: wherever its lag is told, it is the same, and the alarm's arithmetic finds that source."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from deploy.aws.lateness import FETCH_LATE_SECONDS, NEWS_OLD_SECONDS
from shared.commands import FetchTopic
from shared.sources import SOURCES
from tests.eventually import eventually

SINCE = timedelta(hours=2)
UNITS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
LAGS = {"last_fetch_age": "last_success_at", "newest_article_age": "newest_published_at"}


@pytest.fixture
def late(system):
    """Every source was pulled; the Guardian's success is two hours ago, and now it answers too slowly."""
    settings = {"NEWSINTEL_METRICS": "emf", "NEWSINTEL_READ_TIMEOUT_SECONDS": "2"}
    system.ingest_environment |= settings
    system.worker()
    for (topic_id,) in system.query("SELECT min(id) FROM topics GROUP BY source"):
        system.send(FetchTopic(topic_id=topic_id))
    system.wait_idle()
    with psycopg.connect(system.database.admin, autocommit=True) as admin:
        admin.execute(
            "UPDATE fetches SET started_at = started_at - %(since)s, finished_at = finished_at - %(since)s "
            "WHERE source = 'guardian'",
            {"since": SINCE},
        )
    system.upstreams.faults(source="guardian", kind="delay", min_ms=4_000, max_ms=4_000)
    return system


def truth(system):
    """{source: {last_success_at, newest_published_at}} as the pulls themselves say."""
    found = system.query(
        "SELECT source, max(finished_at) FILTER (WHERE outcome = 'ok'), max(newest_published_at) FROM fetches "
        "GROUP BY source"
    )
    return {source: dict(zip(LAGS.values(), moments, strict=True)) for source, *moments in found}


def gauges(system):
    """{(metric, source): (value, when it was written)} of the EMF lines."""
    lines = [line for line in system.lines("scheduler") if "_aws" in line]
    return {
        (name, line["source"]): (line[name], datetime.fromtimestamp(line["_aws"]["Timestamp"] / 1000, UTC))
        for line in lines
        for name in LAGS
        if name in line
    }


def status(system):
    """{source: {last_success_at, newest_published_at}: length of time} of `newsintel status`, and how exact it is."""
    done = subprocess.run(
        [sys.executable, "-m", "ingest.cli", "status"],
        env=system.ingest_environment,
        check=True,
        capture_output=True,
        text=True,
    )
    rows = [re.split(r" {2,}", line) for line in done.stdout.splitlines()]
    return {
        row[0]: dict(zip(LAGS.values(), map(_span, row[2:4]), strict=True))
        for row in rows
        if row[0] in SOURCES and "ago" in row[2]
    }


def _span(text):
    number, unit = re.fullmatch(r"([\d.]+) (\w+) ago", text).groups()
    exact = 0.5 if "." not in number else 0.05
    return timedelta(seconds=float(number) * UNITS[unit]), timedelta(seconds=exact * UNITS[unit])


def moments(told):
    return {name: datetime.fromisoformat(told[name]) for name in LAGS.values()}


def test_all_who_tell_the_lag_agree(late):
    before = datetime.now(UTC)
    late.scheduler()
    api = late.api()
    eventually(lambda: late.query("SELECT 1 FROM fetches WHERE source = 'guardian' AND outcome <> 'ok'"))

    def search():
        return api.get("/articles", params={"q": "climate"}).json()

    # A reader who asks more often meets the limit.
    eventually(lambda: search()["freshness"]["state"] == "partial", every=0.5)
    eventually(lambda: {key[1] for key in gauges(late)} == set(SOURCES), seconds=60)
    # The first subreddit alone is a quiet one.
    eventually(
        lambda: gauges(late)["newest_article_age", "reddit"][0] < NEWS_OLD_SECONDS["reddit"], seconds=60
    )
    expected = truth(late)["guardian"]

    # A search, a list, the list of sources and the source itself: to the microsecond.
    found = search()
    listed = api.get("/articles").json()
    sources = api.get("/sources").json()
    one = api.get("/sources/guardian").json()
    for answer in (found["freshness"], listed["freshness"], sources):
        [told] = [each for each in answer["sources"] if each["source"] == "guardian"]
        assert moments(told) == expected
        assert told["outcome"] != "ok"
    assert moments(one) == expected
    assert {found["freshness"]["state"], listed["freshness"]["state"]} == {"partial"}
    lag = datetime.fromisoformat(one["checked_at"]) - expected["newest_published_at"]
    assert one["lag_seconds"] == int(lag.total_seconds())

    # The gauges: sampled after the scheduler began, written a moment later.
    written = gauges(late)
    for name, moment in LAGS.items():
        value, at = written[name, "guardian"]
        sampled = expected[moment] + timedelta(seconds=value)
        assert before <= sampled <= at, name

    # The status screen: as exact as it prints.
    asked = datetime.now(UTC)
    shown = status(late)["guardian"]
    for moment, (length, exact) in shown.items():
        assert asked - expected[moment] - exact <= length <= datetime.now(UTC) - expected[moment] + exact, (
            moment
        )

    # The alarm rings for the Guardian alone, and so does whoever computes it from what readers are told.
    told = {each["source"]: moments(each)["last_success_at"] for each in sources["sources"]}
    now = datetime.fromisoformat(sources["checked_at"])
    rings = {s for s in SOURCES if written["last_fetch_age", s][0] > FETCH_LATE_SECONDS[s]}
    assert rings == {"guardian"}
    assert rings == {s for s in SOURCES if (now - told[s]).total_seconds() > FETCH_LATE_SECONDS[s]}
    # Nobody's news is old: NewsAPI's are a day late by contract, which the other alarm allows.
    assert not {s for s in SOURCES if written["newest_article_age", s][0] > NEWS_OLD_SECONDS[s]}


def test_no_alarm_rings_before_two_slots_were_missed(database):
    with psycopg.connect(database.worker) as connection:
        rows = connection.execute(
            "SELECT source, min(cadence_seconds) FROM topics GROUP BY source"
        ).fetchall()
    assert {source for source, _ in rows} == set(FETCH_LATE_SECONDS) == set(NEWS_OLD_SECONDS)
    assert all(FETCH_LATE_SECONDS[source] > 2 * cadence for source, cadence in rows)
