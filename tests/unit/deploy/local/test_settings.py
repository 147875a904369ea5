"""Real sources where there is a key, the simulator elsewhere, and keys that stay out of sight."""

import pytest

from deploy.local import settings
from deploy.local.upstreams.settings import Settings
from shared.config import IngestSettings, load

SIMULATOR = "http://127.0.0.1:4"
BASE = {"NEWSINTEL_DATABASE_URL": "postgresql://a@/b", "NEWSINTEL_REDIS_URL": "redis://c"}


def test_without_keys_all_sources_are_simulated():
    chosen = settings.sources({}, SIMULATOR, captured=False)
    assert chosen.real == []
    assert chosen.simulated == ["newsapi", "guardian", "reddit"]
    loaded = load(IngestSettings, {**BASE, **chosen.environment})
    assert loaded.newsapi_url == f"{SIMULATOR}/newsapi/v2"
    assert loaded.guardian_url == f"{SIMULATOR}/guardian"
    assert loaded.reddit_url == f"{SIMULATOR}/reddit/oauth"
    assert loaded.newsapi_plan == "developer"


def test_a_key_makes_its_source_real_and_no_other():
    chosen = settings.sources({"NEWSINTEL_GUARDIAN_KEY": "secret"}, SIMULATOR, captured=False)
    assert chosen.real == ["guardian"]
    loaded = load(IngestSettings, {**BASE, **chosen.environment})
    assert loaded.guardian_url == "https://content.guardianapis.com"
    assert loaded.guardian_key == "secret"
    assert loaded.reddit_url.startswith(SIMULATOR)
    assert "secret" not in repr(chosen)


def test_a_captured_set_needs_a_plan_that_can_page_through_it():
    chosen = settings.sources({}, SIMULATOR, captured=True)
    assert load(IngestSettings, {**BASE, **chosen.environment}).newsapi_plan == "business"


def test_beside_the_cadence_of_a_captured_set_there_is_room_for_backfills():
    chosen = settings.sources({}, SIMULATOR, captured=True)
    loaded = load(IngestSettings, {**BASE, **chosen.environment})
    # The default topics every half an hour, the whole set four times an hour.
    assert loaded.guardian_calls_per_day * loaded.cadence_share > 2 * (7 * 48 + 96)
    assert loaded.guardian_calls_per_day <= Settings().guardian_per_day


def test_env_file_gives_only_our_own_variables_that_have_a_value(tmp_path):
    path = tmp_path / ".env"
    path.write_text("NEWSINTEL_GUARDIAN_KEY=test\nNEWSINTEL_NEWSAPI_KEY=\nPATH=/nowhere\n")
    assert settings.read_env(path) == {"NEWSINTEL_GUARDIAN_KEY": "test"}
    assert settings.read_env(tmp_path / "none") == {}


@pytest.mark.parametrize("name", settings.KEYS)
def test_each_source_has_a_key_that_the_settings_know(name):
    assert hasattr(load(IngestSettings, BASE), settings.KEYS[name].lower())
