"""Logs are JSON, one object a line, whoever writes them."""

import json
import logging
import threading

import pytest
import structlog

from shared import log


@pytest.fixture(autouse=True)
def as_before():
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_both_kinds_of_logger_write_the_same_shape(capsys):
    log.configure("info", service="api")
    structlog.get_logger("ours").info("stored", count=3)
    logging.getLogger("theirs").warning("careful: %s", "it")
    ours, theirs = lines(capsys)
    assert (ours["event"], ours["count"], ours["level"], ours["service"]) == ("stored", 3, "info", "api")
    assert (theirs["event"], theirs["level"], theirs["service"]) == ("careful: it", "warning", "api")
    assert ours["timestamp"].endswith("Z")


def test_what_is_away_for_long_is_told_once_and_told_again_when_it_is_back(capsys):
    log.configure("info", service="api")
    channel = log.Interruption(structlog.get_logger("ours"), "answers")
    channel.ended()
    for _ in range(2):
        for _ in range(100):
            channel.began(OSError("gone"))
        channel.ended()
    told = [(line["event"], line["level"], line.get("error")) for line in lines(capsys)]
    assert told == 2 * [("answers_interrupted", "warning", "gone"), ("answers_resumed", "info", None)]


def test_a_thread_names_the_service_too(capsys):
    log.configure("info", service="worker")
    thread = threading.Thread(target=structlog.get_logger("ours").info, args=("said",))
    thread.start()
    thread.join()
    assert [line["service"] for line in lines(capsys)] == ["worker"]


def test_levels(capsys):
    log.configure("warning", service="api")
    structlog.get_logger("ours").info("not said")
    logging.getLogger("theirs").info("not said")
    logging.getLogger("httpx").info("a whole URL")
    assert lines(capsys) == []


def test_an_exception_is_part_of_its_line(capsys):
    log.configure("info", service="api")
    try:
        int("broken")
    except ValueError:
        structlog.get_logger("ours").exception("failed")
    [line] = lines(capsys)
    assert "ValueError: invalid literal" in line["exception"]
