"""The operators' command line."""

import os
import subprocess
import sys

import psycopg
import pytest

from ingest.cli import main as cli
from ingest.cli.asking import me
from ingest.seal import Seal, new_key
from shared import keys


def test_the_first_operator_is_named_here(run, user, rows):
    user("marta_reads_the_news")
    assert run("users", "grant", "Marta_Reads_The_News", "operator") == (
        0,
        "marta_reads_the_news is now operator",
        "",
    )
    assert run("users", "grant", "u/marta_reads_the_news", "operator")[1] == (
        "marta_reads_the_news is already operator"
    )
    assert rows("SELECT roles FROM users") == [(["user", "operator"],)]
    assert rows("SELECT action, detail FROM audit_log") == [
        ("role_granted", {"role": "operator", "requested_by": me()})
    ]
    _, listed, _ = run("users", "list")
    head, line = listed.splitlines()
    assert head.split() == ["ID", "NAME", "ROLES", "SINCE", "LAST", "SIGN-IN"]
    assert "marta_reads_the_news  user,operator" in line


def test_a_role_that_is_taken_ends_the_sessions_that_have_it(run, sign_in, rows, redis):
    _, session_id = sign_in()
    run("users", "grant", "marta_reads_the_news", "operator")
    assert run("users", "revoke", "marta_reads_the_news", "operator")[1].endswith("is no longer operator")
    assert rows("SELECT ended_why FROM sessions") == [("role_revoked",)]
    assert redis.zrange(keys.REVOKED, 0, -1) == [keys.revoked_session(session_id).encode()]
    assert run("users", "revoke", "marta_reads_the_news", "operator")[1].endswith("is not operator")


def test_a_name_that_nobody_or_more_than_one_has(run, user):
    assert run("users", "grant", "nobody", "operator") == (
        2,
        "",
        "newsintel: nobody called 'nobody' has signed in yet",
    )
    first, second = user("twice"), user("Twice")
    code, _, problem = run("users", "grant", "twice", "operator")
    assert (code, problem) == (2, f"newsintel: 'twice' is the name of users {first}, {second}: too risky")


def test_keys_are_listed_and_revoked(run, user, rows, redis):
    [(key_id,)] = rows(
        """
        INSERT INTO api_keys (user_id, name, prefix, hash, scopes, created_at)
        VALUES (%s, 'script', 'nik_abcd', '\\x00', '{read}', now()) RETURNING id
        """,
        user(),
    )
    assert "nik_abcd…  someone  script  read" in run("keys", "list")[1]
    assert run("keys", "revoke", str(key_id)) == (0, f"key {key_id} is revoked", "")
    assert redis.zrange(keys.REVOKED, 0, -1) == [keys.revoked_key(key_id).encode()]
    assert run("keys", "revoke", str(key_id))[0] == 2
    assert rows("SELECT action, user_id, detail FROM audit_log") == [
        ("key_revoked", 1, {"key_id": key_id, "requested_by": me()})
    ]


def test_sealing_keys_are_made_and_rotated(run, sign_in, environment, monkeypatch, rows):
    sign_in()
    code, made, _ = run("seal", "new")
    assert code == 0
    assert Seal(made).ready
    monkeypatch.setenv("NEWSINTEL_SEAL_KEYS", f"{made},{environment['NEWSINTEL_SEAL_KEYS']}")
    assert run("seal", "rotate")[1] == "1 sealed anew, 0 were under the first key already"
    monkeypatch.setenv("NEWSINTEL_SEAL_KEYS", made)
    assert run("seal", "rotate")[1] == "0 sealed anew, 1 were under the first key already"
    monkeypatch.setenv("NEWSINTEL_SEAL_KEYS", new_key())
    assert "1 cannot be opened" in run("seal", "rotate")[2]
    monkeypatch.setenv("NEWSINTEL_SEAL_KEYS", "")
    assert run("seal", "rotate") == (2, "", "newsintel: NEWSINTEL_SEAL_KEYS is empty")


def test_it_is_a_program(environment):
    done = subprocess.run(
        [sys.executable, "-m", "ingest.cli", "users", "list"],
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ID  NAME")


def test_a_reader_who_has_had_enough_is_no_error(environment):
    program = subprocess.Popen(
        [sys.executable, "-m", "ingest.cli", "status"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    program.stdout.close()
    assert (program.stderr.read(), program.wait()) == ("", 141)
    program.stderr.close()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"NEWSINTEL_DATABASE_URL": "postgresql://worker@127.0.0.1:1/x"}, "cannot connect to the database"),
        ({"NEWSINTEL_REDIS_URL": "redis://127.0.0.1:1"}, "connecting to 127.0.0.1:1"),
    ],
)
def test_a_server_that_is_away_is_one_sentence(run, monkeypatch, changed, sentence):
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    code, _, problem = run("status")
    assert code == 2
    assert problem.startswith("newsintel: ")
    assert sentence in problem
    assert "\n" not in problem


def test_a_database_that_goes_away_is_one_sentence(run, monkeypatch, migrated):
    opened = cli.bootstrap.ports

    def soon_without_connections(*arguments):
        ports = opened(*arguments)
        ports.database.wait()
        with psycopg.connect(migrated.admin) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'newsintel_worker'"
            )
        return ports

    monkeypatch.setattr(cli.bootstrap, "ports", soon_without_connections)
    assert run("backfill", "status") == (
        2,
        "",
        "newsintel: terminating connection due to administrator command",
    )


def test_an_address_of_the_database_that_makes_no_sense_is_not_shown(run, monkeypatch):
    monkeypatch.setenv("NEWSINTEL_DATABASE_URL", "postgresql://worker:top%secret@127.0.0.1/x")
    assert run("status") == (
        2,
        "",
        "newsintel: NEWSINTEL_DATABASE_URL is not an address that libpq understands",
    )


def test_a_malformed_key_is_one_sentence_and_never_shown(environment):
    done = subprocess.run(
        [sys.executable, "-m", "ingest.cli", "users", "list"],
        env={**os.environ, **environment, "NEWSINTEL_SEAL_KEYS": "c2hvcnQ="},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "key 1 is not the base64 of 32 bytes" in done.stderr
    assert "c2hvcnQ=" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
