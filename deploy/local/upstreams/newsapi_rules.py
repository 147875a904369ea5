"""What NewsAPI refuses, with its own words: keys, budgets, browsers and parameters."""

import calendar
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from deploy.local.upstreams import accounts, dates
from deploy.local.upstreams.settings import Settings

Params = Mapping[str, str]

MISSING_KEY = (
    "Your API key is missing. Append this to the URL with the apiKey param, or use the x-api-key HTTP header."
)
INVALID_KEY = (
    "Your API key is invalid or incorrect. "
    "Check your key, or go to https://newsapi.org to create a free API key."
)
RATE_LIMITED = (
    "You have made too many requests recently. Developer accounts are limited to 100 requests over a 24 hour period "
    "(50 requests available every 12 hours). Please upgrade to a paid plan if you need more requests."
)
MALFORMED = (
    "Your query may be malformed - please check that all special chars (including &) in the query are URL escaped, "
    "and that it doesn't end with the OR or AND keyword."
)
NO_BROWSERS = "Requests from the browser are not allowed on the Developer plan, except from localhost."
TOO_BROAD = (
    "Required parameters are missing, the scope of your search is too broad. Please set any of the following "
    "required parameters and try again: q, qInTitle, sources, domains."
)
MISSING_HEADLINE_PARAMETER = (
    "Required parameters are missing. Please set any of the following parameters and try again: sources, q, "
    "language, country, category."
)
MIXED = "You cannot mix the sources parameter with the country or category parameters."

MAX_RESULTS = 100
MAX_PAGE_SIZE = 100
MAX_QUERY = 500
MAX_SOURCES = 20
SEARCH_FIELDS = ("title", "description", "content")
BUSINESS_YEARS = 5
_LOCALHOST = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")


class Refusal(Exception):  # noqa: N818 - it is the answer itself, not a failure of the simulator
    """An answer with `status: error`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def key_of(query: Params, headers: Params) -> str:
    """The caller's key: one in the query wins over one in a header, good or bad."""
    if "apiKey" in query:
        key = query["apiKey"]
    elif "x-api-key" in headers:
        key = headers["x-api-key"]
    elif "authorization" in headers:
        key = re.sub(r"^bearer\s*", "", headers["authorization"], flags=re.IGNORECASE)
    else:
        raise Refusal(401, "apiKeyMissing", MISSING_KEY)
    if key == accounts.SIMULATOR_NEWSAPI_DISABLED_KEY:
        raise Refusal(401, "apiKeyDisabled", "Your API key has been disabled.")
    if key == accounts.SIMULATOR_NEWSAPI_EXHAUSTED_KEY:
        raise Refusal(429, "apiKeyExhausted", "Your API key has no more requests available.")
    if not accounts.newsapi_key_known(key):
        raise Refusal(401, "apiKeyInvalid", INVALID_KEY)
    return key


def check_origin(origin: str | None, settings: Settings) -> None:
    """The Developer plan serves browsers only from localhost."""
    if settings.newsapi_plan == "developer" and origin and not _LOCALHOST.fullmatch(origin):
        raise Refusal(426, "corsNotAllowed", NO_BROWSERS)


def page_of(query: Params, default_size: int, settings: Settings) -> tuple[int, int]:
    """The wanted page and its size."""
    try:
        page, size = int(query.get("page") or 1), int(query.get("pageSize") or default_size)
    except ValueError as error:
        raise Refusal(400, "parameterInvalid", "The request is invalid.") from error
    if size < 1:
        raise Refusal(400, "parameterInvalid", "The pageSize parameter cannot be less than 1.")
    if page < 1:
        # The real one prints the page size here, for years now.
        message = f"The page parameter cannot be less than 1. You have requested {size}."
        raise Refusal(400, "pageCannotBeLessThanOne", message)
    if settings.newsapi_plan == "developer" and (page * size > MAX_RESULTS or size > MAX_PAGE_SIZE):
        message = (
            f"You have requested too many results. Developer accounts are limited to a max of {MAX_RESULTS} results. "
            f"You are trying to request results {(page - 1) * size} to {page * size}. "
            "Please upgrade to a paid plan if you need more results."
        )
        raise Refusal(426, "maximumResultsReached", message)
    return page, min(size, MAX_PAGE_SIZE)


def query_text(text: str) -> str:
    """A query that is not too long."""
    if len(text) > MAX_QUERY:
        message = (
            f"Your query is too long ({len(text)} chars). Please reduce your query to {MAX_QUERY} chars, "
            "or split it into multiple smaller requests."
        )
        raise Refusal(400, "queryTooLong", message)
    return text


def search_fields(query: Params) -> tuple[str, ...]:
    """Which fields `searchIn` names; all by default."""
    fields = tuple(name.strip() for name in query.get("searchIn", "").split(",") if name.strip())
    for name in fields:
        if name not in SEARCH_FIELDS:
            message = (
                "The valid options for the searchIn parameter are: title, description, content. "
                f"You have entered '{name}', which is not a valid field."
            )
            raise Refusal(400, "parameterInvalid", message)
    return fields or SEARCH_FIELDS


def check_sources(query: Params, known: frozenset[str]) -> frozenset[str]:
    """The ids that `sources` names."""
    ids = [name.strip() for name in query.get("sources", "").split(",") if name.strip()]
    if len(ids) > MAX_SOURCES:
        raise Refusal(400, "sourcesTooMany", "You have requested too many sources in a single request.")
    for name in ids:
        if name not in known:
            raise Refusal(
                400, "sourceDoesNotExist", f"You have requested a source which does not exist: {name}."
            )
    return frozenset(ids)


def oldest_allowed(now: float, settings: Settings) -> float:
    """How far back the plan reaches: one month, or five years."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if settings.newsapi_plan == "business":
        year, month = today.year - BUSINESS_YEARS, today.month
    else:
        year, month = (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
    day = min(today.day, calendar.monthrange(year, month)[1])
    return today.replace(year=year, month=month, day=day).timestamp()


def check_not_too_old(start: float | None, now: float, settings: Settings) -> None:
    """Refuse a `from` before what the plan reaches."""
    oldest = oldest_allowed(now, settings)
    if start is not None and start < oldest:
        message = (
            "You are trying to request results too far in the past. Your plan permits you to request articles as far "
            f"back as {dates.day(oldest)}, but you have requested {dates.day(start)}. "
            "You may need to upgrade to a paid plan."
        )
        raise Refusal(426, "parameterInvalid", message)
