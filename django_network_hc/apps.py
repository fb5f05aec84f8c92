"""The app: its system checks are connected at start-up, nothing else."""

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class DjangoNetworkHcConfig(AppConfig):
    """Configuration of django_network_hc."""

    name = "django_network_hc"
    verbose_name = _("Network health checks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from django_network_hc.checks import check_folder, check_settings

        checks.register(check_settings)
        checks.register(check_folder)
