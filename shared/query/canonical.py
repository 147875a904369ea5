"""Tree → text: one text for queries that were typed differently and mean the same."""

from shared.query.tree import And, Equal, Leaf, Node, Not, Or, Polarity, Text


def canonical(node: Node) -> str:
    """The query in its shortest form, in the order of its terms; parsing it gives the same tree."""
    if isinstance(node, Or):
        return " OR ".join(canonical(child) for child in node.children)
    if isinstance(node, And):
        return " ".join(_within(child, Or) for child in node.children)
    if isinstance(node, Not):
        return "-" + _within(node.child, And, Or)
    return term(node)


def cache_text(node: Node) -> str:
    """The same text for queries that differ in the order of what AND and OR join."""
    return canonical(_ordered(node))


def term(leaf: Leaf) -> str:
    """One term as it is typed."""
    if isinstance(leaf, Equal):
        return f"{leaf.field}:{leaf.value}"
    if isinstance(leaf, Polarity):
        return f"sentiment:{_range(leaf)}"
    return ("" if leaf.field == "any" else f"{leaf.field}:") + _words(leaf)


def _within(node: Node, *looser: type) -> str:
    return f"({canonical(node)})" if isinstance(node, looser) else canonical(node)


def _words(leaf: Text) -> str:
    if leaf.kind == "phrase":
        return f'"{leaf.text}"'
    return leaf.text + ("*" if leaf.kind == "prefix" else "")


def _range(leaf: Polarity) -> str:
    if leaf.low is not None and leaf.high is not None:
        return f"{_number(leaf.low)}..{_number(leaf.high)}"
    if leaf.low is not None:
        return (">" if leaf.open_low else ">=") + _number(leaf.low)
    return ("<" if leaf.open_high else "<=") + _number(leaf.high or 0.0)


def _number(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")


def _ordered(node: Node) -> Node:
    if isinstance(node, Not):
        return Not(_ordered(node.child))
    if isinstance(node, And | Or):
        return type(node)(tuple(sorted(map(_ordered, node.children), key=canonical)))
    return node
