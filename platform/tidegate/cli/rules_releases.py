"""`tidegate rules pull, push, versions, publish, roll-back`: the workshop's sets beside a git repository."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from tidegate.cli.language import language, text
from tidegate.cli.opening import opened
from tidegate.cli.rules_reading import instant_of, print_json
from tidegate.services.context import Context
from tidegate.services.contexts import Contexts
from tidegate.services.workshop import drafts, folders, history, lifecycle
from tidegate.services.workshop.folders import DRAFTED, REFUSED, SAME, WRITTEN, FileDone
from tidegate.services.workshop.model import LIVE, SHADOW, VersionInfo

ACTOR = "cli"
FINE, FINDINGS = 0, 1
SAID = {
    WRITTEN: ("已写入", "written"),
    SAME: ("没有变化", "unchanged"),
    DRAFTED: ("已存为草稿", "saved as draft"),
    REFUSED: ("没有接受", "refused"),
}
tenant_option = click.option(
    "--tenant",
    default="",
    help=text("商家代号, 不写为第一个。", "Merchant's code; default: the first."),
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON.")
)


@click.command(
    help=text(
        "把生效的规则集写成文件夹里的 YAML, 每集一个文件, 可放进 git。不写名称则写全部。",
        "Write the sets in force as YAML files, one a set, fit for git. Default: all sets.",
    )
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("sets", nargs=-1, metavar="[SET]...")
@tenant_option
@json_option
def pull(folder: Path, sets: tuple[str, ...], tenant: str, as_json: bool) -> None:
    """One line per file."""
    _tell(folders.write_folder(_context(tenant), folder, sets), as_json)


@click.command(
    help=text(
        "把规则集文件存为草稿; 和生效的一样则不动。之后在网页复核发布, 或用 tidegate rules publish。\n\n"
        "退出码: 0 全部接受, 1 有文件没有接受。",
        "Save rule-set files as drafts; one that says what is in force already changes nothing. "
        "Then review and publish on the page, or with tidegate rules publish.\n\n"
        "Exit code: 0 all accepted, 1 some refused.",
    )
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--over",
    is_flag=True,
    help=text("替换别人正在改的草稿。", "Replace drafts that others are writing."),
)
@tenant_option
@json_option
@click.pass_context
def push(
    context: click.Context, paths: tuple[Path, ...], over: bool, tenant: str, as_json: bool
) -> None:
    """One line per file, each with what became of it."""
    done = folders.read_files(_context(tenant), paths, ACTOR, over=over)
    _tell(done, as_json)
    context.exit(FINDINGS if any(one.done == REFUSED for one in done) else FINE)


@click.command(
    help=text("列出规则集的版本, 最新在前。", "List the versions of a set, the newest first.")
)
@click.argument("set_id", metavar="SET")
@tenant_option
@json_option
def versions(set_id: str, tenant: str, as_json: bool) -> None:
    """One line per version; * decides now."""
    context = _context(tenant)
    found = history.versions(context, set_id)
    live = drafts.info(context, set_id).live
    rows = [{**_document(one), "in_force": live is not None and _same(one, live)} for one in found]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        mark = "*" if row["in_force"] else " "
        when = row["starts_at"] or text("随程序自带", "ships with Tidegate")
        line = f"{mark} {row['number']:>3}  {row['hash'][:12]}  {row['mode']}  {when}"
        click.echo("  ".join(filter(None, [line, row["published_by"], row["note"]])))


@click.command(
    help=text(
        "发布草稿。和网页一样要测试、检查、必要时双人复核; 缺什么一次说清。",
        "Publish a draft. Tests, check and, where demanded, four eyes hold as on the page; "
        "all that is missing is said at once.",
    )
)
@click.argument("set_id", metavar="SET")
@click.option("--note", required=True, help=text("为什么改。", "Why it changes."))
@click.option(
    "--at",
    "starts",
    metavar="ISO",
    help=text("开始时刻, 不写为马上。", "When it starts; default: at once."),
)
@click.option("--until", "ends", metavar="ISO", help=text("结束时刻。", "When it ends."))
@click.option("--shadow", is_flag=True, help=text("只在影子中运行。", "Run it in shadow only."))
@tenant_option
@json_option
def publish(
    set_id: str,
    note: str,
    starts: str | None,
    ends: str | None,
    shadow: bool,
    tenant: str,
    as_json: bool,
) -> None:
    """The draft becomes the next version."""
    context = _context(tenant)
    draft = drafts.draft_of(context, set_id)
    if draft is None:
        raise drafts.unknown_draft(set_id)
    made = lifecycle.publish(
        context, set_id, draft.version, ACTOR,
        starts_at=_instant(starts), ends_at=_instant(ends), mode=SHADOW if shadow else LIVE,
        note=note,
    )  # fmt: skip
    _tell_version(made, as_json)


@click.command(
    "roll-back",
    help=text(
        "回滚: 把以前的版本作为新版本马上生效。",
        "Roll back: an earlier version once more, as a new one, at once.",
    ),
)
@click.argument("set_id", metavar="SET")
@click.option("--to", "number", type=int, required=True, help=text("版本号。", "Its number."))
@click.option("--reason", required=True, help=text("原因。", "Why."))
@tenant_option
@json_option
def roll_back(set_id: str, number: int, reason: str, tenant: str, as_json: bool) -> None:
    """Says the number of the new version."""
    made = lifecycle.roll_back(_context(tenant), set_id, number, ACTOR, reason)
    _tell_version(made, as_json)


def _context(tenant: str) -> Context:
    first = opened()
    return Contexts(first).by_code(tenant) if tenant else first


def _instant(raw: str | None) -> datetime | None:
    return instant_of(raw) if raw else None


def _same(one: VersionInfo, other: VersionInfo) -> bool:
    return one.number == other.number


def _document(one: VersionInfo) -> dict[str, Any]:
    return {
        "set": one.set_id, "number": one.number, "hash": one.hash, "mode": one.mode,
        "starts_at": _iso(one.starts_at), "ends_at": _iso(one.ends_at),
        "withdrawn_at": _iso(one.withdrawn_at), "published_by": one.published_by,
        "approved_by": one.approved_by, "note": one.note,
    }  # fmt: skip


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _tell_version(made: VersionInfo, as_json: bool) -> None:
    if as_json:
        print_json(_document(made))
        return
    click.echo(
        text(
            f"{made.set_id} 第 {made.number} 版, {_iso(made.starts_at)} 起 ({made.mode})。",
            f"{made.set_id} version {made.number}, from {_iso(made.starts_at)} ({made.mode}).",
        )
    )


def _tell(done: Sequence[FileDone], as_json: bool) -> None:
    lang = language()
    if as_json:
        print_json([_file_document(one, lang) for one in done])
        return
    for one in done:
        zh, en = SAID[one.done]
        click.echo(f"{one.path}: {text(zh, en)}")
        if one.error is not None:
            click.echo(f"  {one.error.text(lang)} [{one.error.code}]", err=True)


def _file_document(one: FileDone, lang: str) -> dict[str, Any]:
    return {
        "file": str(one.path), "set": one.set_id, "done": one.done, "version": one.version,
        "error": one.error.as_document(lang) if one.error else None,
    }  # fmt: skip
