"""Reddit's sign-in: most failures come as a 200, and none of them shows a token."""

from datetime import timedelta

import pytest

from ingest.identity import Tokens
from ingest.sources.reddit_user import RedditIdentity
from shared.errors import (
    BadAnswerError,
    GrantRefusedError,
    KeyRefusedError,
    NotConfiguredError,
    RateLimitedError,
    UnreachableError,
)


def given(**changed):
    return {"access_token": "a1", "refresh_token": "r1", "expires_in": 3600, "scope": "identity", **changed}


@pytest.fixture
def make(settings, scripted, clock):
    def identity(*answers):
        caller = scripted(*answers)
        return RedditIdentity(settings, caller, caller, clock), caller

    return identity


def tokens(clock, refresh_token="r0"):
    return Tokens(access_token="a0", refresh_token=refresh_token, expires_at=clock(), scope="identity")


def test_a_code_becomes_tokens_that_end_when_reddit_says(make, answers, clock):
    identity, caller = make(answers(given()))
    got = identity.exchange("code", "https://news.example/auth/reddit/callback")
    assert (got.access_token, got.refresh_token, got.scope) == ("a1", "r1", "identity")
    assert got.expires_at == clock() + timedelta(hours=1)
    [request] = caller.requests
    assert request.url == "https://www.reddit.com/api/v1/access_token"
    assert request.basic_auth == ("client", "secret")
    assert request.form == {
        "grant_type": "authorization_code",
        "code": "code",
        "redirect_uri": "https://news.example/auth/reddit/callback",
    }


@pytest.mark.parametrize(("answered", "kept"), [("r9", "r9"), (None, "r0")])
def test_what_comes_back_from_a_refresh_is_kept(make, answers, clock, answered, kept):
    identity, _ = make(answers(given(refresh_token=answered)))
    assert identity.refresh(tokens(clock)).refresh_token == kept


def test_without_a_refresh_token_nothing_is_asked(make, clock):
    identity, caller = make()
    with pytest.raises(GrantRefusedError):
        identity.refresh(tokens(clock, None))
    assert caller.requests == []


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"error": "invalid_grant"}, 200, GrantRefusedError),
        ({"error": 400, "message": "Bad Request"}, 400, GrantRefusedError),
        ({"error": "unauthorized_client", "error_description": "no"}, 200, KeyRefusedError),
        ({"error": "unsupported_grant_type"}, 200, KeyRefusedError),
        ({"message": "Unauthorized", "error": 401}, 401, KeyRefusedError),
        ({"message": "Too Many Requests", "error": 429}, 429, RateLimitedError),
        (b"<html>blocked</html>", 403, KeyRefusedError),
        (b"", 503, UnreachableError),
        (b"<html>", 200, BadAnswerError),
        (b'{"access_token": "a1', 200, BadAnswerError),
        ({}, 200, BadAnswerError),
        ({"access_token": "a1"}, 201, BadAnswerError),
    ],
)
def test_a_token_that_is_not_given(make, answers, body, status, error):
    identity, _ = make(answers(body, status))
    with pytest.raises(error) as refused:
        identity.exchange("the-code", "https://news.example/auth/reddit/callback")
    assert "the-code" not in str(refused.value)
    assert "a1" not in str(refused.value)


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"message": "Unauthorized", "error": 401}, 401, GrantRefusedError),
        ({"message": "Forbidden", "error": 403}, 403, GrantRefusedError),
        (b"<html>blocked</html>", 403, KeyRefusedError),
        (b"", 500, UnreachableError),
        ({"message": "Not Found"}, 404, BadAnswerError),
        ({"name": "without an id"}, 200, BadAnswerError),
    ],
)
def test_an_identity_that_is_not_told(make, answers, body, status, error):
    identity, _ = make(answers(body, status))
    with pytest.raises(error):
        identity.person("a1")


def test_who_it_is(make, answers):
    identity, caller = make(answers({"id": "q7", "name": "marta", "is_suspended": True, "inbox_count": 3}))
    person = identity.person("a1")
    assert (person.id, person.name, person.suspended) == ("q7", "marta", True)
    assert caller.requests[0].headers == {"Authorization": "bearer a1"}


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 200), (b"", 204), ({"error": "unauthorized_client"}, 400)]
)
def test_a_token_is_ended(make, answers, body, status):
    identity, caller = make(answers(body, status))
    identity.revoke("r1")
    assert caller.requests[0].form == {"token": "r1"}


@pytest.mark.parametrize(
    ("status", "error"), [(503, UnreachableError), (401, KeyRefusedError), (418, BadAnswerError)]
)
def test_a_token_that_reddit_did_not_end(make, answers, status, error):
    identity, _ = make(answers(b"", status))
    with pytest.raises(error):
        identity.revoke("r1")


def test_without_a_client_nothing_is_asked(settings, scripted, clock):
    import msgspec

    caller = scripted()
    nobody = msgspec.structs.replace(settings, reddit_client_id="", reddit_client_secret="")
    with pytest.raises(NotConfiguredError):
        RedditIdentity(nobody, caller, caller, clock).exchange("code", "https://x.example")
    assert caller.requests == []
