"""Words beside a slash and numbers behind a hyphen are words of their own: news_text() makes a text readable.

PostgreSQL's parser takes Vallbona/Reuters for a file and the -19 of covid-19 for a negative number.

A generated column cannot be changed without rewriting the table under a lock that lets nobody read. So the vector is
written by a trigger from now on, those of stored articles that read otherwise are written anew a few at a time, and the
large index is built beside the one that serves searches meanwhile: nobody waits.

What the release before finds meanwhile: every word, and more than before. What it reads in another way than the vector
now has it - covid-19, 24/7, and/or - it finds nowhere, and its workers do not notice when cached answers to these
change: these are as old as the cache keeps them. Names it finds as ever: the index has them in its way as well, which a
later release may drop. The way back does rewrite the table under that lock.
"""

from alembic import op
from sqlalchemy import text

revision = "0010"
down_revision = "0009"

# Marks that PostgreSQL takes for the beginning of a file, of a tag or of a number become spaces. What it reads whole
# and readers type so stays: U.S, I/O and at/t, 3.14, bbc.co.uk, addresses; and words with hyphens, which it has in
# parts as well. IMMUTABLE, so that an index may use it. One expression without a look behind: about 20
# microseconds of the 500 and more of an article's vector; with one 900, and translate() beside it 100.
TEXT = r"""
CREATE OR REPLACE FUNCTION news_text(written text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(
    written, '\m([a-zA-Z]{1,2}/[a-zA-Z]\M)(?!\.\w)|[/~<]|[-+](?=[0-9])', '\1 ', 'g'
)
"""

VECTOR = """
setweight(to_tsvector(news_regconfig({row}language), {title}), 'A')
|| setweight(to_tsvector(news_regconfig({row}language), {description}), 'B')
|| setweight(to_tsvector(news_regconfig({row}language), {content}), 'C')
"""
READABLE = VECTOR.format(
    row="new.",
    title="news_text(new.title)",
    description="news_text(coalesce(new.description, ''))",
    content="news_text(coalesce(new.content, ''))",
)
AS_WRITTEN = VECTOR.format(
    row="", title="title", description="coalesce(description, '')", content="coalesce(content, '')"
)
TRIGGER = [
    f"""
    CREATE OR REPLACE FUNCTION news_search() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        new.search := {READABLE};
        RETURN new;
    END
    $$
    """,
    """
    CREATE OR REPLACE TRIGGER articles_search BEFORE INSERT OR UPDATE OF title, description, content, language
    ON articles FOR EACH ROW EXECUTE FUNCTION news_search()
    """,
]
# Of so many ids at a time: no row is locked for longer than a moment.
TOGETHER = 1_000
# Whatever reads the same is left as it is.
FILL = """
UPDATE articles SET title = title
WHERE id > :after AND id <= :after + :together AND concat_ws(' ', title, description, content) ~ '[/~<]|[-+][0-9]'
"""
# As migration 0004 left it; nothing else takes its place in the rows.
GENERATED = [
    "DROP TRIGGER articles_search ON articles",
    "DROP FUNCTION news_search",
    f"ALTER TABLE articles DROP COLUMN search, ADD COLUMN search tsvector GENERATED ALWAYS AS ({AS_WRITTEN}) STORED",
    "ALTER TABLE articles ALTER COLUMN search SET STORAGE EXTERNAL",
]

# As migration 0004 made it, and the names once more as they are read now.
INDEX = """
CREATE INDEX CONCURRENTLY articles_blocks_new_idx ON articles USING gin (
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
    # In a moment: what is stored stays.
    op.execute("ALTER TABLE articles ALTER COLUMN search DROP EXPRESSION IF EXISTS")
    for statement in TRIGGER:
        op.execute(statement)
    with op.get_context().autocommit_block():
        highest = op.get_bind().scalar(text("SELECT coalesce(max(id), 0) FROM articles"))
        for after in range(0, highest, TOGETHER):
            op.execute(text(FILL).bindparams(after=after, together=TOGETHER))
    _index(NAMES)


def downgrade() -> None:
    for statement in GENERATED:
        op.execute(statement)
    _index("")
    op.execute("DROP FUNCTION news_text")


def _index(names: str) -> None:
    """While articles are read and written. Each statement by itself: it may be tried again after any of them."""
    with op.get_context().autocommit_block():
        # To wait for transactions that began earlier holds up nobody.
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS articles_blocks_new_idx")  # what a failed attempt left
        op.execute(INDEX.format(names=names))
        op.execute("ANALYZE articles")  # what the index alone has
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS articles_blocks_idx")
        op.execute("SET lock_timeout = '4s'")
        op.execute("ALTER INDEX articles_blocks_new_idx RENAME TO articles_blocks_idx")
