"""Words beside a slash and numbers behind a hyphen are words of their own: news_text() makes a text readable.

PostgreSQL's parser takes Vallbona/Reuters for a file and the -19 of covid-19 for a negative number.

What it costs: the table is rewritten under a lock that lets nobody read or write articles, 20 s for 20,000 articles of
2,000 characters on two busy cores. A stored vector cannot be changed bit by bit while searches compare with it. The
large index follows without a lock; with one it took 100 s for the same articles, so this takes longer. Until it is
there, searches for words are slow or are refused as too slow; everything else works. This breaks the rule that no lock
is held while rows are rewritten: choose a quiet hour for a large archive.

What the release before finds meanwhile: every word, and more than before. What it reads in another way than the vector
now has it - covid-19, 24/7, and/or - it finds nowhere, and its workers do not notice when cached answers to these
change: these are as old as the cache keeps them. Names it finds as ever: the index has them in its way as well, which a
later release may drop.
"""

from alembic import op

revision = "0010"
down_revision = "0009"

# Marks that PostgreSQL takes for the beginning of a file, of a tag or of a number become spaces. What it reads whole
# and readers type so stays: U.S, I/O and at/t, 3.14, bbc.co.uk, addresses; and words with hyphens, which it has in
# parts as well. IMMUTABLE, so that a stored column may use it. One expression without a look behind: about 20
# microseconds of the 500 and more of an article's vector; with one 900, and translate() beside it 100.
TEXT = r"""
CREATE OR REPLACE FUNCTION news_text(written text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(
    written, '\m([a-zA-Z]{1,2}/[a-zA-Z]\M)(?!\.\w)|[/~<]|[-+](?=[0-9])', '\1 ', 'g'
)
"""

VECTOR = """
ALTER TABLE articles ALTER COLUMN search SET EXPRESSION AS (
    setweight(to_tsvector(news_regconfig(language), {title}), 'A')
    || setweight(to_tsvector(news_regconfig(language), {description}), 'B')
    || setweight(to_tsvector(news_regconfig(language), {content}), 'C')
)
"""
READABLE = {
    "title": "news_text(title)",
    "description": "news_text(coalesce(description, ''))",
    "content": "news_text(coalesce(content, ''))",
}
AS_WRITTEN = {
    "title": "title",
    "description": "coalesce(description, '')",
    "content": "coalesce(content, '')",
}

# As migration 0004 made it, and the names once more as they are read now.
INDEX = """
CREATE INDEX CONCURRENTLY articles_blocks_idx ON articles USING gin (
    news_blocks(published_at),
    search,
    ts_filter(search, '{{a}}'),
    news_facets(sources, language, label, polarity, image_url),
    to_tsvector('pg_catalog.simple'::regconfig, source_name),
    to_tsvector('pg_catalog.simple'::regconfig, coalesce(author, '')),
    (
        news_pairs('', search)
        || news_pairs('outlet ', to_tsvector('pg_catalog.simple'::regconfig, source_name))
        || news_pairs('author ', to_tsvector('pg_catalog.simple'::regconfig, coalesce(author, '')))
    ){names}
)
"""
NAMES = """,
    to_tsvector('pg_catalog.simple'::regconfig, news_text(source_name)),
    to_tsvector('pg_catalog.simple'::regconfig, news_text(coalesce(author, ''))),
    (
        news_pairs('outlet ', to_tsvector('pg_catalog.simple'::regconfig, news_text(source_name)))
        || news_pairs('author ', to_tsvector('pg_catalog.simple'::regconfig, news_text(coalesce(author, ''))))
    )"""


def upgrade() -> None:
    op.execute(TEXT)
    _rewrite(READABLE, NAMES)


def downgrade() -> None:
    _rewrite(AS_WRITTEN, "")
    op.execute("DROP FUNCTION news_text")


def _rewrite(texts: dict[str, str], names: str) -> None:
    """The large index apart, since it takes longest. All of it may be tried again after any statement."""
    op.execute("DROP INDEX IF EXISTS articles_blocks_idx")
    op.execute(VECTOR.format(**texts))
    op.execute("ANALYZE articles")  # what was known of the words went with them
    with op.get_context().autocommit_block():
        # To wait for transactions that began earlier holds up nobody.
        op.execute("SET lock_timeout = 0")
        op.execute(INDEX.format(names=names))
        op.execute("ANALYZE articles")  # what the index alone has
        op.execute("SET lock_timeout = '4s'")
