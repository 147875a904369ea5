"""One key for one question, however it was typed."""

import hashlib
import unicodedata


def fold(query: str) -> str:
    """NFKC, case folded, white space collapsed: `" Ukraine  WAR "` and `"ukraine war"` are one question."""
    return " ".join(unicodedata.normalize("NFKC", query).casefold().split())


def query_key(query: str, language: str | None = None) -> str:
    """32 hex characters that name a folded query (and language filter) in Redis."""
    return hashlib.blake2b(f"{language or ''}\0{fold(query)}".encode(), digest_size=16).hexdigest()
