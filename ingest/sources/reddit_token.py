"""Reddit's application-only token: one for all workers, fetched by one of them, kept until shortly before its end."""

import contextlib
from typing import Final

import redis
import redis.exceptions

from ingest.ports import Priority
from ingest.sources import decode
from ingest.sources.call import Caller
from ingest.sources.http import Answer, Request
from ingest.sources.reddit_grant import Grant, raise_for_client, raise_for_no_token
from ingest.sources.reddit_post import NAME
from ingest.sources.refusal import fingerprint
from shared import keys
from shared.clock import Clock
from shared.config import IngestSettings
from shared.errors import UnreachableError

# A call that begins with a token must end before the token does.
_MARGIN_SECONDS: Final = 60
# A holder that was killed keeps the others waiting this long; one that is slower than this is overtaken, which costs
# a second token and nothing else. Who waits longer comes back later instead.
_LOCK_SECONDS: Final = 10
_LOCK_WAIT_SECONDS: Final = 12


class Tokens:
    """Where a bearer token comes from."""

    def __init__(self, settings: IngestSettings, client: redis.Redis, caller: Caller, clock: Clock) -> None:
        self._credentials = (settings.reddit_client_id, settings.reddit_client_secret)
        self._url = f"{settings.reddit_auth_url}/api/v1/access_token"
        self._client = client
        self._caller = caller
        self._clock = clock
        self._name = keys.token(NAME, fingerprint(*self._credentials))

    def bearer(self, priority: Priority, *, instead_of: str | None = None) -> str:
        """A token, fetched only when there is none or only the refused one (`instead_of`).

        Raises KeyRefusedError when Reddit does not accept our client, or another SourceError.
        """
        if token := self._stored(instead_of):
            return token
        lock = self._client.lock(
            keys.token_lock(NAME), timeout=_LOCK_SECONDS, blocking_timeout=_LOCK_WAIT_SECONDS, sleep=0.05
        )
        if not lock.acquire():
            raise UnreachableError(NAME, "another worker is still waiting for Reddit's token")
        try:
            return self._stored(instead_of) or self._fetch(priority)
        finally:
            with contextlib.suppress(redis.exceptions.LockNotOwnedError):
                lock.release()

    def _stored(self, instead_of: str | None) -> str | None:
        raw: bytes | None = self._client.get(self._name)  # type: ignore[assignment]
        token = raw.decode() if raw else None
        return token if token != instead_of else None

    def _fetch(self, priority: Priority) -> str:
        request = Request(
            url=self._url, form={"grant_type": "client_credentials"}, basic_auth=self._credentials
        )
        token = self._caller.call(request, self._read, priority)
        seconds = token.expires_in - _MARGIN_SECONDS
        if seconds > 0:
            self._client.set(self._name, token.access_token, ex=seconds)
        return token.access_token

    def _read(self, answer: Answer) -> Grant:
        raise_for_client(answer, self._clock())
        grant = decode.envelope(NAME, answer, Grant)
        raise_for_no_token(answer, grant)
        return grant
