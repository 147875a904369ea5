"""Everything about people that a request may touch, put together once per process."""

import functools
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol, TypeVar
from uuid import UUID

import psycopg
import redis.asyncio
from litestar.types import Scope

from api import hops
from api.auth import principal
from api.auth.api_keys import ApiKeys
from api.auth.cookies import Cookies
from api.auth.csrf import Csrf
from api.auth.identify import Identify
from api.auth.principal import Principal
from api.auth.revocation import Revocations
from api.auth.state import SignIns
from api.auth.tokens import Keyring, Tokens
from api.outbox import Outbox
from api.queries import people, preferences
from api.queries.people import LiveKey, OpenSession
from api.rate_limit import Limiter
from api.repeats import Repeats
from api.windows import Policy
from shared.bus import Bus
from shared.clock import Clock
from shared.config import ApiSettings
from shared.metrics import Metrics

T = TypeVar("T")
_HOUR = 3600


class Reader(Protocol):
    """What is needed of the database."""

    async def read(self, work: Callable[[psycopg.AsyncConnection[Any]], Awaitable[T]]) -> T: ...


class People:
    """Sessions, keys, limits, and the commands that users send."""

    def __init__(
        self,
        settings: ApiSettings,
        database: Reader,
        client: redis.asyncio.Redis,
        bus: Bus,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self.bus = bus
        self.keyring = Keyring(settings.session_keys)
        self.tokens = Tokens(self.keyring, clock, seconds=settings.access_seconds)
        self.cookies = Cookies(settings)
        self.csrf = Csrf(self.keyring, settings.origin)
        self.sign_ins = SignIns(client)
        self.revocations = Revocations(client, access_seconds=settings.access_seconds)
        self.limiter = Limiter(client, metrics)
        repeats = Repeats(client, settings.shared_secret)
        self.outbox = Outbox(bus, repeats, self._who_switched_off, clock, metrics)
        self.trusted = hops.networks(settings.trusted_proxies)
        self.policies = policies(settings)
        self.identify = Identify(
            tokens=self.tokens,
            api_keys=ApiKeys(self._find_key, self.revocations),
            cookies=self.cookies,
            csrf=self.csrf,
            revocations=self.revocations,
            find_session=self.session,
        )

    async def start(self) -> None:
        await self.revocations.start()
        await self.outbox.start()

    async def stop(self) -> None:
        await self.outbox.stop()
        await self.limiter.stop()
        await self.revocations.stop()

    async def session(self, session_id: UUID) -> OpenSession | None:
        return await self._database.read(functools.partial(people.session, session_id=session_id))

    async def roles(self, user_id: int) -> list[str]:
        return await self._database.read(functools.partial(people.roles, user_id=user_id))

    async def _find_key(self, digest: bytes) -> LiveKey | None:
        return await self._database.read(functools.partial(people.key, digest=digest))

    async def _who_switched_off(self, users: Collection[int]) -> set[int]:
        return await self._database.read(functools.partial(preferences.who_switched_off, users=users))

    def searched(self, scope: Scope, query: str, results: int) -> None:
        """Note a search for history and trends."""
        self.outbox.searched(query, results, principal.of(scope).user_id, hops.of(scope))

    def counted_as(self, asking: Principal, address: str) -> tuple[str, tuple[Policy, ...]]:
        """Under what name a request is counted, and against what."""
        if asking.key_id is not None:
            # The user's name is in it, so that it goes when the account goes.
            return f"user:{asking.user_id}:key:{asking.key_id}", self.policies["key"]
        if asking.user_id is not None:
            return f"user:{asking.user_id}", self.policies["user"]
        return f"address:{address}", self.policies["address"]

    def command_id(self, user_id: int) -> str:
        """A new id that tells whose it is, to whoever has the keys and to nobody else."""
        name = uuid.uuid4().hex
        return f"{name}-{self._seal(user_id, name)[0]}"

    def owns(self, user_id: int, command_id: str) -> bool:
        name, _, seal = command_id.partition("-")
        return any(hmac.compare_digest(seal.encode(), each.encode()) for each in self._seal(user_id, name))

    def _seal(self, user_id: int, name: str) -> list[str]:
        return [each[:32] for each in self.keyring.derived("command", f"{user_id}\0{name}")]

    def next_refresh_token(self, session_id: UUID, presented: str) -> str:
        """The same for all who present the same one at the same moment, so that tabs do not end one another."""
        return f"{session_id.hex}.{self.keyring.derived('refresh', presented)[0]}"


def first_refresh_token(session_id: UUID) -> str:
    return f"{session_id.hex}.{secrets.token_hex(32)}"


def hashed(secret: str) -> str:
    """What of a secret may travel and be stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def policies(settings: ApiSettings) -> dict[str, tuple[Policy, ...]]:
    def both(burst: int, hour: int) -> tuple[Policy, ...]:
        return (
            Policy(name="burst", quota=burst, seconds=settings.limit_burst_seconds),
            Policy(name="hour", quota=hour, seconds=_HOUR),
        )

    return {
        "address": both(settings.limit_address_burst, settings.limit_address_hour),
        "user": both(settings.limit_user_burst, settings.limit_user_hour),
        "key": both(settings.limit_key_burst, settings.limit_key_hour),
    }
