"""Whether what init_system, setup_demo_data and create_test_data are to make can be made."""

from collections.abc import Iterator

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured

from django_system_ops.conf import ManagementCommandsSettings, get_conf
from django_system_ops.services.seeding.callables import load_callable
from django_system_ops.services.tenants import tenant_model
from django_system_ops.services.test_data.scenarios import scenario_problems

__all__ = ["check_seeding"]


def check_seeding(**_kwargs: object) -> list[CheckMessage]:
    """E085 to E088: callables, tenants, scenarios and values that fit the site."""
    try:
        return list(_problems(get_conf()))
    except ImproperlyConfigured:
        return []  # said by the check of the setting


def _problems(conf: ManagementCommandsSettings) -> Iterator[CheckMessage]:
    for section, key, paths in (
        ("init", "steps", conf.init.steps),
        ("demo", "recipes", conf.demo.recipes),
    ):
        for path in paths:
            try:
                load_callable(path, f"MANAGEMENT_COMMANDS['{section}']['{key}']")
            except ImproperlyConfigured as error:
                yield Error(
                    str(error),
                    hint="Write the dotted path of a function that takes the context.",
                    id="django_system_ops.E085",
                )
    yield from _tenant_problems(conf)
    for problem in scenario_problems(conf.test_data):
        yield Error(problem, id="django_system_ops.E087")
    for name in conf.test_data.values:
        label, _, field = name.rpartition(".")
        try:
            apps.get_model(label)._meta.get_field(field)
        except (LookupError, ValueError, FieldDoesNotExist):
            yield Error(
                f"MANAGEMENT_COMMANDS['test_data']['values'] names {name!r}, and there is no such "
                "field.",
                hint='Write it as "app.Model.field".',
                id="django_system_ops.E088",
            )


def _tenant_problems(conf: ManagementCommandsSettings) -> Iterator[CheckMessage]:
    if not conf.init.tenants:
        return
    place = "MANAGEMENT_COMMANDS['init']['tenants']"
    model = tenant_model()
    if model is None:
        yield Error(
            f"{place} names tenants, and the site has no model of them.",
            hint="Name it in MANAGEMENT_COMMANDS['tenants']['model'].",
            id="django_system_ops.E086",
        )
        return
    known = {one.name for one in model._meta.concrete_fields}
    for name, fields in conf.init.tenants.items():
        for field in fields:
            if field not in known:
                yield Error(
                    f"{place}[{name!r}]: {model._meta.label} has no field {field!r}.",
                    hint=f"Its fields: {', '.join(sorted(known))}.",
                    id="django_system_ops.E086",
                )
