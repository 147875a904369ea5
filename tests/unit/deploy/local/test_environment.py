"""The environment is made from locks that carry versions and hashes and no address."""

import re

import pytest

from deploy.local import environment
from deploy.local.lock import EXTRAS


@pytest.mark.parametrize("name", EXTRAS)
def test_each_lock_pins_by_version_and_hash_and_names_no_address(name):
    lines = (environment.LOCKS / f"{name}.txt").read_text().splitlines()
    pinned = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert pinned
    assert all(re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==[^ ]+", line) for line in pinned)
    assert not any("://" in line for line in lines)
    hashes = [line for line in lines if "--hash=sha256:" in line]
    assert len(hashes) >= len(pinned)


def test_all_locks_agree_on_every_version():
    versions = {}
    for name in EXTRAS:
        for line in (environment.LOCKS / f"{name}.txt").read_text().splitlines():
            if found := re.match(r"([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^ ;]+)", line):
                versions.setdefault(found[1], set()).add(found[2])
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


def test_a_python_that_is_too_old_gets_one_sentence(monkeypatch):
    monkeypatch.setattr(environment.sys, "version_info", (3, 9, 2))
    with pytest.raises(environment.SetupError, match=r"Python 3\.11 or newer is needed; this is 3\.9\.2"):
        environment.ensure("local")


def test_a_python_without_venv_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(environment.sys.modules, "ensurepip", None)
    with pytest.raises(environment.SetupError, match="python3-venv"):
        environment.ensure("local")


def test_a_wider_environment_serves(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "VENV", tmp_path)
    (tmp_path / ".installed-test").write_text(environment._digest("test"))
    environment.ensure("local")  # would run pip otherwise, and there is none
