"""What the `rules` commands read, and how they refuse what can't be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import click

from tidegate.cli.fact_files import Subject, strange_facts
from tidegate.cli.language import language, text
from tidegate.cli.rules_account import problem_document
from tidegate.engine.compiled import compile_set
from tidegate.engine.decisions import Decision
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import parse_instant
from tidegate.errors import InputError, TidegateError
from tidegate.services.rule_files import FilePack, find_pack, read_packs
from tidegate.services.rulebook import shipped_rules
from tidegate.settings import Settings

UNREADABLE = 2


def in_force() -> Path:
    return Settings.from_environment().rules_dir or shipped_rules()


def packs_of(
    context: click.Context, paths: Sequence[Path], vocabulary: Path | None, as_json: bool
) -> list[FilePack]:
    try:
        return read_packs(list(paths) or [in_force()], vocabulary)
    except TidegateError as error:
        refuse(context, [error.as_document(language())], [error.text(language())], as_json)


def one_set(
    context: click.Context, name: str, vocabulary: Path | None, as_json: bool, lang: str
) -> RuleSet:
    """The one set a command works with."""
    path = find_pack(name)
    if path.is_dir():
        raise InputError(
            "rules.one_file",
            zh=f"{name} 是文件夹；试算要指明一个规则集文件。",
            en=f"{name} is a folder; name one rule-set file to decide with.",
            path=name,
        )
    pack = read_packs([path], vocabulary)[0]
    if pack.ruleset is None:
        refuse_problems(context, [(pack, problem) for problem in pack.problems], as_json, lang)
    return pack.ruleset


def instant_of(raw: str) -> datetime:
    try:
        return parse_instant(raw)
    except ValueError as error:
        raise InputError(
            "time.invalid",
            zh=f"--now {raw} 不是带时区偏移的时刻；例如 2026-11-11T09:00:00+08:00。",
            en=f"--now {raw} isn't an instant with its offset; write 2026-11-11T09:00:00+08:00.",
            now=raw,
        ) from error


Judge = Callable[[Mapping[str, Any]], Decision]


def judge_of(ruleset: RuleSet, now: datetime, timezone: str, currency: str, many: bool) -> Judge:
    """One subject is judged with the trace of every rule; many by the compiled set, with the
    traces of the rules that fired or lost (of 5,000 rules hundreds come close to an order).
    """
    if not many:
        return lambda facts: evaluate(ruleset, facts, now, timezone, currency=currency)
    program = compile_set(ruleset)

    def judge(facts: Mapping[str, Any]) -> Decision:
        ruling = program.decide(facts, now, timezone, currency=currency)
        lost = (one.outcome.rule for one in ruling.overridden)
        return ruling.traced({*ruling.fired, *lost})

    return judge


def decided(subject: Subject, judge: Judge) -> Decision | TidegateError:
    if subject.error:
        return subject.error
    try:
        return judge(subject.facts)
    except TidegateError as error:
        return error


class JsonList:
    """A list printed member by member, as `print_json` would print it whole; nothing when not
    `shown`.
    """

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._before = "["

    def __enter__(self) -> JsonList:
        return self

    def add(self, member: object) -> None:
        if self._shown:
            said = json.dumps(member, ensure_ascii=False, indent=1).replace("\n", "\n ")
            click.echo(f"{self._before}\n {said}", nl=False)
            self._before = ","

    def __exit__(self, *failed: object) -> None:
        if self._shown:
            click.echo("[]" if self._before == "[" else "\n]")


def hint_at_names(subject: Subject, ruleset: RuleSet, lang: str) -> None:
    for zh, en in strange_facts(subject.facts, ruleset):
        click.echo(f"{subject.place}: {zh if lang == 'zh' else en}", err=True)


def print_json(document: object) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=1))


def say_nothing_found(packs: Sequence[FilePack]) -> None:
    if not packs:
        said = text(
            "没有找到规则集；规则集文件以 tidegate: ruleset/1 开头。",
            "No rule set found; one begins with tidegate: ruleset/1.",
        )
        click.echo(said, err=True)


def refuse(
    context: click.Context, problems: list[dict[str, object]], sentences: list[str], as_json: bool
) -> NoReturn:
    if as_json:
        print_json({"problems": problems})
    for sentence in sentences:
        click.echo(sentence, err=True)
    context.exit(UNREADABLE)


def refuse_problems(
    context: click.Context, broken: Sequence[tuple[FilePack, Any]], as_json: bool, lang: str
) -> NoReturn:
    documents = [problem_document(pack.problem_file, problem, lang) for pack, problem in broken]
    sentences = [placed(pack, found) for (pack, _), found in zip(broken, documents, strict=True)]
    refuse(context, documents, sentences, as_json)


def placed(pack: FilePack, found: dict[str, object]) -> str:
    return f"{pack.problem_file}:{found['line']}:{found['column']}: {found['message']}"
