"""What an adapter needs."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.apps import apps
from django.core.management.base import CommandParser
from django.db import models

from django_job_automation.adapters import get_adapter, path_of
from django_job_automation.services.doctor import Examination, Proposal, examine, propose
from django_opskit.commands import FindingsError, OpsCommand, UsageError

__all__ = ["Command"]


class Command(OpsCommand):
    """``job_automation_doctor``: see its help."""

    help = (
        "Look at the adapter, or propose one for models: their fields, and how the database looks "
        "up a reading. Exit 3 when something is found. Changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        for name, what in (("site", "sites"), ("reading", "readings"), ("job", "jobs")):
            parser.add_argument(
                f"--{name}-model",
                metavar="APP.MODEL",
                help=f"Propose an adapter that finds its {what} here.",
            )

    def handle(
        self,
        *args: Any,
        site_model: str | None = None,
        reading_model: str | None = None,
        job_model: str | None = None,
        **options: Any,
    ) -> None:
        """Look, and say what was found."""
        if not (site_model or reading_model or job_model):
            self._tell(f"Adapter {path_of(get_adapter())}", None, examine(get_adapter()))
            return
        if not (site_model and reading_model):
            raise UsageError("Give --site-model and --reading-model, and --job-model if there is.")
        proposal = propose(
            _model(site_model), _model(reading_model), _model(job_model) if job_model else None
        )
        found = Examination(()) if proposal.adapter is None else examine(proposal.adapter)
        self._tell(proposal.source, proposal, found)

    def _tell(self, head: str, proposal: Proposal | None, found: Examination) -> None:
        questions = proposal.questions if proposal else ()
        is_healthy = not (found.findings or questions)
        self.counters = {"findings": len(found.findings), "questions": len(questions)}
        self.result(
            {
                "healthy": is_healthy,
                "proposal": proposal.source if proposal else None,
                "questions": list(questions),
                "findings": [asdict(one) for one in found.findings],
                "plan": found.look.plan if found.look else None,
                "index": found.missing.declaration if found.missing else None,
                "migration": (found.missing.migration or None) if found.missing else None,
                "statement": (found.missing.statement or None) if found.missing else None,
            },
            head,
            "",
            *(f"question: {one}" for one in questions),
            *_lines(found),
            *(["Nothing is wrong."] if is_healthy else []),
        )
        if not is_healthy:
            count = len(found.findings) + len(questions)
            raise FindingsError(f"{count} finding{'s' if count > 1 else ''}.")


def _lines(found: Examination) -> Iterator[str]:
    if found.look:
        yield f"plan: {found.look.plan}"
    for one in found.findings:
        yield f"{one.code}: {one.sentence}"
    if found.missing and found.missing.statement:
        yield f"Django does not manage the table; make the index:\n\n{found.missing.statement}\n"
    elif found.missing:
        yield f"Add it to Meta.indexes of the model:\n\n    {found.missing.declaration},\n"
        yield f"and put this into {found.missing.path} of its app:\n\n{found.missing.migration}\n"


def _model(label: str) -> type[models.Model]:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        raise UsageError(
            f"There is no model {label!r}: write it as APP.MODEL, of an installed app."
        ) from None
