"""What integration tests share: the upstream simulator."""

from tests.upstreams import upstreams

__all__ = ["upstreams"]
