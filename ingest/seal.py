"""Sealing: authenticated encryption of what nobody but `ingest` may read, under keys that rotate.

    sealed = 1 (version) | id of the key (4 bytes) | nonce (12 bytes) | AES-256-GCM ciphertext and tag

What is sealed is bound to its owner: a row's secret that is copied into another row does not open there.
"""

import base64
import binascii
import hashlib
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import ConfigError, NewsIntelError

_VERSION: Final = b"\x01"
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
_HEAD: Final = len(_VERSION) + _ID_BYTES


class SealError(NewsIntelError):
    """It does not open: the key is not there any more, the owner is another one, or it was tampered with."""


class Seal:
    """keys: as in IngestSettings.seal_keys; the first seals, all of them open. Raises ConfigError."""

    def __init__(self, keys: str) -> None:
        given = [_key(number, text.strip()) for number, text in enumerate(keys.split(","), 1) if text.strip()]
        self._ciphers = {_id(key): AESGCM(key) for key in given}
        self._current = _id(given[0]) if given else b""

    @property
    def ready(self) -> bool:
        """Whether there is a key at all."""
        return bool(self._ciphers)

    def close(self, plain: bytes, owner: str) -> bytes:
        """Seal it for its owner, under the first key."""
        nonce = os.urandom(_NONCE_BYTES)
        return (
            _VERSION
            + self._current
            + nonce
            + self._ciphers[self._current].encrypt(nonce, plain, _bound(owner))
        )

    def open(self, sealed: bytes, owner: str) -> bytes:
        """What was sealed for this owner. Raises SealError."""
        cipher = self._ciphers.get(sealed[len(_VERSION) : _HEAD])
        if cipher is None or sealed[: len(_VERSION)] != _VERSION:
            raise SealError("sealed under a key that NEWSINTEL_SEAL_KEYS does not have")
        nonce, rest = sealed[_HEAD : _HEAD + _NONCE_BYTES], sealed[_HEAD + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, rest, _bound(owner))
        except (InvalidTag, ValueError):
            raise SealError("it was sealed for somebody else or tampered with") from None

    def stale(self, sealed: bytes) -> bool:
        """Whether it is not under the first key."""
        return sealed[:_HEAD] != _VERSION + self._current


def new_key() -> str:
    """A key for NEWSINTEL_SEAL_KEYS."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def _key(number: int, text: str) -> bytes:
    try:
        key = base64.b64decode(text, altchars=b"-_" if {"-", "_"} & set(text) else None, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise ConfigError(
            f"NEWSINTEL_SEAL_KEYS: key {number} is not the base64 of {_KEY_BYTES} bytes; "
            "`python -m ingest.cli seal new` makes one"
        )
    return key


def _id(key: bytes) -> bytes:
    return hashlib.sha256(b"newsintel-seal-id" + key).digest()[:_ID_BYTES]


def _bound(owner: str) -> bytes:
    return f"newsintel:{owner}".encode()
