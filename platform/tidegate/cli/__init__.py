"""The `tidegate` command. Exit codes: 0 fine, 1 findings or rejections, 2 usage or unreadable input."""

from __future__ import annotations

import json
import sys

import click

from tidegate import __version__
from tidegate.cli.language import language, text
from tidegate.cli.lazy import LazyGroup
from tidegate.errors import NotFound, TidegateError

COMMANDS = {
    "accounts": "tidegate.cli.accounts:accounts",
    "backup": "tidegate.cli.backup:backup",
    "connectors": "tidegate.cli.connectors:connectors",
    "db": "tidegate.cli.db:db",
    "doctor": "tidegate.cli.doctor:doctor",
    "labels": "tidegate.cli.labels:labels",
    "orders": "tidegate.cli.orders:orders",
    "people": "tidegate.cli.people:people_commands",
    "prune": "tidegate.cli.prune:prune",
    "relay": "tidegate.cli.relay:relay",
    "restore": "tidegate.cli.backup:restore",
    "rules": "tidegate.cli.rules:rules",
    "run": "tidegate.cli.run:run",
    "sandbox": "tidegate.cli.sandbox:sandbox",
    "serve": "tidegate.cli.serve:serve",
    "sheets": "tidegate.cli.sheets:sheets",
    "stock": "tidegate.cli.stock:stock",
    "tenants": "tidegate.cli.tenants:tenants",
    "worker": "tidegate.cli.worker:worker",
}


@click.group(
    cls=LazyGroup, later=COMMANDS,
    help=text("潮闸: 由规则判定的订单履约。", "Tidegate: order fulfilment decided by rules."),
)  # fmt: skip
@click.version_option(__version__, message="tidegate %(version)s")
def cli() -> None:
    """Root of the commands."""


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
