"""How a step says that an item cannot be understood, and what becomes of the item."""

from ingest.article import Quarantined, RawItem


class UnusableError(Exception):
    """Raised by a step; `normalise` turns it into a Quarantined. reason: a short stable name; detail: a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def quarantined(item: RawItem, error: Exception) -> Quarantined:
    """The fate of an item that a step refused, or on which it failed."""
    if isinstance(error, UnusableError):
        reason, detail = error.reason, error.detail
    else:
        reason, detail = "failed", f"{type(error).__name__}: {error}"
    return Quarantined(
        source=item.source,
        reason=reason,
        detail=detail[:500],
        identity=item.external_id,
        original=item.original,
    )
