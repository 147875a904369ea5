"""The newest success and the newest article of a source, found without reading all of its failures."""

from alembic import op

revision = "0007"
down_revision = "0006"


INDEXES = """
CREATE INDEX fetches_successes_idx ON fetches (source, started_at)
    WHERE outcome = 'ok' AND window_from IS NULL;
CREATE INDEX fetches_productive_idx ON fetches (source, started_at)
    WHERE newest_published_at IS NOT NULL AND window_from IS NULL;
"""


def upgrade() -> None:
    op.execute(INDEXES)


def downgrade() -> None:
    op.execute("DROP INDEX fetches_productive_idx, fetches_successes_idx")
