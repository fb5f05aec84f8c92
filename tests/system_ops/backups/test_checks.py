"""The system checks of the settings of backups."""

from django_system_ops.checks.backup import check_backup
from tests.system_ops.backups.test_commands import run


def ids():
    return [one.id.partition(".")[2] for one in check_backup()]


def test_site_that_says_nothing_is_left_alone():
    assert ids() == []


def test_backups_where_the_public_reads_are_an_error(settings, configure, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    configure(backup={"directory": str(tmp_path / "backups"), "encryption": False})

    assert ids() == ["E010"]


def test_scheduled_backup_without_a_key_is_warned_about(configure):
    configure(schedule={"nightly": {"command": "backup_data", "cron": "0 2 * * *"}})

    assert ids() == ["W010"]


def test_key_that_others_can_read_is_warned_about(key, tmp_path):
    (tmp_path / "backup.key").chmod(0o644)

    assert ids() == ["W011"]
    assert "chmod 600" in check_backup()[0].msg


def test_key_among_the_backups_is_warned_about(configure, backups, tmp_path):
    backups.mkdir(mode=0o700)
    run("ops_keygen", output=tmp_path / "key")
    (tmp_path / "key").rename(backups / "key")
    configure(backup={"key_file": str(backups / "key")})

    assert ids() == ["W012"]


def test_wrong_setting_is_the_business_of_another_check(settings):
    settings.MANAGEMENT_COMMANDS = {"backup": {"retention_days": "many"}}

    assert ids() == []
