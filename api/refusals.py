"""What the api itself refuses, by the stable code under which `errors` knows how it goes out."""

from collections.abc import Mapping


class Refusal(Exception):  # noqa: N818 - it is not an error of ours, it is our answer
    """code: a key of errors.REFUSALS; detail: a sentence made for callers, without anything secret."""

    def __init__(self, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.headers = headers
