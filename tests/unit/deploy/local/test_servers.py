"""The real PostgreSQL that `up` and the tests start, and how leaving it ends."""

import signal

import pytest

from deploy.local.processes import has_ended
from deploy.local.servers import postgres


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_leaving_a_server_that_somebody_ended_is_no_error(server_data, how):
    with postgres(server_data / f"ended-by-{how}") as server:
        server.process.send_signal(how)
    assert has_ended(server.process)


def test_leaving_a_server_stops_it(server_data):
    with postgres(server_data / "left") as server:
        assert not has_ended(server.process)
    assert has_ended(server.process)
