"""`tidegate rules check`: what is wrong or doubtful in rule sets, with an example where it needs one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click

from tidegate.cli.language import language, text
from tidegate.cli.rules_account import Account, problem_document
from tidegate.cli.rules_reading import (
    instant_of,
    packs_of,
    print_json,
    refuse,
    say_nothing_found,
)
from tidegate.engine.checking import ERROR, INFO, WARNING, Finding
from tidegate.engine.checking import check as findings_of
from tidegate.errors import InputError, TidegateError
from tidegate.services.rule_files import FilePack

FINE, FINDINGS = 0, 1
paths_argument = click.argument(
    "paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path)
)
vocabulary_option = click.option("--vocabulary", type=click.Path(path_type=Path, dir_okay=False),
    help=text("数据字典；不写则用规则旁边或上层的 vocabulary.yaml，再没有就用自带的。",
              "The data dictionary; default: vocabulary.yaml beside or above the rules, "
              "else the shipped one."))  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True,
    help=text("输出 JSON。", "Print JSON."))  # fmt: skip


@click.command(
    "check",
    help=text(
        "检查规则集：语法、类型、名称、用例，以及永远不成立、被挡住、互相矛盾的规则和空白；"
        "需要例子的发现都附一张经判定确认的订单。\n\n"
        "PATH 是文件或文件夹，不写则检查生效的规则。"
        "退出码：0 没有错误和警告，1 有错误或警告，2 读不了。",
        "Check rule sets: syntax, types, names, cases, and rules that never fire, are hidden, "
        "contradict each other or leave a gap; a finding that needs an example carries a fact "
        "document on which the evaluator confirmed it.\n\n"
        "PATH is a file or folder; default: the rules in force. Exit code: 0 no error and no "
        "warning, 1 errors or warnings, 2 unreadable.",
    ),
)
@paths_argument
@click.option("--now", metavar="ISO",
              help=text("据此判断哪些规则已过期；不写则不判断。",
                        "The instant that tells which rules are over; default: not asked."))  # fmt: skip
@click.option("--known", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help=text("现有名称的 JSON：{\"service\": [\"SF.standard\"]}，用于找失效引用。",
                        'JSON of the names that exist, {"service": ["SF.standard"]}, to find '
                        "references to what is gone."))  # fmt: skip
@vocabulary_option
@json_option
@click.pass_context
def check_command(
    context: click.Context, paths: tuple[Path, ...], now: str | None, known: Path | None,
    vocabulary: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Every finding of every pack."""
    packs = packs_of(context, paths, vocabulary, as_json)
    account = Account(language())
    try:
        instant = instant_of(now) if now else None
        names = _known(known) if known else None
    except TidegateError as error:
        refuse(context, [error.as_document(account.lang)], [error.text(account.lang)], as_json)
    findings: list[dict[str, object]] = []
    for number, pack in enumerate(packs):
        for problem in pack.problems:
            found = problem_document(pack.problem_file, problem, account.lang)
            findings.append({"severity": ERROR, "rules": [], "witness": None, **found})
            if not as_json:
                account.problem(pack.problem_file, problem)
        for finding in _findings(pack, packs[number + 1 :], instant, names):
            findings.append({"file": str(pack.file), **finding.as_document(account.lang)})
            if not as_json and pack.ruleset is not None:
                account.finding(pack.file, finding, pack.ruleset)
    _summary(packs, findings, as_json)
    say_nothing_found(packs)
    wrong = any(one["severity"] != INFO for one in findings)
    context.exit(FINDINGS if wrong or not packs else FINE)


def _findings(
    pack: FilePack, later: Sequence[FilePack], now: datetime | None,
    known: Mapping[str, Sequence[str]] | None,
) -> Sequence[Finding]:  # fmt: skip
    """A pack's findings; with those of its gate that come after it, so that each pair is compared
    once.
    """
    if pack.ruleset is None:
        return ()
    others = [one.ruleset for one in later if one.ruleset is not None]
    return findings_of(pack.ruleset, pack.cases, others, known=known, now=now)


def _summary(
    packs: Sequence[FilePack], findings: Sequence[Mapping[str, object]], as_json: bool
) -> None:
    errors, warnings, infos = (
        sum(one["severity"] == level for one in findings) for level in (ERROR, WARNING, INFO)
    )
    if as_json:
        document = {"rulesets": len(packs), "errors": errors, "warnings": warnings}
        print_json({**document, "findings": list(findings)})
        return
    said_zh = f"{len(packs)} 个规则集，{errors} 个错误，{warnings} 个警告"
    said = f"{len(packs)} rule sets, {errors} errors, {warnings} warnings"
    rest = (f"，{infos} 条提示", f", {infos} notes") if infos else ("", "")
    click.echo(text(said_zh + rest[0], said + rest[1]))


def _known(path: Path) -> Mapping[str, Sequence[str]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _bad_names(path) from error
    lists = isinstance(found, dict) and all(isinstance(names, list) for names in found.values())
    if not lists:
        raise _bad_names(path)
    return {str(name): [str(one) for one in names] for name, names in found.items()}


def _bad_names(path: Path) -> InputError:
    return InputError(
        "rules.bad_known",
        zh=f'{path} 应为 JSON 对象，参数名对名称列表，如 {{"service": ["SF.standard"]}}。',
        en=f"{path} should be a JSON object of argument names to lists, such as "
        f'{{"service": ["SF.standard"]}}.',
        path=path,
    )
