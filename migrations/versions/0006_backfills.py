"""Backfills: what an operator wants filled in, cut into slices that go on where they stopped."""

from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = """
CREATE TABLE backfills (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT backfills_pkey PRIMARY KEY,
    key text NOT NULL CONSTRAINT backfills_key_key UNIQUE,
    requested_by text NOT NULL,
    sources text[] NOT NULL,
    query text,
    gaps boolean NOT NULL,
    window_from timestamptz NOT NULL,
    window_to timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'running'::text
        CONSTRAINT backfills_state_check CHECK (state IN ('running', 'paused', 'done', 'failed', 'cancelled')),
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    finished_at timestamptz
);

CREATE TABLE backfill_slices (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT backfill_slices_pkey PRIMARY KEY,
    backfill_id bigint NOT NULL
        CONSTRAINT backfill_slices_backfill_id_fkey REFERENCES backfills (id) ON DELETE CASCADE,
    source text NOT NULL,
    kind text NOT NULL,
    query text NOT NULL,
    topic_id bigint CONSTRAINT backfill_slices_topic_id_fkey REFERENCES topics (id) ON DELETE SET NULL,
    window_from timestamptz NOT NULL,
    window_to timestamptz NOT NULL,
    expected_calls integer NOT NULL,
    state text NOT NULL DEFAULT 'waiting'::text
        CONSTRAINT backfill_slices_state_check CHECK (state IN ('waiting', 'done', 'failed', 'cancelled')),
    cursor text,
    pages integer NOT NULL DEFAULT 0,
    attempts smallint NOT NULL DEFAULT 0,
    outcome text,
    reason text,
    retry_at timestamptz,
    finished_at timestamptz,
    CONSTRAINT backfill_slices_backfill_id_source_kind_query_window_from_key
        UNIQUE (backfill_id, source, kind, query, window_from)
);
CREATE INDEX backfill_slices_source_backfill_id_id_idx ON backfill_slices (source, backfill_id, id)
    WHERE state = 'waiting';
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON backfills, backfill_slices TO newsintel_worker;
GRANT SELECT ON backfills, backfill_slices TO newsintel_api;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute("DROP TABLE backfill_slices, backfills")
