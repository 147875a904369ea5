import msgspec
import pytest

from ingest.article import Quarantined
from ingest.sources import decode
from shared.errors import BadAnswerError


class Page(msgspec.Struct):
    items: list[msgspec.Raw]


class Item(msgspec.Struct):
    title: str


def titles(raw):
    return decode.record("newsapi", raw, Item, lambda item: item.title)


@pytest.mark.parametrize(
    "bad",
    [
        b'{"title": 5}',
        b'{"title": null}',
        b"{}",
        b"null",
        b'"text"',
        b"[[[]]]",
        b'{"title": "\\ud800 half a surrogate pair"}',
        b'{"title": "\xff\xfe"}',
    ],
)
def test_one_bad_record_leaves_the_others_alone(answers, bad):
    body = b'{"items": [{"title": "before"}, ' + bad + b', {"title": "after"}]}'
    before, middle, after = [titles(raw) for raw in decode.envelope("newsapi", answers(body), Page).items]
    assert (before, after) == ("before", "after")
    assert isinstance(middle, Quarantined)
    assert middle.reason == "undecodable"
    assert middle.detail
    assert type(middle.original) is bytes


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>Checking your browser</html>", "HTML instead of JSON"),
        (b'{"items": [{"title": "cut', "not as agreed"),
        (b'{"items": {"0": {}}}', "Expected `array`, got `object`"),
        (b'{"items": null}', "not as agreed"),
        (b"{}", "missing required field"),
        (b"[]", "not as agreed"),
        (b"", "not as agreed"),
        (b"\xff\xfe\x00", "not as agreed"),
        (b"[" * 100_000, "not as agreed"),
    ],
)
def test_a_body_that_is_no_envelope_is_a_bad_answer(answers, body, says):
    with pytest.raises(BadAnswerError, match=says):
        decode.envelope("newsapi", answers(body), Page)


def test_html_is_known_by_its_header_too(answers):
    with pytest.raises(BadAnswerError, match="HTML"):
        decode.envelope("newsapi", answers(b"oops", content_type="text/html; charset=utf-8"), Page)


def test_long_texts_are_shortened_to_one_line():
    assert decode.shortened("a\r\n  b") == "a b"
    assert len(decode.shortened("x" * 999)) == 300
