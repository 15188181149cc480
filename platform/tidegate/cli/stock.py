"""`tidegate stock`: reference data from files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from tidegate.cli.language import language, text
from tidegate.cli.opening import opened
from tidegate.services.reference_data import import_files
from tidegate.services.reference_kinds import KIND_IDS
from tidegate.services.reference_report import ReferenceReport, totals

SHOWN = 20  # rejected rows on a screen; --json has them all


@click.group(
    help=text("库存、商品、仓库、快递价目。", "Stock, products, warehouses, carrier prices.")
)
def stock() -> None:
    """Group of reference data commands."""


@stock.command(
    "import",
    help=text(
        "导入 CSV、TSV 或 XLSX 的库存、商品、仓库、快递产品、分区、价目; 种类看表头。",
        "Import stock, products, warehouses, services, zones or rates from CSV, TSV or XLSX;"
        " the headers say which.",
    ),
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(KIND_IDS),
    default=None,
    help=text("种类, 不写则看表头。", "What the files hold; default: see the headers."),
)
@click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
def import_(files: tuple[Path, ...], kind: str | None, as_json: bool) -> int:
    """Print the report; exit 1 when a row was rejected."""
    reports = import_files(opened(), files, kind)
    if as_json:
        click.echo(json.dumps(totals(reports, language()), ensure_ascii=False, indent=1))
    else:
        _show(reports)
    return 1 if any(report.rejected for report in reports) else 0


def _show(reports: Sequence[ReferenceReport]) -> None:
    for report in reports:
        files = ", ".join(report.files)
        click.echo(
            text(
                f"{report.kind} ({files}): 读取 {report.read} 行, 新建 {report.created}, "
                f"更新 {report.updated}, 未变 {report.unchanged}, 拒绝 {len(report.rejected)}",
                f"{report.kind} ({files}): {report.read} rows read, {report.created} created, "
                f"{report.updated} updated, {report.unchanged} unchanged, "
                f"{len(report.rejected)} rejected",
            )
        )
        if report.woken:
            woken = report.woken
            click.echo(
                text(f"  {woken} 个缺货订单将重新判断", f"  {woken} waiting orders are asked again")
            )
        if report.ignored:
            names = ", ".join(report.ignored)
            click.echo(text(f"  未使用的列: {names}", f"  columns not used: {names}"))
        for row in report.rejected[:SHOWN]:
            where = text(f"{row.file} 第 {row.row} 行", f"{row.file} row {row.row}")
            click.echo(f"  {where} · {row.field}: {row.text(language())} [{row.code}]", err=True)
        more = len(report.rejected) - SHOWN
        if more > 0:
            click.echo(text(f"  另有 {more} 行, 见 --json", f"  {more} more, see --json"), err=True)
