"""`tidegate prune`: delete what nobody asks for any more."""

from __future__ import annotations

import json
from collections import Counter

import click

from tidegate.cli.language import text
from tidegate.cli.opening import opened
from tidegate.services.contexts import Contexts
from tidegate.services.pruning import prune as prune_tenant


@click.command(
    help=text(
        "删除过期的已完成任务、影子判定和旧仿真; 订单和判定不删。",
        "Delete old done jobs, shadow decisions and simulations; orders and decisions stay.",
    )
)
@click.option("--dry-run", is_flag=True, help=text("只数, 不删。", "Count only, delete nothing."))
@click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
def prune(dry_run: bool, as_json: bool) -> None:
    """All merchants, a thousand rows at a time."""
    gone: Counter[str] = Counter()
    for context in Contexts(opened()).every():
        gone.update(prune_tenant(context, dry_run=dry_run))
    if as_json:
        click.echo(json.dumps({"deleted": {} if dry_run else dict(gone), "found": dict(gone)}))
        return
    for name, count in gone.items():
        click.echo(f"{name}: {count}")
