"""Settings: how they are read, and what is said about wrong ones."""

from typing import Annotated, Any, Literal, Self

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from pydantic import Field, SecretStr, model_validator

from django_opskit.conf import AppSettings, SettingsModel, reference_rows, settings_check


class ServerSettings(SettingsModel):
    """A dict inside the setting."""

    url: str = Field(description="Where the server is.")
    timeout_seconds: float = Field(5.0, gt=0, description="How long it may take.")
    mode: Literal["fast", "safe"] = Field("safe", description="How it works.")

    @model_validator(mode="after")
    def _fast_is_short(self) -> Self:
        if self.mode == "fast" and self.timeout_seconds > 10:
            raise ValueError("Mode 'fast' needs timeout_seconds of 10 or less.")
        return self


class ShopSettings(AppSettings, setting="SHOP"):
    """`settings.SHOP`."""

    BATCH_SIZE: int = Field(100, ge=1, description="Orders in one batch.")
    MAX_BATCHES: int | None = Field(None, description="Most batches in a run.")
    SERVERS: dict[str, ServerSettings] = Field({}, description="The servers by name.")
    FALLBACKS: list[ServerSettings] = Field([], description="Asked in this order.")
    MAIN: ServerSettings = Field(
        ServerSettings(url="http://main/"), description="The server that is asked first."
    )
    LIMITS: dict[str, Annotated[int, Field(ge=0)]] = Field({}, description="Limits by name.")
    WHEN: int | str = Field("daily", description="An hour, or a word.")
    PAIR: tuple[str, ...] = Field((), description="Some words.")
    API_TOKEN: SecretStr = Field(SecretStr(""), description="Who we are.")

    @model_validator(mode="after")
    def _batches_fit(self) -> Self:
        if self.MAX_BATCHES is not None and self.MAX_BATCHES * self.BATCH_SIZE > 10_000:
            raise ValueError("MAX_BATCHES times BATCH_SIZE must be at most 10,000")
        return self


check = settings_check(ShopSettings, "shop")


def found() -> list[tuple[str | None, str, str | None]]:
    return [(error.id, error.msg, error.hint) for error in check()]


def test_setting_that_is_missing_means_the_defaults():
    assert ShopSettings.read() == ShopSettings()
    assert found() == []


def test_setting_is_read_anew_each_time(settings):
    settings.SHOP = {"BATCH_SIZE": 5}
    assert ShopSettings.read().BATCH_SIZE == 5

    with override_settings(SHOP={"BATCH_SIZE": 6}):
        assert ShopSettings.read().BATCH_SIZE == 6
    assert ShopSettings.read().BATCH_SIZE == 5


def test_settings_cannot_be_changed_by_a_reader():
    with pytest.raises(ValueError, match="frozen"):
        ShopSettings.read().BATCH_SIZE = 1


@pytest.mark.parametrize("value", [None, [], "redis://u:hunter2@cache"])
def test_setting_that_is_no_dict_is_e001(settings, value):
    settings.SHOP = value

    ((identity, message, hint),) = found()

    assert identity == "shop.E001"
    assert message.startswith("SHOP must be a dict, got ")
    assert hint == "Write SHOP = {...}, or leave it out to use the defaults."
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ({"BATCH_SIZ": 1}, "SHOP['BATCH_SIZ'] is not a setting.", "Did you mean 'BATCH_SIZE'?"),
        ({"batch_size": 1}, "SHOP['batch_size'] is not a setting.", "Did you mean 'BATCH_SIZE'?"),
        (
            {"SERVERS": {"a": {"url": "x", "Timeout": 1}}},
            "SHOP['SERVERS']['a']['Timeout'] is not a setting.",
            "Did you mean 'timeout_seconds'?",
        ),
        (
            {"FALLBACKS": [{"url": "x", "zzz": 1}]},
            "SHOP['FALLBACKS'][0]['zzz'] is not a setting.",
            "Known keys: url, timeout_seconds, mode.",
        ),
        (
            {7: 1},
            "SHOP[7] is not a setting.",
            "Known keys: BATCH_SIZE, MAX_BATCHES, SERVERS, FALLBACKS, MAIN, LIMITS, WHEN, PAIR, "
            "API_TOKEN.",
        ),
    ],
)
def test_key_that_is_unknown_is_e002(settings, value, message, hint):
    settings.SHOP = value

    assert found() == [("shop.E002", message, hint)]


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        (
            {"BATCH_SIZE": "5"},
            "SHOP['BATCH_SIZE']: should be a valid integer, got '5'.",
            "Orders in one batch. Leave it out to use 100.",
        ),
        (
            {"BATCH_SIZE": 0},
            "SHOP['BATCH_SIZE']: should be greater than or equal to 1, got 0.",
            "Orders in one batch. Leave it out to use 100.",
        ),
        (
            {"SERVERS": 3},
            "SHOP['SERVERS']: should be a valid dictionary, got 3.",
            "The servers by name. Leave it out to use {}.",
        ),
        (
            {"SERVERS": {"a": {"url": "x", "mode": "slow"}}},
            "SHOP['SERVERS']['a']['mode']: should be 'fast' or 'safe', got 'slow'.",
            "How it works. Leave it out to use 'safe'.",
        ),
        (
            {"SERVERS": {"a": {}}},
            "SHOP['SERVERS']['a']['url']: field required.",
            "Where the server is.",
        ),
        (
            {"SERVERS": {"a": {"url": "x", "mode": "fast", "timeout_seconds": 60}}},
            "SHOP['SERVERS']['a']: Mode 'fast' needs timeout_seconds of 10 or less.",
            "The servers by name.",
        ),
        (
            {"SERVERS": {1: {"url": "x"}}},
            "SHOP['SERVERS'][1]: its key should be a valid string.",
            "The servers by name.",
        ),
        (
            {"LIMITS": {"a": -1}},
            "SHOP['LIMITS']['a']: should be greater than or equal to 0, got -1.",
            "Limits by name.",
        ),
        (
            {"MAIN": {"url": 1}},
            "SHOP['MAIN']['url']: should be a valid string, got 1.",
            "Where the server is.",
        ),
        (
            {"PAIR": ("a", 1)},
            "SHOP['PAIR'][1]: should be a valid string, got 1.",
            "Some words.",
        ),
        (
            {"MAX_BATCHES": 101},
            "SHOP: MAX_BATCHES times BATCH_SIZE must be at most 10,000.",
            None,
        ),
    ],
)
def test_value_that_is_wrong_is_e003(settings, value, message, hint):
    settings.SHOP = value

    assert found() == [("shop.E003", message, hint)]


def test_value_that_fits_no_type_of_several_names_its_key_alone(settings):
    settings.SHOP = {"WHEN": 1.5}

    assert [message for _, message, _ in found()] == [
        "SHOP['WHEN']: should be a valid integer, got 1.5.",
        "SHOP['WHEN']: should be a valid string, got 1.5.",
    ]


@pytest.mark.parametrize(
    "value",
    [
        {"API_TOKEN": ["hunter2"]},
        {"MAIN": {"url": ["http://u:hunter2@main/"]}},
        {"MAIN": {"url": "x", "timeout_seconds": {"password": "hunter2"}}},
        {"LIMITS": {"a": "password=hunter2"}},
    ],
)
def test_message_hides_secrets(settings, value):
    settings.SHOP = value

    assert found()
    assert "hunter2" not in repr(found())


def test_message_shows_the_beginning_of_a_long_value(settings):
    settings.SHOP = {"BATCH_SIZE": "x" * 1000}

    ((_, message, _),) = found()

    assert len(message) < 200
    assert "xxx…" in message


def test_every_problem_is_reported(settings):
    settings.SHOP = {"BATCH_SIZE": "5", "NONSENSE": 1}

    assert {identity for identity, _, _ in found()} == {"shop.E002", "shop.E003"}


def test_reading_wrong_settings_names_problem_and_way_out(settings):
    settings.SHOP = {"BATCH_SIZE": "5", "MAX_BATCH": 1}

    with pytest.raises(ImproperlyConfigured) as caught:
        ShopSettings.read()

    assert str(caught.value) == (
        "SHOP['BATCH_SIZE']: should be a valid integer, got '5'. "
        "Orders in one batch. Leave it out to use 100. "
        "SHOP['MAX_BATCH'] is not a setting. Did you mean 'MAX_BATCHES'?"
    )


@pytest.mark.parametrize(
    "field",
    [Field(description="It has no default."), Field(1)],
    ids=["without a default", "without a description"],
)
def test_declaration_without_default_or_description_is_refused(field):
    with pytest.raises(TypeError, match=r"Incomplete\.KEY needs a default and a description"):
        type("Incomplete", (AppSettings,), {"__annotations__": {"KEY": int}, "KEY": field})


def test_family_of_settings_may_share_keys():
    class Shared(AppSettings):
        DRY: bool = Field(False, description="Change nothing.")

    class Other(Shared, setting="OTHER"):
        pass

    assert Other.setting == "OTHER"
    assert Other.read() == Other(DRY=False)


def test_reference_lists_every_key_with_type_default_and_sentence():
    rows = {
        row.path: (row.type, row.default, row.description) for row in reference_rows(ShopSettings)
    }

    assert rows["BATCH_SIZE"] == ("int", "100", "Orders in one batch.")
    assert rows["MAX_BATCHES"] == ("int | None", "None", "Most batches in a run.")
    assert rows["SERVERS"] == ("dict[str, dict]", "{}", "The servers by name.")
    assert rows["SERVERS.<name>.url"] == ("str", "required", "Where the server is.")
    assert rows["SERVERS.<name>.mode"] == ("Literal['fast', 'safe']", "'safe'", "How it works.")
    assert rows["FALLBACKS"] == ("list[dict]", "[]", "Asked in this order.")
    assert rows["FALLBACKS[].timeout_seconds"] == ("float", "5.0", "How long it may take.")
    assert rows["MAIN"][:2] == ("dict", "{'url': 'http://main/'}")
    assert rows["MAIN.url"][:2] == ("str", "required")
    assert rows["PAIR"][:2] == ("tuple[str, ...]", "()")
    assert rows["API_TOKEN"][:2] == ("SecretStr", "''")


def test_check_takes_what_django_passes():
    kwargs: dict[str, Any] = {"app_configs": None, "databases": ["default"]}

    assert check(**kwargs) == []
