"""The three news sources on one contract (ingest.ports.Source), and Reddit's sign-in (ingest.identity)."""

from ingest.sources.registry import build, identity, posts

__all__ = ["build", "identity", "posts"]
