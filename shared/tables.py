"""The one schema, as SQLAlchemy Core tables; the migrations make it and a test proves that they agree."""

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _at(name: str, *, nullable: bool = False, now: bool = False) -> Column[object]:
    return Column(
        name, DateTime(timezone=True), nullable=nullable, server_default=func.now() if now else None
    )


# What is pulled on a cadence.
# kind: headlines (NewsAPI top-headlines, query = category or empty), query (search words), section (Guardian section
# or empty for all), subreddit (name, several joined by "+").
topics = Table(
    "topics",
    metadata,
    _id(),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("cadence_seconds", Integer, nullable=False),
    Column("max_pages", SmallInteger, nullable=False, server_default=text("1")),
    Column("paused", Boolean, nullable=False, server_default=text("false")),
    _at("created_at", now=True),
    UniqueConstraint("source", "kind", "query"),
    CheckConstraint("cadence_seconds > 0", name="cadence"),
)

# One event, told by one or more articles. A story that was merged redirects to the older one.
stories = Table(
    "stories",
    metadata,
    _id(),
    # No foreign key: an article needs its story first, and the story then names its lead.
    Column("lead_id", BigInteger),
    Column("article_count", Integer, nullable=False, server_default=text("0")),
    Column("sources", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    _at("first_published_at", nullable=True),
    _at("last_published_at", nullable=True),
    Column("merged_into", BigInteger, ForeignKey("stories.id")),
    _at("created_at", now=True),
    Index(None, "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
)

# One page on the web, whoever told us about it (see sightings).
articles = Table(
    "articles",
    metadata,
    _id(),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    # What readers follow, as the best version spells it.
    Column("url", Text, nullable=False),
    # What the url names: without scheme, www/m/amp, tracking.
    Column("page", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("content", Text),
    Column("author", Text),
    Column("source_name", Text, nullable=False),
    Column("image_url", Text),
    Column("language", Text),
    _at("published_at"),
    _at("modified_at"),
    _at("fetched_at"),
    Column("story_id", BigInteger, ForeignKey("stories.id"), nullable=False),
    # How it came to its story: first | title, and how much alike (0-100) for title.
    Column("match_method", Text, nullable=False),
    Column("match_score", REAL),
    # 0-100: how much of its metadata is there; the story's lead is the most complete article.
    Column("completeness", SmallInteger, nullable=False),
    # Of the version that is stored; completeness, modified_at and digest say which of two versions is the better one.
    Column("digest", BigInteger, nullable=False),
    # All sources that told us about this page.
    Column("sources", ARRAY(Text), nullable=False),
    # Of title, description and content, in these weights: written by the trigger of migration 0010.
    Column("search", TSVECTOR),
    UniqueConstraint("source", "external_id"),
    # Its tone, for searches: what article_sentiments says.
    Column("polarity", REAL),
    Column("label", Text),
    # What a search asks of an article; see migrations 0004 and 0010. The names as they are written, and their pairs,
    # are for the release before.
    Index(
        "articles_blocks_idx",
        text("news_blocks(published_at)"),
        "search",
        text("ts_filter(search, '{a}'::\"char\"[])"),
        text("news_facets(sources, language, label, polarity, image_url)"),
        text("to_tsvector('simple'::regconfig, source_name)"),
        text("to_tsvector('simple'::regconfig, COALESCE(author, ''::text))"),
        text(
            "((news_pairs(''::text, search) "
            "|| news_pairs('outlet '::text, to_tsvector('simple'::regconfig, source_name))) "
            "|| news_pairs('author '::text, to_tsvector('simple'::regconfig, COALESCE(author, ''::text))))"
        ),
        text("to_tsvector('simple'::regconfig, news_text(source_name))"),
        text("to_tsvector('simple'::regconfig, news_text(COALESCE(author, ''::text)))"),
        text(
            "(news_pairs('outlet '::text, to_tsvector('simple'::regconfig, news_text(source_name))) "
            "|| news_pairs('author '::text, to_tsvector('simple'::regconfig, news_text(COALESCE(author, ''::text)))))"
        ),
        postgresql_using="gin",
    ),
    # Trends and distributions are counted in this index alone; see migration 0009.
    Index(
        "articles_over_time_idx",
        "published_at",
        "id",
        postgresql_include=["polarity", "label", "language", "source_name"],
    ),
    Index(None, "story_id"),
)

# One item of one upstream: the same page may be sighted in several sources and several subreddits.
sightings = Table(
    "sightings",
    metadata,
    _id(),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("article_id", BigInteger, ForeignKey("articles.id", ondelete="CASCADE"), nullable=False),
    # Where the upstream shows it (a Reddit post's page, an outlet's page).
    Column("url", Text, nullable=False),
    Column("source_name", Text, nullable=False),
    _at("published_at"),
    _at("fetched_at"),
    UniqueConstraint("source", "external_id"),
    Index(None, "article_id"),
)

# Every title under which a page was sighted, as story matching compares it, with the numbers and dates in it.
titles = Table(
    "titles",
    metadata,
    _id(),
    Column("article_id", BigInteger, ForeignKey("articles.id", ondelete="CASCADE"), nullable=False),
    Column("title_key", Text, nullable=False),
    Column("numbers", Text, nullable=False),
    _at("published_at"),
    Index(None, "article_id"),
)

# Blocking index of story matching: a few telling words of each title, by time.
title_words = Table(
    "title_words",
    metadata,
    Column("word", Integer, primary_key=True),  # 32-bit hash
    Column("published_at", DateTime(timezone=True), primary_key=True),
    Column("title_id", BigInteger, ForeignKey("titles.id", ondelete="CASCADE"), primary_key=True),
    Index(None, "title_id"),
)

article_sentiments = Table(
    "article_sentiments",
    metadata,
    Column("article_id", BigInteger, ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True),
    Column("polarity", REAL),
    Column("subjectivity", REAL),
    Column("label", Text),
    Column("confidence", REAL),
    Column("text_length", Integer, nullable=False),
    Column("method", Text, nullable=False),
    Column("method_version", Text, nullable=False),
    # Why there is none: language_unknown | language_unsupported | no_text.
    Column("reason", Text),
    _at("analyzed_at"),
    CheckConstraint("(label IS NULL) <> (reason IS NULL)", name="label_or_reason"),
    Index(None, "label"),
)

# One row per pull: freshness and lag come from here, and fetched = stored + merged + quarantined + discarded.
fetches = Table(
    "fetches",
    metadata,
    Column(
        "id", Text, primary_key=True
    ),  # the command's id and the source: a repeated command continues its row
    Column("source", Text, nullable=False),
    Column("topic_id", BigInteger, ForeignKey("topics.id", ondelete="SET NULL")),
    Column("query", Text),
    Column("window_from", DateTime(timezone=True)),
    Column("window_to", DateTime(timezone=True)),
    Column("outcome", Text, nullable=False),  # running | ok | the code of a SourceError
    Column("reason", Text),
    Column("pages", Integer, nullable=False, server_default=text("0")),
    Column("fetched", Integer, nullable=False, server_default=text("0")),
    Column("stored", Integer, nullable=False, server_default=text("0")),
    Column("merged", Integer, nullable=False, server_default=text("0")),
    Column("quarantined", Integer, nullable=False, server_default=text("0")),
    Column("discarded", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # reason -> count
    _at("newest_published_at", nullable=True),
    _at("started_at"),
    _at("finished_at", nullable=True),
    Index(None, "source", "started_at"),
    Index(
        "fetches_successes_idx",
        "source",
        "started_at",
        postgresql_where=text("outcome = 'ok' AND window_from IS NULL"),
    ),
    Index(
        "fetches_productive_idx",
        "source",
        "started_at",
        postgresql_where=text("newest_published_at IS NOT NULL AND window_from IS NULL"),
    ),
)

# What was searched, one partition a month. user_id: null when nobody was signed in.
search_history = Table(
    "search_history",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", BigInteger),
    Column("query", Text, nullable=False),
    Column("results_count", Integer, nullable=False),
    Column("searched_at", DateTime(timezone=True), primary_key=True),
    Index(None, "searched_at"),
    Index(None, "user_id", "searched_at", postgresql_where=text("user_id IS NOT NULL")),
    postgresql_partition_by="RANGE (searched_at)",
)

# An item that could not be understood, with the original, to be replayed once we can.
quarantine = Table(
    "quarantine",
    metadata,
    _id(),
    Column("source", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("original", LargeBinary, nullable=False),
    Column("fetch_id", Text),
    _at("first_seen_at", now=True),
    UniqueConstraint("source", "digest"),
)

# What an operator wants filled in. key: of the request, so that a repeated one starts nothing twice.
# state: running | paused | done | failed (some slice is) | cancelled.
backfills = Table(
    "backfills",
    metadata,
    _id(),
    Column("key", Text, nullable=False, unique=True),
    Column("requested_by", Text, nullable=False),
    Column("sources", ARRAY(Text), nullable=False),
    Column("query", Text),  # null: the topics of these sources
    Column("gaps", Boolean, nullable=False),
    _at("window_from"),
    _at("window_to"),
    Column("state", Text, nullable=False, server_default=text("'running'::text")),
    _at("created_at"),
    _at("changed_at"),
    _at("finished_at", nullable=True),
    CheckConstraint("state IN ('running', 'paused', 'done', 'failed', 'cancelled')", name="state"),
)

# One question to one source about [window_from, window_to), asked page after page; its counts stand in fetches under
# "slice-<id>:<source>". cursor: where the next page starts. state: waiting | done | failed | cancelled.
backfill_slices = Table(
    "backfill_slices",
    metadata,
    _id(),
    Column("backfill_id", BigInteger, ForeignKey("backfills.id", ondelete="CASCADE"), nullable=False),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("topic_id", BigInteger, ForeignKey("topics.id", ondelete="SET NULL")),
    _at("window_from"),
    _at("window_to"),
    Column("expected_calls", Integer, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'waiting'::text")),
    Column("cursor", Text),
    Column("pages", Integer, nullable=False, server_default=text("0")),
    # Failures of all its pages; a resumed one begins with none.
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    # Of the last try: ok or the code of a SourceError, and its sentence; out_of_reach: the source had its time no more.
    Column("outcome", Text),
    Column("reason", Text),
    _at("retry_at", nullable=True),
    _at("finished_at", nullable=True),
    UniqueConstraint("backfill_id", "source", "kind", "query", "window_from"),
    CheckConstraint("state IN ('waiting', 'done', 'failed', 'cancelled')", name="state"),
    Index(None, "source", "backfill_id", "id", postgresql_where=text("state = 'waiting'")),
)

# People -------------------------------------------------------------------------------------------------------------


def _user(*, nullable: bool = False, primary_key: bool = False) -> Column[int]:
    """Everything of a user goes with the user."""
    return Column(
        "user_id",
        BigInteger,
        ForeignKey("users.id", ondelete="CASCADE"),
        nullable=nullable,
        primary_key=primary_key,
    )


# Who signed in with Reddit. reddit_tokens: sealed, only `ingest` can open them (and only its role can read them).
users = Table(
    "users",
    metadata,
    _id(),
    Column("reddit_id", Text, nullable=False, unique=True),
    Column("username", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False, server_default=text("'{user}'::text[]")),
    Column("reddit_tokens", LargeBinary),
    _at("token_expires_at", nullable=True),
    Column("token_scope", Text),
    # When Reddit last told us who this is.
    _at("identity_checked_at"),
    _at("created_at", now=True),
    _at("last_login_at"),
    CheckConstraint("roles <@ ARRAY['user', 'operator']", name="roles"),
)

# One sign-in of one browser or program: also the family of its refresh tokens.
sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    _user(),
    Column("device", Text, nullable=False),  # the user agent in a few words
    Column("address_hash", Text),
    _at("created_at"),
    _at("last_used_at"),
    _at("expires_at"),
    _at("ended_at", nullable=True),
    Column("ended_why", Text),  # signed_out | everywhere | token_reused | role_revoked | access_withdrawn
    CheckConstraint("(ended_at IS NULL) = (ended_why IS NULL)", name="ended"),
    Index(None, "user_id"),
)

# Every refresh token of a session by its SHA-256; a used one that comes back was stolen.
refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("session_id", Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("made_by", Text, nullable=False),  # the command's id
    _at("created_at"),
    _at("used_at", nullable=True),
    Column("replaced_by", LargeBinary),
    Index(None, "session_id"),
)

# What a user keeps: an article, or a story under its lead article. The texts are as they were when it was saved, so
# that it survives the article.
saved_articles = Table(
    "saved_articles",
    metadata,
    _id(),
    _user(),
    Column("kind", Text, nullable=False),  # article | story
    Column("article_id", BigInteger, ForeignKey("articles.id", ondelete="SET NULL")),
    # A merged story redirects: read it through stories.merged_into.
    Column("story_id", BigInteger, ForeignKey("stories.id", ondelete="SET NULL")),
    Column("title", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("source_name", Text, nullable=False),
    _at("published_at"),
    Column("notes", Text, nullable=False, server_default=text("''::text")),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    _at("saved_at"),
    _at("edited_at"),
    CheckConstraint("kind IN ('article', 'story')", name="kind"),
    CheckConstraint("char_length(notes) <= 10000", name="notes"),
    Index(
        "saved_articles_user_id_article_id_key",
        "user_id",
        "article_id",
        unique=True,
        postgresql_where=text("kind = 'article'"),
    ),
    Index(
        "saved_articles_user_id_story_id_key",
        "user_id",
        "story_id",
        unique=True,
        postgresql_where=text("kind = 'story'"),
    ),
    Index(None, "user_id", "saved_at", "id"),
    Index(None, "article_id"),
    Index(None, "story_id"),
)

# See shared.preferences for the keys and the type of each value.
user_preferences = Table(
    "user_preferences",
    metadata,
    _user(primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    _at("changed_at"),
)

# A program's key. hash: SHA-256 of the whole key; prefix: its readable beginning, for lists and logs.
api_keys = Table(
    "api_keys",
    metadata,
    _id(),
    _user(),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    _at("created_at"),
    _at("expires_at", nullable=True),
    _at("revoked_at", nullable=True),
    _at("last_used_at", nullable=True),
    Index(None, "user_id"),
)

# What a write answered, so that a repeated one has the same answer and no second effect; kept for a day.
idempotency = Table(
    "idempotency",
    metadata,
    _user(primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),  # of the request
    Column("answer", LargeBinary),  # JSON
    Column("error", Text),
    _at("at"),
    Index(None, "at"),
)

# Sign-ins, key use, roles and deletions; no secret, and nothing of a user whose account is deleted.
audit_log = Table(
    "audit_log",
    metadata,
    _id(),
    _at("at"),
    _user(nullable=True),
    Column("action", Text, nullable=False),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("request_id", Text),
    Index(None, "user_id", "at"),
)

# Reddit tokens (sealed) that Reddit has not yet been told to end. Knows no user.
revocations = Table(
    "revocations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("token", LargeBinary, nullable=False),
    _at("added_at"),
)
