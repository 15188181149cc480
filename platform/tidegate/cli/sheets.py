"""`tidegate sheets`: spreadsheets of shops without an interface, by mappings that were made on the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

import click

from tidegate.cli.language import language, text
from tidegate.cli.opening import opened
from tidegate.errors import InputError
from tidegate.sdk.issues import issue_text
from tidegate.services.context import Context
from tidegate.services.contexts import Contexts
from tidegate.services.sheets import mappings, repairs, unattended, waybill_files

ACTOR = "cli"
SHOWN = 10
ACCOUNT = click.argument("account")
NAME = click.argument("name")
JSON = click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
TENANT = click.option(
    "--tenant", default="",
    help=text("商家代号, 不写为第一个。", "Merchant's code; default: the first."),
)  # fmt: skip


@click.group(
    help=text(
        "表格店铺: 导入表格、列对应、运单表。", "Spreadsheet shops: files, mappings, waybills."
    )
)
def sheets() -> None:
    """Group of spreadsheet commands."""


@sheets.command(
    "import",
    help=text(
        "按保存的列对应导入一份表格；表头认得就不用写 --mapping。\n\n退出码: 0 全部接受, 1 有行被拒收, 2 无法读取。",
        "Import a spreadsheet by a kept mapping; without --mapping it is recognised by its headers.\n\n"
        "Exit code: 0 all rows accepted, 1 rows were rejected, 2 unreadable.",
    ),
)
@click.argument("file", type=click.File("rb"))
@click.option("--account", required=True, help=text("表格店铺的账号代号。", "Code of the account."))
@click.option("--mapping", default="", help=text("列对应的名称。", "Name of the mapping."))
@click.option(
    "--dry-run", is_flag=True, help=text("只检查, 不写入。", "Check only, write nothing.")
)
@click.option(
    "--rejected", "rejected_path", type=click.Path(path_type=Path, dir_okay=False),
    help=text("被拒收的行写到这个 .xlsx 或 .csv, 改好可再导入。", "Write rejected rows there (.xlsx, .csv), to mend."),
)  # fmt: skip
@TENANT
@JSON
def import_(
    file: BinaryIO, account: str, mapping: str, dry_run: bool, rejected_path: Path | None, tenant: str,
    as_json: bool,
) -> int:  # fmt: skip
    """Exit 1 when a row was rejected."""
    if dry_run and rejected_path is not None:
        raise click.UsageError(
            text("--rejected 要真正导入才有。", "--rejected needs a real import, not a dry run.")
        )
    context = _context(tenant)
    name = Path(getattr(file, "name", "") or "stdin").name
    done = unattended.bring_known(
        context, account, name, file.read(), ACTOR, mapping=mapping, dry_run=dry_run
    )
    if rejected_path is not None and done.report["rejected_count"]:
        kind = "csv" if rejected_path.suffix == ".csv" else "xlsx"
        made = repairs.rejected_rows(
            context, done.file_id, "zh" if language() == "zh" else "en", kind
        )
        _write(rejected_path, made)
    if as_json:
        click.echo(json.dumps(_document(done), ensure_ascii=False, indent=1))
    else:
        _show(done, dry_run=dry_run)
    return int(done.report["rejected_count"] > 0)


@sheets.command("mappings", help=text("列出账号保存的列对应。", "The kept mappings of an account."))
@ACCOUNT
@TENANT
@JSON
def mappings_(account: str, tenant: str, as_json: bool) -> None:
    """The last used first."""
    found = mappings.kept(_context(tenant), account)
    if as_json:
        rows = [
            {"name": one.name, "uses": one.uses, "fields": dict(one.layout.fields)} for one in found
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for one in found:
        said = "  ".join(
            f"{column}={field}" for column, field in one.layout.fields.items() if field
        )
        click.echo(f"{one.name}  {text(f'用过 {one.uses} 次', f'used {one.uses} times')}  {said}")
    if not found:
        click.echo(text("还没有。", "There are none yet."))


@sheets.command(help=text("给列对应改名。", "Give a mapping another name."))
@ACCOUNT
@NAME
@click.argument("new_name")
@TENANT
@JSON
def rename(account: str, name: str, new_name: str, tenant: str, as_json: bool) -> None:
    """Raises NotFound, Conflict."""
    context = _context(tenant)
    mappings.rename(context, account, mappings.one_of(context, account, name).id, new_name, ACTOR)
    _said(text(f"已改名为 {new_name}。", f"It is called {new_name} now."), as_json)


@sheets.command(help=text("删除列对应。", "Remove a mapping."))
@ACCOUNT
@NAME
@TENANT
@JSON
def remove(account: str, name: str, tenant: str, as_json: bool) -> None:
    """Raises NotFound."""
    context = _context(tenant)
    mappings.remove(context, account, mappings.one_of(context, account, name).id, ACTOR)
    _said(text("已删除。", "Removed."), as_json)


@sheets.command(
    help=text(
        "把上次之后交接的包裹的运单号写成店铺工具能导入的表格。",
        "Write the waybill numbers of what has left since the last file, for the shop's tool.",
    )
)
@ACCOUNT
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path(),
    help=text("放到这个文件夹。", "Put it into this folder."),
)  # fmt: skip
@TENANT
@JSON
def waybills(account: str, out: Path, tenant: str, as_json: bool) -> None:
    """Raises InputError where nothing has left."""
    context = _context(tenant)
    name, made = waybill_files.content(
        context, account, waybill_files.make(context, account, ACTOR)
    )
    _write(out / name, made)
    _said(str(out / name), as_json)


def _show(done: unattended.Brought, *, dry_run: bool) -> None:
    report = done.report
    if dry_run:
        click.echo(text("试运行，没有写入：", "Dry run, nothing was written:"))
    click.echo(text(f"列对应：{done.mapping}", f"mapping: {done.mapping}"))
    for zh, en, names in (
        ("新的列", "new columns", done.changes.added), ("少了的列", "columns that are gone", done.changes.gone),
    ):  # fmt: skip
        if names:
            click.echo(text(f"{zh}：{'、'.join(names)}", f"{en}: {', '.join(names)}"))
    click.echo(
        text(
            f"读取 {report['read']} 行：接受 {report['accepted']}，拒收 {report['rejected_count']}",
            f"{report['read']} rows read: {report['accepted']} accepted, {report['rejected_count']} rejected",
        )
    )
    click.echo(
        text(
            f"订单：新建 {report['created']}，更新 {report['updated']}，未变 {report['unchanged']}",
            f"orders: {report['created']} created, {report['updated']} updated, {report['unchanged']} unchanged",
        )
    )
    for one in report["rejected"][:SHOWN]:
        told = issue_text(one["code"], one["field"], one["value"], language())
        click.echo(
            text(f"第 {one['row']} 行：", f"row {one['row']}: ") + f"{told} [{one['code']}]",
            err=True,
        )


def _document(done: unattended.Brought) -> dict[str, Any]:
    told = {"added": list(done.changes.added), "gone": list(done.changes.gone)}
    return {"mapping": done.mapping, "changes": told, **done.report}


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InputError(
            "sheet.unwritable",
            zh=f"写不到 {path.name}（{error.strerror}）；请换一个位置，文件可在网页上重新下载。",
            en=f"Cannot write {path.name} ({error.strerror}); choose another place. The page offers the file again.",
            file=path.name,
        ) from error


def _said(said: str, as_json: bool) -> None:
    click.echo(json.dumps({"done": said}, ensure_ascii=False) if as_json else said)


def _context(tenant: str) -> Context:
    contexts = Contexts(opened())
    return contexts.by_code(tenant) if tenant else contexts.first
