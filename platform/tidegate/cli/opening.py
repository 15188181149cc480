"""The context of a command, closed when the command ends."""

from __future__ import annotations

import click

from tidegate.bootstrap import open_context
from tidegate.services.context import Context
from tidegate.settings import Settings


def opened(settings: Settings | None = None) -> Context:
    """The platform, until the command is over: connections left to the garbage collector close late or never."""
    context = open_context(settings)
    click.get_current_context().call_on_close(context.store.engine.dispose)
    return context
