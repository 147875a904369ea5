"""Every Redis key and channel, in one place: owner, type, lifetime.

Least privilege in Redis rests on these prefixes: API_KEYS is what `api` may touch, WORKER_KEYS the rest too. The
CHANNELS are open to both.
"""

from datetime import datetime
from typing import Final

# What a Redis user of each service is limited to; `source:*` and `lease:*` are the worker's own.
# The bare name is what Dramatiq hands to its script.
API_KEYS: Final = (
    "queue", "queue:*", "answer:*", "search:*", "standing:*", "flight:*", "status:*", "revoked", "signin:*", "limit:*",
    "searched:*",
)  # fmt: skip
WORKER_KEYS: Final = (*API_KEYS, "source:*", "lease:*")

# Commands and answers -----------------------------------------------------------------------------------------
QUEUE_NAMESPACE = "queue"  # Dramatiq's own keys
ANSWERS = "answers"  # channel: one message per answered command


def answer(command_id: str) -> str:
    """String: the answer to a command, for whoever asks after the message on the channel was missed."""
    return f"answer:{command_id}"


# Searches -----------------------------------------------------------------------------------------------------
GENERATION = "standing:generation"  # integer: grows with each publish
STANDING = "standing:until"  # sorted set: shared.query.standing entry -> unix time until which an answer of it may live


def search(digest: str) -> str:
    """String: a cached answer, as the bytes that go out. Written by api, dropped by ingest on publish."""
    return f"search:{digest}"


def variants(query: str) -> str:
    """Set: the digests of all cached answers of one entry of shared.query.standing (its pages and forms)."""
    return f"standing:variants:{query}"


def shown(story_id: int) -> str:
    """Set: the digests of all cached answers that show this story."""
    return f"standing:story:{story_id}"


REGISTERS: Final = ("standing:variants:*", "standing:story:*")  # glob patterns of these two


DROPPED = "dropped"  # channel: the digests of answers that ingest has dropped, separated by spaces


def remaking(digest: str) -> str:
    """String: some process is making this answer anew before anybody asks."""
    return f"search:remaking:{digest}"


def flight(query_key: str) -> str:
    """String: the id of the command that refreshes this query, for as long as it counts as fresh."""
    return f"flight:{query_key}"


def asked(query_key: str) -> str:
    """Hash: source -> JSON of shared.events.SourceAsked, for as long as the query counts as fresh."""
    return f"flight:asked:{query_key}"


def status(source: str) -> str:
    """String: JSON of shared.events.SourceStatus, written by ingest every few seconds for the api to read."""
    return f"status:source:{source}"


def cache_reads(moment: datetime, hours_ago: int = 0) -> str:
    """Hash: tier -> answers that all api processes had from it in that moment's hour; lives two hours."""
    return f"status:cache-reads:{int(moment.timestamp()) // 3_600 - hours_ago}"


# Hash: source -> calls that backfills may make of it in a day. Written by the scheduler; gone when none does.
BACKFILL_CALLS: Final = "status:backfill-calls"


def backfill_pages(backfill_id: int, source: str) -> str:
    """Sorted set: one member a page that this backfill brought in the last hour -> its unix time."""
    return f"status:backfill-pages:{backfill_id}:{source}"


# People -------------------------------------------------------------------------------------------------------
# Sorted set: what is revoked (`revoked_session`, `revoked_key`) -> unix time until which a process may still believe
# in it (an access token's lifetime, Settings.access_seconds). A process reads all of it when it starts and after each
# lost subscription - subscribe first, then read - and then lives on the channel, so a request needs no round trip.
# Written by ingest after the commit; `sessions.ended_at` and `api_keys.revoked_at` say the same when Redis is away.
REVOKED = "revoked"
REVOCATIONS = "revocations"  # channel: one member of REVOKED a message


def revoked_until(now: float, access_seconds: int) -> float:
    """Score in REVOKED. An access token is made right before the session ends, by a clock that differs a little."""
    return now + access_seconds + 60


def revoked_session(session_id: object) -> str:
    """Member of REVOKED."""
    return f"session:{session_id}"


def revoked_key(key_id: int) -> str:
    """Member of REVOKED."""
    return f"key:{key_id}"


def of_user(user_id: int) -> tuple[str, ...]:
    """Glob patterns of every key that names a user: what goes with the account. Whoever adds such a key adds it."""
    return (f"limit:{{user:{user_id}}}:*", f"limit:{{user:{user_id}:key:*")


# Sources (ingest only) ----------------------------------------------------------------------------------------
def budget(source: str, window: str) -> str:
    """Hash: the current slice of a budget window and the calls made in it."""
    return f"source:{source}:budget:{window}"


def pace(source: str) -> str:
    """String: when the next call may go out (unix milliseconds)."""
    return f"source:{source}:pace"


def closed(source: str) -> str:
    """String: until when the source itself said to stay away (unix milliseconds)."""
    return f"source:{source}:closed"


def circuit(source: str) -> str:
    """Hash: failures in a row, the last one's reason, open until, probe until (unix milliseconds)."""
    return f"source:{source}:circuit"


def refused(source: str, fingerprint: str) -> str:
    """String: why the source refused this key (by its hash); while it stands the source is not called."""
    return f"source:{source}:refused:{fingerprint}"


def token(source: str, fingerprint: str) -> str:
    """String: the application-only OAuth token of these credentials (by their hash), until it runs out."""
    return f"source:{source}:token:{fingerprint}"


def token_lock(source: str) -> str:
    """Lock: held by the one worker that fetches a new token."""
    return f"source:{source}:token-lock"


# Hash: source -> calls that its topics make in a day; what backfills must leave over. Written by the scheduler.
LIVE_CALLS = "source:live-calls"


# Scheduler (ingest only) --------------------------------------------------------------------------------------
LEADER = "lease:scheduler"


def slot(name: str, at: int) -> str:
    """String: marks that a slot (unix time) of a topic or of another round was sent, whoever leads."""
    return f"lease:slot:{name}:{at}"


def slice_sent(source: str) -> str:
    """String: a RunSlice for this source is in its queue or under way; gone when it was carried out."""
    return f"lease:slice:{source}"


def slice_pause(source: str) -> str:
    """String: no RunSlice is sent for this source, so that its turns are there for live work."""
    return f"lease:slice-pause:{source}"


# People and limits (api only) ---------------------------------------------------------------------------------
def sign_in(state: str) -> str:
    """String: a sign-in that was begun (its browser, where to go afterwards); taken once, gone after ten minutes."""
    return f"signin:{state}"


def limit(who: str, policy: str, slot: int) -> str:
    """Integer: the requests of one caller in one slot of one policy; lives as long as the next slot looks back."""
    return f"limit:{{{who}}}:{policy}:{slot}"  # the braces keep one caller's keys on one shard


def searched(digest: str) -> str:
    """String, empty: somebody (a keyed hash of who and what) has been counted for a query; lives a week."""
    return f"searched:{digest}"


# What a Redis user of each service may publish and follow.
CHANNELS: Final = (ANSWERS, DROPPED, REVOCATIONS)
