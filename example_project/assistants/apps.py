"""The app."""

from django.apps import AppConfig


class AssistantsConfig(AppConfig):
    """Configuration of assistants."""

    name = "assistants"
    default_auto_field = "django.db.models.BigAutoField"
