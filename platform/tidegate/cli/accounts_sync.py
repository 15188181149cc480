"""`tidegate accounts pull|replay|log|mapping`: what an account does by itself, and how its orders are read."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import click

from tidegate.cli.language import text
from tidegate.cli.opening import opened
from tidegate.errors import InputError
from tidegate.services.context import Context
from tidegate.services.contexts import Contexts
from tidegate.services.remotes import accounts as book
from tidegate.services.remotes import overlays
from tidegate.services.syncing import acts, runs, working
from tidegate.services.syncing.previews import mapping_page

ACTOR = "cli"
CODE = click.argument("code")
JSON = click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
TENANT = click.option(
    "--tenant", default="",
    help=text("商家代号, 不写为第一个。", "Merchant's code; default: the first."),
)  # fmt: skip


@click.command(
    help=text("立即拉取, 并显示每项任务的结果。", "Run its tasks now and say what came of each.")
)
@CODE
@TENANT
@JSON
def pull(code: str, tenant: str, as_json: bool) -> int:
    """Exit 1 when a task ended with an error."""
    context = _context(tenant)
    account_id = book.account(context, code).id
    tasks = acts.pull_now(context, code, ACTOR)
    for task in tasks:
        done = working.run(context, account_id, task, ACTOR)
        while done is not None and done.behind and not _last(context, account_id, task)["code"]:
            done = working.run(context, account_id, task, ACTOR)
    found = [_last(context, account_id, task) for task in tasks]
    _show(found, as_json)
    return int(any(one["code"] for one in found))


@click.command(
    help=text(
        "从某时刻重读订单, 下次拉取时执行。", "Read orders again from a moment, at the next pull."
    )
)
@CODE
@click.option(
    "--from", "since", required=True, metavar="TIME",
    help=text("如 2026-11-11T08:00, 店铺时间。", "Such as 2026-11-11T08:00, shop time."),
)  # fmt: skip
@TENANT
@JSON
def replay(code: str, since: str, tenant: str, as_json: bool) -> None:
    """Known orders are updated, none doubles."""
    context = _context(tenant)
    acts.replay(context, code, _moment(since, context), ACTOR)
    said = text(f"已安排从 {since} 重读。", f"Orders are read again from {since}.")
    click.echo(json.dumps({"code": code, "since": since}) if as_json else said)


@click.command(help=text("同步记录。", "The sync log."))
@CODE
@click.option("--task", default="", help=text("只看一种任务。", "One task only."))
@click.option("--limit", default=20, type=click.IntRange(1, 1000), show_default=True)
@TENANT
@JSON
def log(code: str, task: str, limit: int, tenant: str, as_json: bool) -> None:
    """The newest first."""
    context = _context(tenant)
    account_id = book.account(context, code).id
    _show([_document(run) for run in runs.runs(context, account_id, task, limit)], as_json)


@click.command(
    help=text(
        "字段映射: 显示、用文件替换(--set)、恢复自带(--reset)。",
        "Field mapping: show it, replace it by a file (--set), or go back to the connector's (--reset).",
    )
)
@CODE
@click.option(
    "--set", "file", type=click.File("rb"), default=None,
    help=text("JSON 文件, - 为标准输入。", "A JSON file, - for standard input."),
)  # fmt: skip
@click.option("--reset", is_flag=True, help=text("恢复自带。", "The connector's own again."))
@TENANT
@click.option(
    "--json", is_flag=True, expose_value=False, help=text("总是 JSON。", "Always is JSON.")
)
def mapping(code: str, file: BinaryIO | None, reset: bool, tenant: str) -> None:
    """Prints the overlay in force, as JSON."""
    context = _context(tenant)
    if reset:
        overlays.reset(context, code, ACTOR)
    elif file is not None:
        overlays.save(context, code, _read(file), ACTOR)
    found = mapping_page(context, code).version
    shown = {"version": found.version, "overlay": dict(found.overlay)}
    click.echo(json.dumps(shown, ensure_ascii=False, indent=1))


COMMANDS = (pull, replay, log, mapping)


def _context(tenant: str) -> Context:
    contexts = Contexts(opened())
    return contexts.by_code(tenant) if tenant else contexts.first


def _read(file: BinaryIO) -> dict[str, Any]:
    """Raises InputError."""
    try:
        found = json.loads(file.read())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(
            "mapping.not_json",
            zh='映射文件应为 JSON 对象，如 {"fields": {…}}。',
            en='The mapping file must be a JSON object, such as {"fields": {…}}.',
            field="mapping",
        )
    return found


def _moment(typed: str, context: Context) -> datetime:
    """Raises InputError."""
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        raise InputError(
            "sync.since_unreadable",
            zh="请填日期和时间，例如 2026-11-11T08:00。",
            en="Give a date and a time, such as 2026-11-11T08:00.",
            field="since",
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(context.timezone))


def _last(context: Context, account_id: int, task: str) -> dict[str, Any]:
    found = runs.runs(context, account_id, task, 1)
    return _document(found[0]) if found else {"task": task, "code": ""}


def _document(run: runs.Run) -> dict[str, Any]:
    found = asdict(run)
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in found.items()
    }


def _show(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for one in found:
        figures = text("读 {} 收 {} 拒 {}", "read {} kept {} refused {}").format(
            one.get("read", 0), one.get("accepted", 0), one.get("rejected", 0)
        )
        outcome = one["code"] or text("正常", "fine")
        click.echo(f"{one.get('at', '-')}  {one['task']}  {figures}  {outcome}")
    if not found:
        click.echo(text("还没有同步记录。", "It has not run yet."))
