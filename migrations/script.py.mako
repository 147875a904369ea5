"""${message}

The rule: the previous release is still running while this one migrates. So: add, then fill, then use; drop a
release later. No lock is held while rows are rewritten. Every upgrade has a downgrade that a test runs.
"""

from alembic import op

revision = "${up_revision}"
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
