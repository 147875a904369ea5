"""Preferences: a type per key; unknown keys and wrong values are named."""

import pytest

from shared.errors import BadParameterError
from shared.preferences import KINDS, check


@pytest.mark.parametrize(
    ("key", "value", "stored"),
    [
        ("sources", ["reddit", "guardian", "reddit"], ["reddit", "guardian"]),
        ("outlets_hidden", ["Daily Example"], ["Daily Example"]),
        ("outlets_hidden", [], []),
        ("topics", ["tides", "maps"], ["tides", "maps"]),
        ("language", "de", "de"),
        ("time_zone", "Europe/Berlin", "Europe/Berlin"),
        ("search_history", False, False),
    ],
)
def test_what_is_right_is_stored(key, value, stored):
    assert check(key, value) == stored


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sources", []),
        ("sources", ["aljazeera"]),
        ("sources", "reddit"),
        ("outlets_hidden", [""]),
        ("outlets_hidden", ["x" * 101]),
        ("outlets_hidden", ["nul\x00"]),
        ("outlets_hidden", ["x"] * 201),
        ("topics", [1]),
        ("topics", ["x"] * 51),
        ("language", "deu"),
        ("language", "DE"),
        ("language", "de\n"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("search_history", "no"),
        ("search_history", None),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(key, value):
    with pytest.raises(BadParameterError) as refused:
        check(key, value)
    assert refused.value.name == key
    assert refused.value.allowed


def test_an_unknown_key_is_told_the_known_ones():
    with pytest.raises(BadParameterError) as refused:
        check("theme", "dark")
    for key in KINDS:
        assert key in refused.value.allowed
