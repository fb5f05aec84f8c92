"""A change list that is paged by key: as fast with ten million rows as with ten."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from django_opskit.browsing import Page, look
from django_opskit.keys import read_key
from django_opskit.readonly_admin import ReadOnlyAdmin

__all__ = ["KeysetAdmin", "KeysetChangeList"]

_BEFORE, _AFTER = "before", "after"


class KeysetChangeList(ChangeList):
    """
    Shows the rows before or after a key, the newest first.

    It never counts, sorts by nothing but the key, and passes over no rows (OFFSET) to find a
    page. A filter that no index helps is followed for about a second, and then the page says
    how far it looked.
    """

    #: How long a page may look for rows that no index finds.
    budget_seconds = 1.0
    page: Page[Any]
    model_admin: "KeysetAdmin"

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        """Return what the filters are asked for: all but the place in the list."""
        found: dict[str, Any] = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in (_BEFORE, _AFTER)}

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Return the filtered rows; a changed filter begins with its first page again."""
        for name in (_BEFORE, _AFTER):
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        return super().get_queryset(request, exclude_parameters)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Sort by the key alone: every other order would sort the whole table."""
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        """Read one page."""
        rows = self.queryset.defer(*self.model_admin.not_in_list)
        lowest, highest = self._key_bounds()
        self.page = look(
            rows,
            limit=self.list_per_page,
            before=read_key(request.GET.get(_BEFORE, "")),
            after=read_key(request.GET.get(_AFTER, "")),
            lowest=lowest,
            highest=highest,
            candidates=self._candidates(),
            budget_seconds=self.budget_seconds,
        )
        self.result_list = self.page.rows
        # Templates compare these numbers to decide whether there is more to select or to show.
        self.result_count = self.full_result_count = len(self.page.rows)
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = True
        self.multi_page = False
        self.paginator = None

    def _key_bounds(self) -> tuple[int | None, int | None]:
        """Return between which keys the filters say that their rows are."""
        bounds = [
            spec.key_bounds(self.root_queryset)
            for spec in self.filter_specs
            if hasattr(spec, "key_bounds")
        ]
        lowest = [low for low, _high in bounds if low is not None]
        highest = [high for _low, high in bounds if high is not None]
        return max(lowest, default=None), min(highest, default=None)

    def _candidates(self) -> QuerySet[Any] | None:
        """Return rows among which all are that fit; None when no filter knows such."""
        for spec in self.filter_specs:
            if hasattr(spec, "candidates"):
                found: QuerySet[Any] | None = spec.candidates(self.root_queryset)
                if found is not None:
                    return found
        return None

    @property
    def older_url(self) -> str:
        """Return the query string of the next page, "" at the end."""
        return self._url(_BEFORE, self.page.older)

    @property
    def newer_url(self) -> str:
        """Return the query string of the page before, "" at the beginning."""
        return self._url(_AFTER, self.page.newer)

    @property
    def newest_url(self) -> str:
        """Return the query string of the first page."""
        return self.get_query_string()

    @property
    def last_row(self) -> Any:
        """Return the last row of the page, None when it is empty."""
        return self.page.rows[-1] if self.page.rows else None

    @property
    def cut_at(self) -> int | None:
        """Return the key at which the search stopped because time was up, if it was."""
        if not self.page.is_cut_short:
            return None
        return self.page.newer if self.page.older is None else self.page.older

    def _url(self, name: str, key: int | None) -> str:
        return "" if key is None else self.get_query_string({name: key})


class KeysetAdmin(ReadOnlyAdmin):
    """
    Lists a table of any size, a page at a time.

    The app brings the template, which shows ``cl.newest_url``, ``cl.newer_url``, ``cl.older_url``
    and ``cl.cut_at``, and the words.
    """

    #: Said when somebody wants an action for more rows than the page shows.
    one_page_text: Any = ""
    ordering = ("-pk",)
    sortable_by = ()
    list_per_page = 50
    #: Columns that may be long and that the list does not show.
    not_in_list: tuple[str, ...] = ()
    #: The parameters of the filters. Any other column could be asked for in the address.
    filter_parameters: tuple[str, ...] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the change list that is paged by key."""
        return KeysetChangeList

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Allow the filters that are shown, and no other column."""
        return lookup in self.filter_parameters

    # Django 6.1 has one more argument than 5.2.
    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Model], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Run an action on the chosen rows of a page; on "all of them" it is refused."""
        if request.POST.get("select_across", "0") != "0":
            self.message_user(request, self.one_page_text, messages.WARNING)
            return None
        return super().response_action(request, queryset, *args, **kwargs)
