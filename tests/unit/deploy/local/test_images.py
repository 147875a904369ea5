"""The image check's own decisions, with an engine that does not build anything."""

from contextlib import nullcontext

import pytest

from deploy.local import engine, images
from deploy.local.engine import Engine, EngineError, NoEngineError


@pytest.fixture
def no_engine(monkeypatch):
    monkeypatch.setattr(engine.shutil, "which", lambda _: None)


def test_without_an_engine_it_says_so_and_goes_on(no_engine, monkeypatch, capsys):
    monkeypatch.setattr(engine.os, "geteuid", lambda: 1000)
    assert images.main() == 0
    assert capsys.readouterr().out.count("\n") == 1


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


def test_an_image_that_is_too_large_fails(monkeypatch):
    monkeypatch.setattr(
        images, "_inspect", lambda _engine, name: {"Size": 0 if name == engine.BASE else 101e6}
    )
    with pytest.raises(images.CheckError, match="own layers are 101 MB"):
        images._build(Engine(["true"]), images.API)


def test_what_cannot_be_pulled_needs_root_and_podman_for_a_stand_in():
    with pytest.raises(NoEngineError, match="cannot be pulled"):
        engine._need_base(Engine(["false"]))
