"""The write side's ports on the test servers, with the simulator as the outside world."""

import hashlib
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest

from deploy.local.upstreams import accounts
from ingest import bootstrap, sources
from ingest.cli import main as cli
from ingest.handlers import HANDLERS
from ingest.seal import new_key
from shared import keys
from shared.clock import utcnow
from shared.commands import ExchangeCode
from shared.config import IngestSettings, load
from shared.events import Answer
from tests.factories import Archive

CALLBACK = "http://127.0.0.1:8000/auth/reddit/callback"


@pytest.fixture
def environment(database, redis_url, upstreams):
    upstreams.reset()
    return {
        **upstreams.env(),
        "NEWSINTEL_DATABASE_URL": database.worker,
        "NEWSINTEL_REDIS_URL": redis_url,
        "NEWSINTEL_SEAL_KEYS": new_key(),
        "NEWSINTEL_INTERACTIVE_POLL_MS": "10",
        "NEWSINTEL_BULK_POLL_MS": "10",
    }


@pytest.fixture
def make_ports(environment):
    """make_ports(NEWSINTEL_X="...") -> Ports; closed at the end."""
    made = []

    def make(**settings):
        made.append(bootstrap.ports(load(IngestSettings, {**environment, **settings})))
        return made[-1]

    yield make
    for ports in made:
        ports.database.close()
        ports.redis.close()


@pytest.fixture
def ports(make_ports):
    return make_ports()


@pytest.fixture
def run(environment, monkeypatch, capsys):
    """run("topics", "pause", 1) -> (exit code, standard output without log lines, standard error)."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cli.log, "configure", lambda *_, **__: None)

    def command(*arguments):
        capsys.readouterr()
        code = cli.main([str(each) for each in arguments])
        told = capsys.readouterr()
        lines = [line for line in told.out.splitlines() if " [info " not in line]
        return code, "\n".join(lines).strip(), told.err.strip()

    return command


@pytest.fixture
def rows(database):
    """rows("SELECT ...") -> list of tuples, as the administrator."""
    with psycopg.connect(database.admin, autocommit=True) as connection:
        yield lambda statement, *parameters: connection.execute(statement, parameters).fetchall()


@pytest.fixture
def archive(database):
    with psycopg.connect(database.worker, autocommit=True) as connection:
        yield Archive(connection)


@pytest.fixture
def later(ports):
    """later(days=1) -> the same ports (or `using`), for whom that much time has passed."""

    def passed(using=ports, **time):
        def clock():
            return utcnow() + timedelta(**time)

        identity = sources.identity(using.settings, using.redis, using.metrics, clock)
        return msgspec.structs.replace(using, clock=clock, identity=identity)

    return passed


@pytest.fixture
def do(ports):
    """do(command) -> what it answers (as plain JSON), or its error; carried out by the worker's own handler."""

    def carry_out(command, command_id=None, using=None):
        command_id = command_id or str(uuid4())
        HANDLERS[type(command)](command, using or ports, command_id)
        told = msgspec.json.decode((using or ports).redis.get(keys.answer(command_id)), type=Answer)
        return told.error or msgspec.json.decode(told.value)

    return carry_out


@pytest.fixture
def user(rows):
    """user("name") -> the id of a new user, who has not signed in with Reddit."""
    return lambda name="someone": rows(
        """
        INSERT INTO users (reddit_id, username, identity_checked_at, last_login_at)
        VALUES (%s, %s, now(), now()) RETURNING id
        """,
        f"t2_{name}",
        name,
    )[0][0]


@pytest.fixture
def consent(upstreams):
    """consent("name") -> the code that Reddit sends back after that person clicked Allow."""

    def click(name="marta_reads_the_news", duration="permanent"):
        answer = httpx.post(
            f"{upstreams.url}/reddit/www/api/v1/authorize",
            headers={"User-Agent": "Mozilla/5.0 (a browser)"},
            data={
                "client_id": accounts.SIMULATOR_REDDIT_CLIENT_ID,
                "response_type": "code",
                "state": "s",
                "redirect_uri": CALLBACK,
                "duration": duration,
                "scope": "identity",
                "user": name,
                "authorize": "Allow",
            },
        )
        return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]

    return click


def hashed(secret):
    return hashlib.sha256(secret.encode()).hexdigest()


@pytest.fixture
def exchange(consent):
    """exchange("name", refresh="first") -> an ExchangeCode with a fresh code."""

    def command(name="marta_reads_the_news", refresh=None, duration="permanent", **changed):
        fields = {
            "code": consent(name, duration),
            "redirect_uri": CALLBACK,
            "session_id": uuid4(),
            "refresh_hash": hashed(refresh or str(uuid4())),
            "device": "Firefox on Linux",
        }
        return ExchangeCode(**{**fields, **changed})

    return command


@pytest.fixture
def sign_in(do, exchange, rows):
    """sign_in("name", refresh="first") -> (user id, session id)."""

    def signed_in(name="marta_reads_the_news", **options):
        command = exchange(name, **options)
        assert do(command)["session_id"] == str(command.session_id)
        return rows("SELECT user_id, id FROM sessions WHERE id = %s", command.session_id)[0]

    return signed_in
