"""The `tidegate` command. Exit codes: 0 fine, 1 findings or rejections, 2 usage or unreadable input."""

from __future__ import annotations

import json
import sys

import click

from tidegate import __version__
from tidegate.cli.accounts import accounts
from tidegate.cli.backup import backup, restore
from tidegate.cli.db import db
from tidegate.cli.doctor import doctor
from tidegate.cli.labels import labels
from tidegate.cli.language import language, text
from tidegate.cli.orders import orders
from tidegate.cli.people import people_commands
from tidegate.cli.prune import prune
from tidegate.cli.relay import relay
from tidegate.cli.rules import rules
from tidegate.cli.run import run
from tidegate.cli.sandbox import sandbox
from tidegate.cli.serve import serve
from tidegate.cli.stock import stock
from tidegate.cli.tenants import tenants
from tidegate.cli.worker import worker
from tidegate.errors import NotFound, TidegateError


@click.group(
    help=text("潮闸: 由规则判定的订单履约。", "Tidegate: order fulfilment decided by rules.")
)
@click.version_option(__version__, message="tidegate %(version)s")
def cli() -> None:
    """Root of the commands."""


for command in (
    accounts, backup, db, doctor, labels, orders, people_commands, prune, relay, restore, rules, run,
    sandbox, serve, stock, tenants, worker,
):  # fmt: skip
    cli.add_command(command)


def main() -> None:
    """Run a command; an error raised on purpose becomes one sentence, never a traceback."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo(text("已中断。", "Interrupted."), err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except TidegateError as error:
        _tell(error)
        sys.exit(1 if isinstance(error, NotFound) else 2)
    sys.exit(code if isinstance(code, int) else 0)


def _tell(error: TidegateError) -> None:
    if "--json" in sys.argv:
        click.echo(json.dumps({"error": error.as_document(language())}, ensure_ascii=False))
    click.echo(f"{error.text(language())} [{error.code}]", err=True)
