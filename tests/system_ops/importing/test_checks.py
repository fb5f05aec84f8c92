"""What `check` says about imports."""

from django_system_ops.checks.importing import check_importing


def ids():
    return [one.id.removeprefix("django_system_ops.") for one in check_importing()]


def test_what_fits_is_no_problem():
    assert ids() == []


def test_rejected_rows_below_media_are_an_error(configure, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    configure(**{"import": {"directory": str(tmp_path / "imports")}})

    assert ids() == ["E065"]


def test_type_in_two_tables_is_a_warning(types):
    types(depots={"model": "shop.Depot", "shared": True})

    assert ids() == ["W065"]


def test_settings_that_are_wrong_are_said_by_another_check(configure):
    configure(**{"import": {"batch_size": 0}})

    assert ids() == []
