"""Text → tree. NOT binds tighter than AND, AND tighter than OR; words side by side are joined by AND.

    or      = and ("OR" and)*
    and     = not ("AND"? not)*
    not     = ("NOT" | "-")* operand
    operand = word | prefix* | "phrase" | "(" or ")" | field ":" operand

Operators are upper case: `and`, `or` and `not` in lower case are words. No field stands within a field.
"""

from shared.errors import BadQueryError
from shared.query import fields
from shared.query.canonical import canonical
from shared.query.faults import Source
from shared.query.limits import MAX_CHARACTERS, MAX_DEPTH, MAX_TERMS
from shared.query.tokens import Token, tokens
from shared.query.tree import Leaf, Node, Query, all_of, any_of, negation
from shared.quoting import shown

# A suggestion may itself need repair; after this many we make none.
_REPAIRS = 8


def parse(text: str) -> Query:
    """Raises BadQueryError; what it suggests is always a query that can be parsed."""
    try:
        return _parse(text)
    except BadQueryError as error:
        raise BadQueryError(
            error.code,
            error.fault,
            error.advice,
            position=error.position,
            suggestion=_repaired(error.suggestion),
        ) from None


def _repaired(text: str | None) -> str | None:
    for _ in range(_REPAIRS):
        if text is None:
            return None
        try:
            _parse(text)
        except BadQueryError as error:
            text = error.suggestion
        else:
            return text
    return None


def _parse(text: str) -> Query:
    source = Source(text)
    reader = _Reader(source, tokens(text))
    if not reader.tokens:
        raise source.fault("query_empty", "the query is empty", "write a word", 0, len(text))
    root = reader.whole()
    if len(canonical(root)) > MAX_CHARACTERS:
        raise source.fault(
            "query_too_long",
            "written in full, with its field before each term, the query is too long",
            f"use at most {MAX_CHARACTERS} characters",
            0,
            len(text),
        )
    return Query(text, root, reader.places)


class _Reader:
    def __init__(self, source: Source, all_tokens: list[Token]) -> None:
        self.source = source
        self.tokens = all_tokens
        self.place = 0
        self.terms = 0
        self.places: dict[Leaf, int] = {}

    def whole(self) -> Node:
        root = self._any("any", 0)
        if token := self._peek():
            raise self._surplus(token, "the parenthesis closes nothing")
        return root

    def _any(self, field: str, depth: int) -> Node:
        parts = [self._all(field, depth)]
        while self._takes("or"):
            parts.append(self._all(field, depth))
        return any_of(parts)

    def _all(self, field: str, depth: int) -> Node:
        parts = [self._signed(field, depth)]
        while (token := self._peek()) and token.kind not in ("or", "close"):
            self._takes("and")
            parts.append(self._signed(field, depth))
        return all_of(parts)

    def _signed(self, field: str, depth: int) -> Node:
        negative = False
        sign: Token | None = None
        while (token := self._peek()) and token.kind in ("not", "minus"):
            if sign and sign.kind == "minus":
                raise self._surplus(token, "a minus stands directly before what it excludes")
            sign = self._next()
            negative = not negative
            self._check_attached(sign)
        operand = self._operand(field, depth)
        return negation(operand) if negative else operand

    def _operand(self, field: str, depth: int) -> Node:
        token = self._peek()
        if token is None or token.kind in ("close", "and", "or"):
            raise self._missing(token)
        self.place += 1
        if token.kind == "open":
            return self._group(token, field, depth)
        if token.kind == "field":
            return self._field(token, field, depth)
        return self._term(token, field)

    def _group(self, opened: Token, field: str, depth: int) -> Node:
        if depth == MAX_DEPTH:
            raise self.source.fault(
                "query_too_deep",
                "there are too many parentheses within parentheses",
                f"use at most {MAX_DEPTH}",
                opened.start,
                opened.end,
            )
        if (token := self._peek()) and token.kind == "close":
            raise self.source.fault(
                "query_syntax",
                "there is nothing between the parentheses",
                "leave them out",
                opened.start,
                token.end,
                "",
            )
        node = self._any(field, depth + 1)
        if not self._takes("close"):
            end = len(self.source.text)
            repair = self.source.text[opened.start :] + ")"
            raise self.source.fault(
                "query_syntax", "the parenthesis is not closed", "close it", opened.start, end, repair
            )
        return node

    def _field(self, token: Token, outer: str, depth: int) -> Node:
        following = self._peek()
        name = fields.field_name(self.source, token, following)
        if outer != "any":
            raise self._surplus(token, f"there is a field within {outer}:")
        if following is None or following.start != token.end or following.kind == "close":
            raise self._no_value(token, following)
        if following.kind in ("and", "or", "not"):  # lang:NOT and the like: a value is never an operator
            self.place += 1
            return self._term(following, name)
        return self._operand(name, depth)

    def _term(self, token: Token, field: str) -> Node:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise self.source.fault(
                "query_too_many_terms",
                "there are too many terms",
                f"use at most {MAX_TERMS}",
                token.start,
                token.end,
            )
        leaf = fields.leaf(self.source, token, field)
        self.places.setdefault(leaf, token.start)
        return leaf

    def _peek(self) -> Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def _next(self) -> Token:
        self.place += 1
        return self.tokens[self.place - 1]

    def _takes(self, kind: str) -> bool:
        token = self._peek()
        taken = token is not None and token.kind == kind
        self.place += taken
        return taken

    def _check_attached(self, sign: Token) -> None:
        token = self._peek()
        if sign.kind == "minus" and (token is None or token.start != sign.end):
            raise self._surplus(sign, "a minus stands directly before what it excludes")

    def _surplus(self, token: Token, problem: str) -> BadQueryError:
        return self.source.fault("query_syntax", problem, "leave it out", token.start, token.end, "")

    def _missing(self, token: Token | None) -> BadQueryError:
        """An operator, a minus or a parenthesis without what should follow it."""
        before = self.tokens[self.place - 1] if self.place else None
        if before and before.kind != "open":
            return self._surplus(before, f"nothing follows {shown(before.text)}")
        at_fault = token or self.tokens[0]
        return self._surplus(at_fault, f"nothing stands before {shown(at_fault.text)}")

    def _no_value(self, token: Token, following: Token | None) -> BadQueryError:
        joins = following is not None and following.kind in ("word", "phrase", "open")
        end = following.start if following and joins else token.end
        return self.source.fault(
            "query_syntax",
            f"nothing stands directly after {shown(token.text)}:",
            "put the value directly after the colon" if joins else "leave it out",
            token.start,
            end,
            f"{token.text}:" if joins else "",
        )
