"""A user's Reddit tokens: renewed before they run out as Reddit says, by one worker; sealed under the current key."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest

from ingest.handlers import reddit_tokens
from ingest.handlers.reseal import reseal
from ingest.seal import SealError, new_key
from shared.clock import utcnow
from shared.errors import GrantRefusedError


@pytest.fixture
def bearer(ports):
    """bearer(user id) -> an access token."""

    def token(user_id, using=None):
        using = using or ports
        with using.database.connection() as conn, conn.transaction():
            return reddit_tokens.bearer(conn, using, user_id)

    return token


def token_calls(upstreams):
    return [call for call in upstreams.calls()["last"] if "access_token" in call["path"]]


def test_a_good_token_is_used_as_it_is(sign_in, bearer, upstreams):
    user_id, _ = sign_in()
    calls = len(token_calls(upstreams))
    assert bearer(user_id) == bearer(user_id)
    assert len(token_calls(upstreams)) == calls


@pytest.mark.parametrize("lifetime", [3600, 86_400])
def test_it_is_renewed_a_minute_before_reddit_ends_it(sign_in, bearer, upstreams, later, ports, lifetime):
    upstreams.change(reddit_token_lifetime=lifetime)
    user_id, _ = sign_in()
    first = bearer(user_id)
    assert bearer(user_id, later(seconds=lifetime - 120)) == first
    second = bearer(user_id, later(seconds=lifetime - 30))
    assert second != first
    upstreams.change(clock_offset_seconds=lifetime - 10)
    assert ports.identity.person(second).name == "marta_reads_the_news"
    upstreams.change(clock_offset_seconds=lifetime + 1)
    with pytest.raises(GrantRefusedError):
        ports.identity.person(first)


def test_what_comes_back_is_kept_when_refresh_tokens_rotate(sign_in, bearer, upstreams, later):
    upstreams.change(reddit_refresh_rotates=True)
    user_id, _ = sign_in()
    assert len({bearer(user_id, later(days=days)) for days in (0, 2, 4, 6)}) == 4


def test_where_refresh_tokens_rotate_one_worker_renews_for_all(sign_in, bearer, upstreams, later):
    upstreams.change(reddit_refresh_rotates=True)
    user_id, _ = sign_in()
    calls = len(token_calls(upstreams))
    start = threading.Barrier(4)

    def renew(_):
        start.wait()
        return bearer(user_id, later(hours=23, minutes=59, seconds=30))

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(renew, range(4)))) == 1
    assert len(token_calls(upstreams)) - calls == 1


def test_a_consent_for_one_token_only_ends_with_it(sign_in, bearer, later):
    user_id, _ = sign_in(duration="temporary")
    assert bearer(user_id)
    assert bearer(user_id, later(days=2)) is None


def test_nobody_has_no_token(user, bearer):
    assert bearer(user()) is None


def test_old_keys_open_and_use_seals_anew(sign_in, bearer, make_ports, rows, ports):
    user_id, _ = sign_in()
    first, second = ports.settings.seal_keys, new_key()
    both = make_ports(NEWSINTEL_SEAL_KEYS=f"{second},{first}")
    token = bearer(user_id, both)
    [(sealed,)] = rows("SELECT reddit_tokens FROM users")
    assert not both.seal.stale(sealed)
    assert bearer(user_id, make_ports(NEWSINTEL_SEAL_KEYS=second)) == token
    with pytest.raises(SealError):
        bearer(user_id)


def test_everything_is_sealed_anew_at_once(sign_in, bearer, make_ports, ports, rows):
    for name in ("marta_reads_the_news", "tidal_flats"):
        sign_in(name)
    second = new_key()
    both = make_ports(NEWSINTEL_SEAL_KEYS=f"{second},{ports.settings.seal_keys}")
    assert msgspec.structs.astuple(reseal(both)) == (2, 0, 0)
    assert msgspec.structs.astuple(reseal(both)) == (0, 2, 0)
    only = make_ports(NEWSINTEL_SEAL_KEYS=second)
    assert all(bearer(user_id, only) for (user_id,) in rows("SELECT id FROM users"))
    assert msgspec.structs.astuple(reseal(make_ports(NEWSINTEL_SEAL_KEYS=new_key()))) == (0, 0, 2)


def test_a_token_that_is_copied_into_another_row_does_not_open_there(sign_in, bearer, rows):
    victim, _ = sign_in()
    thief, _ = sign_in("tidal_flats")
    rows(
        "UPDATE users SET reddit_tokens = (SELECT reddit_tokens FROM users WHERE id = %s) WHERE id = %s RETURNING id",
        victim,
        thief,
    )
    with pytest.raises(SealError):
        bearer(thief)


def test_tokens_are_shown_in_no_text(ports, exchange):
    tokens = ports.identity.exchange(exchange().code, exchange().redirect_uri)
    assert tokens.access_token not in f"{tokens} {tokens!r}"
    assert tokens.expires_at - utcnow() > timedelta(hours=23)
