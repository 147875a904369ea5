"""The runbook's shell, run: what it would start in the account, and what that says of a real database."""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

RUNBOOK = (Path(__file__).parents[2] / "deploy" / "runbook.md").read_text()
TARGET = {"cluster": "c", "cli": "newsintel-cli", "subnets": ["s"], "security_groups": ["g"]}
ACCOUNT = """
aws() { case "$1 $2" in "ssm get-parameter") echo '%s';; "ecs run-task") echo "${@: -1}" >> started;; esac; }
sleep() { :; }
"""


def test_the_command_line_and_a_question_to_the_database(database, tmp_path):
    section = RUNBOOK.partition("\n## The command line\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^  ```sh\n(.*?)^  ```", section, re.MULTILINE | re.DOTALL)
    script = ACCOUNT % json.dumps(TARGET) + "".join(textwrap.dedent(block) for block in blocks)
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True)
    started = [json.loads(line) for line in (tmp_path / "started").read_text().splitlines()]
    status, question = [task["overrides"]["containerOverrides"][0]["command"] for task in started]
    assert status == ["python", "-m", "ingest.cli", "status"]
    assert ask(database.worker, question) == "(0,)\n"

    (sizes,) = re.findall(r'`sql "([^"]+)"`', RUNBOOK)
    assert re.fullmatch(r"(\('\w+', '\d+ kB'\)\n){10}", ask(database.worker, [*question[:-1], sizes]))
    assert "read-only transaction" in ask(database.worker, [*question[:-1], "DELETE FROM articles"])


def ask(url, command):
    """What the task writes into its log."""
    done = subprocess.run(
        [sys.executable, *command[1:]],
        env={"NEWSINTEL_DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout
