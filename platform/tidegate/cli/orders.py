"""`tidegate orders`: bring orders in from files, and look at one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from tidegate.bootstrap import connector
from tidegate.cli.language import language, text
from tidegate.cli.opening import opened
from tidegate.errors import InputError
from tidegate.sdk.issues import issue_text
from tidegate.sdk.source import Progress as SourceProgress
from tidegate.sdk.source import RowProblem
from tidegate.services.intake import import_source
from tidegate.services.intake_documents import order_documents
from tidegate.services.intake_report import ImportReport, by_code

SHOWN = 10  # rejected rows listed on a screen; --json and --report have them all
Listener = Callable[[SourceProgress], None]


@click.group(help=text("订单。", "Orders."))
def orders() -> None:
    """Group of order commands."""


@orders.command(
    "import",
    help=text(
        "从 CSV、TSV、XLSX 或 JSON lines（可 .gz .xz 压缩，- 为标准输入）导入订单。\n\n"
        "退出码：0 全部接受，1 有行被拒收，2 文件无法读取或用法错误。",
        "Import orders from CSV, TSV, XLSX or JSON lines (.gz and .xz too, - is standard input)."
        "\n\nExit code: 0 all rows accepted, 1 rows were rejected, 2 unreadable file or usage.",
    ),
)
@click.argument("files", nargs=-1, required=True, type=str)
@click.option(
    "--mapping",
    required=True,
    help=text(
        "映射：自带的名称，或 YAML 文件路径。", "Mapping: a shipped id, or the path of a YAML file."
    ),
)
@click.option(
    "--dry-run", is_flag=True, help=text("只检查，不写入。", "Check only, write nothing.")
)
@click.option(
    "--report",
    "report_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help=text("把完整报告写到这个 JSON 文件。", "Write the full report to this JSON file."),
)
@click.option(
    "--shop", help=text("店铺名，覆盖映射里的店铺。", "Shop name; overrides the mapping's shop.")
)
@click.option(
    "--no-chain",
    is_flag=True,
    help=text("只存为历史，不让链条处理。", "Keep as history; do not let the chain work on them."),
)
@click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
def import_(
    files: tuple[str, ...],
    mapping: str,
    dry_run: bool,
    report_path: Path | None,
    shop: str | None,
    no_chain: bool,
    as_json: bool,
) -> int:
    """Print the report; 1 when rows were rejected."""
    if files.count("-") > 1:
        raise click.UsageError(
            text("标准输入 - 只能写一次。", "Standard input - can be named once.")
        )
    source = connector("files").load().open_source(files, mapping, shop=shop)
    context = opened()
    with _progress() as listen:
        report = import_source(
            context, source, run_chain=not no_chain, dry_run=dry_run, listen=listen
        )
    if report_path is not None:
        _write(report_path, report.as_document(language()))
    if as_json:
        click.echo(json.dumps(report.as_document(language()), ensure_ascii=False, indent=1))
    else:
        _show(report, dry_run=dry_run)
    return 1 if report.rejected else 0


@orders.command(
    help=text(
        "显示订单：内容、时间线和判定；个人信息默认打码。",
        "Show an order with its time line and decisions; personal data is masked.",
    )
)
@click.argument("number")
@click.option(
    "--reveal",
    is_flag=True,
    help=text(
        "显示姓名、电话、地址（会记入时间线）。", "Show name, phone and address (goes on record)."
    ),
)
@click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
def show(number: str, reveal: bool, as_json: bool) -> int:
    """One document, or a list when several shops have this number."""
    documents = order_documents(opened(), number, lang=language(), reveal=reveal)
    if as_json:
        shown: Any = documents[0] if len(documents) == 1 else documents
        click.echo(json.dumps(shown, ensure_ascii=False, indent=1))
    else:
        for document in documents:
            _print_order(document)
    return 0


def _show(report: ImportReport, *, dry_run: bool) -> None:
    if dry_run:
        click.echo(text("试运行，没有写入：", "Dry run, nothing was written:"))
    rejected = len(report.rejected)
    click.echo(
        text(
            f"读取 {report.read} 行：接受 {report.accepted}，拒收 {rejected}",
            f"{report.read} rows read: {report.accepted} accepted, {rejected} rejected",
        )
    )
    click.echo(
        text(
            f"订单：新建 {report.created}，更新 {report.updated}，未变 {report.unchanged}",
            f"orders: {report.created} created, {report.updated} updated, "
            f"{report.unchanged} unchanged",
        )
    )
    for code, count, first in by_code(report.flagged):
        if not isinstance(first, RowProblem):
            issue = first.issue
            told = issue_text(code, issue.field, issue.value, language())
            click.echo(
                text(
                    f"提示 {count} 次，如订单 {first.order}：",
                    f"flagged {count} times, as order {first.order}: ",
                )
                + told
            )
    _show_rejected(report.rejected)


def _show_rejected(rejected: Sequence[RowProblem]) -> None:
    for row in rejected[:SHOWN]:
        where = text(f"{row.file} 第 {row.row} 行：", f"{row.file} row {row.row}: ")
        told = issue_text(row.code, row.field, row.value, language())
        click.echo(f"{where}{told} [{row.code}]", err=True)
    if len(rejected) > SHOWN:
        more = len(rejected) - SHOWN
        click.echo(
            text(
                f"另有 {more} 行被拒收；用 --report 文件.json 查看全部。",
                f"{more} more rows were rejected; --report FILE.json has them all.",
            ),
            err=True,
        )


def _print_order(document: dict[str, Any]) -> None:
    order = document["order"]
    click.echo(f"{order['number']}  {order['shop']}  {order['state']}")
    for group in ("order", "payment", "recipient"):
        for name, value in document[group].items():
            if name not in ("number", "shop", "state") and value not in (None, "", []):
                click.echo(f"  {group}.{name}: {value}")
    for position, item in enumerate(document["items"], 1):
        click.echo(f"  {position}. " + "  ".join(str(value) for value in item.values()))
    for issue in document["issues"]:
        click.echo(f"  ! {issue['message']} [{issue['code']}]")
    for event in document["events"]:
        data = json.dumps(event["data"], ensure_ascii=False)
        click.echo(f"  {event['at']}  {event['kind']}  {event['actor']}  {data}")
    for decision in document["decisions"]:
        click.echo(
            f"  {decision['decided_at']}  {decision['gate']} → {decision['verdict']}"
            f"  ({decision['ruleset_id']})"
        )


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    except OSError as error:
        raise InputError(
            "import.report_unwritable",
            zh=f"订单已导入，但报告写不到 {path.name}（{error.strerror}）；请换一个位置。",
            en=f"The orders are in, but the report cannot be written to {path.name} "
            f"({error.strerror}); choose another place.",
            file=path.name,
        ) from error


@contextmanager
def _progress() -> Iterator[Listener | None]:
    """A bar on standard error when somebody watches."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    titles = {"read": text("读取", "reading"), "save": text("保存", "saving")}
    with Progress(*columns, console=console, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def listen(at: SourceProgress) -> None:
            if at.phase not in tasks:
                tasks[at.phase] = bar.add_task(titles.get(at.phase, at.phase), total=at.total)
            bar.update(tasks[at.phase], completed=at.done, total=at.total)

        yield listen
