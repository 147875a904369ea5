"""The search index that stays flat: one GIN index over blocks of time, words, what an article is, and its names."""

from alembic import op

revision = "0004"
down_revision = "0003"

# The SQL twin of api.queries.windows.block: the blocks of time that a moment lies in, smallest first. IMMUTABLE, so
# that an index may use it. A block is its number within its size, times 8, plus the size (0: 6 hours, each next one
# four times as long).
BLOCKS = """
CREATE FUNCTION news_blocks(at timestamptz) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN ARRAY[
    floor(extract(epoch FROM at AT TIME ZONE 'UTC') / 21600)::integer * 8,
    floor(extract(epoch FROM at AT TIME ZONE 'UTC') / 86400)::integer * 8 + 1,
    floor(extract(epoch FROM at AT TIME ZONE 'UTC') / 345600)::integer * 8 + 2,
    floor(extract(epoch FROM at AT TIME ZONE 'UTC') / 1382400)::integer * 8 + 3,
    floor(extract(epoch FROM at AT TIME ZONE 'UTC') / 5529600)::integer * 8 + 4,
    floor(extract(epoch FROM at AT TIME ZONE 'UTC') / 22118400)::integer * 8 + 5,
    floor(extract(epoch FROM at AT TIME ZONE 'UTC') / 88473600)::integer * 8 + 6
]
"""

# The tone beside the words, so that a search by tone reads no second table. What a worker of the previous release
# writes from now on has none here until `newsintel sentiment rescore`, which also mends such rows.
TONE = [
    "ALTER TABLE articles ADD COLUMN polarity real, ADD COLUMN label text",
    """
    UPDATE articles SET polarity = s.polarity, label = s.label
    FROM article_sentiments s WHERE s.article_id = articles.id
    """,
]

# What an article is, as names that a search may ask for: the SQL twin of api.queries.hints.facets.
FACETS = """
CREATE FUNCTION news_facets(sources text[], language text, label text, polarity real, image_url text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sources || array_remove(ARRAY[
    'lang:' || language,
    'tone:' || label,
    'polarity:' || floor(polarity::float8 * 10)::integer::text,
    CASE WHEN image_url IS NULL THEN 'image:false' ELSE 'image:true' END
], NULL)
"""

# Two words that follow one another, as one short word out of about a million: a phrase of common words is found by its
# pairs, which are rare, and looked at only where all of them occur. The hash is that of hash partitions, which no
# version of PostgreSQL changes. kind keeps pairs of texts, outlets and authors apart.
PAIRS = [
    """
    CREATE FUNCTION news_pair(kind text, one text, other text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_hex(hashtextextended(kind || one || ' ' || other, 0) & 1048575)
    """,
    """
    CREATE FUNCTION news_pairs(kind text, words tsvector) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        WITH placed AS MATERIALIZED (
            SELECT lexeme, at FROM unnest(words) AS word (lexeme, positions, weights), unnest(positions) AS at
        )
        SELECT coalesce(array_to_tsvector(array_agg(DISTINCT news_pair(kind, one.lexeme, other.lexeme))), '')
        FROM placed one JOIN placed other ON other.at = one.at + 1
    )
    """,
]

# One index for everything that a search asks of an article: within a block of time, PostgreSQL reads of each word's
# list only the part that lies there. The words of titles have lists of their own, because GIN keeps no weights.
# It serves what articles_search_idx served, which therefore goes.
INDEX = """
CREATE INDEX articles_blocks_idx ON articles USING gin (
    news_blocks(published_at),
    search,
    ts_filter(search, '{a}'),
    news_facets(sources, language, label, polarity, image_url),
    to_tsvector('pg_catalog.simple'::regconfig, source_name),
    to_tsvector('pg_catalog.simple'::regconfig, coalesce(author, '')),
    (
        news_pairs('', search)
        || news_pairs('outlet ', to_tsvector('pg_catalog.simple'::regconfig, source_name))
        || news_pairs('author ', to_tsvector('pg_catalog.simple'::regconfig, coalesce(author, '')))
    )
)
"""

# Long texts go beside the table and everything else stays in its rows, so that many rows fit on a page: candidates are
# compared without reading a text. Holds for rows written from now on, costs nothing for those there are. The vector is
# kept uncompressed: unpacking one takes longer than reading its few hundred bytes more.
_SHORT = (
    "source",
    "external_id",
    "url",
    "page",
    "title",
    "author",
    "source_name",
    "image_url",
    "description",
)
STORAGE = [
    "ALTER TABLE articles SET (toast_tuple_target = 600)",
    "ALTER TABLE articles ALTER COLUMN search SET STORAGE EXTERNAL",
    *(f"ALTER TABLE articles ALTER COLUMN {column} SET STORAGE MAIN" for column in _SHORT),
]
DEFAULT_STORAGE = [
    "ALTER TABLE articles RESET (toast_tuple_target)",
    *(f"ALTER TABLE articles ALTER COLUMN {column} SET STORAGE EXTENDED" for column in ("search", *_SHORT)),
]


def upgrade() -> None:
    for statement in (BLOCKS, *TONE, FACETS, *PAIRS, INDEX):
        op.execute(statement)
    op.execute("DROP INDEX articles_search_idx")
    for statement in STORAGE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DEFAULT_STORAGE:
        op.execute(statement)
    op.execute("CREATE INDEX articles_search_idx ON articles USING gin (search)")
    op.execute("DROP INDEX articles_blocks_idx")
    op.execute("DROP FUNCTION news_pairs, news_pair, news_facets, news_blocks")
    op.execute("ALTER TABLE articles DROP COLUMN polarity, DROP COLUMN label")
