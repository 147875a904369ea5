import http.client
import socket
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared import inner_port, probe
from shared.meter import Meter

HOST = "127.0.0.1"


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind((HOST, 0))
        return free.getsockname()[1]


def get(port, path):
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, answer.headers["Content-Type"], body


def test_a_working_process_is_healthy_and_a_stopped_one_is_not(port, monkeypatch, capsys):
    alive = [True]
    monkeypatch.setenv("NEWSINTEL_HEALTH_PORT", str(port))
    with inner_port.answering(HOST, port, inner_port.health(lambda: alive[0])):
        assert probe.main() == 0
        alive[0] = False
        assert probe.main() == 1
    assert "503" in capsys.readouterr().out


def test_metrics_are_there_for_prometheus(port):
    meter = Meter()
    meter.count("answers_dropped", 2)
    with inner_port.answering(HOST, port, inner_port.measured(meter)):
        status, media_type, body = get(port, "/metrics")
        assert get(port, "/health")[0] == 404
    assert (status, media_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    [family] = text_string_to_metric_families(body)
    assert [sample.value for sample in family.samples] == [2]


def test_a_process_that_does_not_answer_is_not_healthy(port):
    assert "no answer" in probe.healthy(port)


def test_without_a_port_there_is_nothing_to_ask():
    before = threading.active_count()
    with inner_port.answering(HOST, 0, inner_port.health(lambda: True)):
        assert threading.active_count() == before
