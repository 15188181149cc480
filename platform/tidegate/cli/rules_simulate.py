"""`tidegate rules simulate`: a draft against the live set over a file of fact documents."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from tidegate.cli.language import language, text
from tidegate.cli.rules_reading import (
    UNREADABLE,
    instant_of,
    print_json,
    refuse,
    refuse_problems,
)
from tidegate.engine.clock import zone
from tidegate.engine.compiled import compile_set
from tidegate.engine.ledgers import ledger_of
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.simulation import Tally, simulate_in_order
from tidegate.errors import InputError, TidegateError
from tidegate.services.rule_files import find_pack, read_packs, vocabulary_of
from tidegate.simulation.pool import Line, Part, Seconds, Settings, Versions, run, subjects_of
from tidegate.simulation.world import renew_stock, service_chosen

SHOWN = 12


@click.command(
    help=text(
        "用一份草稿和线上的规则集判定同一批事实，看有什么不同。不改变任何东西。\n\n"
        "DRAFT、LIVE 是文件或自带规则集的名称。事实为 JSON lines，每行一个对象。"
        "退出码：0 全部可用，1 部分行不可用，2 读不了。",
        "Decide the same facts with a draft and with the live set, and see what differs. "
        "Nothing is changed.\n\nDRAFT and LIVE are files or names of shipped sets. Facts are "
        "JSON lines, one object a line. Exit code: 0 all usable, 1 some lines unusable, "
        "2 unreadable.",
    )
)
@click.argument("draft")
@click.option(
    "--against", "live", required=True, metavar="LIVE", help=text("线上的规则集。", "The live set.")
)
@click.option(
    "--facts",
    required=True,
    metavar="FILE.jsonl",
    type=click.Path(path_type=Path),
    help=text("事实文件。", "The fact file."),
)
@click.option(
    "--now",
    metavar="ISO",
    help=text(
        "判定时刻；不写则为现在。", "The instant at which all are judged; default: the present."
    ),
)
@click.option("--timezone", default="Asia/Shanghai", show_default=True,
              help=text("店铺时区。", "The shop's time zone."))  # fmt: skip
@click.option("--currency", default="CNY", show_default=True,
              help=text("没写币种的金额的币种。", "Currency of bare amounts."))  # fmt: skip
@click.option(
    "--key",
    default="order.number",
    show_default=True,
    help=text("给人看的编号取自哪个事实。", "The fact that names a subject in the examples."),
)
@click.option("--examples", default=20, show_default=True, type=click.IntRange(0, 10_000),
              help=text("每种变化列出几个。", "How many of each move are named."))  # fmt: skip
@click.option(
    "--resources",
    metavar="FILE.json",
    type=click.Path(path_type=Path),
    help=text(
        '开始时的库存和运力，如 {"item.available": {"SKU-1": 40}}；给出后按顺序判定并逐单扣减。',
        'Stock and capacity to begin with, such as {"item.available": {"SKU-1": 40}}; when given, '
        "subjects are judged in order and use it up.",
    ),
)
@click.option("--workers", type=click.IntRange(1, 64), default=None,
              help=text("进程数；默认为处理器数。", "Processes; default: one a core."))  # fmt: skip
@click.option(
    "--vocabulary",
    type=click.Path(path_type=Path, dir_okay=False),
    help=text("数据字典。", "The data dictionary."),
)
@click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
@click.pass_context
def simulate(
    context: click.Context,
    draft: str,
    live: str,
    facts: Path,
    now: str | None,
    timezone: str,
    currency: str,
    key: str,
    examples: int,
    resources: Path | None,
    workers: int | None,
    vocabulary: Path | None,
    as_json: bool,
) -> None:
    """One tally over the whole file."""
    lang = language()
    start = time.perf_counter()
    try:
        zone(timezone)
        instant = instant_of(now) if now else datetime.now(UTC)
        settings = Settings(instant, timezone, currency, examples, key)
        versions = _versions(context, (live, draft), vocabulary, as_json, lang)
        amounts = _amounts(resources) if resources else None
        size = _size(facts)
        stderr = sys.stderr
        label = text("模拟", "Simulating")
        bar_of: Any = click.progressbar  # its overloads ask for an iterable
        with bar_of(length=size, file=stderr, hidden=as_json, label=label) as bar:
            lines = _told(_lines(facts), bar)
            if amounts is None:
                part = run(versions, lines, settings, workers=workers)
            else:
                part = _in_order(versions, lines, settings, amounts)
    except TidegateError as error:
        refuse(context, [error.as_document(lang)], [error.text(lang)], as_json)
    seconds = time.perf_counter() - start
    document = _document(part, seconds, instant, versions)
    if as_json:
        print_json(document)
    else:
        _say(document, facts)
    if part.tally.subjects == 0:
        click.echo(text("文件里没有可用的事实。", "The file holds no usable facts."), err=True)
        context.exit(UNREADABLE)
    context.exit(1 if part.rejected else 0)


def _versions(
    context: click.Context,
    names: tuple[str, str],
    vocabulary: Path | None,
    as_json: bool,
    lang: str,
) -> Versions:
    sets: list[RuleSet] = []
    texts: list[str] = []
    dictionaries: list[str] = []
    for name in names:
        path = find_pack(name)
        pack = read_packs([path], vocabulary)[0]
        if pack.ruleset is None:
            refuse_problems(context, [(pack, problem) for problem in pack.problems], as_json, lang)
        sets.append(pack.ruleset)
        texts.append(pack.file.read_text("utf-8-sig"))
        dictionaries.append((vocabulary or vocabulary_of(pack.file)).read_text("utf-8-sig"))
    if sets[0].gate != sets[1].gate:
        raise InputError(
            "simulation.other_gate",
            zh=f"两个规则集不在同一关口：{sets[0].gate} 与 {sets[1].gate}",
            en=f"The sets belong to different gates: {sets[0].gate} and {sets[1].gate}",
        )
    programs = [compile_set(ruleset) for ruleset in sets]
    return Versions(
        programs[0], programs[1], (texts[0], texts[1]), (dictionaries[0], dictionaries[1])
    )


def _in_order(
    versions: Versions, lines: Iterator[Line], settings: Settings, amounts: dict[str, Any]
) -> Part:
    part = Part(Tally(settings.keep))
    ways = {"choose": service_chosen}
    live, draft = (
        (program, ledger_of(program.ruleset.vocabulary, amounts, renew_stock, ways))
        for program in (versions.live, versions.draft)
    )
    start = time.perf_counter()
    subjects = subjects_of(lines, settings, part)
    part.tally = simulate_in_order(
        (live, draft), subjects, settings.timezone, settings.currency, settings.keep
    )
    part.seconds = Seconds(evaluating=time.perf_counter() - start)
    return part


def _amounts(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8-sig"), parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise InputError(
            "simulation.resources_unreadable",
            zh=f"读不了 {path}：{error}",
            en=f"{path} can't be read: {error}",
            path=path,
        ) from error
    if not isinstance(found, dict):
        raise InputError(
            "simulation.resources_shape",
            zh=f"{path} 应为一个对象",
            en=f"{path} should hold one object",
            path=path,
        )
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(
            "facts.unreadable",
            zh=f"{path} 读不了（{error.strerror}）；检查路径",
            en=f"{path} can't be read ({error.strerror}); check the path",
            path=path,
        ) from error


def _lines(path: Path) -> Iterator[Line]:
    """Numbered lines that hold something; a byte order mark is passed over."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            raw = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if raw.strip():
                yield number, raw


def _told(lines: Iterator[Line], bar: Any) -> Iterator[Line]:
    """The lines, while the bar is told how far the file is read."""
    waiting = 0
    for number, raw in lines:
        waiting += len(raw)
        if waiting > 200_000:
            bar.update(waiting)
            waiting = 0
        yield number, raw
    bar.update(waiting)


def _document(part: Part, seconds: float, now: datetime, versions: Versions) -> dict[str, Any]:
    live, draft = versions.live.ruleset, versions.draft.ruleset
    spent = part.seconds
    return {
        "live": {"id": live.id, "hash": live.hash},
        "draft": {"id": draft.id, "hash": draft.hash},
        "now": now.isoformat(),
        "read": part.tally.subjects + part.rejected,
        "rejected": part.rejected,
        "rejected_lines": [{"line": n, "message": reason} for n, reason in part.reasons],
        **part.tally.as_document(),
        "seconds": round(seconds, 3),
        "spent": {
            "reading": round(spent.reading, 3),
            "evaluating": round(spent.evaluating, 3),
            "comparing": round(spent.comparing, 3),
        },
    }


def _say(document: dict[str, Any], facts: Path) -> None:
    subjects, changed = document["subjects"], document["changed"]
    click.echo(
        text(
            f"读取 {document['read']}，判定 {subjects}，不可用 {document['rejected']}；"
            f"结果不同 {changed}；用时 {document['seconds']} 秒",
            f"read {document['read']}, judged {subjects}, unusable {document['rejected']}; "
            f"{changed} come out differently; {document['seconds']} s",
        )
    )
    for row in document["outcomes"]["moved"][:SHOWN]:
        click.echo(f"  {row['from']} → {row['to']}: {row['count']}")
    moved_by = [row for row in document["rules"] if row["changed"]]
    for row in sorted(moved_by, key=lambda row: -row["changed"])[:SHOWN]:
        click.echo(
            text(
                f"  规则 {row['rule']}：改变 {row['changed']}，触发 {row['before']} → {row['after']}",
                f"  rule {row['rule']}: changes {row['changed']}, fires {row['before']} → {row['after']}",
            )
        )
    for row in document["examples"][:SHOWN]:
        click.echo(f"  {row['key']}: {row['from']} → {row['to']}")
    for code, count in document["refused"].items():
        zh = f"  判定被拒 {count} 次（{code}）；tidegate rules decide 逐条说明原因"
        en = f"  deciding was refused {count} times ({code}); tidegate rules decide says why, one by one"
        click.echo(text(zh, en), err=True)
    for row in document["rejected_lines"]:
        said = text(
            f"不是一个 JSON 对象（{row['message']}）；检查引号、逗号和括号",
            f"isn't one JSON object ({row['message']}); check quotes, commas and brackets",
        )
        click.echo(f"  {facts}:{row['line']}: {said}", err=True)
