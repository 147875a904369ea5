"""The real process: what stops it from starting, and how it stops."""

import contextlib
import os
import signal
import subprocess
import sys

import httpx
import pytest

from deploy.local.processes import free_port
from tests.eventually import eventually

PATIENCE = 60


def start(**variables: object) -> subprocess.Popen:
    environment = {f"NEWSINTEL_{name.upper()}": str(value) for name, value in variables.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "api"],
        env={**{k: v for k, v in os.environ.items() if not k.startswith("NEWSINTEL_")}, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def refusal(**variables: object) -> str:
    with start(**variables) as process:
        _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert stderr.startswith("newsintel api: ")
    assert stderr.count("\n") == 1
    return stderr


@pytest.fixture
def served(database, redis_url):
    port = free_port()
    with start(database_url=database.api, redis_url=redis_url, port=port) as process:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:

            def ready():
                assert process.poll() is None, process.stderr.read()
                with contextlib.suppress(httpx.TransportError):
                    return client.get("/health").status_code == 200

            eventually(ready)
            yield client, process, port
        process.kill()


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(served, name):
    client, process, _ = served
    answer = client.get("/articles?q=storm", headers={"Prefer": "wait=0", "X-Request-ID": "mine"})
    assert answer.status_code == 200
    assert client.get("/articles?limit=0").json()["parameter"] == "limit"
    assert client.get("/docs/assets/swagger-ui-bundle.js").status_code == 200
    process.send_signal(name)
    stdout, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert stderr == ""
    assert '"path":"/articles","status":200' in stdout
    assert '"request_id":"mine"' in stdout
    assert "storm" not in stdout


def test_a_request_under_way_is_answered_before_it_stops(served, redis):
    import concurrent.futures

    client, process, _ = served
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        answer = thread.submit(client.get, "/articles?q=storm", headers={"Prefer": "wait=1"})
        eventually(lambda: redis.keys("flight:*"))
        process.send_signal(signal.SIGTERM)
        assert answer.result().status_code == 200
    assert process.wait(PATIENCE) == 0


def test_a_port_in_use(served, database, redis_url):
    _, _, port = served
    sentence = refusal(database_url=database.api, redis_url=redis_url, port=port)
    assert (
        f"cannot listen on 127.0.0.1:{port}: Address already in use (NEWSINTEL_PORT chooses another)"
        in sentence
    )
    sentence = refusal(database_url=database.api, redis_url=redis_url, port=free_port(), metrics_port=port)
    assert "Address already in use (NEWSINTEL_METRICS_PORT chooses another)" in sentence


def test_a_setting_that_is_missing(redis_url):
    assert "NEWSINTEL_DATABASE_URL must be set" in refusal(redis_url=redis_url)


def test_a_database_that_is_away(redis_url):
    sentence = refusal(database_url="postgresql://api:topsecret@127.0.0.1:1/x", redis_url=redis_url)
    assert "cannot connect to the database (NEWSINTEL_DATABASE_URL)" in sentence
    assert "topsecret" not in sentence


def test_a_schema_that_is_too_old(postgres_server, redis_url):
    name = "newsintel_not_migrated"
    postgres_server.create_database(name)
    sentence = refusal(database_url=postgres_server.url("newsintel_api", name), redis_url=redis_url)
    assert "the database schema is at revision none" in sentence
    postgres_server.drop_database(name)
