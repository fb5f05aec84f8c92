"""Signals through which apps that do not know each other meet."""

from django.dispatch import Signal

__all__ = ["command_finished", "command_started"]

#: Sent when a management command begins. Arguments: ``name``, ``run_id`` (a UUID that the
#: matching :data:`command_finished` carries too), ``arguments`` (secrets masked; the values
#: are of any type when the command was called from Python) and ``command``, the instance, which
#: lets a receiver listen to what it says (:meth:`~django_opskit.commands.OpsCommand.overhear`).
command_started = Signal()

#: Sent when it has ended, however it ended. Arguments: ``name``, ``run_id``, ``arguments``,
#: ``command``, ``duration_seconds``, ``exit_status``, ``error`` (a sentence with secrets masked,
#: or ""), ``exception`` (what was raised, or None) and ``counters`` (``dict[str, int]``, what the
#: command counted).
command_finished = Signal()
