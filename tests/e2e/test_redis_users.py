"""The whole way of a cold query with the Redis users of production: each may do its work and nothing of the other's."""

import os
import subprocess
import sys

import pytest
import redis as redis_client

from deploy.aws import names
from tests.eventually import eventually

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
    api = system.api()
    first = api.get("/articles", params={"q": "climate"}).json()
    assert first["articles"]
    assert first["freshness"]["state"] == "fresh"

    def hit():
        # What the sources sent beyond the first articles comes in behind the answer, and takes it out of the cache.
        return "hit" in api.get("/articles", params={"q": "climate"}).headers["Cache-Status"]

    eventually(hit)
    eventually(lambda: system.redis.keys("lease:slot:*"))
    assert system.redis.execute_command("ACL", "LOG") == []


def test_an_operator_sees_the_status_as_the_workers_user(system, users):
    environment = {**os.environ, **system.ingest_environment, "NEWSINTEL_REDIS_URL": users["worker"]}
    done = subprocess.run(
        [sys.executable, "-m", "ingest.cli", "status"],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
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
