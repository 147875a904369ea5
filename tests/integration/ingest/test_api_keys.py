"""API keys: only their hashes are known here; another user's key is not there."""

from datetime import timedelta
from uuid import uuid4

import pytest

from ingest.handlers import api_keys, roles
from shared import keys
from shared.clock import utcnow
from shared.commands import CreateKey, KeyUsed, RevokeKey, TouchKeys


@pytest.fixture
def create(do):
    def ask(user_id, **fields):
        secret = uuid4().hex * 2
        return do(
            CreateKey(
                **{
                    "user_id": user_id,
                    "name": "script",
                    "scopes": ["read"],
                    "prefix": f"nik_{secret[:6]}",
                    "key_hash": secret,
                    "idempotency_key": str(uuid4()),
                    **fields,
                }
            )
        )

    return ask


@pytest.fixture
def revoke(do):
    return lambda user_id, key_id, key=None: do(
        RevokeKey(user_id=user_id, key_id=key_id, idempotency_key=key or str(uuid4()))
    )


def test_a_key_is_made_and_its_hash_kept(user, create, rows):
    one = user()
    answer = create(one, key_hash="ab" * 32, prefix="nik_abcdef", scopes=["me:read", "read", "read"])
    assert rows("SELECT id, prefix, encode(hash, 'hex'), scopes, last_used_at FROM api_keys") == [
        (answer["key_id"], "nik_abcdef", "ab" * 32, ["me:read", "read"], None)
    ]
    assert answer["prefix"] == "nik_abcdef"


def test_a_repeated_request_makes_one_key_whatever_secret_it_brings(user, create, rows):
    one = user()
    first = create(one, idempotency_key="k")
    assert create(one, idempotency_key="k") == first  # the prefix tells that its own secret is not the key
    assert create(one, idempotency_key="k", name="another") == "idempotency_mismatch"
    assert rows("SELECT count(*) FROM api_keys") == [(1,)]


def test_the_same_secret_is_no_second_key(user, create):
    one = user()
    create(one, key_hash="cd" * 32)
    assert create(one, key_hash="cd" * 32) == "key_exists"


def test_a_revoked_key_is_announced_once_it_is_committed(user, create, revoke, rows, redis):
    one = user()
    key_id = create(one)["key_id"]
    assert revoke(one, key_id, "k") == {"count": 1}
    assert redis.zrange(keys.REVOKED, 0, -1) == [keys.revoked_key(key_id).encode()]
    redis.delete(keys.REVOKED)
    assert revoke(one, key_id, "k") == {"count": 1}  # repeated: announced again
    assert redis.zcard(keys.REVOKED) == 1
    assert revoke(one, key_id) == "not_found"


def test_another_users_key_is_not_there_and_lives_on(user, create, revoke, rows, redis):
    one, stranger = user("one"), user("stranger")
    key_id = create(one)["key_id"]
    assert revoke(stranger, key_id) == "not_found"
    assert redis.zcard(keys.REVOKED) == 0
    assert rows("SELECT revoked_at FROM api_keys") == [(None,)]


def test_there_is_an_end_to_keys_that_are_valid(user, create, revoke, monkeypatch):
    monkeypatch.setattr(api_keys, "MAX_KEYS", 2)
    one = user()
    first = create(one)["key_id"]
    create(one, expires_at=utcnow() - timedelta(days=1))
    create(one)
    assert create(one) == "too_many"
    revoke(one, first)
    assert create(one)["key_id"]


def test_only_operators_make_keys_that_operate_and_lose_them_with_the_role(user, create, ports, rows):
    one = user()
    assert create(one, scopes=["operate"]) == "role_missing"
    assert roles.grant(ports, one, "operator", "cli:me")
    key_id = create(one, scopes=["operate", "read"])["key_id"]
    other = create(one, scopes=["read"])["key_id"]
    assert roles.revoke(ports, one, "operator", "cli:me")
    assert rows("SELECT id FROM api_keys WHERE revoked_at IS NULL") == [(other,)]
    assert ports.redis.zrange(keys.REVOKED, 0, -1) == [keys.revoked_key(key_id).encode()]


def test_the_last_use_is_noted_and_the_first_of_a_day_is_audited(user, create, ports, rows):
    from ingest.handlers.api_keys import touch_keys

    one = user()
    key_id = create(one)["key_id"]
    noon = utcnow().replace(hour=12, minute=0, second=0, microsecond=0)

    def touch(*moments):
        uses = [KeyUsed(key_id=key_id, at=noon + timedelta(hours=hours)) for hours in moments]
        touch_keys(TouchKeys(uses=[*uses, KeyUsed(key_id=10**9, at=noon)]), ports, "t")
        return rows("SELECT last_used_at FROM api_keys")[0][0] - noon

    assert touch(0, 2, 1) == timedelta(hours=2)
    assert touch(1) == timedelta(hours=2)  # an older batch that comes late
    assert touch(3) == timedelta(hours=3)
    assert touch(24) == timedelta(hours=24)
    assert rows("SELECT count(*) FROM audit_log WHERE action = 'key_used'") == [(2,)]
