"""What the commands have in common: the lock, the tenant, errors as sentences."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DatabaseError

from django_opskit.commands import ExitStatus, LockHeldError, OpsCommand, UsageError
from django_system_ops import exceptions
from django_system_ops.services.locking import Lock, command_lock
from django_system_ops.services.tenants import ALL
from django_system_ops.services.texts import one_line

__all__ = ["SystemOpsCommand"]


class SystemOpsCommand(OpsCommand):
    """
    A command of this app: ``perform`` does its work under its lock.

    ``perform`` gets the options as keyword arguments, calls services, and ends with ``result``.
    What they raise becomes a sentence and the exit status that goes with it.
    """

    #: Whether two runs of it may not meet. A dry run needs no lock.
    takes_lock: ClassVar[bool] = False
    #: Whether it has ``--tenant``.
    has_tenant: ClassVar[bool] = False
    #: Whether it has ``--database``.
    has_database: ClassVar[bool] = False

    #: The lock of this run; None where there is none.
    lock: Lock | None = None

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Add the common options behind the command's own."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument(
            "--no-record", action="store_true", help="Leave no trace of this run in the history."
        )
        if self.has_tenant:
            parser.add_argument(
                "--tenant", help="Whose data: a name, several with commas between, or all."
            )
        if self.has_database:
            parser.add_argument(
                "--database",
                default=DEFAULT_DB_ALIAS,
                metavar="ALIAS",
                help="Which of the site's databases (default: %(default)s).",
            )
        if self.takes_lock:
            parser.add_argument(
                "--wait-lock",
                type=float,
                default=0.0,
                metavar="SECONDS",
                help="How long to wait while another run holds the lock; by default not at all.",
            )
            parser.add_argument(
                "--no-lock", action="store_true", help="Run beside others; you know why."
            )
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the work under the lock."""
        with self.speaking():
            alias = options.get("database") or DEFAULT_DB_ALIAS
            if alias not in connections:
                known = ", ".join(connections)
                raise UsageError(f"--database {alias!r}: there is no such one, but {known}.")
            with self._locked(options):
                self.perform(**options)

    def perform(self, *args: Any, **options: Any) -> None:
        """Do the work."""
        raise NotImplementedError

    def lock_keys(self, **options: Any) -> list[str]:
        """Return which locks the run takes: the command's, or one for each tenant that is named."""
        name = type(self).__module__.rpartition(".")[2]
        tenants = sorted({one.strip() for one in (options.get("tenant") or "").split(",")})
        tenants = [""] if tenants == [ALL] else tenants  # the same as none
        return [f"{name}:{tenant}" if tenant else name for tenant in tenants]

    def check_lock(self) -> None:
        """Raise LockLostError when another run has taken over; for services, between batches."""
        if self.lock is not None:
            self.lock.check()

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Turn the app's errors into those of a command."""
        try:
            yield
        except exceptions.LockHeldError as error:
            raise LockHeldError(str(error)) from error
        except exceptions.WrongUsageError as error:
            raise UsageError(str(error)) from error
        except (exceptions.SystemOpsError, ImproperlyConfigured) as error:
            raise CommandError(str(error), returncode=ExitStatus.FAILED) from error
        except DatabaseError as error:
            text = one_line(error).rstrip(".")
            raise CommandError(
                f"The database said: {text}.", returncode=ExitStatus.FAILED
            ) from error
        except OSError as error:
            place = f" ({error.filename})" if error.filename else ""
            raise CommandError(
                f"{error.strerror or error}{place}.", returncode=ExitStatus.FAILED
            ) from error

    @contextmanager
    def _locked(self, options: dict[str, Any]) -> Iterator[None]:
        needs_none = options.get("no_lock") or options.get("dry_run") or not self.takes_lock
        if needs_none:
            yield
            return
        keys = self.lock_keys(**options)
        with command_lock(keys, wait_seconds=options.get("wait_lock") or 0.0) as self.lock:
            yield
