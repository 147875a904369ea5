"""`python3 -m deploy.local up` as a new user runs it: address, search, Ctrl-C, again, and after a kill."""

import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil
import psycopg
import pytest

from deploy.local.environment import REPOSITORY
from deploy.local.processes import free_port, has_ended
from tests.eventually import eventually

START_SECONDS = 150  # the first start on a fresh machine installs the dependencies
CAPTURED = {"newsapi": 2722, "guardian": 1000, "reddit": 405}
OPEN_BOOKS = (
    "fetched - stored - merged - quarantined "
    "- (SELECT coalesce(sum(n::int), 0) FROM jsonb_each_text(discarded) AS d(reason, n))"
)


class Up:
    """One run of the command."""

    def __init__(self, data: Path, *options: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = data
        command = [
            sys.executable,
            "-m",
            "deploy.local",
            "up",
            "--port",
            str(self.port),
            "--data-dir",
            str(data),
        ]
        self.output = data.parent / f"output-{self.port}"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, *options], cwd=REPOSITORY, stdout=output, stderr=output
            )

    def ready(self) -> bool:
        assert self.process.poll() is None, self.output.read_text()
        return self.url in self.output.read_text() and "Stop:" in self.output.read_text()

    def get(self, path: str) -> dict:
        return httpx.get(self.url + path, timeout=20).raise_for_status().json()

    def family(self) -> list[psutil.Process]:
        """Every process that this run started, PostgreSQL's detached ones too."""
        near = psutil.Process(self.process.pid).children(recursive=True)
        mine = str(self.data)
        far = [
            p
            for p in psutil.process_iter(["cmdline"])
            if any(mine in part for part in p.info["cmdline"] or [])
        ]
        return [p for p in {*near, *far} if p.pid != self.process.pid]

    def stop(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)

    def newsintel(self, *arguments: str) -> subprocess.CompletedProcess:
        command = [
            sys.executable,
            "-m",
            "deploy.local",
            "newsintel",
            "--data-dir",
            str(self.data),
            *arguments,
        ]
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.fixture
def up():
    """up(*options) -> a running Up; all of them share one data directory."""
    # What a script runs in the background ignores Ctrl-C, and so would whatever the tests start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    runs = []
    with tempfile.TemporaryDirectory(prefix="newsintel-up-") as directory:

        def start(*options):
            run = Up(Path(directory) / "data", *options)
            runs.append(run)
            eventually(run.ready, seconds=START_SECONDS)
            return run

        yield start
        signal.signal(signal.SIGINT, before)
        for run in runs:
            try:
                run.stop()
            finally:  # or its end would be an error in whatever test comes then
                run.process.kill()
                run.process.wait()


@pytest.mark.timeout(400)
def test_search_at_once_stop_without_leftovers_and_find_the_data_again(up):
    first = up()
    assert "No key for newsapi, guardian, reddit" in re.sub(r"\s+", " ", first.output.read_text())
    assert first.get("/health")["status"] == "healthy"
    found = eventually(lambda: first.get("/articles?q=climate&sort=newest")["articles"], every=0.5)
    eventually(lambda: "scheduler: leads" in first.newsintel("status").stdout)
    asked = first.newsintel("topics", "add", "guardian", "query", "solar storm", "--every", "600")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert "usage: newsintel backfill" in first.newsintel("backfill", "--help").stdout
    family = first.family()
    assert len(family) >= 7  # servers, simulator, workers, scheduler, api
    assert first.stop() == 0
    assert [p for p in family if not has_ended(p)] == []
    assert first.newsintel("status").returncode == 2

    second = up()
    assert second.get(f"/articles/{found[0]['id']}")["url"] == found[0]["url"]

    orphans = second.family()
    second.process.kill()  # the terminal went away under it
    second.process.wait()
    third = up()
    assert third.get("/health")["status"] == "healthy"
    assert third.stop(signal.SIGTERM) == 0
    assert [p for p in orphans if not has_ended(p)] == []


@pytest.mark.timeout(400)
def test_a_server_that_ends_is_one_sentence_and_the_next_run_finds_its_data(up):
    ends = [
        ("Valkey", "valkey-server", signal.SIGKILL),
        ("PostgreSQL", "postgres -D", signal.SIGKILL),
        ("PostgreSQL", "postgres -D", signal.SIGINT),  # in an orderly way: its pid file goes with it
    ]
    for name, begins, how in ends:
        one = up()
        family = one.family()
        [server] = [p for p in family if f"/{begins}" in " ".join(p.cmdline())]
        server.send_signal(how)
        code = one.process.wait(60)
        told = re.sub(r"\s+", " ", one.output.read_text())
        assert code == 2, told
        assert f"deploy.local: {name} has ended; start again, its data is kept" in told
        assert "Traceback" not in told
        assert [p for p in family if not has_ended(p)] == []


@pytest.mark.campaign
@pytest.mark.payloads
@pytest.mark.timeout(600)
def test_the_whole_captured_set_is_in_after_the_first_fetches(up, payloads):
    run = up("--payloads", str(payloads), "--workers", "2")

    def query(statement):
        url = f"postgresql://postgres@/newsintel?host={quote(str(run.data / 'postgres'), safe='')}"
        with psycopg.connect(url, autocommit=True) as connection:
            return connection.execute(statement).fetchall()

    def pulled():
        whole = "SELECT t.source, outcome FROM fetches JOIN topics t ON t.id = topic_id WHERE t.max_pages > 1"
        return sorted(query(whole)) == [("guardian", "ok"), ("newsapi", "ok"), ("reddit", "ok")]

    eventually(pulled, seconds=240)
    items = dict(
        query("SELECT t.source, fetched FROM fetches JOIN topics t ON t.id = topic_id WHERE t.max_pages > 1")
    )
    # A page that a busy machine answered too late is fetched, and counted, once more.
    assert items.keys() == CAPTURED.keys()
    assert all(items[source] >= count for source, count in CAPTURED.items())
    assert query(f"SELECT id FROM fetches WHERE {OPEN_BOOKS} <> 0") == []
    told_by = [
        {article["source"], *(other["source"] for other in article["also_in"])}
        for page in range(1, 4)
        for article in run.get(f"/articles?q=ukraine&limit=100&page={page}")["articles"]
    ]
    assert any(len(sources) > 1 for sources in told_by)
