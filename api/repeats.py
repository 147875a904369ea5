"""Tells a search that many people made from one that somebody made many times, and remembers nobody for it.

Who searched is only a key of this process's memory, hashed with a secret that dies with the process.
"""

import hashlib
import secrets
from collections import OrderedDict
from typing import Final

SAME_SECONDS: Final = 3_600
SEEN: Final = 50_000


class Repeats:
    """Searches of the last hour, by who made them."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(16)
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def first(self, who: str, query: str, now: float) -> bool:
        """Whether they search for it for the first time within an hour. now: unix seconds."""
        name = hashlib.blake2b(f"{who}\0{query}".encode(), digest_size=16, key=self._secret).digest()
        last = self._seen.get(name)
        if last is not None and now - last < SAME_SECONDS:
            return False
        self._seen[name] = now
        self._seen.move_to_end(name)
        if len(self._seen) > SEEN:
            self._seen.popitem(last=False)
        return True
