"""One key for one question, however it was typed."""

import hashlib
import unicodedata


def fold(query: str) -> str:
    """NFKC, lower case, white space collapsed: `" Ukraine  WAR "` and `"ukraine war"` are one question.

    Lower case and not casefold(): the folded text is searched for, and PostgreSQL keeps ß and a final sigma.
    """
    return " ".join(unicodedata.normalize("NFKC", query).lower().split())


def query_key(query: str, language: str | None = None) -> str:
    """32 hex characters that name a folded query (and language filter) in Redis."""
    return hashlib.blake2b(f"{language or ''}\0{fold(query)}".encode(), digest_size=16).hexdigest()
