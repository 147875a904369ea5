"""RescoreSentiment: scores of an older method, made anew, a few seconds' worth at a time."""

import time
from typing import Final

from ingest.pipeline.publish import publish
from ingest.pipeline.sentiment import METHOD_VERSION, score
from ingest.ports import Ports
from ingest.store import sentiments, standing, stories
from shared import bus
from shared.commands import RescoreSentiment

_BATCH: Final = 200
# Then other bulk work has a turn.
_SECONDS: Final = 5.0


def rescore_sentiment(command: RescoreSentiment, ports: Ports, _command_id: str) -> None:
    """What is done is up to date: a repeated or killed one goes on where it stopped."""
    until = time.monotonic() + _SECONDS
    while _batch(ports):
        if time.monotonic() > until:
            bus.send(bus.broker(ports.redis), command)
            return


def _batch(ports: Ports) -> bool:
    with ports.database.connection() as conn:
        texts = sentiments.out_of_date(conn, METHOD_VERSION, _BATCH)
    scored = [(text, score(text)) for text in texts]
    with ports.database.connection() as conn, conn.transaction():
        stories.take_turns(conn)
        # One that was improved meanwhile has the tone of its new text.
        now = {text.id: text for text in sentiments.texts(conn, [text.id for text in texts])}
        scores = {text.id: sentiment for text, sentiment in scored if now.get(text.id) == text}
        former = standing.former(conn, list(scores))
        if scores:
            sentiments.upsert(conn, scores, ports.clock())
    publish(list(scores), ports, former)
    ports.metrics.count("sentiments_rescored", len(scores))
    return bool(texts)
