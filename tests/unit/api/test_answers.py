"""Answers as Redis keeps them, and the headers that are made of them."""

from hypothesis import given
from hypothesis import strategies as st

from api.answers import Answer, answer, digest, pack, unpack

U32 = st.integers(0, 2**32 - 1)


@given(st.binary(), st.text(max_size=50), st.text(max_size=200), U32, U32, U32, U32)
def test_what_is_packed_comes_out_again(body, media_type, link, made_at, expires_at, cost_ms, total):
    kept = Answer(
        body=body, tag="0f" * 16, media_type=media_type, link=link, made_at=made_at, expires_at=expires_at,
        cost_ms=cost_ms, total=total,
    )  # fmt: skip
    assert unpack(pack(kept)) == kept


def test_a_link_may_be_long():
    kept = Answer(body=b"{}", tag="0f" * 16, link="x" * 100_000)
    assert unpack(pack(kept)) == kept


def test_the_tag_is_of_all_that_a_client_sees():
    assert answer(b"x").tag == answer(b"x", total=5).tag
    assert (
        len({answer(b"x").tag, answer(b"y").tag, answer(b"x", link="</>").tag, answer(b"", link="x").tag})
        == 4
    )


def test_headers_of_a_kept_answer():
    kept = Answer(body=b"{}", tag="ab", link='</x>; rel="next"', made_at=100, expires_at=160)
    headers = dict(kept.headers(107, "hit; detail=memory"))
    assert headers == {
        b"content-type": b"application/json",
        b"content-length": b"2",
        b"etag": b'"ab"',
        b"cache-control": b"no-cache",
        b"vary": b"Accept",
        b"link": b'</x>; rel="next"',
        b"cache-status": b"newsintel; hit; detail=memory; ttl=53",
        b"age": b"7",
    }
    assert kept.headers(107, "hit; detail=memory") is kept.headers(107, "hit; detail=memory")
    assert dict(kept.headers(108, "hit; detail=memory"))[b"age"] == b"8"


def test_an_answer_that_is_not_kept_has_no_age():
    headers = dict(answer(b"{}").headers(107, "fwd=miss"))
    assert headers[b"cache-status"] == b"newsintel; fwd=miss"
    assert b"age" not in headers


def test_names_are_of_equal_length_and_differ_with_what_they_name():
    assert len(digest(("a", 1))) == len(digest(None)) == 32
    assert digest(("a", 1)) != digest(("a", 2))
