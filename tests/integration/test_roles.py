"""The set-up of the roles, by an administrator who is no superuser - as on RDS - on a server of its own."""

import psycopg
import pytest
from alembic import command
from psycopg import sql

from deploy.local.servers import postgres
from migrations import roles
from migrations.__main__ import alembic_config

PASSWORDS = {"owner_password": "o-'secret", "worker_password": "w", "api_password": "a"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with postgres(tmp_path_factory.mktemp("roles")) as running:
        with running.admin() as admin:
            for role in ("newsintel_owner", "newsintel_worker", "newsintel_api"):
                admin.execute(f"DROP ROLE {role}")
            admin.execute("CREATE ROLE rds_admin LOGIN CREATEROLE CREATEDB NOSUPERUSER")
        yield running


@pytest.fixture(scope="module")
def made(server):
    settings = roles.RolesSettings(database_url=server.url("rds_admin", "postgres"), **PASSWORDS)
    roles.make(settings)
    roles.make(settings)
    return server


def test_the_owner_migrates_and_the_others_do_not(made):
    command.upgrade(alembic_config(made.url("newsintel_owner", roles.DATABASE)), "head")
    with psycopg.connect(made.url("newsintel_worker", roles.DATABASE), autocommit=True) as worker:
        assert worker.execute("SELECT count(*) FROM articles").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            worker.execute("CREATE TABLE mine (id int)")


@pytest.mark.parametrize("role", ["newsintel_owner", "newsintel_worker", "newsintel_api"])
def test_each_role_can_change_its_own_password_as_rotation_does(made, role):
    with psycopg.connect(made.url(role, roles.DATABASE), autocommit=True) as session:
        session.execute(sql.SQL("ALTER USER {} WITH PASSWORD 'rotated'").format(sql.Identifier(role)))


def test_nobody_else_comes_in(made):
    with made.admin() as admin:
        admin.execute("CREATE ROLE stranger LOGIN")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(made.url("stranger", roles.DATABASE))


def test_each_role_has_a_password_that_the_server_knows_only_as_a_hash(made):
    with made.admin() as admin:
        stored = dict(
            admin.execute(
                "SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'newsintel_%'"
            ).fetchall()
        )
    assert len(stored) == 3
    assert all(hashed.startswith("SCRAM-SHA-256$") for hashed in stored.values())


def test_what_is_missing_is_one_sentence(monkeypatch, capsys):
    monkeypatch.delenv("NEWSINTEL_DATABASE_URL", raising=False)
    assert roles.main() == 2
    assert "NEWSINTEL_DATABASE_URL" in capsys.readouterr().err
