"""The schema: clean up and down, no drift from the models, and the api role cannot write."""

import os
import subprocess
import sys

import psycopg
import pytest
from alembic import command

from deploy.local.environment import REPOSITORY
from migrations.__main__ import alembic_config
from shared import db
from shared.errors import SchemaTooOldError


@pytest.fixture
def empty_database(postgres_server):
    name = "newsintel_migrations"
    postgres_server.drop_database(name)
    postgres_server.create_database(name)
    yield postgres_server.url("newsintel_owner", name)
    postgres_server.drop_database(name)


def test_upgrade_downgrade_upgrade_is_clean_and_models_show_no_drift(empty_database):
    config = alembic_config(empty_database)
    command.upgrade(config, "head")
    command.downgrade(config, "base")
    with psycopg.connect(empty_database) as connection:
        left = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic%'"
        ).fetchall()
    assert left == []
    command.upgrade(config, "head")
    command.check(config)  # raises when shared/tables.py and the migrations differ


def test_two_deployments_at_once_take_turns(empty_database):
    command = [sys.executable, "-m", "migrations", "upgrade"]
    environment = {**os.environ, "NEWSINTEL_DATABASE_URL": empty_database}
    deployments = [
        subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    done = [(each.communicate()[1], each.returncode) for each in deployments]
    assert [code for _, code in done] == [0, 0], done
    db.check_schema(empty_database)


def test_an_index_whose_making_failed_is_made_again(empty_database):
    config = alembic_config(empty_database)
    command.upgrade(config, "0008")
    with psycopg.connect(empty_database, autocommit=True) as owner:
        owner.execute("CREATE INDEX articles_over_time_idx ON articles (id)")
    command.upgrade(config, "head")
    command.check(config)


ARTICLE = """
    WITH story AS (
        INSERT INTO stories (lead_id, article_count, sources, first_published_at, last_published_at)
        VALUES (1, 1, '{newsapi}', now(), now()) RETURNING id
    )
    INSERT INTO articles (source, external_id, url, page, title, source_name, published_at, modified_at, fetched_at,
                          story_id, match_method, completeness, digest, sources)
    SELECT 'newsapi', %(title)s, %(title)s, %(title)s, %(title)s, 'x', now(), now(), now(), id, 'first', 1, 1,
           '{newsapi}'
    FROM story
"""


def test_what_was_stored_before_is_read_as_what_is_stored_now_also_at_a_second_try(empty_database):
    config = alembic_config(empty_database)

    def store(title):
        with psycopg.connect(empty_database) as owner:
            owner.execute(ARTICLE, {"title": title})

    def found():
        with psycopg.connect(empty_database) as owner:
            asked = "SELECT title FROM articles WHERE search @@ 'reuters'::tsquery ORDER BY id"
            return [title for (title,) in owner.execute(asked)]

    command.upgrade(config, "0009")
    for title in ("Vallbona/Reuters", "nothing to change", "AFP/Reuters"):
        store(title)
    assert found() == []
    command.upgrade(config, "head")
    assert found() == ["Vallbona/Reuters", "AFP/Reuters"]
    store("Later/Reuters")
    command.stamp(config, "0009")
    with psycopg.connect(empty_database, autocommit=True) as owner:
        owner.execute("ALTER INDEX articles_blocks_idx RENAME TO articles_blocks_new_idx")
    command.upgrade(config, "head")
    command.check(config)
    assert found() == ["Vallbona/Reuters", "AFP/Reuters", "Later/Reuters"]
    command.downgrade(config, "0009")
    assert found() == []
    store("Before/Reuters, again")
    command.upgrade(config, "head")
    assert found() == ["Vallbona/Reuters", "AFP/Reuters", "Later/Reuters", "Before/Reuters, again"]


def test_a_service_refuses_a_schema_that_is_too_old(empty_database):
    with pytest.raises(SchemaTooOldError, match="python -m migrations upgrade"):
        db.check_schema(empty_database)
    command.upgrade(alembic_config(empty_database), "head")
    db.check_schema(empty_database)


WRITES = [
    "INSERT INTO topics (source, kind, query, cadence_seconds) VALUES ('x', 'x', 'x', 1)",
    "UPDATE articles SET title = 'x'",
    "DELETE FROM stories",
    "TRUNCATE fetches",
    "CREATE TABLE mine (id int)",
    "DROP TABLE articles",
    "SELECT * FROM quarantine",
]


@pytest.mark.parametrize("statement", WRITES)
def test_the_api_role_is_refused(database, statement):
    # Even a session that switches off its read-only default has no right to write.
    session = psycopg.connect(database.api, options="-c default_transaction_read_only=off")
    with session as api, pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute(statement)


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE mine (id int)", "DROP TABLE articles", "TRUNCATE articles"]
)
def test_the_worker_role_does_not_change_the_schema(database, statement):
    with psycopg.connect(database.worker) as worker, pytest.raises(psycopg.errors.InsufficientPrivilege):
        worker.execute(statement)


def test_the_api_role_reads(database):
    with psycopg.connect(database.api) as api:
        assert api.execute("SELECT count(*) FROM topics").fetchone()[0] == 17
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            api.execute("CREATE TEMP TABLE t (id int)")


def test_the_alembic_command_line_works_from_the_checkout(empty_database):
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=REPOSITORY,
        env={**os.environ, "NEWSINTEL_DATABASE_URL": empty_database},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    command.check(alembic_config(empty_database))


def test_a_migration_without_its_setting_says_which_in_one_sentence():
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NEWSINTEL_")}
    done = subprocess.run(
        [sys.executable, "-m", "migrations", "upgrade"],
        cwd=REPOSITORY,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (2, "migrations: NEWSINTEL_DATABASE_URL must be set\n")
