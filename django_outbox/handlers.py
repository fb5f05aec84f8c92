"""``@handler("JOB_TYPE")``: the functions that do the jobs, in an app's ``outbox_handlers.py``."""

from django_outbox.services.registry import Handler, handler

__all__ = ["Handler", "handler"]
