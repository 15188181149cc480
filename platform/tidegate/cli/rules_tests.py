"""`tidegate rules mutants` and `rules propose`: what the tests of a set would not notice, and tests for it."""

from __future__ import annotations

import io
from pathlib import Path

import click
from ruamel.yaml import YAML

from tidegate.cli.language import language, text
from tidegate.cli.rules_reading import print_json, refuse, refuse_problems
from tidegate.engine.mutation import mutants
from tidegate.engine.proposals import LIMIT, proposals
from tidegate.engine.rulesets import Case, RuleSet
from tidegate.errors import TidegateError
from tidegate.services.rule_files import find_pack, read_packs

vocabulary_option = click.option("--vocabulary", type=click.Path(path_type=Path, dir_okay=False),
    help=text("数据字典。", "The data dictionary."))  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True,
    help=text("输出 JSON。", "Print JSON."))  # fmt: skip


@click.command(
    "mutants",
    help=text(
        "变异检查：改动一个门槛、运算符、条件、参数或动作，看有没有用例发现。\n\n"
        "退出码：0 都会被发现，1 有没人发现的，2 读不了。",
        "Mutation check: change a threshold, an operator, a condition, a parameter or an action, and see "
        "whether a case notices.\n\nExit code: 0 all are noticed, 1 some are not, 2 unreadable.",
    ),
)
@click.argument("ruleset")
@vocabulary_option
@json_option
@click.pass_context
def mutants_command(
    context: click.Context, ruleset: str, vocabulary: Path | None, as_json: bool
) -> None:
    """Every mutant that no case notices."""
    lang = language()
    found, cases = _with_cases(context, ruleset, vocabulary, as_json)
    survey = mutants(found, cases)
    if as_json:
        print_json(
            {
                "tried": survey.tried,
                "complete": survey.complete,
                "mutants": [one.as_document(lang) for one in survey.survivors],
            }
        )
    else:
        for one in survey.survivors:
            click.echo(one.text(lang))
        count = len(survey.survivors)
        click.echo(
            text(
                f"试了 {survey.tried} 处改动，{count} 处没有用例发现",
                f"{survey.tried} changes tried, {count} not noticed by any case",
            )
        )
        if not survey.complete:
            click.echo(text("没有试完；规则集太大", "Not all were tried; the set is too large"))
    context.exit(1 if survey.survivors else 0)


@click.command(
    "propose",
    help=text(
        "建议用例：没测到的规则、门槛两侧、会同时成立的规则。输出可直接粘贴到 tests: 下面；"
        "期望值是现在的结论，请核对是否是想要的。",
        "Propose tests: for rules that are not covered, both sides of thresholds, rules that hold "
        "together. The output can be pasted under tests:; what it expects is what happens now, so "
        "check that it is what you want.",
    ),
)
@click.argument("ruleset")
@click.option("--limit", default=LIMIT, show_default=True, type=click.IntRange(1, 5_000),
              help=text("最多几个。", "How many at most."))  # fmt: skip
@vocabulary_option
@json_option
@click.pass_context
def propose_command(
    context: click.Context, ruleset: str, limit: int, vocabulary: Path | None, as_json: bool
) -> None:
    """Cases that are missing."""
    found, cases = _with_cases(context, ruleset, vocabulary, as_json)
    made = proposals(found, cases, limit)
    documents = [one.as_document() for one in made]
    if as_json:
        kinds = [{"kind": one.kind, "rules": list(one.rules)} for one in made]
        print_json({"proposals": [{**k, "test": d} for k, d in zip(kinds, documents, strict=True)]})
        return
    out = io.StringIO()
    dumper = YAML(typ="safe", pure=True)
    dumper.default_flow_style = None
    dumper.allow_unicode = True
    dumper.width = 120
    dumper.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    dumper.dump({"tests": documents}, out)
    click.echo(out.getvalue(), nl=False)


def _with_cases(
    context: click.Context, name: str, vocabulary: Path | None, as_json: bool
) -> tuple[RuleSet, tuple[Case, ...]]:
    lang = language()
    try:
        pack = read_packs([find_pack(name)], vocabulary)[0]
    except TidegateError as error:
        refuse(context, [error.as_document(lang)], [error.text(lang)], as_json)
    if pack.ruleset is None:
        refuse_problems(context, [(pack, problem) for problem in pack.problems], as_json, lang)
    return pack.ruleset, pack.cases
