"""What `check` says about whose rows are whose, and that the command refuses the same."""

import pytest

from django_system_ops.checks.tenant_moves import check_tenant_moves
from tests.system_ops.tenant_moves.conftest import MOVES, TYPES, migrate, tenants

SAME_MODEL = {"model": "shop.Theme", "shared": True}


def ids():
    return [one.id.removeprefix("django_system_ops.") for one in check_tenant_moves()]


def test_what_fits_is_no_problem():
    assert ids() == []


@pytest.mark.parametrize(
    ("moves", "more", "code"),
    [
        ({"shared": ["shop.Nothing"]}, {}, "E080"),
        ({"leave": ["nothing"]}, {}, "E080"),
        ({"generic": {"shop.Nothing": "target"}}, {}, "E080"),
        ({"generic": {"shop.Footnote": "kind"}}, {}, "E081"),
        ({"generic": {"shop.Person": "target"}}, {"people": None}, "E081"),
        ({"shared": ["shop.Theme"]}, {}, "E082"),
        ({"leave": ["shop.Person"]}, {}, "E082"),
        ({}, {"again": SAME_MODEL}, "E083"),
        ({"shared": ["shop.Tag"], "leave": ["shop.Tag"]}, {}, "E084"),
    ],
)
@pytest.mark.django_db
def test_what_contradicts_itself_is_an_error_and_is_refused(types, moves, more, code):
    tenants("old", "new")
    types(**{name: one for name, one in {**TYPES, **more}.items() if one}, moves=moves)

    found = migrate()

    assert ids() == [code]
    assert found["status"] == 1
    assert "MANAGEMENT_COMMANDS" in found["sentence"]


def test_errors_of_the_setting_itself_are_said_elsewhere(configure):
    configure(tenant_moves={**MOVES, "batch_size": 0})

    assert ids() == []


def test_one_model_is_a_list_of_one(configure):
    from django_system_ops.checks.settings import check_settings

    configure(tenant_moves={"shared": "auth.User"})

    (message,) = check_settings()
    assert "write a list, such as ['auth.User']" in message.msg
