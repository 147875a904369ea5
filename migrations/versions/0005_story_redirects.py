"""Who was merged into a story: asked with every publication, because cached answers may show the story that went."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("CREATE INDEX stories_merged_into_idx ON stories (merged_into) WHERE merged_into IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP INDEX stories_merged_into_idx")
