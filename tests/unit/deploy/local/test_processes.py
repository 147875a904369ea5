"""Children are started in order, restarted when they die, and none is left behind."""

import psutil
import pytest

from deploy.local.processes import RESTARTS, Child, Group, has_ended
from tests.eventually import eventually


@pytest.fixture
def group(tmp_path):
    group = Group(tmp_path / "processes")
    yield group
    group.stop()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Makes a module that a child can run: `module("name", "source")`."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def make(name, source):
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return make


@pytest.fixture
def sleeper(module, tmp_path):
    return Child("sleeper", [module("sleeper", "import time; time.sleep(60)")], {}, tmp_path / "sleeper.log")


def test_stop_ends_every_child(group, sleeper):
    group.start(sleeper)
    pid = sleeper.pid
    group.stop()
    assert not psutil.pid_exists(pid)


def test_a_child_that_dies_is_started_again(group, sleeper):
    group.start(sleeper)
    first = sleeper.pid
    sleeper.process.kill()
    sleeper.process.wait()
    assert group.watch() is None
    assert sleeper.pid != first
    assert sleeper.exit_code() is None


def test_a_child_that_keeps_dying_is_reported_with_its_last_words(group, module, tmp_path):
    child = Child(
        "broken", [module("broken", "raise SystemExit('no such table')")], {}, tmp_path / "broken.log"
    )
    group.start(child)
    child.restarts = RESTARTS
    child.process.wait()
    assert group.watch() is child
    assert child.last_line() == "no such table"


def test_the_next_run_ends_what_a_killed_run_left(group, sleeper, tmp_path):
    group.start(sleeper)
    Group(tmp_path / "processes").end_leftovers()
    sleeper.process.wait()
    assert sleeper.exit_code() is not None
    assert not (tmp_path / "processes").exists()


def test_a_process_id_that_was_given_away_is_left_alone(group, sleeper, tmp_path):
    group.start(sleeper)
    (tmp_path / "processes").write_text(f"{sleeper.pid} 1.0\n")
    Group(tmp_path / "processes").end_leftovers()
    assert sleeper.exit_code() is None


def test_a_process_has_ended_before_its_parent_looks(group, sleeper):
    group.start(sleeper)
    process = psutil.Process(sleeper.pid)
    assert not has_ended(process)
    process.kill()
    eventually(lambda: psutil.Process(sleeper.pid).status() == psutil.STATUS_ZOMBIE)
    assert has_ended(process)
    sleeper.process.wait()
    assert has_ended(process)
