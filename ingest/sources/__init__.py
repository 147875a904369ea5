"""The three news sources on one contract (ingest.ports.Source); `build` puts them together."""

from ingest.sources.registry import build

__all__ = ["build"]
