"""The pages of the ground floor that are paged by key, in the outbox's words."""

from django.utils.translation import gettext_lazy as _

from django_opskit.keyset_admin import KeysetAdmin

__all__ = ["OutboxKeysetAdmin"]


class OutboxKeysetAdmin(KeysetAdmin):
    """Lists a table of any size, a page at a time."""

    change_list_template = "django_outbox/keyset_list.html"
    one_page_text = _(
        "Actions work on the rows of one page. For more, use the commands "
        "outbox_retry, outbox_cancel and outbox_prune."
    )
