"""What is in the way of `up` is said in one sentence, with exit code 2."""

import socket

import psutil
import pytest

from deploy.local import settings, up
from deploy.local.__main__ import parser
from deploy.local.processes import free_port
from deploy.local.servers import Postgres


@pytest.fixture
def run(capsys):
    def run(*arguments):
        code = up.main(parser().parse_args(["up", *map(str, arguments)]))
        return code, " ".join(capsys.readouterr().out.split())

    return run


def test_a_port_in_use(run, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = run("--port", taken.getsockname()[1], "--data-dir", tmp_path)
    assert code == 2
    assert "Address already in use; choose another with --port" in said


def test_a_data_directory_that_is_a_file(run, tmp_path):
    (tmp_path / "file").touch()
    code, said = run("--data-dir", tmp_path / "file", "--port", free_port())
    assert code == 2
    assert "File exists" in said


def test_a_data_directory_in_use(run, tmp_path):
    with up._exclusive(tmp_path):
        code, said = run("--data-dir", tmp_path, "--port", free_port())
    assert code == 2
    assert "in use by another `up`" in said


def test_a_broken_data_directory(run, tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("9.6\n")
    code, said = run("--data-dir", tmp_path, "--port", free_port())
    assert code == 2
    assert "PostgreSQL does not start" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--workers", "0"], "--workers: 0 is too few"),
        (["--port", "70000"], "--port: 70000 is not a port"),
        (["--payloads", "/nowhere"], "/nowhere is not a directory"),
    ],
)
def test_impossible_options(run, arguments, sentence):
    code, said = run(*arguments)
    assert code == 2
    assert sentence in said


@pytest.mark.parametrize("own", ["1:x", None])
def test_the_api_signs_with_the_operators_own_keys_if_there_are_some(tmp_path, own):
    env = {"NEWSINTEL_SESSION_KEYS": own} if own else {}
    api = up._api_settings(
        parser().parse_args(["up", "--data-dir", str(tmp_path)]),
        Postgres(str(tmp_path), process=psutil.Process()),
        "redis://localhost",
        settings.Sources(real=[], simulated=[], environment=env),
    )
    made = tmp_path / "secrets" / "session-key"
    assert api["NEWSINTEL_SESSION_KEYS"] == (own or made.read_text())
    assert "NEWSINTEL_SEAL_KEYS" not in api


def test_no_worker_can_sign_a_session(tmp_path):
    env = {"NEWSINTEL_SESSION_KEYS": "1:x", "NEWSINTEL_GUARDIAN_KEY": "y"}
    ingest = up._ingest_settings(
        parser().parse_args(["up", "--data-dir", str(tmp_path)]),
        Postgres(str(tmp_path), process=psutil.Process()),
        "redis://localhost",
        settings.Sources(real=[], simulated=[], environment=env),
    )
    assert ingest["NEWSINTEL_GUARDIAN_KEY"] == "y"
    assert "NEWSINTEL_SESSION_KEYS" not in ingest
