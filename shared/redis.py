"""Redis clients: bounded waits, so that a lost Redis is an error within a second and not a hang."""

import redis
import redis.asyncio

# A courtesy (cache, ledger) must not hold a request longer than the database would.
CONNECT_TIMEOUT_SECONDS = 1.0
SOCKET_TIMEOUT_SECONDS = 2.0


def connect(url: str) -> redis.Redis:
    """A blocking client for workers; connects on first use."""
    return redis.Redis.from_url(
        url, socket_connect_timeout=CONNECT_TIMEOUT_SECONDS, socket_timeout=SOCKET_TIMEOUT_SECONDS
    )


def connect_async(url: str) -> redis.asyncio.Redis:
    """An asyncio client for the api; connects on first use."""
    return redis.asyncio.Redis.from_url(
        url, socket_connect_timeout=CONNECT_TIMEOUT_SECONDS, socket_timeout=SOCKET_TIMEOUT_SECONDS
    )
