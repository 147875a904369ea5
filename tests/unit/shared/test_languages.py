import pytest

from shared.languages import regconfig


@pytest.mark.parametrize(
    ("language", "config"),
    [("en", "english"), ("de", "german"), ("xx", "simple"), ("", "simple"), (None, "simple")],
)
def test_regconfig(language, config):
    assert regconfig(language) == config
