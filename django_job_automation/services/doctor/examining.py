"""What is wrong with an adapter, its models and their indexes."""

from dataclasses import dataclass, fields

from django.db import DatabaseError
from django.db.models import NOT_PROVIDED
from django.utils import timezone

from django_job_automation.adapters import ModelAdapter, fitting
from django_job_automation.services.doctor.looking import Look, look_at
from django_job_automation.services.doctor.migrating import MissingIndex, missing_index
from django_opskit.masking import mask_text

__all__ = ["Examination", "Finding", "examine"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or could be better, and what to do."""

    code: str
    sentence: str


@dataclass(frozen=True)
class Examination:
    """
    What was found.

    Attributes:
        look: how the database looks up a reading; None when it could not be asked.
        missing: the index to be made; None when there is one.
    """

    findings: tuple[Finding, ...]
    look: Look | None = None
    missing: MissingIndex | None = None


def examine(adapter: ModelAdapter) -> Examination:
    """Look at an adapter; changes nothing."""
    misfits = [Finding("fields", f"{what} {how}") for what, how in fitting.problems(adapter)]
    if misfits:
        return Examination(tuple(misfits))
    try:
        look = look_at(adapter)
        is_nobody_there = not adapter.eligible(as_of=timezone.now()).exists()
    except DatabaseError as error:
        return Examination((Finding("table", f"{mask_text(str(error)).strip()}: run migrate."),))
    findings = [
        Finding(
            "required",
            f"{adapter.jobs._meta.label}.{name} must have a value, and nothing gives it one: give "
            "it a default, or override open_jobs.",
        )
        for name in _required(adapter)
    ]
    if is_nobody_there:
        findings.append(
            Finding("sites", "The rules look at no site: none is active, unsnoozed and stored.")
        )
    of_index = _of_index(look, adapter.readings._meta.label)
    is_missing = of_index is not None and of_index.code in ("index", "value")
    return Examination(
        (*findings, of_index) if of_index else tuple(findings),
        look,
        missing_index(adapter) if is_missing else None,
    )


def _of_index(look: Look, label: str) -> Finding | None:
    """Return what is wrong with the way to a reading; None when nothing is."""
    if look.fitting and look.index not in look.fitting:
        return Finding(
            "plan",
            f"{label} has {look.fitting[0]} for the newest reading of a site, and the database "
            f"goes by {look.index or 'none'}: look whether that index is valid, and ANALYZE.",
        )
    if not look.is_good:
        return Finding(
            "index",
            f"No index of {label} gives the newest reading of a site: each run reads whole "
            "histories.",
        )
    if not look.is_covering:
        return Finding(
            "value",
            f"Index {look.index} of {label} does not hold the value: each look reads the row as "
            "well.",
        )
    if look.single:
        return Finding(
            "redundant",
            f"Index {look.single[0]} of {label} holds the site alone, which {look.index} does as "
            "well: set db_index=False on the foreign key.",
        )
    return None


def _required(adapter: ModelAdapter) -> list[str]:
    """Return the fields of a job of another model that would stop it from being stored."""
    if adapter.job is None or type(adapter).open_jobs is not ModelAdapter.open_jobs:
        return []
    given = {getattr(adapter.job, one.name) for one in fields(adapter.job)}
    given.discard(adapter.job.created_at)
    return [
        field.name
        for field in adapter.jobs._meta.concrete_fields
        if field.name not in given
        and not (field.null or field.primary_key or field.generated)
        and field.get_default() is None
        and field.db_default is NOT_PROVIDED
        and not (getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False))
    ]
