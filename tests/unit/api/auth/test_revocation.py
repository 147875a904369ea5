"""What is revoked is remembered for as long as somebody might believe in it."""

import pytest

from api.auth.revocation import Revocations
from shared import keys


@pytest.fixture
def clock(monkeypatch):
    now = [1_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    return now


def test_what_no_longer_matters_is_forgotten_when_something_is_added(clock):
    revocations = Revocations(None, access_seconds=600)
    for number in range(100):
        revocations.add(f"old:{number}")
    clock[0] = keys.revoked_until(1_000, 600) - 1
    revocations.add("new")
    assert "old:0" in revocations
    clock[0] += 1
    revocations.add("newer")
    assert set(revocations._until) == {"new", "newer"}
