"""The index's own names of an article, in SQL, are those that api.queries.hints asks for."""

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.queries import hints
from shared.query.tree import Polarity

REALS = st.floats(-1, 1, width=32)


@pytest.fixture
def reader(database):
    with psycopg.connect(database.api, autocommit=True) as connection:
        yield connection


@given(REALS, REALS, REALS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_polarity_within_a_range_has_one_of_its_names(reader, one, other, third):
    low, polarity, high = sorted([one, other, third])
    [names] = reader.execute("SELECT news_facets('{}', NULL, NULL, %s::real, NULL)", (polarity,)).fetchone()
    asked = hints.facets(Polarity(low=low, high=high))
    assert asked is None or set(names) & set(asked)


def test_an_article_is_known_by_its_sources_language_tone_and_picture(reader):
    [names] = reader.execute(
        "SELECT news_facets('{guardian,reddit}', 'de', 'positive', 0.31, 'https://i.example/1.jpg')"
    ).fetchone()
    assert names == ["guardian", "reddit", "lang:de", "tone:positive", "polarity:3", "image:true"]
    [names] = reader.execute("SELECT news_facets('{newsapi}', NULL, NULL, NULL, NULL)").fetchone()
    assert names == ["newsapi", "image:false"]


def test_pairs_are_words_that_follow_one_another(reader):
    [pairs, wanted] = reader.execute(
        """
        SELECT news_pairs('', to_tsvector('english', 'The bank of England raised rates; rates raised')),
               array_to_tsvector(ARRAY[
                   news_pair('', 'england', 'rais'), news_pair('', 'rais', 'rate'), news_pair('', 'rate', 'rate'),
                   news_pair('', 'rate', 'rais')])
        """
    ).fetchone()
    assert pairs == wanted
    [empty] = reader.execute("SELECT news_pairs('', to_tsvector('english', 'The'))").fetchone()
    assert empty == ""
    [other] = reader.execute(
        "SELECT news_pair('outlet ', 'bbc', 'news') <> news_pair('', 'bbc', 'news')"
    ).fetchone()
    assert other
