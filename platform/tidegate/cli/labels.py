"""`tidegate labels`: print what waits, or chosen orders, into one PDF."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from tidegate.cli.language import language, text
from tidegate.cli.opening import opened
from tidegate.errors import InputError
from tidegate.services.label_batches import batch_pdf
from tidegate.services.labels import PrintedBatch, pick_list, print_labels, waiting_parcels


@click.group(help=text("面单。", "Labels."))
def labels() -> None:
    """Group of label commands."""


@labels.command(
    "print",
    help=text(
        "把待打的面单(或指定订单的)打成一个 PDF。",
        "Print the waiting labels, or chosen orders', as one PDF.",
    ),
)
@click.option(
    "--order", "numbers", multiple=True, help=text("订单号, 可多次。", "Order number; repeatable.")
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help=text("另存 PDF。", "Copy of the PDF."),
)
@click.option(
    "--pick-list",
    "pick",
    type=click.Path(path_type=Path, dir_okay=False),
    help=text("另存拣货单。", "Write the pick list too."),
)
@click.option("--reason", default=None, help=text("重打原因。", "Why it is printed again."))
@click.option(
    "--lang",
    type=click.Choice(["zh", "en"]),
    default="zh",
    help=text("面单语言。", "Language of the label."),
)
@click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
def print_(
    numbers: tuple[str, ...],
    out: Path | None,
    pick: Path | None,
    reason: str | None,
    lang: str,
    as_json: bool,
) -> int:
    """Exit 1 when a parcel could not be printed or nothing waits."""
    context = opened()
    ids = waiting_parcels(context, numbers or None)
    console = Console(stderr=True)
    with Progress(console=console, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task(text("打单", "Printing"), total=len(ids))
        batch = print_labels(
            context,
            ids,
            "cli",
            reason,
            lang,
            progress=lambda done: bar.update(task, completed=done),
        )
    if batch.printed and out is not None:
        _write(batch_pdf(context, batch.number), batch.number, out)
    if batch.printed and pick is not None:
        pick.write_bytes(pick_list(context, batch.number, lang))
    _tell(batch, out, as_json)
    return 0 if batch.printed and not batch.problems else 1


def _write(content: bytes, number: str, out: Path) -> None:
    try:
        out.write_bytes(content)
    except OSError as error:
        raise InputError(
            "labels.cannot_write",
            zh=f"无法写入 {out}: {error.strerror}; 批次 {number} 仍可在打单页下载。",
            en=f"Can't write {out}: {error.strerror}; the batch {number} can be downloaded from the page of labels.",
            file=out,
        ) from error


def _tell(batch: PrintedBatch, out: Path | None, as_json: bool) -> None:
    lang = language()
    problems = [
        {"parcel": found.parcel_number, **found.error.as_document(lang)} for found in batch.problems
    ]
    if as_json:
        said = {
            "batch": batch.number or None,
            "file": str(out or batch.file) if batch.file else None,
            "printed": batch.printed,
            "problems": problems,
        }
        click.echo(json.dumps(said, ensure_ascii=False, indent=1))
        return
    if not batch.printed and not problems:
        click.echo(text("没有待打的面单。", "No label waits."))
        return
    click.echo(
        text(
            f"批次 {batch.number or '-'}: 打印 {batch.printed} 张, 未打 {len(problems)} 张。{out or batch.file or ''}",
            f"Batch {batch.number or '-'}: {batch.printed} printed, {len(problems)} not. {out or batch.file or ''}",
        )
    )
    for found in batch.problems:
        click.echo(
            f"  {found.parcel_number}: {found.error.text(lang)} [{found.error.code}]", err=True
        )
