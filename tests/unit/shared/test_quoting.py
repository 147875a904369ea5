"""A caller's text in a sentence of ours."""

from shared.quoting import shown


def test_a_long_or_unprintable_text_is_shown_short_and_clean():
    assert shown("x" * 100) == "x" * 39 + "…"
    assert shown("a\nb\x00") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
