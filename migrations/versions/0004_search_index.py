"""The search index that stays flat: one GIN index over blocks of time, text, outlet and author."""

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

# One index for everything that a search asks of an article: within a block of time, PostgreSQL reads of each word's
# list only the part that lies there. The words of titles have lists of their own, because GIN keeps no weights.
# It serves what articles_search_idx served, which therefore goes.
INDEX = """
CREATE INDEX articles_blocks_idx ON articles USING gin (
    news_blocks(published_at),
    search,
    ts_filter(search, '{a}'),
    sources,
    to_tsvector('pg_catalog.simple'::regconfig, source_name),
    to_tsvector('pg_catalog.simple'::regconfig, coalesce(author, ''))
)
"""

# Long texts go beside the table and everything else stays in its rows, so that many rows fit on a page: candidates are
# compared without reading a text. Holds for rows written from now on, costs nothing for those there are. The vector is
# kept as it is: unpacking one takes longer than reading its few hundred bytes more.
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
    op.execute(BLOCKS)
    op.execute(INDEX)
    op.execute("DROP INDEX articles_search_idx")
    for statement in STORAGE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DEFAULT_STORAGE:
        op.execute(statement)
    op.execute("CREATE INDEX articles_search_idx ON articles USING gin (search)")
    op.execute("DROP INDEX articles_blocks_idx")
    op.execute("DROP FUNCTION news_blocks")
