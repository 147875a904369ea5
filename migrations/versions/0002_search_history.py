"""What was searched: for a user's history and for trends; one partition a month, old months dropped."""

from alembic import op

revision = "0002"
down_revision = "0001"

# A search is recorded with the id that the api gave it, so a repeated command records it once.
TABLE = """
CREATE TABLE search_history (
    id uuid NOT NULL,
    user_id bigint,
    query text NOT NULL,
    results_count integer NOT NULL,
    searched_at timestamptz NOT NULL,
    CONSTRAINT search_history_pkey PRIMARY KEY (id, searched_at)
) PARTITION BY RANGE (searched_at);
CREATE INDEX search_history_searched_at_idx ON search_history (searched_at);
CREATE INDEX search_history_user_id_searched_at_idx ON search_history (user_id, searched_at) WHERE user_id IS NOT NULL;
-- Takes what no month holds yet, so that a late clean-up never loses a search.
CREATE TABLE search_history_default PARTITION OF search_history DEFAULT;
"""

# The worker keeps the months without the right to change the schema: the owner lends it these two functions.
KEEP_MONTH = """
CREATE FUNCTION search_history_keep_month(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    start date := date_trunc('month', month);
    name text := 'search_history_' || to_char(start, 'YYYY_MM');
BEGIN
    IF to_regclass('public.' || name) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE public.%I PARTITION OF public.search_history FOR VALUES FROM (%L) TO (%L)',
            name, start, start + interval '1 month'
        );
    END IF;
END
$$
"""

DROP_BEFORE = """
CREATE FUNCTION search_history_drop_before(month date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    child regclass;
    dropped integer := 0;
BEGIN
    FOR child IN
        SELECT inhrelid::regclass FROM pg_inherits
        JOIN pg_class c ON c.oid = inhrelid
        WHERE inhparent = 'public.search_history'::regclass
          AND c.relname ~ '^search_history_\\d{4}_\\d{2}$'
          AND to_date(right(c.relname, 7), 'YYYY_MM') < date_trunc('month', month)
    LOOP
        EXECUTE format('DROP TABLE %s', child);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$
"""

RIGHTS = """
REVOKE ALL ON FUNCTION search_history_keep_month, search_history_drop_before FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_history_keep_month, search_history_drop_before TO newsintel_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON search_history TO newsintel_worker;
GRANT SELECT ON search_history TO newsintel_api;
"""


def upgrade() -> None:
    for statement in (TABLE, KEEP_MONTH, DROP_BEFORE, RIGHTS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION search_history_keep_month, search_history_drop_before")
    op.execute("DROP TABLE search_history")
