"""A secret is made once and is nobody else's."""

import stat

from deploy.local.secret_files import kept


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path):
    assert kept(tmp_path, "one", lambda: "first") == "first"
    assert kept(tmp_path, "one", lambda: "second") == "first"
    assert kept(tmp_path, "two", lambda: "other") == "other"
    assert stat.S_IMODE((tmp_path / "secrets" / "one").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
