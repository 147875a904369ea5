"""The archive: topics, articles, stories, sightings, sentiments, fetches, quarantine."""

from alembic import op

from shared.languages import REGCONFIGS

revision = "0001"
down_revision = None

# The topics that come with the product. The cadence keeps each source well within its smallest known budget:
# NewsAPI 6 topics x 8 a day = 48 of 100, Guardian 7 x 48 = 336 of 500, Reddit 4 x 288 = 1,152 of 144,000.
TOPICS = """
INSERT INTO topics (source, kind, query, cadence_seconds) VALUES
    ('newsapi', 'query', 'world', 10800),
    ('newsapi', 'query', 'politics', 10800),
    ('newsapi', 'headlines', 'business', 10800),
    ('newsapi', 'headlines', 'technology', 10800),
    ('newsapi', 'headlines', 'science', 10800),
    ('newsapi', 'query', 'climate', 10800),
    ('guardian', 'section', 'world', 1800),
    ('guardian', 'section', 'politics', 1800),
    ('guardian', 'section', 'business', 1800),
    ('guardian', 'section', 'technology', 1800),
    ('guardian', 'section', 'science', 1800),
    ('guardian', 'section', 'environment', 1800),
    ('guardian', 'query', 'climate', 1800),
    ('reddit', 'subreddit', 'news', 300),
    ('reddit', 'subreddit', 'worldnews', 300),
    ('reddit', 'subreddit', 'technology', 300),
    ('reddit', 'subreddit', 'science', 300)
"""

TABLES = """
CREATE TABLE topics (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT topics_pkey PRIMARY KEY,
    source text NOT NULL,
    kind text NOT NULL,
    query text NOT NULL,
    cadence_seconds integer NOT NULL CONSTRAINT topics_cadence_check CHECK (cadence_seconds > 0),
    max_pages smallint NOT NULL DEFAULT 1,
    paused boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT topics_source_kind_query_key UNIQUE (source, kind, query)
);

CREATE TABLE stories (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT stories_pkey PRIMARY KEY,
    lead_id bigint,
    article_count integer NOT NULL DEFAULT 0,
    sources text[] NOT NULL DEFAULT '{}'::text[],
    first_published_at timestamptz,
    last_published_at timestamptz,
    merged_into bigint CONSTRAINT stories_merged_into_fkey REFERENCES stories (id),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE articles (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT articles_pkey PRIMARY KEY,
    source text NOT NULL,
    external_id text NOT NULL,
    url text NOT NULL,
    page text NOT NULL CONSTRAINT articles_page_key UNIQUE,
    title text NOT NULL,
    description text,
    content text,
    author text,
    source_name text NOT NULL,
    image_url text,
    language text,
    published_at timestamptz NOT NULL,
    modified_at timestamptz NOT NULL,
    fetched_at timestamptz NOT NULL,
    story_id bigint NOT NULL CONSTRAINT articles_story_id_fkey REFERENCES stories (id),
    match_method text NOT NULL,
    match_score real,
    completeness smallint NOT NULL,
    digest bigint NOT NULL,
    sources text[] NOT NULL,
    search tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector(news_regconfig(language), title), 'A')
        || setweight(to_tsvector(news_regconfig(language), coalesce(description, '')), 'B')
        || setweight(to_tsvector(news_regconfig(language), coalesce(content, '')), 'C')
    ) STORED,
    CONSTRAINT articles_source_external_id_key UNIQUE (source, external_id)
);
CREATE INDEX articles_search_idx ON articles USING gin (search);
CREATE INDEX articles_published_at_id_idx ON articles (published_at, id);
CREATE INDEX articles_story_id_idx ON articles (story_id);

CREATE TABLE sightings (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT sightings_pkey PRIMARY KEY,
    source text NOT NULL,
    external_id text NOT NULL,
    article_id bigint NOT NULL
        CONSTRAINT sightings_article_id_fkey REFERENCES articles (id) ON DELETE CASCADE,
    url text NOT NULL,
    source_name text NOT NULL,
    published_at timestamptz NOT NULL,
    fetched_at timestamptz NOT NULL,
    CONSTRAINT sightings_source_external_id_key UNIQUE (source, external_id)
);
CREATE INDEX sightings_article_id_idx ON sightings (article_id);

CREATE TABLE titles (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT titles_pkey PRIMARY KEY,
    article_id bigint NOT NULL
        CONSTRAINT titles_article_id_fkey REFERENCES articles (id) ON DELETE CASCADE,
    title_key text NOT NULL,
    numbers text NOT NULL,
    published_at timestamptz NOT NULL
);
CREATE INDEX titles_article_id_idx ON titles (article_id);

CREATE TABLE title_words (
    word integer NOT NULL,
    published_at timestamptz NOT NULL,
    title_id bigint NOT NULL
        CONSTRAINT title_words_title_id_fkey REFERENCES titles (id) ON DELETE CASCADE,
    CONSTRAINT title_words_pkey PRIMARY KEY (word, published_at, title_id)
);
CREATE INDEX title_words_title_id_idx ON title_words (title_id);

CREATE TABLE article_sentiments (
    article_id bigint NOT NULL CONSTRAINT article_sentiments_pkey PRIMARY KEY
        CONSTRAINT article_sentiments_article_id_fkey REFERENCES articles (id) ON DELETE CASCADE,
    polarity real,
    subjectivity real,
    label text,
    confidence real,
    text_length integer NOT NULL,
    method text NOT NULL,
    method_version text NOT NULL,
    reason text,
    analyzed_at timestamptz NOT NULL,
    CONSTRAINT article_sentiments_label_or_reason_check CHECK ((label IS NULL) <> (reason IS NULL))
);
CREATE INDEX article_sentiments_label_idx ON article_sentiments (label);

CREATE TABLE fetches (
    id text CONSTRAINT fetches_pkey PRIMARY KEY,
    source text NOT NULL,
    topic_id bigint CONSTRAINT fetches_topic_id_fkey REFERENCES topics (id) ON DELETE SET NULL,
    query text,
    window_from timestamptz,
    window_to timestamptz,
    outcome text NOT NULL,
    reason text,
    pages integer NOT NULL DEFAULT 0,
    fetched integer NOT NULL DEFAULT 0,
    stored integer NOT NULL DEFAULT 0,
    merged integer NOT NULL DEFAULT 0,
    quarantined integer NOT NULL DEFAULT 0,
    discarded jsonb NOT NULL DEFAULT '{}'::jsonb,
    newest_published_at timestamptz,
    started_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX fetches_source_started_at_idx ON fetches (source, started_at);

CREATE TABLE quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT quarantine_pkey PRIMARY KEY,
    source text NOT NULL,
    digest bytea NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    original bytea NOT NULL,
    fetch_id text,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT quarantine_source_digest_key UNIQUE (source, digest)
);
"""

# The api role sees what a reader may see; quarantine holds originals and stays with the worker.
GRANTS = """
GRANT USAGE ON SCHEMA public TO newsintel_worker, newsintel_api;
GRANT SELECT ON alembic_version TO newsintel_worker, newsintel_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    topics, stories, articles, sightings, titles, title_words, article_sentiments, fetches, quarantine
    TO newsintel_worker;
GRANT SELECT ON topics, stories, articles, sightings, article_sentiments, fetches TO newsintel_api;
"""


def regconfig_function() -> str:
    """The SQL twin of shared.languages.regconfig; IMMUTABLE, so that a stored column may use it."""
    branches = " ".join(
        f"WHEN '{code}' THEN 'pg_catalog.{config}'::regconfig" for code, config in REGCONFIGS.items()
    )
    return f"""
        CREATE FUNCTION news_regconfig(language text) RETURNS regconfig
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN CASE language {branches} ELSE 'pg_catalog.simple'::regconfig END
    """


def upgrade() -> None:
    op.execute(regconfig_function())
    op.execute(TABLES)
    op.execute(TOPICS)
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute(
        "DROP TABLE quarantine, fetches, article_sentiments, title_words, titles, sightings, articles, stories, topics"
    )
    op.execute("DROP FUNCTION news_regconfig")
