"""Whether analyze_sentiment finds its messages, and what scores them."""

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from django_system_ops.conf import get_conf

__all__ = ["check_sentiment"]


def check_sentiment(**_kwargs: object) -> list[CheckMessage]:
    """E075 to E079: ``MANAGEMENT_COMMANDS["sentiment"]`` does not fit the site or this machine."""
    try:
        conf = get_conf().sentiment
        if not conf.model:
            return []
        # Only then: each command of the site would load all of it for nothing.
        from django_system_ops.services.sentiment.backends import (
            backend_problems,
            language_problems,
        )
        from django_system_ops.services.sentiment.messages import message_problems

        found = [(one.code, one.sentence) for one in message_problems(conf)]
        found += [("E078", f"{text}.") for text in backend_problems(conf)]
        found += [("E079", f"{text}.") for text in language_problems(conf)]
    except ImproperlyConfigured:
        return []  # said by the check of the setting
    return [Error(sentence, id=f"django_system_ops.{code}") for code, sentence in found]
