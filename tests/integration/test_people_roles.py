"""The api's database role: reads what it must to know who asks, no secret, and writes nothing."""

import psycopg
import pytest

READABLE = [
    "SELECT id, reddit_id, username, roles, created_at, last_login_at FROM users",
    "SELECT s.id, u.roles FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.ended_at IS NULL",
    "SELECT * FROM saved_articles",
    "SELECT * FROM user_preferences",
    "SELECT hash, scopes, expires_at, revoked_at FROM api_keys",
    "SELECT * FROM audit_log",
]
REFUSED = [
    "SELECT reddit_tokens FROM users",
    "SELECT token_expires_at FROM users",
    "SELECT * FROM users",
    "SELECT u FROM users u",
    "SELECT count(reddit_tokens) FROM users",
    "SELECT id FROM users ORDER BY reddit_tokens",
    "SELECT id FROM users WHERE reddit_tokens IS NOT NULL",
    "COPY users TO STDOUT",
    "SELECT * FROM refresh_tokens",
    "SELECT hash FROM refresh_tokens",
    "SELECT * FROM idempotency",
    "SELECT * FROM revocations",
    "INSERT INTO users (reddit_id, username, identity_checked_at, last_login_at) VALUES ('x', 'x', now(), now())",
    "UPDATE users SET roles = '{operator}'",
    "DELETE FROM users",
    "UPDATE sessions SET ended_at = NULL",
    "DELETE FROM sessions",
    "INSERT INTO user_preferences SELECT * FROM user_preferences",
    "UPDATE saved_articles SET notes = ''",
    "DELETE FROM saved_articles",
    "UPDATE user_preferences SET value = 'null'",
    "UPDATE api_keys SET scopes = '{operate}'",
    "DELETE FROM api_keys",
    "DELETE FROM audit_log",
    "INSERT INTO audit_log (at, action) VALUES (now(), 'x')",
    "DELETE FROM search_history",
    "TRUNCATE users",
    "SELECT FROM sessions FOR UPDATE",
    "SET ROLE newsintel_worker",
    "SELECT search_history_drop_before('2030-01-01')",
]


@pytest.mark.parametrize("statement", READABLE)
def test_what_the_api_needs_it_reads(database, statement):
    with psycopg.connect(database.api) as api:
        api.execute(statement)


@pytest.mark.parametrize("statement", REFUSED)
def test_secrets_and_writes_are_refused(database, statement):
    # Even a session that switches off its read-only default has no right to it.
    session = psycopg.connect(database.api, options="-c default_transaction_read_only=off")
    with session as api, pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute(statement)
