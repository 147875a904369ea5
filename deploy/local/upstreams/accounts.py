"""Who may call the simulator: keys, Reddit apps, redirect addresses and the people on the consent page."""

import re
from dataclasses import dataclass
from typing import Literal

SIMULATOR_NEWSAPI_KEY = "5e1f0c0ffee0ddba11deadbeefcafe42"
SIMULATOR_NEWSAPI_DISABLED_KEY = "d15ab1edd15ab1edd15ab1edd15ab1ed"
SIMULATOR_NEWSAPI_EXHAUSTED_KEY = "e8a05ed0e8a05ed0e8a05ed0e8a05ed0"

SIMULATOR_GUARDIAN_KEY = "test"

SIMULATOR_REDDIT_CLIENT_ID = "NewsIntelligence01"
SIMULATOR_REDDIT_CLIENT_SECRET = "simulated-secret-for-local-use"  # noqa: S105 - opens nothing but the simulator
SIMULATOR_REDDIT_OTHER_CLIENT_ID = "AnotherWebApp_0002"
SIMULATOR_REDDIT_OTHER_CLIENT_SECRET = "another-simulated-secret"  # noqa: S105 - opens nothing but the simulator
SIMULATOR_REDDIT_INSTALLED_CLIENT_ID = "InstalledApp__0003"
SIMULATOR_REDDIT_SCRIPT_CLIENT_ID = "PersonalScript0004"
SIMULATOR_REDDIT_SCRIPT_CLIENT_SECRET = "script-simulated-secret"  # noqa: S105 - opens nothing but the simulator
SIMULATOR_REDDIT_PASSWORD = "correct horse battery staple"  # noqa: S105 - opens nothing but the simulator

REDDIT_CALLBACK_PATH = "/auth/reddit/callback"

_NEWSAPI_KEY = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CALLBACK = re.compile(rf"http://(127\.0\.0\.1|localhost)(:\d+)?(/[^?#]*)?{re.escape(REDDIT_CALLBACK_PATH)}")

_SCOPE_NAMES = """
    creddits edit flair history identity livemanage modconfig modcontributors modflair modlog modmail modothers
    modposts modself modtraffic modwiki mysubreddits privatemessages read report save structuredstyles submit
    subscribe vote wikiedit wikiread
"""
SCOPES = frozenset(_SCOPE_NAMES.split())


@dataclass(frozen=True, slots=True)
class RedditApp:
    """A registered OAuth client; only web and script apps have a secret."""

    client_id: str
    secret: str
    name: str
    kind: Literal["web", "script", "installed"]

    @property
    def confidential(self) -> bool:
        """Whether the app can keep a secret."""
        return self.kind != "installed"


@dataclass(frozen=True, slots=True)
class RedditUser:
    """Somebody who can sign in on the consent page."""

    id: str
    name: str
    created_utc: float
    link_karma: int
    comment_karma: int
    verified: bool = True
    suspended: bool = False


REDDIT_APPS = {
    app.client_id: app
    for app in (
        RedditApp(
            SIMULATOR_REDDIT_CLIENT_ID, SIMULATOR_REDDIT_CLIENT_SECRET, "News Intelligence Platform", "web"
        ),
        RedditApp(
            SIMULATOR_REDDIT_OTHER_CLIENT_ID, SIMULATOR_REDDIT_OTHER_CLIENT_SECRET, "Another web app", "web"
        ),
        RedditApp(SIMULATOR_REDDIT_INSTALLED_CLIENT_ID, "", "A phone app", "installed"),
        RedditApp(
            SIMULATOR_REDDIT_SCRIPT_CLIENT_ID, SIMULATOR_REDDIT_SCRIPT_CLIENT_SECRET, "My script", "script"
        ),
    )
}

REDDIT_USERS = {
    user.name: user
    for user in (
        RedditUser("q7w3e", "marta_reads_the_news", 1_496_312_400.0, 1_284, 9_310),
        RedditUser("1kx9ab", "slow_morning_coffee", 1_583_020_800.0, 312, 2_045),
        RedditUser("b2n0zz", "tidal_flats", 1_651_363_200.0, 25, 118, verified=False),
        RedditUser("9qqk4", "gone_fishing_again", 1_370_044_800.0, 5_402, 77, suspended=True),
    )
}


def newsapi_key_known(key: str) -> bool:
    """NewsAPI keys look like 32 hex characters; any such key has an account here."""
    return _NEWSAPI_KEY.fullmatch(key) is not None


def guardian_key_known(key: str) -> bool:
    """The public key `test` and anything that looks like a UUID."""
    return key == SIMULATOR_GUARDIAN_KEY or _UUID.fullmatch(key) is not None


def redirect_uri_registered(uri: str) -> bool:
    """Our own callback on this machine, on any port."""
    return _CALLBACK.fullmatch(uri) is not None
