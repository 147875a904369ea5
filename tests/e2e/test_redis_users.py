"""The whole way of a cold query with the Redis users of production: each may do its work and nothing of the other's."""

import time

import pytest
import redis as redis_client

from deploy.aws import names
from ingest.cli.main import main

USERS = {"api": names.ACL_API, "worker": names.ACL_WORKER}


@pytest.fixture
def users(redis_url):
    """{user: its URL}, on the server of the tests."""
    with redis_client.Redis.from_url(redis_url) as admin:
        admin.execute_command("ACL", "LOG", "RESET")
        for user, acl in USERS.items():
            admin.execute_command("ACL", "SETUSER", user, "reset", f">{user}", *acl.split())
        yield {user: redis_url.replace("redis://", f"redis://{user}:{user}@") for user in USERS}
        admin.execute_command("ACL", "DELUSER", *USERS)


def test_a_cold_query_is_answered_and_the_cadence_is_kept(system, users):
    system.api_environment["NEWSINTEL_REDIS_URL"] = users["api"]
    system.ingest_environment["NEWSINTEL_REDIS_URL"] = users["worker"]
    system.worker("interactive")
    system.scheduler()
    api = system.api(NEWSINTEL_COLD_WAIT_SECONDS="20", NEWSINTEL_COLD_WAIT_MAX_SECONDS="30")
    first = api.get("/articles", params={"q": "climate"}).json()
    assert first["articles"]
    assert first["freshness"]["state"] == "fresh"
    api.get("/articles", params={"q": "climate"})
    assert "hit" in api.get("/articles", params={"q": "climate"}).headers["Cache-Status"]
    while not system.redis.keys("lease:slot:*"):
        time.sleep(0.1)
    assert system.redis.execute_command("ACL", "LOG") == []


def test_the_operators_screen_is_whole(system, users, monkeypatch, capsys):
    for name, value in (system.ingest_environment | {"NEWSINTEL_REDIS_URL": users["worker"]}).items():
        monkeypatch.setenv(name, value)
    assert main(["status"]) == 0
    assert "Redis uses" in capsys.readouterr().out
    assert system.redis.execute_command("ACL", "LOG") == []


@pytest.mark.parametrize(
    "command",
    [
        "GET source:reddit:token:x",
        "SET lease:scheduler me",
        "FLUSHALL",
        "CONFIG GET *",
        "SCRIPT FLUSH",
        "FUNCTION FLUSH",
    ],
)
def test_the_api_can_neither_read_a_token_nor_empty_the_queue(users, command):
    with (
        redis_client.Redis.from_url(users["api"]) as api,
        pytest.raises(redis_client.exceptions.NoPermissionError),
    ):
        api.execute_command(*command.split())
