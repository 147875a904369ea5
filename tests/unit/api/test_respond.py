"""Headers that callers send."""

import pytest
from litestar.testing import RequestFactory

from api import respond


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, None),
        ("wait=5", 5),
        ("respond-async, Wait = 10; foo", 10),
        ('wait="3"', 3),
        ("wait=-1", None),
        ("wait=soon", None),
        ("await=5", None),
        ("wait=99999999", None),
    ],
)
def test_prefer(prefer, seconds):
    headers = {"Prefer": prefer} if prefer else {}
    assert respond.wait_preferred(RequestFactory().get("/", headers=headers)) == seconds


def test_the_lines_of_a_header_are_one_list():
    scope = {"headers": [(b"accept", b"text/html"), (b"host", b"x.example"), (b"accept", b"*/*;q=0.1")]}
    assert respond.header(scope, b"accept") == b"text/html, */*;q=0.1"
    assert respond.header(scope, b"host") == b"x.example"
    assert respond.header(scope, b"prefer") is None
