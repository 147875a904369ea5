"""Sealing: opens for its owner under any known key, and for nobody else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.seal import Seal, SealError, new_key
from shared.errors import ConfigError

OLD, NEW = new_key(), new_key()


@given(plain=st.binary(max_size=3000), owner=st.text(max_size=40))
def test_what_is_sealed_opens(plain, owner):
    seal = Seal(NEW)
    assert seal.open(seal.close(plain, owner), owner) == plain


def test_the_same_text_never_looks_the_same():
    seal = Seal(NEW)
    assert len({seal.close(b"token", "user:1") for _ in range(100)}) == 100


def test_it_opens_for_its_owner_only():
    seal = Seal(NEW)
    with pytest.raises(SealError, match="somebody else"):
        seal.open(seal.close(b"token", "user:1"), "user:2")


@given(position=st.integers(0, 38), bit=st.integers(0, 7))
def test_whatever_is_changed_it_does_not_open(position, bit):
    seal = Seal(NEW)
    sealed = bytearray(seal.close(b"token!", "user:1"))
    assert len(sealed) == 39
    sealed[position] ^= 1 << bit
    with pytest.raises(SealError):
        seal.open(bytes(sealed), "user:1")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01abcd", b"plain text that was never sealed"])
def test_what_was_never_sealed_does_not_open(sealed):
    with pytest.raises(SealError):
        Seal(NEW).open(sealed, "user:1")


def test_a_shortened_one_does_not_open():
    seal = Seal(NEW)
    sealed = seal.close(b"token", "user:1")
    for length in range(len(sealed)):
        with pytest.raises(SealError):
            seal.open(sealed[:length], "user:1")


def test_keys_rotate():
    before, between, after = Seal(OLD), Seal(f"{NEW}, {OLD}"), Seal(NEW)
    sealed = before.close(b"token", "user:1")
    assert between.open(sealed, "user:1") == b"token"
    assert between.stale(sealed)
    again = between.close(b"token", "user:1")
    assert not between.stale(again)
    assert after.open(again, "user:1") == b"token"
    with pytest.raises(SealError, match="does not have"):
        after.open(sealed, "user:1")


def test_without_a_key_it_is_not_ready():
    assert not Seal("").ready
    assert Seal(NEW).ready


def test_url_safe_base64_is_a_key_too():
    url_safe = base64.urlsafe_b64encode(b"\xfb\xff" * 16).decode()
    assert "-" in url_safe
    assert Seal(url_safe).ready


@pytest.mark.parametrize("keys", ["short", "c2hvcnQ=", f"{NEW},nonsense!", NEW[:-4], "=" * 44])
def test_a_malformed_key_is_refused_without_showing_it(keys):
    with pytest.raises(ConfigError, match="is not the base64 of 32 bytes") as refused:
        Seal(keys)
    assert keys.split(",")[-1] not in str(refused.value)
