import pytest
import structlog

from ingest.sources.refusal import Refusal, fingerprint
from shared.errors import KeyRefusedError

ERROR = KeyRefusedError("newsapi", "apiKeyInvalid: it is wrong")


def test_it_is_reported_once_however_many_workers_meet_it(redis):
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            Refusal("newsapi", redis, fingerprint("k")).remember(ERROR)
    assert [(line["event"], line["log_level"], line["reason"]) for line in logs] == [
        ("source_key_refused", "error", "apiKeyInvalid: it is wrong")
    ]


def test_a_refused_key_is_not_used_again_but_another_one_is(redis):
    Refusal("newsapi", redis, fingerprint("old")).remember(ERROR)
    with pytest.raises(KeyRefusedError, match="it is wrong"):
        Refusal("newsapi", redis, fingerprint("old")).check()
    Refusal("newsapi", redis, fingerprint("new")).check()
    Refusal("guardian", redis, fingerprint("old")).check()


def test_it_is_forgotten_after_an_hour(redis):
    Refusal("newsapi", redis, "f").remember(ERROR)
    assert 3500 < redis.ttl("source:newsapi:refused:f") <= 3600


def test_a_fingerprint_tells_credentials_apart_without_showing_them():
    assert fingerprint("a", "bc") != fingerprint("ab", "c")
    assert "secret" not in fingerprint("secret")
