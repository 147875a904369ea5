"""Whose request it is behind a load balancer: X-Forwarded-For is believed as far as trusted machines wrote it."""

import functools
import ipaddress
from collections.abc import Iterable

from litestar.types import Scope

from shared.errors import ConfigError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# One household or server has a whole /64 of IPv6; counting single addresses would count nothing.
_IPV6_PREFIX = 64
_FORWARDED = b"x-forwarded-for"
_NAME = "newsintel.address"
# A connection without an address (a Unix socket) is the machine itself.
_LOCAL = "127.0.0.1"


def networks(text: str) -> tuple[Network, ...]:
    """Raises ConfigError."""
    try:
        return tuple(ipaddress.ip_network(each.strip()) for each in text.split(",") if each.strip())
    except ValueError as error:
        raise ConfigError(f"NEWSINTEL_TRUSTED_PROXIES: {error}; use networks such as 10.0.0.0/16") from None


def client(scope: Scope, trusted: tuple[Network, ...]) -> str:
    """The nearest address that no trusted machine vouches for; what stands further left anybody can have written."""
    peer = scope["client"]
    address = peer[0] if peer else _LOCAL
    if not trusted:
        return _counted(address)
    for hop in reversed(_forwarded(scope["headers"])):
        if not _within(address, trusted) or not _is_address(hop):
            break
        address = hop
    return _counted(address)


def remember(scope: Scope, address: str) -> None:
    scope["state"][_NAME] = address


def of(scope: Scope) -> str:
    """The address of a request that was looked at before."""
    address: str = scope["state"].get(_NAME, _LOCAL)
    return address


def _forwarded(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    lists = [value.decode("latin-1") for name, value in headers if name == _FORWARDED]
    return [hop.strip() for hop in ",".join(lists).split(",") if hop.strip()]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _within(address: str, trusted: tuple[Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if parsed.version == 6 and parsed.ipv4_mapped:  # noqa: PLR2004 - the IP version
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in trusted)


@functools.lru_cache(maxsize=4_096)
def _counted(address: str) -> str:
    """IPv4 as it is, IPv6 by its network. Reading an address takes as long as answering out of memory does."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, _IPV6_PREFIX), strict=False))
