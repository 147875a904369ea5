"""Sentiment: label and numbers for English, a reason for everything else."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.article import Article
from ingest.pipeline.normalise import normalise
from ingest.pipeline.sentiment import METHOD, METHOD_VERSION, score
from tests.items import NOW, raw


def article(title, **fields):
    made = normalise(raw("Title", language="en"), NOW)
    assert isinstance(made, Article)
    return msgspec.structs.replace(made, title=title, **{"description": None, "content": None} | fields)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("A wonderful day of great joy", "positive"),
        ("A terrible and horrible disaster", "negative"),
        ("The committee meets on Friday", "neutral"),
        ("The film is not good", "negative"),
    ],
)
def test_labels(text, label):
    found = score(article(text))
    assert (found.label, found.reason, found.method, found.method_version) == (
        label,
        None,
        METHOD,
        METHOD_VERSION,
    )


def test_confidence_grows_with_evidence_and_distance():
    nothing, little, much = (
        score(article(text)).confidence
        for text in ("The committee meets", "A good idea", "Wonderful, great, superb, lovely")
    )
    assert nothing == 0
    assert 0 < little < much <= 1


def test_the_opening_is_read_and_not_the_rest():
    opening = "good " * 500
    assert score(article("x", content=opening)) == score(article("x", content=opening + "terrible " * 500))
    assert score(article("x", content=opening)).text_length == 2_000


@pytest.mark.parametrize(
    ("title", "language", "reason"),
    [
        ("Gute Nachricht", "de", "language_unsupported"),
        ("Tom Toles", None, "language_unknown"),
        ("24 : 7", "en", "no_text"),
    ],
)
def test_no_label_has_a_reason(title, language, reason):
    found = score(article(title, language=language))
    assert found.reason == reason
    assert (found.polarity, found.subjectivity, found.label, found.confidence) == (None, None, None, None)


@given(st.text(st.sampled_from("good bad not very terrible wonderful!!! :-) :( n't\n\n .,"), max_size=300))
def test_numbers_stay_within_their_bounds(text):
    found = score(article(f"a {text}"))
    assert -1 <= found.polarity <= 1
    assert 0 <= found.subjectivity <= 1
    assert 0 <= found.confidence <= 1
    assert (found.label == "positive") == (found.polarity >= 0.1)
