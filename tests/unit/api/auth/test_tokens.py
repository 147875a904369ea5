"""Session keys and what hangs on them."""

from datetime import timedelta

import pytest

from api.auth.csrf import CrossSiteError, Csrf
from api.auth.tokens import Keyring, TokenRefusedError, Tokens, new_key
from shared.clock import utcnow
from shared.config import ApiSettings, load
from shared.errors import ConfigError


@pytest.mark.parametrize("text", ["x", "id:", "id:short", ":" + "A" * 43, "id:" + "!" * 43, f"{new_key()},x"])
def test_a_session_key_that_is_none_is_named_and_not_shown(text):
    with pytest.raises(ConfigError, match="NEWSINTEL_SESSION_KEYS") as refused:
        Keyring(text)
    assert "AAAA" not in str(refused.value)


def test_a_token_runs_out_by_our_clock():
    now = [utcnow()]
    tokens = Tokens(Keyring(new_key()), lambda: now[0], seconds=600)
    token = tokens.issue(user_id=7, session_id="s", role="operator")
    claims = tokens.check(token)
    assert (claims.sub, claims.sid, claims.role) == ("7", "s", "operator")
    now[0] += timedelta(seconds=599)
    tokens.check(token)
    now[0] += timedelta(seconds=2)
    with pytest.raises(TokenRefusedError, match="expired"):
        tokens.check(token)


def test_without_keys_nothing_that_another_process_made_holds():
    one, other = Keyring(""), Keyring("")
    assert not one.configured
    assert one.derived("x", "y") == one.derived("x", "y") != other.derived("x", "y")


def test_what_is_derived_holds_while_its_key_is_there():
    old, new = new_key(), new_key()
    made = Csrf(Keyring(old), "https://news.example").token("s")
    headers = {"x-csrf-token": made, "origin": "https://news.example"}
    Csrf(Keyring(f"{new},{old}"), "https://news.example").check(headers, "s")
    for keys, session in ((new, "s"), (old, "another")):
        with pytest.raises(CrossSiteError):
            Csrf(Keyring(keys), "https://news.example").check(headers, session)


def test_cookies_without_secure_are_for_this_machine_only():
    base = {"NEWSINTEL_DATABASE_URL": "postgresql://x@y/z", "NEWSINTEL_REDIS_URL": "redis://x"}
    unsafe = {**base, "NEWSINTEL_COOKIE_SECURE": "false"}
    assert (
        load(ApiSettings, {**unsafe, "NEWSINTEL_PUBLIC_URL": "http://localhost:8000"}).cookie_secure is False
    )
    with pytest.raises(ConfigError, match="COOKIE_SECURE"):
        load(ApiSettings, {**unsafe, "NEWSINTEL_PUBLIC_URL": "https://news.example"})
