-- The three roles of least privilege, made once per server by its administrator before the first migration:
-- owner changes the schema, worker writes rows, api reads. Passwords are set by whoever deploys.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'newsintel_owner') THEN
        CREATE ROLE newsintel_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'newsintel_worker') THEN
        CREATE ROLE newsintel_worker LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'newsintel_api') THEN
        CREATE ROLE newsintel_api LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
END
$$;
ALTER ROLE newsintel_api SET statement_timeout = '5s';
-- A search takes milliseconds; starting processes to share it takes as long.
ALTER ROLE newsintel_api SET max_parallel_workers_per_gather = 0;
-- A worker that dies in the middle of a transaction must not keep the matching lock.
ALTER ROLE newsintel_worker SET idle_in_transaction_session_timeout = '60s';
