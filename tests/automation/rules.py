"""Rules of a site's own, and some that are none."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy
from pydantic import Field

from django_job_automation.rules import Flag, RuleSettings, Scope


class UnnamedSettings(RuleSettings):
    longest: int = Field(0, ge=0, description="Longest name that is none.")


class Unnamed:
    """Flags sites whose name is too short to be one."""

    name = "unnamed"
    title = "Unnamed"
    settings = UnnamedSettings

    def find(self, scope: Scope) -> Iterator[Flag]:
        longest = scope.conf.rule(self.name).longest
        for site in scope.sites:
            if len(scope.label(site)) <= longest:
                yield Flag(
                    site_pk=site.pk,
                    key=scope.key(site),
                    label="",
                    description="No name",
                    reason="It has none.",
                    evidence={},
                )

    def clean(self, scope: Scope, sites: Sequence[Any]) -> Iterator[Any]:
        longest = scope.conf.rule(self.name).longest
        return (site for site in scope.among(sites) if len(scope.label(site)) > longest)


class Typed(Unnamed):
    """As the one above, with a type of jobs of its own."""

    class settings(RuleSettings):  # noqa: N801  # as an attribute of that name
        job_type_id: str = Field("inventory", min_length=1, description="Of its jobs.")
        longest: int = Field(0, description="As above.")

    name = "typed"


class Twin(Unnamed):
    pass


class BuiltIn(Unnamed):
    name = "no_coms"


class Shouting(Unnamed):
    name = "LOUD"


class Endless(Unnamed):
    name = "x" * 51


class Loose(Unnamed):
    settings = dict  # type: ignore[assignment]  # that is what is wrong with it


class Half:
    name = "half"
    title = "Half"


nothing = object()


class Twice(Unnamed):
    """Finds each site again, and notes it."""

    def find(self, scope: Scope) -> Iterator[Any]:
        for _ in range(2):
            yield from super().find(scope)
        for site in scope.sites:
            yield scope.note("x" * 60, site, "It is there.")


class Confused(Unnamed):
    def find(self, scope: Scope) -> Iterator[Any]:
        yield from scope.sites


class DemandingSettings(RuleSettings):
    limit: int


class Demanding(Unnamed):
    name = "demanding"
    settings: type[RuleSettings] = DemandingSettings  # type: ignore[assignment]


class Private(Unnamed):
    name = "_private"


class Daily(Unnamed):
    name = "day"


class Needy(Unnamed):
    name = "needy"

    def __init__(self, limit: int) -> None:
        self.limit = limit


class Everywhere(Unnamed):
    """Starts from a table of its own, whatever it is asked about."""

    def find(self, scope: Scope) -> Iterator[Any]:
        return super().find(replace(scope, selection=Q()))


class Careless(Unnamed):
    """Calls every site clean, found or not, asked for or not."""

    def clean(self, scope: Scope, sites: Sequence[Any]) -> Iterator[Any]:
        yield from scope.sites


class Translated(Unnamed):
    name = "translated"
    title = gettext_lazy("Yes")  # type: ignore[assignment]

    def find(self, scope: Scope) -> Iterator[Any]:
        raise ValueError("no")


class BoundlessSettings(RuleSettings):
    limit: float = Field(float("inf"), description="None.")


class Boundless(Unnamed):
    name = "boundless"
    settings: type[RuleSettings] = BoundlessSettings  # type: ignore[assignment]

    def find(self, scope: Scope) -> Iterator[Any]:
        yield from ()
