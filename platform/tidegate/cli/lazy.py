"""A group whose commands are imported when they are called: nobody waits for a PDF library to check a rule."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """`later`: name of a command -> `module:attribute`; `said`: name -> its help, so that a list need not import it."""

    def __init__(
        self,
        *args: Any,
        later: Mapping[str, str],
        said: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._later = dict(later)
        self._said = dict(said or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._later})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands and cmd_name in self._later:
            module, _, attribute = self._later[cmd_name].partition(":")
            self.add_command(getattr(import_module(module), attribute), cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        listed = {
            name: click.Command(name, help=self._said[name])
            if name in self._said
            else self.get_command(ctx, name)
            for name in self.list_commands(ctx)
        }
        shown = {name: command for name, command in listed.items() if command}
        click.Group(commands=shown).format_commands(ctx, formatter)
