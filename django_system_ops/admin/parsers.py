"""
A form out of a command's parser.

Offered are the command's own options. Not offered are those that every command has, those that
name a file or a directory (the command line is for those), and those whose name says that they
hold a secret: what is filled in is kept in the history.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django import forms
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from django_opskit.commands import OpsCommand
from django_opskit.masking import MASK, mask_secrets, mask_text

__all__ = ["CommandForm", "command_form"]

_COMMON = {
    "help",
    "version",
    "verbosity",
    "settings",
    "pythonpath",
    "traceback",
    "no_color",
    "force_color",
    "skip_checks",
    "json",
    "dry_run",
    "no_record",
    "no_lock",
    "wait_lock",
}
_PATHS = {"path", "file", "dir", "directory"}


class CommandForm(forms.Form):
    """Asks for the options of one command; :func:`command_form` makes it."""

    command: OpsCommand
    actions: Mapping[str, argparse.Action]
    name: str

    def clean(self) -> dict[str, Any]:
        """Let the command's own parser have the last word."""
        cleaned = super().clean() or {}
        for name, action in self.actions.items():
            for line in str(cleaned.get(name) or "").splitlines():
                if _is_bare(action) and line.lstrip().startswith("-"):
                    self.add_error(name, _("A line must not begin with a dash."))
                if mask_text(line) != line:
                    self.add_error(name, _("A password has no place here: the history keeps it."))
        if not self.errors:
            try:
                self._parse()
            except CommandError as error:
                self.add_error(None, str(error))
        return cleaned

    @property
    def argv(self) -> list[str]:
        """Return the words for the command line."""
        options: list[str] = []
        positional: list[str] = []
        for name, action in self.actions.items():
            words = _words(action, self.cleaned_data.get(name))
            (options if action.option_strings else positional).extend(words)
        # Behind "--" nothing is an option, whatever somebody fills in.
        return [*options, *(["--", *positional] if positional else [])]

    @property
    def arguments(self) -> dict[str, Any]:
        """Return what was filled in, for the history."""
        filled = {action.dest: self.cleaned_data.get(name) for name, action in self.actions.items()}
        return {name: value for name, value in filled.items() if value not in (None, "", [], False)}

    def _parse(self) -> None:
        parser = self.command.create_parser("manage.py", self.name)
        # Django's parser raises CommandError when it was not called from a command line.
        parser.parse_args(self.argv)


def command_form(name: str, command: OpsCommand) -> type[CommandForm]:
    """Return the form of a command."""
    parser = command.create_parser("manage.py", name)
    actions = {f"o_{action.dest}": action for action in _offered(parser, command)}
    fields = {key: _field(action) for key, action in actions.items()}
    namespace = {**fields, "command": command, "actions": actions, "name": name}
    return type("CommandForm", (CommandForm,), namespace)


def _offered(parser: argparse.ArgumentParser, command: OpsCommand) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if action.dest in _COMMON or action.help == argparse.SUPPRESS:
            continue
        is_path = _is_path(action) or action.dest in command.path_arguments
        if is_path or _is_secret(action.dest):
            continue
        yield action


def _is_path(action: argparse.Action) -> bool:
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    return action.type is Path or metavar.lower() in _PATHS


def _is_bare(action: argparse.Action) -> bool:
    """Return whether what is filled in follows the option as words of its own."""
    is_appended = isinstance(action, argparse._AppendAction)
    return bool(action.option_strings) and _is_many(action) and not is_appended


def _is_secret(name: str) -> bool:
    return bool(mask_secrets({name: "x"})[name] == MASK)


def _is_switch(action: argparse.Action) -> bool:
    return action.nargs == 0


def _is_many(action: argparse.Action) -> bool:
    is_appended = isinstance(action, argparse._AppendAction)
    return is_appended or action.nargs in ("*", "+") or isinstance(action.nargs, int)


def _field(action: argparse.Action) -> forms.Field:
    label = action.option_strings[-1] if action.option_strings else action.dest
    words = {"prog": "", **vars(action)}
    common: dict[str, Any] = {
        "label": label,
        # The parser calls a list of any length required, be it of none.
        "required": action.required and action.nargs not in (0, "*", "?"),
        "help_text": (action.help or "") % words,
    }
    if isinstance(action, argparse.BooleanOptionalAction):
        common["required"] = False
        choices = [("", "—"), ("yes", _("yes")), ("no", _("no"))]
        return forms.ChoiceField(choices=choices, **common)
    if _is_switch(action):
        # Not given is not given, whatever stands for that: --no-mail is False when it is.
        return forms.BooleanField(initial=False, **common)
    if _is_many(action):
        how = _("One on each line.")
        common["help_text"] = f"{common['help_text']} {how}".strip()
        widget = forms.Textarea(attrs={"rows": 3})
        return forms.CharField(widget=widget, **common)
    if action.choices is not None:
        choices = [("", "—"), *((str(one), str(one)) for one in action.choices)]
        return forms.ChoiceField(choices=choices, initial=action.default, **common)
    kinds: dict[Any, type[forms.Field]] = {int: forms.IntegerField, float: forms.FloatField}
    kind = kinds.get(action.type, forms.CharField)
    return kind(initial=action.default, **common)


def _words(action: argparse.Action, value: Any) -> Sequence[str]:
    if value in (None, "", False):
        return []
    option = action.option_strings[-1] if action.option_strings else ""
    if isinstance(action, argparse.BooleanOptionalAction):
        return [action.option_strings[0 if value == "yes" else -1]]
    if _is_switch(action):
        return [option]
    lines = [line.strip() for line in str(value).splitlines() if line.strip()]
    values = lines if _is_many(action) else [str(value)]
    if not option:
        return values
    if isinstance(action, argparse._AppendAction) or not _is_many(action):
        # With "=", so that a value that begins with a dash is a value.
        return [f"{option}={one}" for one in values]
    return [option, *values]
