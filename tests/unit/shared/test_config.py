"""Settings: what stops a process, and that it never shows a value."""

import msgspec
import pytest

from shared.config import ApiSettings, IngestSettings, load
from shared.errors import ConfigError

GOOD = {"NEWSINTEL_DATABASE_URL": "postgresql://api@/news", "NEWSINTEL_REDIS_URL": "redis://127.0.0.1"}


def test_defaults_and_conversions():
    settings = load(ApiSettings, {**GOOD, "NEWSINTEL_PORT": "8080", "NEWSINTEL_COLD_WAIT_SECONDS": "0.25"})
    assert (settings.port, settings.cold_wait_seconds, settings.host) == (8080, 0.25, "127.0.0.1")


def test_an_empty_variable_is_one_that_is_not_set():
    assert load(ApiSettings, {**GOOD, "NEWSINTEL_PORT": ""}).port == 8000


@pytest.mark.parametrize("missing", GOOD)
def test_a_missing_variable_is_named(missing):
    with pytest.raises(ConfigError, match=f"{missing} must be set"):
        load(ApiSettings, {name: value for name, value in GOOD.items() if name != missing})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NEWSINTEL_PORT", "0"),
        ("NEWSINTEL_PORT", "70000"),
        ("NEWSINTEL_PORT", "http"),
        ("NEWSINTEL_COLD_WAIT_SECONDS", "-1"),
        ("NEWSINTEL_LOG_LEVEL", "loud"),
        ("NEWSINTEL_DATABASE_URL", "topsecret"),
    ],
)
def test_a_malformed_variable_is_named_and_its_value_not_shown(name, value):
    with pytest.raises(ConfigError) as error:
        load(ApiSettings, {**GOOD, name: value})
    assert name in str(error.value)
    assert value not in str(error.value) or value.isdigit()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {"NEWSINTEL_NEWSAPI_CALLS_PER_12H": "200"},
            "NEWSINTEL_NEWSAPI_CALLS_PER_12H is larger than NEWSINTEL_NEWSAPI_CALLS_PER_DAY",
        ),
        ({"NEWSINTEL_REDDIT_CLIENT_ID": "only"}, "go together"),
        ({"NEWSINTEL_CADENCE_SHARE": "0.1"}, "live comes first"),
    ],
)
def test_combinations_that_cannot_be(variables, words):
    with pytest.raises(ConfigError, match=words):
        load(IngestSettings, {**GOOD, **variables})


def test_the_keys_of_sessions_are_the_secret_and_no_address_when_there_are_some():
    plain = ApiSettings(database_url="postgresql://a@b/c", redis_url="redis://x")
    assert plain.shared_secret == "postgresql://a@b/c"
    assert msgspec.structs.replace(plain, session_keys="k").shared_secret == "k"
