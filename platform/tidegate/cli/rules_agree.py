"""`tidegate rules agree`: the publish gate by hand, for sets that live in git."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from tidegate.cli.fact_files import read_facts
from tidegate.cli.language import language, text
from tidegate.cli.rules_reading import instant_of, one_set, print_json, refuse
from tidegate.engine.clock import zone
from tidegate.engine.gate import MUTATIONS, agree
from tidegate.errors import TidegateError


@click.command(
    "agree",
    help=text(
        "发布闸门：用两个求值器判定真实事实及其变体，结论必须一致。\n\n"
        "退出码：0 一致，1 不一致，2 读不了。",
        "The publish gate: both evaluators judge real facts and changed copies of them, and must "
        "agree.\n\nExit code: 0 they agree, 1 they differ, 2 unreadable.",
    ),
)
@click.argument("ruleset")
@click.option("--facts", required=True, metavar="FILE",
              help=text("事实文件，- 为标准输入。", "Fact file, - is standard input."))  # fmt: skip
@click.option("--now", metavar="ISO",
              help=text("判定时刻；不写则为现在。", "The instant; default: the present."))  # fmt: skip
@click.option("--timezone", default="Asia/Shanghai", show_default=True,
              help=text("店铺时区。", "The shop's time zone."))  # fmt: skip
@click.option("--currency", default="CNY", show_default=True,
              help=text("没写币种的金额的币种。", "Currency of bare amounts."))  # fmt: skip
@click.option("--seed", default=0, show_default=True,
              help=text("变体分配的随机种子。", "Seed that deals the copies to subjects."))  # fmt: skip
@click.option("--mutations", default=MUTATIONS, show_default=True, type=click.IntRange(0),
              help=text("最多多少个变体。", "How many changed copies at most."))  # fmt: skip
@click.option("--vocabulary", type=click.Path(path_type=Path, dir_okay=False),
              help=text("数据字典。", "The data dictionary."))  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
@click.pass_context
def agree_command(
    context: click.Context,
    ruleset: str,
    facts: str,
    now: str | None,
    timezone: str,
    currency: str,
    seed: int,
    mutations: int,
    vocabulary: Path | None,
    as_json: bool,
) -> None:
    """Judge a file of facts and its copies twice."""
    lang = language()
    try:
        found = one_set(context, ruleset, vocabulary, as_json, lang)
        instant = instant_of(now) if now else datetime.now(UTC)
        zone(timezone)
        given = read_facts(facts)
    except TidegateError as error:
        refuse(context, [error.as_document(lang)], [error.text(lang)], as_json)
    usable = [subject for subject in given.subjects if subject.error is None]
    report = agree(
        found, [(subject.facts, instant) for subject in usable], seed=seed, timezone=timezone,
        currency=currency, mutations=mutations,
    )  # fmt: skip
    failures = [
        {"subject": usable[one.subject].place, "fact": one.fact, "part": one.difference.part}
        for one in report.failures
    ]
    if as_json:
        document = {"real": report.real, "mutated": report.mutated, "failures": failures}
        print_json({**document, "unusable": len(given.subjects) - len(usable)})
    else:
        click.echo(
            text(
                f"真实 {report.real}，变体 {report.mutated}，不一致 {len(failures)}",
                f"{report.real} real, {report.mutated} changed copies, {len(failures)} differ",
            )
        )
        for one in failures[:20]:
            click.echo(f"  {one['subject']} {one['fact']}: {one['part']}")
    context.exit(0 if report.passed else 1)
