"""The operators' command line finds the product that runs here, or says that none does."""

import stat

from deploy.local import operate
from deploy.local.__main__ import parser


def test_without_a_running_product(tmp_path, capsys):
    assert operate.main(tmp_path, ["status"]) == 2
    assert f"no `up` runs on {tmp_path}" in capsys.readouterr().err


def test_it_gets_the_settings_of_the_workers_and_the_words_as_typed(tmp_path, capfd):
    noted = operate.note(tmp_path, {"NEWSINTEL_REDIS_URL": "redis://one"})
    assert stat.S_IMODE(noted.stat().st_mode) == 0o600
    operate.note(tmp_path, {"NEWSINTEL_REDIS_URL": "redis://two", "NEWSINTEL_DATABASE_URL": "nonsense"})
    asked = parser().parse_args(
        ["newsintel", "--data-dir", str(tmp_path), "backfill", "plan", "--source", "twitter"]
    )
    assert operate.main(asked.data_dir, asked.operation) == 2
    assert "invalid choice: 'twitter'" in capfd.readouterr().err
