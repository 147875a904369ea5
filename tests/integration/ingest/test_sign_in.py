"""ExchangeCode: a person who consented becomes a user with a session; everything else is refused in words."""

import msgspec
import pytest

from shared import keys
from shared.commands import TidyPeople


def test_who_consents_is_signed_in(do, exchange, rows, redis):
    command = exchange(refresh="first")
    answer = do(command, "c1")
    assert set(answer) == {"session_id", "expires_at"}  # whoever reads Redis learns no name and no user id
    [(user_id, name, roles, scope)] = rows("SELECT id, username, roles, token_scope FROM users")
    assert (name, roles, scope) == ("marta_reads_the_news", ["user"], "identity")
    assert rows("SELECT user_id, device, ended_at FROM sessions") == [(user_id, "Firefox on Linux", None)]
    assert rows("SELECT action, user_id, detail FROM audit_log") == [("signed_in", user_id, {"new": True})]
    assert redis.ttl(keys.answer("c1")) > 500


def test_tokens_are_sealed_for_this_user(sign_in, rows, ports):
    user_id, _ = sign_in()
    [(sealed,)] = rows("SELECT reddit_tokens FROM users")
    opened = msgspec.json.decode(ports.seal.open(sealed, f"user:{user_id}:tokens"))
    assert len(opened["access_token"]) > 500
    for secret in (opened["access_token"], opened["refresh_token"]):
        assert secret.encode() not in sealed


def test_signing_in_again_is_the_same_user_and_ends_the_former_tokens(sign_in, rows, ports, upstreams):
    user_id, first = sign_in()
    [(sealed,)] = rows("SELECT reddit_tokens FROM users")
    former = msgspec.json.decode(ports.seal.open(sealed, f"user:{user_id}:tokens"))
    again, second = sign_in()
    assert (again, second == first) == (user_id, False)
    assert rows("SELECT count(*) FROM sessions WHERE ended_at IS NULL") == [(2,)]
    assert rows("SELECT count(*) FROM revocations") == [(0,)]
    assert revoked(ports, former)


def revoked(ports, tokens):
    from ingest.identity import Tokens
    from shared.errors import GrantRefusedError

    with pytest.raises(GrantRefusedError):
        ports.identity.refresh(msgspec.convert(tokens, Tokens))
    return True


def test_a_command_that_comes_twice_has_the_same_answer_and_one_session(do, exchange, rows, upstreams):
    command = exchange()
    first = do(command, "c1")
    calls = upstreams.calls()["counts"]
    assert do(command, "c1") == first
    assert upstreams.calls()["counts"] == calls
    assert rows("SELECT count(*) FROM sessions") == [(1,)]


def test_a_code_is_good_once(do, exchange, rows):
    first = exchange()
    do(first)
    assert do(exchange(code=first.code)) == "code_refused"
    assert rows("SELECT count(*) FROM sessions") == [(1,)]


@pytest.mark.parametrize(
    "changed", [{"code": "made-up"}, {"redirect_uri": "http://127.0.0.1:9/auth/reddit/callback"}]
)
def test_a_wrong_code_is_refused(do, exchange, rows, changed):
    assert do(exchange(**changed)) == "code_refused"
    assert rows("SELECT count(*) FROM users") == [(0,)]


def test_a_code_that_is_too_old_is_refused(do, exchange, upstreams):
    command = exchange()
    upstreams.change(clock_offset_seconds=700)
    assert do(command) == "code_refused"


def test_a_suspended_account_does_not_come_in_and_its_token_ends(do, exchange, rows, upstreams):
    assert do(exchange("gone_fishing_again")) == "account_suspended"
    assert rows("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM revocations)") == [(0, 0)]
    assert "revoke_token" in upstreams.calls()["last"][-1]["path"]


@pytest.mark.parametrize("kind", [{"kind": "status", "status": 503}, {"kind": "truncate"}, {"kind": "html"}])
def test_reddit_being_away_is_said(do, exchange, upstreams, kind):
    command = exchange()
    upstreams.faults(source="reddit_token", **kind)
    assert do(command) == "reddit_unavailable"


def test_tokens_of_whom_nobody_could_identify_are_ended_later(do, exchange, rows, upstreams, ports):
    command = exchange()
    upstreams.faults(source="reddit", kind="status", status=503)
    upstreams.faults(source="reddit_token", kind="status", status=503, match="revoke_token")
    assert do(command) == "reddit_unavailable"
    assert rows("SELECT count(*) FROM revocations") == [(1,)]
    upstreams.clear_faults()
    ports.redis.delete(keys.circuit("reddit"))
    from ingest.handlers.tidy_people import tidy_people

    tidy_people(TidyPeople(), ports, "t1")
    assert rows("SELECT count(*) FROM revocations") == [(0,)]


def test_without_a_key_to_seal_with_nobody_signs_in(do, exchange, make_ports, upstreams):
    command = exchange()
    calls = upstreams.calls()["counts"]
    assert do(command, using=make_ports(NEWSINTEL_SEAL_KEYS="")) == "not_configured"
    assert upstreams.calls()["counts"] == calls


def test_without_a_client_nobody_signs_in(do, exchange, make_ports):
    nobody = make_ports(NEWSINTEL_REDDIT_CLIENT_ID="", NEWSINTEL_REDDIT_CLIENT_SECRET="")
    assert do(exchange(), using=nobody) == "not_configured"


def test_sign_ins_are_counted_in_reddits_budget(do, exchange, ports):
    from ingest.sources.registry import ledgers

    left = lambda: ledgers(ports.settings, ports.redis)["reddit"].remaining()[0].left  # noqa: E731
    before = left()
    do(exchange())
    assert before - left() == 2
