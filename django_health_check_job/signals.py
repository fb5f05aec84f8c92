"""What other code may listen to."""

from django.dispatch import Signal

__all__ = ["round_finished", "state_changed"]

#: Sent once for every change of a check's state. Arguments: ``source`` ("" for this site, else
#: the id of the site that sent the result), ``check`` (its name), ``slug``, ``critical``, ``old``
#: and ``new`` (of ``UP``, ``WARN``, ``DOWN``, ``UNKNOWN``), ``at`` (aware), ``message``, and
#: ``is_first`` (nothing was known before). A receiver that raises is logged, the others go on.
state_changed = Signal()

#: Sent when all checks of a round have ended. Arguments: ``round`` (a UUID), ``started_at``,
#: ``outcomes`` (a list of :class:`~django_health_check_job.engine.outcome.Outcome`) and
#: ``healthy``.
round_finished = Signal()
