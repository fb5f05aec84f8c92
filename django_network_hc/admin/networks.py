"""Networks in Django's admin: how each stands, and what can be done with it."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from django_network_hc.admin import charts
from django_network_hc.admin.uploads import HealthCheckForm, TrackerForm
from django_network_hc.exceptions import NetworkHcError
from django_network_hc.models import Case, HealthCheckSession, Network
from django_network_hc.services.folders import script_folder
from django_network_hc.services.networks import remove, take_in_tracker, validate
from django_network_hc.services.setup import begin_network, prepare
from django_network_hc.services.starting import open_upload
from django_network_hc.services.trends import busy_sessions, network_now, trend
from django_network_hc.tasks import process_session
from django_opskit.history_admin import EditHistoryMixin
from django_opskit.model_admin import AnyModelAdmin

__all__ = ["NetworkAdmin"]

RUN = "django_network_hc.run_health_check"


@admin.register(Network)
class NetworkAdmin(EditHistoryMixin, AnyModelAdmin):
    """The networks that are not removed."""

    list_display = ("overview_link", "customer", "network_type", "status", "last_report", "cases")
    list_display_links = None
    list_filter = ("setup_status",)
    search_fields = ("customer", "name")
    fields = ("customer", "name", "network_type")
    actions = ("validate_networks",)
    edit_history_template = "django_network_hc/network_history.html"
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    class Media:
        css = {"all": ("django_network_hc/admin.css",)}

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of a network."""
        pages = {
            "overview": self.overview_view,
            "health-check": self.health_check_view,
            "tracker": self.tracker_view,
            "prepare": require_POST(self.prepare_view),
        }
        own = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"django_network_hc_network_{name.replace('-', '_')}",
            )
            for name, view in pages.items()
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Network]:
        """Return the networks with their figures, in one statement."""
        found = Network.objects.filter(removed_as=0)
        done = Q(sessions__status=HealthCheckSession.Status.COMPLETED)
        return found.annotate(last_report_on=Max("sessions__report_on", filter=done))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return the name too, once files are called after it."""
        return () if obj is None else ("name",)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under its own name."""
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Remove it; what is known of it stays in the database."""
        remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Network]) -> None:
        """Remove them; what is known of them stays in the database."""
        for one in queryset:
            remove(one)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Say that nothing else goes with a network."""
        return [str(one) for one in objs], {}, set(), []

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show what comes next for a network that is new."""
        if "_addanother" in request.POST or "_continue" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        return self._to_overview(obj)

    @admin.display(description=_("network"), ordering="name")
    def overview_link(self, network: Network) -> str:
        """Return the name, which leads to how it stands."""
        url = reverse("admin:django_network_hc_network_overview", args=[network.pk])
        return format_html('<a href="{}">{}</a>', url, network.name)

    @admin.display(description=_("status"), ordering="setup_status")
    def status(self, network: Network) -> str:
        """Return whether it is ready."""
        return network.get_setup_status_display()

    @admin.display(description=_("last report"), ordering="last_report_on")
    def last_report(self, network: Any) -> Any:
        """Return the day of its last report."""
        return network.last_report_on

    @admin.display(description=_("open cases"))
    def cases(self, network: Any) -> int:
        """Return how many cases are open."""
        return int(getattr(network, "open_count", 0))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Count the open cases of the networks of the page, in one statement."""
        found = super().get_changelist_instance(request)
        rows = list(found.result_list)
        counted = Case.objects.filter(network__in=[one.pk for one in rows], state=Case.State.OPEN)
        counts = dict(counted.order_by().values_list("network").annotate(Count("pk")))
        for one in rows:
            one.open_count = counts.get(one.pk, 0)
        found.result_list = rows
        return found

    @admin.action(description=_("Look at their files"), permissions=["change"])
    def validate_networks(self, request: HttpRequest, chosen: QuerySet[Network]) -> None:
        """Set the status of the chosen networks by their files."""
        for one in chosen:
            self._validate(request, one)

    def overview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show how a network stands."""
        network = self._network(request, pk)
        months = trend(network)
        now = network_now(network)
        folder = script_folder()
        context = {
            **self._context(request, network),
            "now": now,
            "files": [(one.name, one.is_file()) for one in folder.required(network.name)],
            "months": months[::-1],
            "open_chart": charts.open_trend(months) if months else None,
            "coverage_chart": charts.coverage_chart(now.last.coverage) if now.last else None,
            "coverage_bars": charts.coverage_bars(now.last.coverage) if now.last else [],
            "coverage_trend": charts.coverage_trend(months) if months else None,
            "busy": busy_sessions(network),
            "may_run": request.user.has_perm(RUN),
            "may_change": self.has_change_permission(request, network),
        }
        return TemplateResponse(request, "django_network_hc/network.html", context)

    def health_check_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take a report and an inventory, and begin a session."""
        network = self._network(request, pk)
        if not request.user.has_perm(RUN):
            raise PermissionDenied
        form = HealthCheckForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            report, inventory = form.cleaned_data["report"], form.cleaned_data["inventory"]
            try:
                session = open_upload(
                    network,
                    report=report,
                    report_name=report.name,
                    inventory=inventory,
                    inventory_name=inventory.name,
                    initiated_by=str(request.user),
                )
            except NetworkHcError as error:
                form.add_error(None, str(error))
            else:
                process_session.enqueue(session.pk)
                url = reverse(
                    "admin:django_network_hc_healthchecksession_change", args=[session.pk]
                )
                return HttpResponseRedirect(url)
        return self._form(request, network, form, _("Health check"), _("Start"))

    def tracker_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take a tracker, the first one or an edited one."""
        network = self._network(request, pk)
        if not self.has_change_permission(request, network):
            raise PermissionDenied
        form = TrackerForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            tracker = form.cleaned_data["tracker"]
            try:
                session = take_in_tracker(
                    network, tracker, tracker.name, initiated_by=str(request.user)
                )
            except NetworkHcError as error:
                form.add_error(None, str(error))
            else:
                url = reverse(
                    "admin:django_network_hc_healthchecksession_change", args=[session.pk]
                )
                return HttpResponseRedirect(url)
        return self._form(request, network, form, _("Upload a tracker"), _("Upload"))

    def prepare_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Write the files that a network lacks from the templates, and look at all of them."""
        network = self._network(request, pk)
        if not self.has_change_permission(request, network):
            raise PermissionDenied
        if "templates" in request.POST:
            try:
                prepare()
                begin_network(network)
            except OSError as error:
                self.message_user(request, f"{error.filename}: {error.strerror}", messages.ERROR)
                return self._to_overview(network)
        self._validate(request, network)
        return self._to_overview(network)

    def _validate(self, request: HttpRequest, network: Network) -> None:
        try:
            found = validate(network, initiated_by=str(request.user))
        except NetworkHcError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        if found.problems:
            said = f"{network}: {' '.join(found.problems)}"
            self.message_user(request, said, messages.WARNING)
        else:
            said = _("%(network)s is ready.") % {"network": network}
            self.message_user(request, said, messages.SUCCESS)

    def _network(self, request: HttpRequest, pk: int) -> Network:
        network = self.get_queryset(request).filter(pk=pk).first()
        if network is None:
            raise Http404(f"There is no network {pk}.")
        if not self.has_view_permission(request, network):
            raise PermissionDenied
        return network

    def _context(self, request: HttpRequest, network: Network, title: Any = "") -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": f"{network.name}: {title}" if title else network.name,
            "subtitle": None,
            "network": network,
            "object": network,
            "opts": self.opts,
            "media": self.media,
        }

    def _form(
        self, request: HttpRequest, network: Network, form: Any, title: Any, button: Any
    ) -> HttpResponse:
        context = {**self._context(request, network, title), "form": form, "button": button}
        return TemplateResponse(request, "django_network_hc/upload.html", context)

    def _to_overview(self, network: Network) -> HttpResponse:
        url = reverse("admin:django_network_hc_network_overview", args=[network.pk])
        return HttpResponseRedirect(url)
