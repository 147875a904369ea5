"""Whose address counts."""

import pytest

from api import hops
from shared.errors import ConfigError

TRUSTED = hops.networks("10.0.0.0/8, ::1/128, 192.0.2.1")


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("203.0.113.7", "1.2.3.4", "203.0.113.7"),
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "9.9.9.9, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "9.9.9.9, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ("10.0.0.1", "9.9.9.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4:5678", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ("::1", "2001:db8::1", "2001:db8::/64"),
        ("::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("::ffff:203.0.113.7", "1.2.3.4", "203.0.113.7"),
        ("unix", "1.2.3.4", "unix"),
    ],
)
def test_the_nearest_address_that_nobody_vouches_for(peer, forwarded, counted):
    scope = {"client": (peer, 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}
    assert hops.client(scope, TRUSTED) == counted


def test_several_header_lines_are_one_list():
    headers = [(b"x-forwarded-for", b"9.9.9.9"), (b"x-forwarded-for", b"1.2.3.4")]
    assert hops.client({"client": ("10.0.0.1", 1), "headers": headers}, TRUSTED) == "1.2.3.4"


def test_nobody_is_trusted_unless_named():
    scope = {"client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", b"1.2.3.4")]}
    assert hops.client(scope, hops.networks("")) == "10.0.0.1"
    assert hops.client({"client": None, "headers": []}, ()) == "127.0.0.1"


def test_a_malformed_network_stops_the_process():
    with pytest.raises(ConfigError, match="NEWSINTEL_TRUSTED_PROXIES"):
        hops.networks("10.0.0.0/8, everybody")
