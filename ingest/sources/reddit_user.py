"""Reddit's sign-in: a code for tokens, tokens for newer ones, who they stand for, and their end."""

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TypeVar

import msgspec

from ingest.identity import Person, Tokens
from ingest.ports import Priority
from ingest.sources import decode
from ingest.sources.call import Caller
from ingest.sources.http import Answer, Request, raise_for_overload
from ingest.sources.reddit_grant import Grant, blocked, raise_for_client, raise_for_no_token
from ingest.sources.reddit_post import NAME
from shared.clock import Clock
from shared.config import IngestSettings
from shared.errors import BadAnswerError, GrantRefusedError, NotConfiguredError

T = TypeVar("T")


class _Me(msgspec.Struct):
    id: str
    name: str
    is_suspended: bool = False


class RedditIdentity:
    """ingest.identity.Identity over the same budget and circuit as the feeds: Reddit counts a client id's calls."""

    def __init__(self, settings: IngestSettings, tokens: Caller, api: Caller, clock: Clock) -> None:
        """tokens, api: callers of the two hosts; only the second one's answers tell what is left of the budget."""
        self._credentials = (settings.reddit_client_id, settings.reddit_client_secret)
        self._auth = settings.reddit_auth_url
        self._base = settings.reddit_url
        self._tokens = tokens
        self._api = api
        self._clock = clock

    def exchange(self, code: str, redirect_uri: str) -> Tokens:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return self._grant(form, None)

    def refresh(self, tokens: Tokens) -> Tokens:
        if tokens.refresh_token is None:
            raise GrantRefusedError(NAME, "the consent was for one access token only")
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        return self._grant(form, tokens.refresh_token)

    def person(self, access_token: str) -> Person:
        request = Request(
            url=f"{self._base}/api/v1/me",
            params={"raw_json": "1"},
            headers={"Authorization": f"bearer {access_token}"},
        )
        me = self._api.call(request, self._read_me, Priority.INTERACTIVE)
        return Person(id=me.id, name=me.name, suspended=me.is_suspended)

    def revoke(self, token: str) -> None:
        self._post("revoke_token", {"token": token}, self._read_revoked)

    def _grant(self, form: dict[str, str], refresh_token: str | None) -> Tokens:
        asked_at = self._clock()
        given = self._post("access_token", form, self._read_grant)
        return Tokens(
            access_token=given.access_token,
            # Whether a refresh rotates is not documented: what comes back counts, else what there was.
            refresh_token=given.refresh_token or refresh_token,
            expires_at=_expiry(asked_at, given.expires_in),
            scope=given.scope,
        )

    def _post(self, path: str, form: dict[str, str], read: Callable[[Answer], T]) -> T:
        if not self._credentials[0]:
            raise NotConfiguredError(
                NAME, "no client: set NEWSINTEL_REDDIT_CLIENT_ID and NEWSINTEL_REDDIT_CLIENT_SECRET"
            )
        request = Request(url=f"{self._auth}/api/v1/{path}", form=form, basic_auth=self._credentials)
        return self._tokens.call(request, read, Priority.INTERACTIVE)

    def _read_grant(self, answer: Answer) -> Grant:
        raise_for_client(answer, self._clock())
        if answer.status == HTTPStatus.BAD_REQUEST:
            raise GrantRefusedError(NAME, "the refresh token is not good any more")
        grant = decode.envelope(NAME, answer, Grant)
        if grant.error == "invalid_grant":
            raise GrantRefusedError(NAME, "the code is wrong, used or expired")
        raise_for_no_token(answer, grant)
        return grant

    def _read_revoked(self, answer: Answer) -> None:
        raise_for_client(answer, self._clock())
        # 400: it belongs to a client id that is not ours (any more); nothing that we could end.
        if answer.status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.BAD_REQUEST}:
            raise BadAnswerError(NAME, f"it answered {answer.status} to a revocation")

    def _read_me(self, answer: Answer) -> _Me:
        raise_for_overload(NAME, answer, self._clock())
        if answer.status == HTTPStatus.FORBIDDEN and answer.is_html():
            raise blocked()
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise GrantRefusedError(NAME, "the token is not good any more, or not for reading the identity")
        if answer.status != HTTPStatus.OK:
            raise BadAnswerError(NAME, f"it answered {answer.status} instead of an identity")
        return decode.envelope(NAME, answer, _Me)


def _expiry(asked_at: datetime, seconds: int) -> datetime:
    return asked_at + timedelta(seconds=max(seconds, 0))
