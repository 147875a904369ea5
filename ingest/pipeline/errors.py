"""How a pure step says that an item cannot be understood."""


class UnusableError(Exception):
    """Raised by a step; `normalise` turns it into a Quarantined. reason: a short stable name; detail: a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
