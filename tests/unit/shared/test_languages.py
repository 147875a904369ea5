import pytest

from shared.languages import CODES, MEANT, REGCONFIGS, regconfig


@pytest.mark.parametrize(
    ("language", "config"),
    [("en", "english"), ("de", "german"), ("xx", "simple"), ("", "simple"), (None, "simple")],
)
def test_regconfig(language, config):
    assert regconfig(language) == config


def test_codes_and_what_is_written_instead_of_them():
    assert set(REGCONFIGS) <= CODES
    assert set(MEANT.values()) <= CODES
    assert not set(MEANT) & CODES
