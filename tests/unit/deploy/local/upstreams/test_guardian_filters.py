"""The Guardian's `,` `|` `-` algebra of filters."""

import pytest

from deploy.local.upstreams.guardian_filters import accepts

VALUES = frozenset({"world/ukraine", "world/world", "tone/news"})


@pytest.mark.parametrize(
    ("expression", "accepted"),
    [
        ("world/ukraine", True),
        ("world/ukraine,tone/news", True),
        ("world/ukraine,tone/comment", False),
        ("tone/comment|tone/news", True),
        ("-tone/comment", True),
        ("-tone/news", False),
        ("world/ukraine,-tone/news", False),
        ("tone/comment|world/ukraine,tone/news", True),
        ("(tone/comment|world/ukraine),tone/news", True),
        ("-(tone/comment|tone/news)", False),
        ("(tone/news", False),
        (",", False),
        ("tone/news)", False),
    ],
)
def test_algebra(expression: str, accepted: bool) -> None:
    assert accepts(expression, VALUES) is accepted
