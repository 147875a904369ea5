"""The error tree that the docstring draws is the one that there is."""

import inspect
import re

from shared import errors
from shared.errors import BadParameterError, NewsIntelError, SourceError


def classes() -> dict[str, type]:
    found = inspect.getmembers(errors, inspect.isclass)
    return {name: each for name, each in found if each.__module__ == errors.__name__}


def test_the_tree_is_drawn_completely():
    drawn = set(re.findall(r"\b[A-Z]\w+Error\b", errors.__doc__ or ""))
    assert drawn == set(classes())


def test_everything_has_one_root():
    assert all(issubclass(each, NewsIntelError) for each in classes().values())


def test_each_fate_of_a_source_has_a_code_of_its_own():
    codes = [each.code for each in classes().values() if issubclass(each, SourceError)]
    assert len(codes) == len(set(codes))


def test_a_bad_parameter_says_what_is_right():
    error = BadParameterError("sort", '"x" is not known', "use newest")
    assert str(error) == 'sort: "x" is not known; use newest'


def test_a_source_error_names_its_source():
    assert str(SourceError("reddit", "it said no")) == "reddit: it said no"
