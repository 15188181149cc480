"""`tidegate connectors`: which are installed, whether one keeps its contract, and a new one to begin with."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tidegate.cli.language import language, text
from tidegate.contract.scaffold import write_connector
from tidegate.contract.suite import check_connector
from tidegate.errors import TidegateError
from tidegate.sdk.discovery import installed, manifest_of

JSON = click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))


@click.group(
    "connectors",
    help=text("连接器: 列出、检查、新建。", "Connectors: list, check, write a new one."),
)
def connectors() -> None:
    """Group of connector commands."""


@connectors.command("list", help=text("已安装的连接器。", "Connectors that are installed."))
@JSON
def list_(as_json: bool) -> None:
    """One line each, ours and third parties'; one whose manifest is wrong says so."""
    lang, rows = language(), []
    for name, point in installed().items():
        row = {"name": name, "package": point.module}
        try:
            about = manifest_of(name)
            row |= {
                "title": about.title[lang], "verified": about.verified,
                "capabilities": ", ".join(sorted(about.capabilities)),
            }  # fmt: skip
        except TidegateError as error:
            row |= {"title": error.text(lang), "verified": "-", "capabilities": ""}
        rows.append(row)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        click.echo(f"{row['name']:<14}{row['title']}  [{row['verified']}]  {row['package']}")
        click.echo(f"{'':<14}{row['capabilities']}")


@connectors.command(
    "check",
    help=text(
        "对照协议服务器检查一个连接器; 不合格时退出码为 1。",
        "Check a connector against its protocol server; exit code 1 unless the card is green.",
    ),
)
@click.argument("name")
@click.option(
    "--only", multiple=True, metavar="CHECK",
    help=text("只做这一项, 可多次。", "This check only; may be repeated."),
)  # fmt: skip
@JSON
def check(name: str, only: tuple[str, ...], as_json: bool) -> int:
    """The score card."""
    card = check_connector(name, only)
    lang = language()
    if as_json:
        click.echo(json.dumps(card.document(lang), ensure_ascii=False, indent=1))
    else:
        click.echo(card.text(lang))
    return 0 if card.green else 1


@connectors.command(
    "new",
    help=text(
        "写出一个新连接器的软件包: 说明、代码、协议服务器和一个失败的测试。",
        "Write the package of a new connector: manifest, code, protocol server and a failing test.",
    ),
)
@click.argument("name")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), default=Path(),
    help=text("放在哪个目录, 默认当前目录。", "Folder to put it in; default: here."),
)  # fmt: skip
@JSON
def new(name: str, folder: Path, as_json: bool) -> None:
    """A folder `tidegate-NAME`."""
    made = write_connector(name, folder)
    if as_json:
        click.echo(json.dumps({"connector": name, "folder": str(made)}, ensure_ascii=False))
        return
    click.echo(text(f"已写好 {made}。接下来:", f"Written: {made}. Next:"))
    click.echo(f"  cd {made}")
    click.echo("  uv pip install --no-deps -e .")
    click.echo("  python -m unittest discover tests")
    click.echo(f"  tidegate connectors check {name}")
