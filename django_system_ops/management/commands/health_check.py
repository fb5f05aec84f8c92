"""``ops_health_check`` under the name that sites know, which django-health-check has too."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from django_opskit.commands import UsageError
from django_system_ops.management.commands import ops_health_check
from django_system_ops.management.peers import load_peer, peer_options

__all__ = ["Command"]


class Command(ops_health_check.Command):
    """
    ``health_check``: the same, and the way to django-health-check's command.

    With an endpoint, or an option that only that command has, that command runs, with the
    arguments as they are: what a container was told before this app came keeps working.
    """

    # So that handle() may be called without a parser.
    _argv: list[str] | None = None
    _peer: BaseCommand | None = None
    _why_not: str = ""
    _peer_names: frozenset[str] = frozenset()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Add what the other command takes."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument(
            "endpoint",
            nargs="*",
            help="For the command of this name in django-health-check, which then runs instead.",
        )
        taken = {option for action in parser._actions for option in action.option_strings}
        self._peer, self._why_not = load_peer()
        actions = list(peer_options(self._peer, taken))
        for action in actions:
            parser._add_action(action)
        self._peer_names = frozenset(action.dest for action in actions)
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a program."""
        self._argv = argv
        super().run_from_argv(argv)

    def perform(self, *args: Any, endpoint: list[str] | None = None, **options: Any) -> None:
        """Ask the services, or let the other command run."""
        given = {name: options.pop(name) for name in self._peer_names & set(options)}
        if endpoint or given:
            self._hand_over(list(endpoint or ()), given, options.get("timeout"))
        else:
            super().perform(**options)

    def _hand_over(self, endpoint: list[str], given: dict[str, Any], timeout: float | None) -> None:
        if self._peer is None:
            what = repr(endpoint[0]) if endpoint else "what was given"
            raise UsageError(
                f"{what} is for the command health_check of django-health-check, which "
                f"{self._why_not}. This site's services are asked with --service."
            )
        if self._argv is not None:
            self._peer.run_from_argv(self._argv)
        else:
            if timeout is not None:
                given["timeout"] = int(timeout)
            call_command(self._peer, *endpoint, stdout=self.stdout, stderr=self.stderr, **given)
