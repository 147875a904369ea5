"""A month of searches can be made after its first searches came: they move in from the default partition."""

from alembic import op

revision = "0008"
down_revision = "0007"

# ATTACH and not PARTITION OF: it lets those read and write who are at other months. The default partition is locked
# first, as they would meet it, so nobody waits for one who waits for us.
KEEP_MONTH = """
CREATE OR REPLACE FUNCTION search_history_keep_month(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    start date := date_trunc('month', month);
    following date := start + interval '1 month';
    name text := 'search_history_' || to_char(start, 'YYYY_MM');
BEGIN
    IF to_regclass('public.' || name) IS NULL THEN
        LOCK TABLE public.search_history_default IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('CREATE TABLE public.%I (LIKE public.search_history INCLUDING ALL)', name);
        EXECUTE format(
            'WITH moved AS (DELETE FROM public.search_history_default WHERE searched_at >= %L AND searched_at < %L'
            ' RETURNING *) INSERT INTO public.%I SELECT * FROM moved',
            start, following, name
        );
        EXECUTE format(
            'ALTER TABLE public.search_history ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
            name, start, following
        );
    END IF;
END
$$
"""


def upgrade() -> None:
    op.execute(KEEP_MONTH)


def downgrade() -> None:
    """The release before calls it in the same way."""
