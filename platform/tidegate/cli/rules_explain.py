"""`tidegate rules explain` and `rules next`: why, what would change it, and when it can change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from tidegate.cli.fact_files import Subject, read_facts
from tidegate.cli.language import language, text
from tidegate.cli.rules_reading import instant_of, one_set, print_json, refuse
from tidegate.engine.changes import changes
from tidegate.engine.clock import zone
from tidegate.engine.compiled import compile_set
from tidegate.engine.decisions import FIRED, Decision
from tidegate.engine.explain import near_misses, why_not
from tidegate.engine.reference import evaluate, next_change
from tidegate.engine.rulesets import RuleSet
from tidegate.errors import InputError, TidegateError

SHOWN = 5  # near misses named in the text output, those with most conditions first
facts_option = click.option("--facts", required=True, metavar="FILE",
    help=text("一个事实对象的文件，- 为标准输入。", "A file with one fact object, - is standard input."))  # fmt: skip
timezone_option = click.option("--timezone", default="Asia/Shanghai", show_default=True,
    help=text("店铺时区。", "The shop's time zone."))  # fmt: skip
currency_option = click.option("--currency", default="CNY", show_default=True,
    help=text("没写币种的金额的币种。", "Currency of bare amounts."))  # fmt: skip
vocabulary_option = click.option("--vocabulary", type=click.Path(path_type=Path, dir_okay=False),
    help=text("数据字典。", "The data dictionary."))  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True,
    help=text("输出 JSON。", "Print JSON."))  # fmt: skip


@click.command(
    help=text(
        "解释一次判定：哪条规则触发，别的规则差在哪里，以及改哪一两个事实能得到想要的结果。\n\n"
        "想要的结果写作 approve、use_service:SF.standard，或 !hold（不要 hold）。"
        "退出码：0 有办法或本来如此，1 没有办法，2 读不了。",
        "Explain a decision: which rules fired, where the others stopped, and which one or two facts "
        "would give the outcome you want.\n\nAn outcome is approve, use_service:SF.standard, or "
        "!hold (anything but hold). Exit code: 0 there is a way or it is so already, 1 there is "
        "none, 2 unreadable.",
    )
)
@click.argument("ruleset")
@facts_option
@click.option("--want", required=True, metavar="ACTION",
              help=text("想要的结果。", "The outcome that is wanted."))  # fmt: skip
@click.option("--now", metavar="ISO",
              help=text("判定时刻；不写则为现在。", "The instant; default: the present."))  # fmt: skip
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000),
              help=text("最多列出几种改法。", "How many ways are listed."))  # fmt: skip
@timezone_option
@currency_option
@vocabulary_option
@json_option
@click.pass_context
def explain(
    context: click.Context,
    ruleset: str,
    facts: str,
    want: str,
    now: str | None,
    limit: int,
    timezone: str,
    currency: str,
    vocabulary: Path | None,
    as_json: bool,
) -> None:
    """Why, why not, and what would change it."""
    lang = language()
    try:
        found = one_set(context, ruleset, vocabulary, as_json, lang)
        instant = instant_of(now) if now else datetime.now(UTC)
        zone(timezone)
        given = _one_subject(facts).facts
        decision = evaluate(found, given, instant, timezone, currency=currency)
        program = compile_set(found)
        answer = changes(
            found, given, instant, want, timezone, currency=currency, limit=limit,
            decide=lambda doc: program.decide(doc, instant, timezone, currency=currency),
        )  # fmt: skip
    except TidegateError as error:
        refuse(context, [error.as_document(lang)], [error.text(lang)], as_json)
    document = {
        "now": instant.astimezone(zone(timezone)).isoformat(),
        **answer.as_document(lang),
        **_explained(decision, lang),
    }
    if as_json:
        print_json(document)
    else:
        _say(document, found, lang)
    context.exit(0 if answer.holds or answer.total else 1)


@click.command(
    "next",
    help=text(
        "下一个结论可能改变的时刻：从规则里的时间条件算出，事实不变。没有则为空。",
        "The next instant at which the answer can change while the facts stay the same, from the "
        "time conditions of the set; empty when there is none.",
    ),
)
@click.argument("ruleset")
@facts_option
@click.option("--now", required=True, metavar="ISO",
              help=text("从哪个时刻算起。", "The instant from which to look."))  # fmt: skip
@timezone_option
@currency_option
@vocabulary_option
@json_option
@click.pass_context
def next_command(
    context: click.Context,
    ruleset: str,
    facts: str,
    now: str,
    timezone: str,
    currency: str,
    vocabulary: Path | None,
    as_json: bool,
) -> None:
    """When the answer can change next."""
    lang = language()
    try:
        found = one_set(context, ruleset, vocabulary, as_json, lang)
        instant = instant_of(now)
        where = zone(timezone)
        given = _one_subject(facts).facts
        at = next_change(found, given, instant, timezone, currency=currency)
    except TidegateError as error:
        refuse(context, [error.as_document(lang)], [error.text(lang)], as_json)
    shown = at.astimezone(where).isoformat() if at else None
    if as_json:
        print_json({"at": shown})
    else:
        click.echo(shown or text("不会随时间改变。", "Time alone changes nothing."))


def _one_subject(name: str) -> Subject:
    """The one document of a file. Raises InputError."""
    given = read_facts(name)
    if len(given.subjects) != 1:
        raise InputError(
            "facts.one",
            zh=f"{name} 里有 {len(given.subjects)} 个对象；这个命令一次只看一个",
            en=f"{name} holds {len(given.subjects)} objects; this command looks at one at a time",
            count=len(given.subjects),
        )
    subject = next(iter(given.subjects))
    if subject.error:
        raise subject.error
    return subject


def _explained(decision: Decision, lang: str) -> dict[str, Any]:
    near = {one.rule: one.leaf for one in near_misses(decision)}
    stopped = []
    for trace in decision.rules:
        reason = why_not(decision, trace.rule.id)
        if reason.cause == "fired":
            continue
        entry: dict[str, Any] = {"rule": trace.rule.id, "cause": reason.cause}
        if reason.leaf:
            entry["leaf"] = decision.leaf(reason.leaf, lang)
        if reason.by:
            entry |= {"by": reason.by.by, "reason": reason.by.reason}
        stopped.append(entry)
    return {
        "actions": [outcome.as_document() for outcome in decision.actions],
        "fired": [trace.rule.id for trace in decision.rules if trace.result == FIRED],
        "why_not": stopped,
        "near_misses": [
            {"rule": rule, "leaf": decision.leaf(leaf, lang)} for rule, leaf in near.items()
        ],
        "missing": list(decision.missing),
    }


def _say(document: dict[str, Any], ruleset: RuleSet, lang: str) -> None:
    titles = {rule.id: rule.title["zh" if lang == "zh" else "en"] for rule in ruleset.rules}
    said = ", ".join(_outcome(one, ruleset, lang) for one in document["actions"]) or "-"
    click.echo(text(f"结论：{said}", f"Outcome: {said}"))
    for rule in document["fired"]:
        click.echo(text(f"  触发：{titles[rule]}（{rule}）", f"  fired: {titles[rule]} ({rule})"))
    leaves = {rule.id: len(rule.leaves) for rule in ruleset.rules}
    near = sorted(document["near_misses"], key=lambda one: -leaves[one["rule"]])
    for one in near[:SHOWN]:
        leaf = one["leaf"]["sentence"]
        zh, en = (
            f"  只差一条：{titles[one['rule']]}（{one['rule']}）：{leaf}",
            f"  one condition away: {titles[one['rule']]} ({one['rule']}): {leaf}",
        )
        click.echo(text(zh, en))
    if len(near) > SHOWN:
        more = len(near) - SHOWN
        click.echo(
            text(f"  另有 {more} 条规则只差一条", f"  {more} more rules are one condition away")
        )
    if document["holds"]:
        click.echo(text("已经是想要的结果。", "It is the wanted outcome already."))
        return
    count = document["total"]
    click.echo(
        text(f"得到 {document['want']} 的办法：{count}", f"Ways to {document['want']}: {count}")
    )
    for sentence in document["sentences"]:
        click.echo(f"  {sentence}")
    if not document["complete"]:
        doubts = "; ".join(document["doubts"])
        click.echo(
            text(f"可能还有别的办法：{doubts}", f"There may be others, because of: {doubts}")
        )


def _outcome(outcome: Mapping[str, Any], ruleset: RuleSet, lang: str) -> str:
    """`转人工：未付清（hold）`: an action by its title, with its main argument and its id."""
    action = ruleset.vocabulary.actions[outcome["action"]]
    title, main = action.title[lang], outcome["args"].get(action.main)
    if main is not None:
        title += text("：", ": ") + ruleset.vocabulary.reason(str(main), lang)
    return text(f"{title}（{action.id}）", f"{title} ({action.id})")
