import socket

import pytest

from ingest import health
from shared import probe


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_working_process_is_healthy_and_a_stopped_one_is_not(port, monkeypatch, capsys):
    alive = [True]
    monkeypatch.setenv("NEWSINTEL_HEALTH_PORT", str(port))
    with health.answering(port, lambda: alive[0]):
        assert probe.main() == 0
        alive[0] = False
        assert probe.main() == 1
    assert "503" in capsys.readouterr().out


def test_a_process_that_does_not_answer_is_not_healthy(port):
    assert "no answer" in probe.healthy(port)


def test_without_a_port_there_is_nothing_to_ask():
    with health.answering(0, lambda: True):
        pass
