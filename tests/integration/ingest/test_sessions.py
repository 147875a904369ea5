"""Sessions: refresh tokens rotate, one that comes back ends the session, and every process hears of an end."""

from uuid import uuid4

import pytest

from shared import keys
from shared.commands import EndSession, RefreshSession


def hashed(secret):
    import hashlib

    return hashlib.sha256(secret.encode()).hexdigest()


@pytest.fixture
def refresh(do):
    """refresh(session id, "presented", "new") -> the answer."""

    def ask(session_id, presented, new, **options):
        command = RefreshSession(
            session_id=session_id, presented_hash=hashed(presented), new_hash=hashed(new)
        )
        return do(command, **options)

    return ask


@pytest.fixture
def revoked(redis):
    """revoked() -> what Redis tells every process not to believe in."""
    return lambda: {member.decode() for member in redis.zrange(keys.REVOKED, 0, -1)}


def why(rows, session_id):
    return rows("SELECT ended_why FROM sessions WHERE id = %s", session_id)[0][0]


def test_refresh_tokens_rotate_and_the_session_lives_on(sign_in, refresh, rows, later):
    _, session_id = sign_in(refresh="r1")
    [(before,)] = rows("SELECT expires_at FROM sessions")
    assert refresh(session_id, "r1", "r2")["session_id"] == str(session_id)
    assert refresh(session_id, "r2", "r3", using=later(days=29))["session_id"] == str(session_id)
    [(after,)] = rows("SELECT expires_at FROM sessions")
    assert (after - before).days >= 28


def test_a_used_token_that_comes_back_ends_the_session(sign_in, refresh, rows, revoked):
    _, session_id = sign_in(refresh="r1")
    refresh(session_id, "r1", "r2")
    assert refresh(session_id, "r1", "thief") == "token_reused"
    assert why(rows, session_id) == "token_reused"
    assert revoked() == {keys.revoked_session(session_id)}
    assert refresh(session_id, "r2", "r3") == "session_ended"  # whoever has the newest one, too
    assert ("token_reused",) in rows("SELECT action FROM audit_log")


def test_a_thief_who_comes_first_is_found_out_by_the_owner(sign_in, refresh, rows):
    _, session_id = sign_in(refresh="r1")
    assert isinstance(refresh(session_id, "r1", "thief"), dict)
    assert refresh(session_id, "r1", "r2") == "token_reused"
    assert refresh(session_id, "thief", "thief2") == "session_ended"


def test_the_same_command_again_has_the_same_answer(sign_in, refresh, rows, later):
    _, session_id = sign_in(refresh="r1")
    first = refresh(session_id, "r1", "r2", command_id="c1")
    assert refresh(session_id, "r1", "r2", command_id="c1", using=later(seconds=40)) == first
    assert why(rows, session_id) is None


def test_tabs_that_wake_up_together_share_the_next_token(sign_in, refresh, rows):
    _, session_id = sign_in(refresh="r1")
    assert refresh(session_id, "r1", "r2") == refresh(session_id, "r1", "r2")
    assert why(rows, session_id) is None


def test_later_or_once_the_next_one_is_used_it_is_reuse(sign_in, refresh, later):
    _, session_id = sign_in(refresh="r1")
    refresh(session_id, "r1", "r2")
    assert refresh(session_id, "r1", "r2", using=later(seconds=31)) == "token_reused"
    _, session_id = sign_in(refresh="s1")
    refresh(session_id, "s1", "s2")
    refresh(session_id, "s2", "s3")
    assert refresh(session_id, "s1", "s2") == "token_reused"


def test_guesses_end_nothing(sign_in, refresh, rows, revoked):
    _, session_id = sign_in(refresh="r1")
    _, other = sign_in("tidal_flats", refresh="o1")
    assert refresh(session_id, "guess", "x") == "session_ended"
    assert refresh(uuid4(), "r1", "x") == "session_ended"
    assert refresh(session_id, "o1", "x") == "session_ended"  # a token of another session
    assert (why(rows, session_id), why(rows, other), revoked()) == (None, None, set())


def test_a_session_that_nobody_used_for_a_month_is_over(sign_in, refresh, later):
    _, session_id = sign_in(refresh="r1")
    assert refresh(session_id, "r1", "r2", using=later(days=31)) == "session_ended"


@pytest.fixture
def end(do):
    """end(user id, session id) -> the answer."""
    return lambda user_id, session_id=None, **options: do(
        EndSession(
            user_id=user_id,
            session_id=session_id,
            idempotency_key=options.pop("key", str(uuid4())),
            everywhere=session_id is None,
        ),
        **options,
    )


def test_signing_out_ends_this_session_at_once(sign_in, end, refresh, revoked, redis, rows):
    user_id, session_id = sign_in(refresh="r1")
    _, other = sign_in()
    with redis.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(keys.REVOCATIONS)
        channel.get_message(timeout=30)
        assert end(user_id, session_id) == {"count": 1}
        heard = channel.get_message(timeout=30)
    assert heard["data"].decode() == keys.revoked_session(session_id)
    assert revoked() == {keys.revoked_session(session_id)}
    assert refresh(session_id, "r1", "r2") == "session_ended"
    assert why(rows, other) is None


def test_signing_out_everywhere_ends_all_and_tells_reddit(sign_in, end, revoked, rows, upstreams):
    user_id, one = sign_in()
    _, two = sign_in()
    _, stranger = sign_in("tidal_flats")
    assert end(user_id) == {"count": 2}
    assert revoked() == {keys.revoked_session(one), keys.revoked_session(two)}
    assert why(rows, stranger) is None
    assert rows("SELECT reddit_tokens FROM users WHERE id = %s", user_id) == [(None,)]
    assert "revoke_token" in upstreams.calls()["last"][-1]["path"]
    assert rows("SELECT count(*) FROM revocations") == [(0,)]


def test_another_users_session_is_not_there(sign_in, end, rows, revoked):
    _, victim = sign_in()
    stranger, _ = sign_in("tidal_flats")
    assert end(stranger, victim) == "not_found"
    assert (why(rows, victim), revoked()) == (None, set())


def test_an_announcement_that_was_lost_is_made_up_for(sign_in, end, redis, revoked):
    user_id, session_id = sign_in()
    end(user_id, session_id, key="k")
    redis.delete(keys.REVOKED)  # as if the worker had been killed right after its commit
    assert end(user_id, session_id, key="k") == {"count": 1}
    assert revoked() == {keys.revoked_session(session_id)}


def test_announcements_are_forgotten_in_time(sign_in, end, revoked, later):
    user_id, session_id = sign_in()
    end(user_id, session_id)
    _, other = sign_in()
    end(user_id, other, using=later(hours=1))
    assert revoked() == {keys.revoked_session(other)}


def test_once_a_day_reddit_is_asked_who_this_is(sign_in, refresh, rows, later, upstreams):
    _, session_id = sign_in(refresh="r1")
    rows("UPDATE users SET username = 'old_name' RETURNING id")
    upstreams.change(clock_offset_seconds=0)
    calls = len(upstreams.calls()["last"])
    refresh(session_id, "r1", "r2", using=later(hours=23))
    assert len(upstreams.calls()["last"]) == calls
    refresh(session_id, "r2", "r3", using=later(hours=25))
    assert rows("SELECT username FROM users") == [("marta_reads_the_news",)]


def test_who_took_the_consent_back_is_signed_out(sign_in, refresh, rows, later, ports, revoked):
    import msgspec

    user_id, session_id = sign_in(refresh="r1")
    [(sealed,)] = rows("SELECT reddit_tokens FROM users")
    tokens = msgspec.json.decode(ports.seal.open(sealed, f"user:{user_id}:tokens"))
    ports.identity.revoke(tokens["refresh_token"])
    assert isinstance(refresh(session_id, "r1", "r2", using=later(hours=25)), dict)
    assert why(rows, session_id) == "access_withdrawn"
    assert rows("SELECT reddit_tokens FROM users") == [(None,)]
    assert revoked() == {keys.revoked_session(session_id)}


def test_when_reddit_is_away_nobody_is_signed_out(sign_in, refresh, rows, later, upstreams):
    _, session_id = sign_in(refresh="r1")
    for source in ("reddit", "reddit_token"):
        upstreams.faults(source=source, kind="status", status=503)
    assert isinstance(refresh(session_id, "r1", "r2", using=later(hours=25)), dict)
    assert why(rows, session_id) is None
