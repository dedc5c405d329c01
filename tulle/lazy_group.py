"""A command group that imports a verb when it is called, not when it is listed."""

import importlib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperGroup, TyperOption

from tulle.errors import UsageProblem
from tulle.help_page import summaries
from tulle.verbs import GROUPS, Verb

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class LazyGroup(TyperGroup):
    """Lists its verbs from the table; loads one on demand."""

    def __init__(self, verbs: Sequence[Verb], *, name: str, summary: str, settings: Mapping[str, Any]) -> None:
        super().__init__(name=name, help=summary, rich_markup_mode=None, context_settings=HELP_NAMES)
        self._verbs = {verb.path.split()[0]: verb for verb in verbs if " " not in verb.path}
        self._grouped = {verb.path.split()[0]: verb.path.split()[0] for verb in verbs if " " in verb.path}
        self._all = tuple(verbs)
        self._settings = settings

    def list_commands(self, ctx: Any) -> list[str]:
        """In the table's order: what is used first comes first."""
        return list(dict.fromkeys(verb.path.split()[0] for verb in self._all))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the verb's module; None for an unknown name."""
        if cmd_name in self._grouped:
            return self._group(cmd_name)
        verb = self._verbs.get(cmd_name)
        return load(verb, cmd_name, self._settings) if verb else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As the base class does; an unknown name gets a suggestion."""
        if args and args[0] not in self.list_commands(ctx):
            near = get_close_matches(args[0], self.list_commands(ctx), 1)
            hint = f"did you mean '{near[0]}'?" if near else f"'{ctx.command_path} --help' lists the commands"
            raise UsageProblem(f"{args[0]}: no such command", hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list, from the table alone."""
        texts = summaries(self._all)
        with formatter.section("Commands"):
            formatter.write_dl([(name, texts[name]) for name in self.list_commands(ctx)])

    def _group(self, name: str) -> "LazyGroup":
        verbs = [
            Verb(verb.path.split()[1], verb.module, verb.function, verb.summary)
            for verb in self._all
            if verb.path.startswith(f"{name} ")
        ]
        return LazyGroup(verbs, name=name, summary=GROUPS[name], settings=self._settings)


def load(verb: Verb, name: str, settings: Mapping[str, Any]) -> Any:
    """The verb as a command: every option may come from `TULLE_<OPTION>` or, failing that, from the settings."""
    function = getattr(importlib.import_module(f"tulle.commands.{verb.module}"), verb.function)
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name, help=function.__doc__ or verb.summary, context_settings=dict(HELP_NAMES))(function)
    command = typer.main.get_command(app)
    options = {option.name: option for option in command.params if isinstance(option, TyperOption)}
    for option in options.values():
        if option.envvar is None and option.name:
            option.envvar = f"TULLE_{option.name.upper()}"
    command.context_settings["default_map"] = {key: value for key, value in settings.items() if key in options}
    return command
