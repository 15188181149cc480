"""`tidegate rules`: check, test, try and read rule sets, without database or clock; the releases beside it
(rules_releases) are those of the workshop.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tidegate.cli.fact_files import read_facts
from tidegate.cli.language import language, text
from tidegate.cli.lazy import LazyGroup
from tidegate.cli.rules_account import Account, problem_document, ruleset_document
from tidegate.cli.rules_reading import (
    UNREADABLE,
    JsonList,
    decided,
    hint_at_names,
    in_force,
    instant_of,
    judge_of,
    one_set,
    packs_of,
    placed,
    print_json,
    refuse,
    refuse_problems,
    say_nothing_found,
)
from tidegate.engine.cases import run_cases
from tidegate.engine.clock import zone
from tidegate.engine.decisions import Decision
from tidegate.errors import TidegateError
from tidegate.services.rule_files import find_pack, read_packs

FINE, FINDINGS = 0, 1

paths_argument = click.argument(
    "paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path)
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON.")
)
vocabulary_option = click.option(
    "--vocabulary",
    type=click.Path(path_type=Path, dir_okay=False),
    help=text(
        "数据字典；不写则用规则旁边或上层的 vocabulary.yaml，再没有就用自带的。",
        "The data dictionary; default: vocabulary.yaml beside or above the rules, "
        "else the shipped one.",
    ),
)


LATER = {
    "agree": "tidegate.cli.rules_agree:agree_command",
    "check": "tidegate.cli.rules_check:check_command",
    "explain": "tidegate.cli.rules_explain:explain",
    "export": "tidegate.cli.rules_exchange:export_rules",
    "import": "tidegate.cli.rules_exchange:import_rules",
    "mutants": "tidegate.cli.rules_tests:mutants_command",
    "next": "tidegate.cli.rules_explain:next_command",
    "propose": "tidegate.cli.rules_tests:propose_command",
    "publish": "tidegate.cli.rules_releases:publish",
    "pull": "tidegate.cli.rules_releases:pull",
    "push": "tidegate.cli.rules_releases:push",
    "roll-back": "tidegate.cli.rules_releases:roll_back",
    "simulate": "tidegate.cli.rules_simulate:simulate",
    "versions": "tidegate.cli.rules_releases:versions",
}


@click.group(
    cls=LazyGroup,
    later=LATER,
    help=text("检查、测试、试算、查看规则。", "Check, test, try and read rules."),
)
def rules() -> None:
    """Group of rule commands."""


@rules.command(
    help=text(
        "运行规则集的用例。\n\n"
        "PATH 是文件或文件夹，不写则测试生效的规则。"
        "退出码：0 全部通过，1 有失败或一个用例也没有，2 读不了。",
        "Run the cases of rule sets.\n\n"
        "PATH is a file or folder; default: the rules in force. Exit code: 0 all pass, "
        "1 a failure or no case at all, 2 unreadable.",
    )
)
@paths_argument
@vocabulary_option
@json_option
@click.pass_context
def test(
    context: click.Context, paths: tuple[Path, ...], vocabulary: Path | None, as_json: bool
) -> None:
    """Every case of every pack."""
    packs = packs_of(context, paths, vocabulary, as_json)
    account = Account(language())
    cases: list[dict[str, Any]] = []
    problems: list[dict[str, object]] = []
    for pack in packs:
        file = pack.tests or pack.file
        for result in run_cases(pack.ruleset, pack.cases) if pack.ruleset else ():
            shown = result.as_document(account.lang)
            cases.append(
                {"ruleset": pack.ruleset.id if pack.ruleset else "", "file": str(file), **shown}
            )
            if not (as_json or result.passed):
                said = [difference.text(account.lang) for difference in result.differences]
                account.failed(file, result.case.name, result.case.line, said)
        for problem in pack.problems:
            problems.append(problem_document(pack.problem_file, problem, account.lang))
            if not as_json:
                account.problem(pack.problem_file, problem)
    passed = sum(case["passed"] for case in cases)
    failed = len(cases) - passed
    if as_json:
        print_json({"passed": passed, "failed": failed, "cases": cases, "problems": problems})
    else:
        click.echo(
            text(f"{passed} 个用例通过，{failed} 个失败", f"{passed} cases passed, {failed} failed")
        )
    if not cases:
        click.echo(
            text(
                "没有任何用例；没有测试的规则不算通过。",
                "There is no case; untested rules don't pass.",
            ),
            err=True,
        )
    context.exit(FINDINGS if failed or problems or not cases else FINE)


@rules.command(
    help=text(
        "用一个规则集试算事实，不读数据库。\n\n"
        "RULESET 是文件，或自带规则集的名称（如 review）。"
        "事实为一个 JSON 对象、对象列表，或 JSON lines（.jsonl）；- 为标准输入。"
        "一个对象列出每条规则，多个对象只列出触发和落败的规则。"
        "退出码：0 已判定，1 部分事实不可用，2 读不了。",
        "Decide facts with one rule set, without a database.\n\n"
        "RULESET is a file, or the name of a shipped set (such as review). Facts are one JSON "
        "object, a list of them, or JSON lines (.jsonl); - is standard input. One object is answered "
        "with every rule, several with the rules that fired or lost. "
        "Exit code: 0 decided, 1 some facts unusable, 2 unreadable.",
    )
)
@click.argument("ruleset")
@click.option(
    "--facts",
    required=True,
    metavar="FILE",
    help=text("事实文件，- 为标准输入。", "Fact file, - is standard input."),
)
@click.option(
    "--now",
    required=True,
    metavar="ISO",
    help=text(
        "判定时刻，如 2026-11-11T09:00:00+08:00。",
        "The instant, such as 2026-11-11T09:00:00+08:00.",
    ),
)
@click.option(
    "--timezone",
    default="Asia/Shanghai",
    show_default=True,
    help=text("店铺时区。", "The shop's time zone."),
)
@click.option(
    "--currency",
    default="CNY",
    show_default=True,
    help=text("没写币种的金额的币种。", "Currency of bare amounts."),
)
@click.option(
    "--lang",
    type=click.Choice(["zh", "en"]),
    default=None,
    help=text("标题和句子的语言。", "Language of titles and sentences."),
)
@vocabulary_option
@json_option
@click.pass_context
def decide(
    context: click.Context,
    ruleset: str,
    facts: str,
    now: str,
    timezone: str,
    currency: str,
    lang: str | None,
    vocabulary: Path | None,
    as_json: bool,
) -> None:
    """One decision per subject."""
    chosen = lang or language()
    try:
        found = one_set(context, ruleset, vocabulary, as_json, chosen)
        instant = instant_of(now)
        given = read_facts(facts)
        zone(timezone)
    except TidegateError as error:
        refuse(context, [error.as_document(chosen)], [error.text(chosen)], as_json)
    judge = judge_of(found, instant, timezone, currency, given.many)
    refused = False
    account = Account(chosen)
    with JsonList(as_json and given.many) as listed:
        for subject in given.subjects:
            answer = decided(subject, judge)
            hint_at_names(subject, found, chosen)
            if isinstance(answer, Decision):
                document = answer.as_document(chosen)
                if not as_json:
                    account.decision(answer)
            else:
                refused = True
                document = {"problems": [{"place": subject.place, **answer.as_document(chosen)}]}
                click.echo(f"{subject.place}: {answer.text(chosen)} [{answer.code}]", err=True)
            if as_json and not given.many:
                print_json(document)
            listed.add(document)
    if refused:
        context.exit(FINDINGS if given.many else UNREADABLE)


@rules.command(
    help=text(
        "查看规则集：参数、规则的整句和理由。RULESET 是自带规则集的名称，或文件、文件夹。",
        "Read rule sets: parameters, each rule as a sentence and why. "
        "RULESET is the name of a shipped set, a file or a folder.",
    )
)
@click.argument("ruleset", required=False)
@vocabulary_option
@json_option
@click.pass_context
def show(
    context: click.Context, ruleset: str | None, vocabulary: Path | None, as_json: bool
) -> None:
    """One document for a file or a name, a list for a folder."""
    account = Account(language())
    try:
        path = find_pack(ruleset) if ruleset else in_force()
        packs = read_packs([path], vocabulary)
    except TidegateError as error:
        refuse(context, [error.as_document(account.lang)], [error.text(account.lang)], as_json)
    broken = [(pack, problem) for pack in packs for problem in pack.problems]
    if broken and not path.is_dir():
        refuse_problems(context, broken, as_json, account.lang)
    documents = []
    for pack in packs:
        if pack.ruleset:
            documents.append(
                ruleset_document(pack.ruleset, pack.file, len(pack.cases), account.lang)
            )
            if not as_json:
                account.ruleset(pack.ruleset, len(pack.cases))
    if as_json:
        print_json(documents if path.is_dir() else documents[0])
    for pack, problem in broken:
        click.echo(
            placed(pack, problem_document(pack.problem_file, problem, account.lang)), err=True
        )
    say_nothing_found(packs)
    context.exit(FINDINGS if broken or not packs else FINE)
