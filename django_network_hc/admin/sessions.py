"""Sessions in Django's admin: how far one is, what it came to, and its files."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from django_network_hc.admin import charts
from django_network_hc.admin.networks import RUN
from django_network_hc.exceptions import NetworkHcError
from django_network_hc.models import Case, HealthCheckSession, SessionFile
from django_network_hc.services.folders import script_folder
from django_network_hc.services.reports import last_session
from django_network_hc.services.sessions import cancel
from django_network_hc.services.starting import may_run_again
from django_network_hc.services.trends import cases_of, trend
from django_network_hc.services.undoing import undo_last
from django_network_hc.tasks import process_session
from django_opskit.keyset_admin import KeysetAdmin

__all__ = ["HealthCheckSessionAdmin"]

Status = HealthCheckSession.Status
_MOST_LISTED = 100
_REFRESH_SECONDS = 2


@admin.register(HealthCheckSession)
class HealthCheckSessionAdmin(KeysetAdmin):
    """The sessions, the newest first."""

    list_display = (
        "created_at",
        "network",
        "session_type",
        "report_on",
        "status",
        "progress_percentage",
        "initiated_by",
    )
    list_select_related = ("network",)
    list_filter = ("status",)
    filter_parameters = ("status__exact",)
    not_in_list = ("counts", "coverage", "before", "notes", "error_messages")
    actions = None
    change_list_template = "django_network_hc/keyset_list.html"

    class Media:
        css = {"all": ("django_network_hc/admin.css",)}

    def get_urls(self) -> list[URLPattern]:
        """Add the files of a session, and what can be done with it."""
        view = self.admin_site.admin_view
        deeds = {"cancel": self._cancel, "again": self._again, "undo": self._undo}
        name = "django_network_hc_healthchecksession"
        return [
            path("<int:pk>/file/<int:file>/", view(self.file_view), name=f"{name}_file"),
            *(
                path(
                    f"<int:pk>/{word}/",
                    view(require_POST(self._deed(deed))),
                    name=f"{name}_{word}",
                )
                for word, deed in deeds.items()
            ),
            *super().get_urls(),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: it is the record of what happened."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: sessions write it themselves."""
        return False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a session; while it works the page loads itself again."""
        session = self._session(request, object_id)
        folder = script_folder().session(session.session_id)
        months = trend(session.network, until=session.report_on) if session.report_on else []
        is_done = session.status == Status.COMPLETED
        context = {
            **self.admin_site.each_context(request),
            "title": f"{session.network.name}: {session.get_session_type_display()}",
            "session": session,
            "object": session,
            "opts": self.opts,
            "media": self.media,
            "refresh": None if session.is_over else _REFRESH_SECONDS,
            "tone": _TONES.get(Status(session.status), "quiet"),
            "lists": _lists(session) if is_done and session.report_on else [],
            "files": [(one, (folder / one.path).is_file()) for one in session.files.all()],
            "coverage_chart": charts.coverage_chart(session.coverage) if session.coverage else None,
            "coverage_bars": charts.coverage_bars(session.coverage) if session.coverage else [],
            "open_chart": charts.open_trend(months) if len(months) > 1 else None,
            "months": months[::-1],
            "may_cancel": not session.is_over and request.user.has_perm(RUN),
            "may_run_again": may_run_again(session) and request.user.has_perm(RUN),
            "may_undo": last_session(session.network) == session and request.user.has_perm(RUN),
        }
        return TemplateResponse(request, "django_network_hc/session.html", context)

    def file_view(self, request: HttpRequest, pk: int, file: int) -> HttpResponse | FileResponse:
        """Hand out a file of a session."""
        session = self._session(request, str(pk))
        found = SessionFile.objects.filter(session=session, pk=file).first()
        if found is None:
            raise Http404("The session has no such file.")
        path = script_folder().session(session.session_id) / found.path
        try:
            content = path.open("rb")
        except OSError:
            raise Http404(f"{found.name} was removed.") from None
        return FileResponse(content, as_attachment=True, filename=found.name)

    def _session(self, request: HttpRequest, pk: str) -> HealthCheckSession:
        rows = HealthCheckSession.objects.select_related("network")
        session = rows.filter(pk=pk).first() if pk.isdecimal() and len(pk) < 19 else None
        if session is None:
            raise Http404(f"There is no session {pk!r}.")
        if not self.has_view_permission(request, session):
            raise PermissionDenied
        return session

    def _deed(self, deed: Any) -> Any:
        def view(request: HttpRequest, pk: int) -> HttpResponse:
            session = self._session(request, str(pk))
            if not request.user.has_perm(RUN):
                raise PermissionDenied
            try:
                self.message_user(request, deed(request, session), messages.SUCCESS)
            except (NetworkHcError, OSError) as error:
                self.message_user(request, str(error), messages.ERROR)
            url = reverse("admin:django_network_hc_healthchecksession_change", args=[session.pk])
            return HttpResponseRedirect(url)

        return view

    def _cancel(self, _request: HttpRequest, session: HealthCheckSession) -> str:
        if not cancel(session):
            return _("The session was over already.")
        return _("The session ends after its present step.")

    def _again(self, _request: HttpRequest, session: HealthCheckSession) -> str:
        if not may_run_again(session):
            return _("The session cannot run again: its files are gone, or it is over for good.")
        HealthCheckSession.objects.filter(
            pk=session.pk, status__in=(Status.FAILED, Status.CANCELLED)
        ).update(status=Status.PENDING, error_messages="", progress_percentage=0, current_step="")
        process_session.enqueue(session.pk)
        return _("The session runs again.")

    def _undo(self, request: HttpRequest, session: HealthCheckSession) -> str:
        if last_session(session.network) != session:
            return _("Only the last health check of a network can be taken back.")
        undo_last(session.network, initiated_by=str(request.user))
        return _("The health check was taken back.")


_TONES = {
    Status.COMPLETED: "good",
    Status.FAILED: "bad",
    Status.CANCELLED: "bad",
    Status.PROCESSING: "busy",
    Status.PENDING: "busy",
}
_TITLES = {
    "new": gettext_lazy("New cases"),
    "reopened": gettext_lazy("Reopened cases"),
    "closed": gettext_lazy("Closed cases"),
    "unverified": gettext_lazy("Closed, but unverified"),
}


def _lists(session: HealthCheckSession) -> list[tuple[Any, int, list[Case]]]:
    """Return each list with its title, how long it is, and its beginning."""
    found = cases_of(session)
    counts = {name: rows.count() for name, rows in found.items()}
    return [
        (title, counts[name], list(found[name][:_MOST_LISTED])) for name, title in _TITLES.items()
    ]
