"""When the worker is slow or away: 202, not lost, and carried out when it comes back."""

import threading

import pytest

from api.app import create_app
from ingest import worker
from shared import keys
from shared.commands import Queue
from tests.eventually import eventually_async
from tests.people import COFFEE, Person

pytestmark = pytest.mark.anyio


async def test_a_write_without_a_worker_is_carried_out_when_it_comes_back(
    settings, upstreams, ports, archive, rows, redis
):
    article = archive.article()
    app = create_app(settings)
    stop = threading.Event()

    def working():
        thread = threading.Thread(target=worker.serve, args=(ports, set(Queue), stop))
        thread.start()
        return thread

    async with app.lifespan():
        marta, other = Person(app, upstreams), Person(app, upstreams)
        thread = working()
        await marta.sign_in()
        await other.sign_in(COFFEE)
        stop.set()
        thread.join()
        stop.clear()
        headers = {"Prefer": "wait=1", "Idempotency-Key": "mine"}
        answer = await marta.write("PUT", f"/me/saved/articles/{article}", headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (202, "pending")
        where = answer.headers["location"]
        assert (await marta.client.get(where)).json()["status"] == "pending"
        assert (await other.client.get(where)).status_code == 404
        assert (await Person(app, upstreams).client.get(where)).status_code == 401
        guessed = where[:-1] + ("1" if where.endswith("0") else "0")
        assert (await marta.client.get(guessed)).status_code == 404
        assert rows("SELECT * FROM saved_articles") == []
        thread = working()
        await eventually_async(lambda: redis.exists(keys.answer(where.rpartition("/")[2])))
        assert rows("SELECT count(*) FROM saved_articles") == [(1,)]
        status = (await marta.client.get(where)).json()
        assert (status["status"], status["result"]["created"]) == ("done", True)
        again = await marta.write("PUT", f"/me/saved/articles/{article}", headers=headers)
        assert again.status_code == 201
        stop.set()
        thread.join()
