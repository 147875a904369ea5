"""Logs: JSON lines that never show a command's content."""

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import logging
from dramatiq import Message, MessageProxy
from shared import log

log.configure("debug", service="test")
message = Message("interactive", "ExchangeCode", ({"code": "s3cret"},), {}, {}, message_id="m1")
for each in (message, MessageProxy(message)):
    logging.getLogger("dramatiq").error("Failed to process message %s with unhandled exception.", each)
logging.getLogger("dramatiq").error("Failed %(what)s", {"what": "otherwise"})
"""


def test_a_failed_command_is_named_and_not_shown():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=Path(__file__).parents[3],
        check=True,
        capture_output=True,
        text=True,
    )
    *failed, otherwise = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert failed == ["Failed to process message ExchangeCode m1 with unhandled exception."] * 2
    assert otherwise == "Failed otherwise"
