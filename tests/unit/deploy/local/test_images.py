"""The image check's own decisions, with an engine that does not build anything."""

from contextlib import nullcontext

import pytest

from deploy.local import engine, images
from deploy.local.engine import Engine, EngineError


@pytest.fixture
def no_engine(monkeypatch):
    monkeypatch.setattr(engine.shutil, "which", lambda _: None)


def test_without_an_engine_it_says_so_and_goes_on(no_engine, monkeypatch, capsys):
    monkeypatch.setattr(engine.os, "geteuid", lambda: 1000)
    assert images.main() == 0
    assert capsys.readouterr().out.count("\n") == 1


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """machine(docker="script") -> a machine that has this program and no other."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def has(**programs):
        for name, script in programs.items():
            program = tmp_path / name.replace("_", "-")
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)

    return has


def test_an_engine_that_cannot_have_the_base_image_fails_the_run(machine, capsys):
    machine(docker='[ "$1" = info ]')
    assert images.main() == 1
    assert "cannot be pulled" in capsys.readouterr().err


def test_an_engine_that_cannot_be_set_up_in_time_is_none(machine, monkeypatch, capsys):
    monkeypatch.setattr(engine.os, "geteuid", lambda: 0)
    monkeypatch.setattr(engine, "SETUP_SECONDS", 0.1)
    machine(apt_get="exec /bin/sleep 60")
    assert images.main() == 0
    assert "took longer than 0.1 s" in capsys.readouterr().out


def test_a_failing_build_fails_the_run(monkeypatch, capsys):
    def broken(_engine, _image):
        raise EngineError("build failed (1): no such package")

    monkeypatch.setattr(images, "engine", lambda: nullcontext(Engine(["true"])))
    monkeypatch.setattr(images, "_build", broken)
    assert images.main() == 1
    assert "no such package" in capsys.readouterr().err


def test_an_engine_that_fails_says_what_it_said():
    with pytest.raises(EngineError, match="No such file"):
        Engine(["ls"]).run("/no/such/file")


@pytest.mark.parametrize("program", ["docker", "podman"])
def test_a_container_can_write_nowhere(program):
    """Podman mounts writable /tmp, /run and /var/tmp over a read-only root unless it is told not to; Fargate never."""
    hardened = images._hardened(Engine([program]))
    assert "--read-only" in hardened
    assert ("--read-only-tmpfs=false" in hardened) == (program == "podman")


def test_an_image_that_is_too_large_fails(monkeypatch):
    monkeypatch.setattr(
        images, "_inspect", lambda _engine, name: {"Size": 0 if name == engine.BASE else 101e6}
    )
    with pytest.raises(images.CheckError, match="own layers are 101 MB"):
        images._build(Engine(["true"]), images.API)


def test_what_cannot_be_pulled_needs_root_and_podman_for_a_stand_in():
    with pytest.raises(EngineError, match="cannot be pulled"):
        engine._need_base(Engine(["false"]))
