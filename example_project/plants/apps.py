"""The app."""

from django.apps import AppConfig


class PlantsConfig(AppConfig):
    """Configuration of plants."""

    name = "plants"
    default_auto_field = "django.db.models.BigAutoField"
