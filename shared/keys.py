"""Every Redis key and channel, in one place: owner, type, lifetime.

Least privilege in Redis rests on these prefixes: `api` needs `search:* flight:* answer:* standing:*` and the
queues, the channels `answers` and `dropped`, and to read `status:*`; `source:*` and `lease:*` are the worker's own.
"""

# Commands and answers -----------------------------------------------------------------------------------------
QUEUE_NAMESPACE = "queue"  # Dramatiq's own keys
ANSWERS = "answers"  # channel: one message per answered command


def answer(command_id: str) -> str:
    """String: the answer to a command, for whoever asks after the message on the channel was missed."""
    return f"answer:{command_id}"


# Searches -----------------------------------------------------------------------------------------------------
GENERATION = "standing:generation"  # integer: grows with each publish
STANDING = "standing:queries"  # hash: query text -> unix time until which some cached answer of it may live


def search(digest: str) -> str:
    """String: a cached answer, as the bytes that go out. Written by api, dropped by ingest on publish."""
    return f"search:{digest}"


def variants(query: str) -> str:
    """Set: the digests of all cached answers of one query text (its pages and filters)."""
    return f"standing:variants:{query}"


def shown(story_id: int) -> str:
    """Set: the digests of all cached answers that show this story."""
    return f"standing:story:{story_id}"


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


# Scheduler (ingest only) --------------------------------------------------------------------------------------
LEADER = "lease:scheduler"


def slot(topic_id: int, at: int) -> str:
    """String: marks that a topic's slot (unix time) was sent, whoever leads."""
    return f"lease:slot:{topic_id}:{at}"
