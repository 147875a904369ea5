"""People: users, their sessions, keys and preferences, what they saved; once-only writes, audit, tokens to revoke."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = """
CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT users_pkey PRIMARY KEY,
    reddit_id text NOT NULL CONSTRAINT users_reddit_id_key UNIQUE,
    username text NOT NULL,
    roles text[] NOT NULL DEFAULT '{user}'::text[]
        CONSTRAINT users_roles_check CHECK (roles <@ ARRAY['user', 'operator']),
    reddit_tokens bytea,
    token_expires_at timestamptz,
    token_scope text,
    identity_checked_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_login_at timestamptz NOT NULL
);

CREATE TABLE sessions (
    id uuid NOT NULL CONSTRAINT sessions_pkey PRIMARY KEY,
    user_id bigint NOT NULL CONSTRAINT sessions_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    device text NOT NULL,
    address_hash text,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_why text,
    CONSTRAINT sessions_ended_check CHECK ((ended_at IS NULL) = (ended_why IS NULL))
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);

CREATE TABLE refresh_tokens (
    hash bytea NOT NULL CONSTRAINT refresh_tokens_pkey PRIMARY KEY,
    session_id uuid NOT NULL
        CONSTRAINT refresh_tokens_session_id_fkey REFERENCES sessions (id) ON DELETE CASCADE,
    made_by text NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz,
    replaced_by bytea
);
CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id);

CREATE TABLE saved_articles (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT saved_articles_pkey PRIMARY KEY,
    user_id bigint NOT NULL CONSTRAINT saved_articles_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    kind text NOT NULL CONSTRAINT saved_articles_kind_check CHECK (kind IN ('article', 'story')),
    article_id bigint CONSTRAINT saved_articles_article_id_fkey REFERENCES articles (id) ON DELETE SET NULL,
    story_id bigint CONSTRAINT saved_articles_story_id_fkey REFERENCES stories (id) ON DELETE SET NULL,
    title text NOT NULL,
    url text NOT NULL,
    source text NOT NULL,
    source_name text NOT NULL,
    published_at timestamptz NOT NULL,
    notes text NOT NULL DEFAULT ''::text
        CONSTRAINT saved_articles_notes_check CHECK (char_length(notes) <= 10000),
    tags text[] NOT NULL DEFAULT '{}'::text[],
    version integer NOT NULL DEFAULT 1,
    saved_at timestamptz NOT NULL,
    edited_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX saved_articles_user_id_article_id_key ON saved_articles (user_id, article_id)
    WHERE kind = 'article';
CREATE UNIQUE INDEX saved_articles_user_id_story_id_key ON saved_articles (user_id, story_id) WHERE kind = 'story';
CREATE INDEX saved_articles_user_id_saved_at_id_idx ON saved_articles (user_id, saved_at, id);
CREATE INDEX saved_articles_article_id_idx ON saved_articles (article_id);
CREATE INDEX saved_articles_story_id_idx ON saved_articles (story_id);

CREATE TABLE user_preferences (
    user_id bigint NOT NULL CONSTRAINT user_preferences_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    key text NOT NULL,
    value jsonb NOT NULL,
    version integer NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL,
    CONSTRAINT user_preferences_pkey PRIMARY KEY (user_id, key)
);

CREATE TABLE api_keys (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT api_keys_pkey PRIMARY KEY,
    user_id bigint NOT NULL CONSTRAINT api_keys_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    prefix text NOT NULL,
    hash bytea NOT NULL CONSTRAINT api_keys_hash_key UNIQUE,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);
CREATE INDEX api_keys_user_id_idx ON api_keys (user_id);

CREATE TABLE idempotency (
    user_id bigint NOT NULL CONSTRAINT idempotency_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    key text NOT NULL,
    digest bytea NOT NULL,
    answer bytea,
    error text,
    at timestamptz NOT NULL,
    CONSTRAINT idempotency_pkey PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_at_idx ON idempotency (at);

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT audit_log_pkey PRIMARY KEY,
    at timestamptz NOT NULL,
    user_id bigint CONSTRAINT audit_log_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    action text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'::jsonb,
    request_id text
);
CREATE INDEX audit_log_user_id_at_idx ON audit_log (user_id, at);

CREATE TABLE revocations (
    id uuid NOT NULL CONSTRAINT revocations_pkey PRIMARY KEY,
    token bytea NOT NULL,
    added_at timestamptz NOT NULL
);
"""

# The api verifies sessions and keys; tokens, refresh tokens and stored answers are none of its business.
GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON
    users, sessions, refresh_tokens, saved_articles, user_preferences, api_keys, idempotency, audit_log, revocations
    TO newsintel_worker;
GRANT SELECT (id, reddit_id, username, roles, created_at, last_login_at) ON users TO newsintel_api;
GRANT SELECT ON sessions, saved_articles, user_preferences, api_keys, audit_log TO newsintel_api;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute(
        "DROP TABLE revocations, audit_log, idempotency, api_keys, user_preferences, saved_articles, refresh_tokens, "
        "sessions, users"
    )
