"""Pools of made-up values, each made once for a field and drawn from for all of its rows."""

import random
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from django_system_ops.exceptions import SystemOpsError
from django_system_ops.services.test_data.rules import Rules

__all__ = ["POOL", "Maker", "NoValueError", "faker_for", "start_of"]

#: How many values a pool has, at most.
POOL = 1000

# By parts of a field's name, the first that fits; the name of a provider of Faker.
_HINTS = (
    ("first_name", "first_name"),
    ("last_name", "last_name"),
    ("email", "email"),
    ("phone", "phone_number"),
    ("username", "user_name"),
    ("company", "company"),
    ("city", "city"),
    ("country", "country"),
    ("address", "street_address"),
    ("postcode", "postcode"),
    ("zip", "postcode"),
    ("user", "name"),
    ("customer", "name"),
    ("author", "name"),
    ("colour", "color_name"),
    ("color", "color_name"),
    ("url", "url"),
    ("title", "sentence"),
    ("subject", "sentence"),
    ("name", "name"),
)

# What such a field has comes from a list that nobody can guess: it keeps its default.
_WORDS_OF_OTHERS = ("version", "language", "locale", "model", "currency", "timezone", "status")


class NoValueError(SystemOpsError):
    """Nothing that is made up fits a field; the site can name values that do."""


def faker_for(locales: Sequence[str], seed: str) -> Any:
    """
    Return a Faker that gives the same values for the same seed.

    Raises:
        SystemOpsError: the library is not installed.
    """
    try:
        from faker import Faker
    except ImportError:
        raise SystemOpsError(
            "Made-up names and texts need the library Faker: install django-opskit[system-ops]."
        ) from None
    try:
        fake = Faker(list(locales), use_weighting=False)
    except AttributeError as error:
        raise SystemOpsError(
            f"MANAGEMENT_COMMANDS['test_data']['locales']: Faker does not know all of "
            f"{list(locales)} ({error})."
        ) from error
    fake.seed_instance(seed)
    return fake


class Maker:
    """Makes the pools of one model's fields."""

    def __init__(
        self, rules: Rules, *, seed: str, locales: Sequence[str], today: datetime, days: int
    ) -> None:
        self._rules = rules
        self._seed = seed
        self._locales = locales
        self._today = today
        self._days = days

    def pool(self, field: Any, size: int) -> list[Any]:
        """
        Return up to ``size`` values for a field, sorted where they have an order.

        Raises:
            NoValueError: its kind is unknown, or its validators refuse all.
        """
        size = max(1, min(POOL, size))
        chance = random.Random(f"{self._seed}:{field.name}")  # noqa: S311  # made-up data
        chosen = self._rules.chosen.get(field.name)
        if chosen is not None:
            return list(chosen)
        if field.choices:
            found = [value for value, _label in field.flatchoices]
            return [value for value in found if value not in (None, "")] or found
        for kinds, make in _MAKERS:
            if isinstance(field, kinds):
                return self._valid(field, make(self, field, size, chance))
        if field.has_default():
            return [field.get_default()]
        if field.null:
            return [None]
        raise NoValueError(_no_value(field, "nobody knows how to make up a value of its kind"))

    def _valid(self, field: Any, values: list[Any]) -> list[Any]:
        found, problem = [], ""
        for value in values:
            try:
                field.run_validators(value)
            except ValidationError as error:
                problem = " ".join(error.messages)
            else:
                found.append(value)
        if not found:
            raise NoValueError(_no_value(field, f"its validators refuse all ({problem})"))
        return found

    def bounds(self, field: Any, low: Any, high: Any) -> tuple[Any, Any]:
        """Return between what a field's values are, given what is usual."""
        least, most = self._rules.least.get(field.name), self._rules.most.get(field.name)
        if least is not None:
            high = max(high, least + (high - low)) if least > low else high
            low = least
        return (min(low, most) if most is not None and least is None else low), (
            most if most is not None else high
        )

    def whole(self, field: Any, size: int, chance: random.Random) -> list[Any]:
        """Return whole numbers."""
        small = isinstance(field, models.SmallIntegerField)
        low, high = self.bounds(field, 0, 1_000 if small else 100_000)
        return sorted(chance.randint(int(low), int(high)) for _ in range(size))

    def decimal(self, field: Any, size: int, chance: random.Random) -> list[Any]:
        """Return numbers with as many places as the column has."""
        step = Decimal(1).scaleb(-field.decimal_places)
        most = Decimal(10) ** (field.max_digits - field.decimal_places) - step
        low, high = self.bounds(field, Decimal(0), min(most, Decimal(1000)))
        first, last = int(Decimal(low) / step), int(Decimal(high) / step)
        return sorted(step * chance.randint(first, last) for _ in range(size))

    def real(self, field: Any, size: int, chance: random.Random) -> list[Any]:
        """Return numbers that every database keeps to the last digit."""
        low, high = self.bounds(field, 0.0, 1000.0)
        return sorted(round(chance.uniform(float(low), float(high)), 3) for _ in range(size))

    def moments(self, field: Any, size: int, chance: random.Random) -> list[Any]:
        """Return moments in the days before today, whole seconds."""
        seconds = self._days * 24 * 3600
        found = sorted(
            self._today - timedelta(seconds=chance.randrange(1, seconds)) for _ in range(size)
        )
        if isinstance(field, models.DateTimeField):
            return found
        return [one.date() for one in found]

    def words(self, field: Any, size: int, chance: random.Random) -> list[Any]:
        """Return names and sentences, as long as the column lets them be."""
        fake = faker_for(self._locales, f"{self._seed}:{field.name}")
        provider = next((name for part, name in _HINTS if part in field.name), "")
        longest = field.max_length
        make: Callable[[], str]
        if field.has_default() and any(part in field.name for part in _WORDS_OF_OTHERS):
            return [field.get_default()]
        if provider:
            make = getattr(fake, provider)
        elif isinstance(field, models.TextField) and (longest is None or longest > 200):
            make = fake.paragraph
        elif longest is not None and longest < 20:
            make = fake.word
        else:
            make = fake.sentence
        # In a set order: a set would have another in each process.
        return list(dict.fromkeys(make()[:longest].strip() or "x" for _ in range(size)))


def _no_value(field: Any, reason: str) -> str:
    name = f"{field.model._meta.label}.{field.name}"
    return (
        f"{name}: {reason}; name some that fit in "
        f"MANAGEMENT_COMMANDS['test_data']['values'][{name!r}]."
    )


def _json(_maker: Maker, _field: Any, size: int, chance: random.Random) -> list[Any]:
    return [
        {"source": chance.choice(("web", "app", "api")), "amount": chance.randrange(1000)}
        for _ in range(min(size, 200))
    ]


def _uuids(_maker: Maker, _field: Any, size: int, chance: random.Random) -> list[Any]:
    return [uuid.UUID(int=chance.getrandbits(128), version=4) for _ in range(size)]


def _addresses(_maker: Maker, field: Any, size: int, chance: random.Random) -> list[Any]:
    # RFC 5737 and RFC 3849: addresses for documentation, which are nobody's.
    if getattr(field, "protocol", "").lower() == "ipv6":
        return [f"2001:db8::{chance.randrange(1, 0xFFFF):x}" for _ in range(size)]
    return [f"203.0.113.{chance.randrange(1, 255)}" for _ in range(size)]


def _slugs(_maker: Maker, field: Any, size: int, chance: random.Random) -> list[Any]:
    return [f"test-{chance.randrange(10**6):06}"[: field.max_length] for _ in range(size)]


def _emails(_maker: Maker, _field: Any, size: int, chance: random.Random) -> list[Any]:
    # RFC 2606: nobody gets mail there.
    return [f"user{chance.randrange(10**6)}@example.com" for _ in range(size)]


def _urls(_maker: Maker, _field: Any, size: int, chance: random.Random) -> list[Any]:
    return [f"https://example.com/{chance.randrange(10**6)}" for _ in range(size)]


def _truths(_maker: Maker, field: Any, _size: int, _chance: random.Random) -> list[Any]:
    # Nobody gets in, and certainly not as an administrator.
    if field.name in ("is_superuser", "is_staff"):
        return [False]
    return [True, True, True, False] if field.name == "is_active" else [True, False]


def _spans(_maker: Maker, _field: Any, size: int, chance: random.Random) -> list[Any]:
    return sorted(timedelta(seconds=chance.randrange(1, 7200)) for _ in range(size))


def _times(_maker: Maker, _field: Any, size: int, chance: random.Random) -> list[Any]:
    return sorted(time(chance.randrange(24), chance.randrange(60)) for _ in range(size))


def _bytes(_maker: Maker, _field: Any, size: int, chance: random.Random) -> list[Any]:
    return [chance.randbytes(8) for _ in range(min(size, 100))]


def _words(maker: Maker, field: Any, size: int, chance: random.Random) -> list[Any]:
    # Django: what begins with "!" opens nothing.
    if field.name == "password":
        return ["!"]
    return maker.words(field, size, chance)


# The more particular kinds come first.
_MAKERS: tuple[tuple[Any, Callable[[Maker, Any, int, random.Random], list[Any]]], ...] = (
    (models.BooleanField, _truths),
    (models.DecimalField, Maker.decimal),
    (models.FloatField, Maker.real),
    (models.IntegerField, Maker.whole),
    (models.DateField, Maker.moments),
    (models.TimeField, _times),
    (models.DurationField, _spans),
    (models.UUIDField, _uuids),
    (models.JSONField, _json),
    (models.GenericIPAddressField, _addresses),
    (models.BinaryField, _bytes),
    (models.SlugField, _slugs),
    (models.EmailField, _emails),
    (models.URLField, _urls),
    (models.CharField, _words),
    (models.TextField, _words),
)


def start_of(day: date) -> datetime:
    """Return when a day begins, in UTC: the same moment on every machine."""
    return datetime.combine(day, time(), UTC)
