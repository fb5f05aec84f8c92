"""How many rows of which models a scenario has."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from django.apps import apps

from django_system_ops.conf import get_conf
from django_system_ops.conf.seeding import ScenarioModelSettings, TestDataSettings
from django_system_ops.engine.shares import ShareError, Wanted, counts_of
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.data_types import data_types

__all__ = ["DEFAULT", "VOLUMES", "model_named", "scenario_counts", "scenario_problems"]

#: How many rows in all.
VOLUMES = {"small": 1_000, "medium": 50_000, "large": 500_000, "stress": 5_000_000}

#: The scenario that needs no settings.
DEFAULT = "default"


def scenario_counts(name: str, total: int) -> dict[Any, int]:
    """
    Return how many rows of each model the scenario has in ``total``.

    Raises:
        WrongUsageError: there is no such scenario, or nothing in it.
    """
    scenarios = get_conf().test_data.scenarios
    if name in scenarios:
        models = {model_named(label): conf for label, conf in scenarios[name].items()}
        wanted = {one._meta.label: _wanted(conf) for one, conf in models.items()}
        by_label = {one._meta.label: one for one in models}
    elif name == DEFAULT:
        by_label = {one.model._meta.label: one.model for one in data_types()}
        wanted = {label: Wanted(share=1.0) for label in by_label}
        if not wanted:
            raise WrongUsageError(
                "The scenario default is of what MANAGEMENT_COMMANDS['data']['types'] names, which "
                "is nothing: name something there, or give --model."
            )
    else:
        known = [*dict.fromkeys([*scenarios, DEFAULT])]
        close = get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise WrongUsageError(
            f"There is no scenario {name!r}.{hint} Known: {', '.join(known)}; others are for "
            "MANAGEMENT_COMMANDS['test_data']['scenarios']."
        )
    try:
        return {by_label[label]: count for label, count in counts_of(wanted, total).items()}
    except ShareError as error:
        raise WrongUsageError(f"The scenario {name!r}: {error}") from error


def model_named(label: str) -> Any:
    """
    Return the model of a label.

    Raises:
        WrongUsageError: there is none.
    """
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        known = [one._meta.label for one in apps.get_models()]
        close = get_close_matches(label, known, n=1)
        hint = f" Did you mean {close[0]}?" if close else " Write it as app.Model."
        raise WrongUsageError(f"There is no model {label!r}.{hint}") from None


def scenario_problems(conf: TestDataSettings) -> Iterator[str]:
    """Yield what does not fit the site's models, as sentences."""
    for name, models in conf.scenarios.items():
        place = f"MANAGEMENT_COMMANDS['test_data']['scenarios'][{name!r}]"
        try:
            labels = _by_label(models)
        except WrongUsageError as error:
            yield f"{place}: {error}"
            continue
        try:
            counts_of(labels, VOLUMES["small"])
        except ShareError as error:
            yield f"{place}: {error}"


def _by_label(models: Mapping[str, ScenarioModelSettings]) -> dict[str, Wanted]:
    return {model_named(label)._meta.label: _wanted(conf) for label, conf in models.items()}


def _wanted(conf: ScenarioModelSettings) -> Wanted:
    if conf.per is None:
        return Wanted(share=conf.share, count=conf.count)
    ((label, rate),) = conf.per.items()
    return Wanted(per=model_named(label)._meta.label, rate=rate)
