"""``MANAGEMENT_COMMANDS["init"]``, ``["demo"]`` and ``["test_data"]``."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from django_opskit.conf import SettingsModel

__all__ = ["DemoSettings", "InitSettings", "ScenarioModelSettings", "TestDataSettings"]


def _listed(value: object) -> object:
    if isinstance(value, str):
        raise ValueError("write a list, even for one.")
    return value


class InitSettings(SettingsModel):
    """What init_system makes."""

    tenants: Mapping[str, Mapping[str, Any]] = Field(
        {},
        description="The tenants that a new site has, by the names that --tenant knows, each with "
        'its other fields, such as {"demo": {"title": "Demo"}}.',
    )
    steps: Sequence[str] = Field(
        (),
        description="What else a new site has: dotted paths of callables that get a context with "
        "tenants, database and ensure().",
    )
    admin_username: str = Field(
        "admin", min_length=1, description="What the first administrator is called."
    )
    admin_email: str = Field("", description="The first administrator's e-mail address.")

    _lists = field_validator("steps", mode="before")(_listed)


class DemoSettings(SettingsModel):
    """What setup_demo_data makes."""

    recipes: Sequence[str] = Field(
        (),
        description="Dotted paths of callables that make demo data of one tenant; they get a "
        "context with tenant, random, today, create() and ensure().",
    )

    _lists = field_validator("recipes", mode="before")(_listed)


class ScenarioModelSettings(SettingsModel):
    """How many rows of one model a scenario has: one of the three."""

    share: float | None = Field(
        None, gt=0, description="Its part of the rows, beside those of the other models."
    )
    count: int | None = Field(None, ge=1, description="So many rows, whatever the volume.")
    per: Mapping[str, float] | None = Field(
        None,
        description='So many rows for each of another model, such as {"assistants.Chat": 8}.',
    )

    @model_validator(mode="after")
    def _is_one_of_three(self) -> Self:
        if sum(one is not None for one in (self.share, self.count, self.per)) != 1:
            raise ValueError("it has to have share, count or per, and no two of them.")
        if self.per is not None and (
            len(self.per) != 1 or not all(rate > 0 for rate in self.per.values())
        ):
            raise ValueError("per names one other model, and a number above 0.")
        return self


class TestDataSettings(SettingsModel):
    """What create_test_data makes."""

    scenarios: Mapping[str, Mapping[str, ScenarioModelSettings]] = Field(
        {},
        description="By names for --scenario: models, each with its part of the rows. default is "
        "there by itself: all that data.types names, in equal parts.",
    )
    values: Mapping[str, Sequence[Any]] = Field(
        {},
        description="Fields that get one of these values and no other, by names such as "
        '"assistants.Chat.channel".',
    )
    locales: Sequence[str] = Field(
        ("en_US", "es_ES"), min_length=1, description="The languages of names and texts, for Faker."
    )
    days: int = Field(365, ge=1, description="Over how many days before today dates are spread.")
    nulls: float = Field(
        0.1, ge=0, lt=1, description="Which part of a column that may be NULL is NULL."
    )
    batch_size: int = Field(
        5000, ge=1, le=100_000, description="How many rows one transaction brings in."
    )

    _lists = field_validator("locales", mode="before")(_listed)

    @field_validator("scenarios")
    @classmethod
    def _has_models(
        cls, value: Mapping[str, Mapping[str, ScenarioModelSettings]]
    ) -> Mapping[str, Mapping[str, ScenarioModelSettings]]:
        for name, models in value.items():
            if not models:
                raise ValueError(f"{name!r} names no model.")
        return value
