"""An app with tables of its own kind: what an integrator has."""

from django.apps import AppConfig


class TestsAutomationConfig(AppConfig):
    name = "tests.automation"
    label = "tests_automation"
    default_auto_field = "django.db.models.BigAutoField"
