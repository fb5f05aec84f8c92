"""The history of commands, each run with its output while it comes, and starting one."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from django_opskit.keyset_admin import KeysetAdmin
from django_system_ops.admin.charts import durations_chart, last_runs
from django_system_ops.admin.filters import NameFilter
from django_system_ops.admin.parsers import command_form
from django_system_ops.background import start
from django_system_ops.conf import get_conf
from django_system_ops.models import CommandRun
from django_system_ops.services import history
from django_system_ops.services.starting import Startable, allowed, queue, request_stop

__all__ = ["CommandRunAdmin"]

Status = CommandRun.Status
_REFRESH_SECONDS = 2
_NAME = "django_system_ops_commandrun"


@admin.register(CommandRun)
class CommandRunAdmin(KeysetAdmin):
    """The runs, the newest first."""

    list_display = (
        "began",
        "name",
        "status_badge",
        "took",
        "source",
        "started_by",
    )
    list_display_links = ("began", "name")
    list_filter = (NameFilter, "status", "source")
    filter_parameters = ("command", "status__exact", "source__exact")
    not_in_list = ("arguments", "argv", "counters", "error", "output", "traceback")
    actions = None
    change_list_template = "django_system_ops/run_list.html"

    class Media:
        css = {"all": ("django_system_ops/admin.css",)}

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that start a command, and what can be done with a run."""
        view = self.admin_site.admin_view
        confirm, stop = require_POST(self.confirm_view), require_POST(self.stop_view)
        return [
            path("start/", view(self.start_list_view), name=f"{_NAME}_start_list"),
            path("start/<str:name>/", view(self.start_view), name=f"{_NAME}_start"),
            path("<int:pk>/confirm/", view(confirm), name=f"{_NAME}_confirm"),
            path("<int:pk>/stop/", view(stop), name=f"{_NAME}_stop"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the runs, from the database that the history is kept in."""
        return super().get_queryset(request).using(get_conf().history.database)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: runs write it themselves."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: it is the record of what happened."""
        return False

    @admin.display(description=gettext_lazy("began"))
    def began(self, run: CommandRun) -> Any:
        """Return when it began, or was asked for."""
        return run.started_at or run.queued_at

    @admin.display(description=gettext_lazy("status"))
    def status_badge(self, run: CommandRun) -> Any:
        """Return how it ended, for the eye."""
        return badge(run)

    @admin.display(description=gettext_lazy("took"))
    def took(self, run: CommandRun) -> str:
        """Return how long it took."""
        if run.duration_seconds is None:
            return ""
        return f"{number_format(run.duration_seconds, 1)}\N{NO-BREAK SPACE}s"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the runs; those that have died are called lost first."""
        history.tidy(using=get_conf().history.database)
        context = {"may_start": bool(_startable(request)), **(extra_context or {})}
        return super().changelist_view(request, context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a run; while it is at work the page loads itself again."""
        run = self._run(request, object_id)
        runs, state = last_runs(run.name), history.live_state(run)
        context = {
            **self._context(request, run.name),
            "run": run,
            "badge": badge(run),
            "tone": _TONES.get(Status(run.status), "quiet"),
            "state": state,
            "counters": [
                (name, number_format(count, use_l10n=True, force_grouping=True))
                for name, count in state["counters"].items()
            ],
            "refresh": None if run.is_over else _REFRESH_SECONDS,
            "may_stop": self._may_stop(request, run),
            "may_confirm": self._may_confirm(request, run),
            "chart": durations_chart(runs) if len(runs) > 1 else None,
            "runs": runs[::-1][:10],
        }
        return TemplateResponse(request, "django_system_ops/run.html", context)

    def start_list_view(self, request: HttpRequest) -> HttpResponse:
        """Show the commands that this person may start."""
        found = _startable(request)
        if not found:
            raise PermissionDenied
        context = {**self._context(request, _("Start a command")), "commands": found.values()}
        return TemplateResponse(request, "django_system_ops/start_list.html", context)

    def start_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask for the options; then show what it would do, or ask whether it shall be."""
        one = self._startable(request, name)
        form = command_form(name, one.command)(request.POST or None)
        is_asked = request.method == "POST" and (form.is_valid() if form.fields else True)
        if is_asked and not form.fields:
            form.cleaned_data = {}
        is_sure = one.has_dry_run or "confirmed" in request.POST
        if is_asked and is_sure and "back" not in request.POST:
            run = queue(
                name,
                form.argv,
                form.arguments,
                started_by=request.user.get_username(),
                is_dry_run=one.has_dry_run,
            )
            start(run)
            return self._to(run)
        context = {
            **self._context(request, name),
            "command": one,
            "form": form,
            "is_asked": is_asked and "back" not in request.POST,
        }
        if context["is_asked"]:
            context["argv"] = form.argv
        return TemplateResponse(request, "django_system_ops/start.html", context)

    def confirm_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Start what a dry run has shown."""
        shown = self._run(request, str(pk))
        if not self._may_confirm(request, shown):
            raise PermissionDenied
        run = queue(
            shown.name,
            shown.argv[1:],
            {key: value for key, value in shown.arguments.items() if key != "dry_run"},
            started_by=request.user.get_username(),
            is_dry_run=False,
        )
        start(run)
        return self._to(run)

    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask a run to end."""
        run = self._run(request, str(pk))
        if not self._may_stop(request, run):
            raise PermissionDenied
        if request_stop(run):
            self.message_user(request, _("The command was asked to stop."), messages.SUCCESS)
        else:
            self.message_user(request, _("The command was over already."), messages.WARNING)
        return self._to(run)

    def _may_stop(self, request: HttpRequest, run: CommandRun) -> bool:
        if run.is_over or run.is_stop_requested:
            return False
        one = allowed().get(run.name)
        can_be = run.is_stoppable or run.status == Status.PENDING
        return can_be and one is not None and request.user.has_perm(one.permission)

    def _may_confirm(self, request: HttpRequest, run: CommandRun) -> bool:
        one = allowed().get(run.name)
        is_shown = run.is_dry_run and run.status in (Status.SUCCEEDED, Status.FINDINGS)
        return (
            is_shown
            and run.source == CommandRun.Source.ADMIN
            and one is not None
            and request.user.has_perm(one.permission)
        )

    def _startable(self, request: HttpRequest, name: str) -> Startable:
        one = allowed().get(name)
        if one is None:
            raise Http404(f"The site does not let people start {name!r}.")
        if not request.user.has_perm(one.permission):
            raise PermissionDenied
        return one

    def _run(self, request: HttpRequest, pk: str) -> CommandRun:
        rows = self.get_queryset(request)
        run: CommandRun | None = (
            rows.filter(pk=pk).first() if pk.isdecimal() and len(pk) < 19 else None
        )
        if run is None:
            raise Http404(f"There is no run {pk!r}.")
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        return run

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "media": self.media,
            "list_url": reverse(f"admin:{_NAME}_changelist"),
            "list_of_command": urlencode({"command": title}),
        }

    def _to(self, run: CommandRun) -> HttpResponse:
        return HttpResponseRedirect(reverse(f"admin:{_NAME}_change", args=[run.pk]))


def badge(run: CommandRun) -> Any:
    """Return the word for a run's status in its colour."""
    tone = _TONES.get(Status(run.status), "quiet")
    word = run.get_status_display()
    suffix = f" ({_('dry run')})" if run.is_dry_run else ""
    return format_html('<span class="dso-badge dso-badge-{}">{}</span>{}', tone, word, suffix)


def _startable(request: HttpRequest) -> dict[str, Startable]:
    return {name: one for name, one in allowed().items() if request.user.has_perm(one.permission)}


_TONES = {
    Status.SUCCEEDED: "good",
    Status.FINDINGS: "warn",
    Status.FAILED: "bad",
    Status.LOST: "bad",
    Status.REFUSED: "bad",
    Status.RUNNING: "busy",
    Status.PENDING: "busy",
}
