"""What a year of all articles is told from, in one index over time: half a million rows without reading the table."""

from alembic import op

revision = "0009"
down_revision = "0008"

# It serves what the other one served, which therefore goes.
BEFORE = "CREATE INDEX CONCURRENTLY articles_published_at_id_idx ON articles (published_at, id)"
OVER_TIME = """
CREATE INDEX CONCURRENTLY articles_over_time_idx ON articles (published_at, id)
    INCLUDE (polarity, label, language, source_name)
"""


def upgrade() -> None:
    _replace("articles_published_at_id_idx", "articles_over_time_idx", OVER_TIME)


def downgrade() -> None:
    _replace("articles_over_time_idx", "articles_published_at_id_idx", BEFORE)


def _replace(old: str, new: str, statement: str) -> None:
    """While articles are read and written. Each statement by itself: it may be tried again after any of them."""
    with op.get_context().autocommit_block():
        # To wait for transactions that began earlier holds up nobody.
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {new}")  # what a failed attempt left
        op.execute(statement)
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {old}")
        op.execute("SET lock_timeout = '4s'")
