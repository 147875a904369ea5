"""The Guardian's filter algebra: `,` is AND, `|` is OR, `-x` is NOT, with parentheses; AND binds tighter."""

import re

from deploy.local.upstreams.query import MAX_DEPTH

_TOKEN = re.compile(r"[(),|]|[^(),|]+")


def accepts(expression: str, values: frozenset[str]) -> bool:
    """Whether an item that has these values passes; an expression that cannot be read accepts nothing."""
    try:
        reader = _Reader([token.strip() for token in _TOKEN.findall(expression)], values)
        return reader.either(depth=0) and reader.peek() is None
    except SyntaxError:
        return False


class _Reader:
    """Evaluates while it reads: an expression is short, and the answer is one bit."""

    def __init__(self, tokens: list[str], values: frozenset[str]) -> None:
        self.tokens = [token for token in tokens if token]
        self.values = values
        self.position = 0

    def peek(self) -> str | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def take(self) -> str:
        token = self.peek()
        if token is None:
            raise SyntaxError
        self.position += 1
        return token

    def either(self, depth: int) -> bool:
        if depth > MAX_DEPTH:
            raise SyntaxError
        found = self.all_of(depth)
        while self.peek() == "|":
            self.take()
            found = self.all_of(depth) or found
        return found

    def all_of(self, depth: int) -> bool:
        found = self.one(depth)
        while self.peek() == ",":
            self.take()
            found = self.one(depth) and found
        return found

    def one(self, depth: int) -> bool:
        name = self.take()
        if name == "-" and self.peek() == "(":
            return not self.one(depth)
        if name == "(":
            found = self.either(depth + 1)
            if self.take() != ")":
                raise SyntaxError
            return found
        if name in {")", ",", "|"}:
            raise SyntaxError
        return name[1:] not in self.values if name.startswith("-") else name in self.values
