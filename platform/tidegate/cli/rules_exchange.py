"""`tidegate rules import` and `export`: rule sets from and to DMN, GoRules and spreadsheets.

Pure: files in, files out.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from tidegate.cli.language import language, text
from tidegate.cli.rules_reading import one_set, print_json, refuse
from tidegate.engine.clock import zone
from tidegate.engine.problems import RuleProblems
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.sourced import read_yaml
from tidegate.engine.vocabulary import load_vocabulary
from tidegate.engine.writing import write
from tidegate.engine.yaml_text import yaml_text
from tidegate.errors import InputError, TidegateError
from tidegate.interchange.dmn_writing import write_dmn
from tidegate.interchange.importing import import_file
from tidegate.interchange.naming import mapping_of
from tidegate.interchange.options import Options
from tidegate.interchange.remarks import ERROR, Exported, Imported, Remark
from tidegate.interchange.workbook_writing import write_workbook
from tidegate.services.rule_files import find_pack, read_packs, vocabulary_of

FINE, LEFT_OUT = 0, 1
MAX_BYTES = 32 << 20  # what is read at all; the formats have their own, lower limits
vocabulary_option = click.option(
    "--vocabulary",
    type=click.Path(path_type=Path, dir_okay=False),
    help=text(
        "数据字典；不写则用规则旁边或上层的 vocabulary.yaml，再没有就用自带的。",
        "The data dictionary; default: vocabulary.yaml beside or above the rules, "
        "else the shipped one.",
    ),
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON.")
)


@click.command(
    "import",
    help=text(
        "把 DMN（.dmn）、GoRules（.json）或表格（.xlsx、.tsv，- 为标准输入）里的决策表变成规则集，输出 YAML。\n\n"
        "放不进来的逐格说明。退出码：0 全部导入，1 有没导入的，2 读不了。",
        "Make a rule set of the decision tables in a DMN file (.dmn), a GoRules graph (.json) or "
        "a spreadsheet (.xlsx, .tsv, - is standard input), and print it as YAML.\n\n"
        "Whatever can't be carried over is named cell by cell. Exit code: 0 everything carried "
        "over, 1 something left out, 2 unreadable.",
    ),
)
@click.argument("file")
@click.option("--gate", default="review", show_default=True,
              help=text("规则集所在的关口。", "The gate at which the set is asked."))  # fmt: skip
@click.option("--id", "own_id", default="", metavar="ID",
              help=text("规则集的 id；不写则取自文件。", "The set's id; default: from the file."))  # fmt: skip
@click.option(
    "--map",
    "pairs",
    multiple=True,
    metavar="NAME=TARGET",
    help=text(
        "文件里的名称是什么：事实（订单金额=order.total、年龄=custom.age:number）、动作（结论=hold.reason），"
        "或某个结果值对应的动作（结论/通过=approve）；也可以是写着这些的 YAML 文件。可重复。",
        "What a name of the file is: a fact (Total=order.total, Age=custom.age:number), an action "
        "(Status=hold.reason), or the action of one result value (Status/Approved=approve); or a "
        "YAML file that says so. Repeatable.",
    ),
)
@click.option(
    "--action",
    default="",
    help=text(
        "其余结果用哪个动作；不写则用关口的通用动作（set 或 tag）。",
        "The action for all other results; default: the gate's generic one (set or tag).",
    ),
)
@click.option("--currency", default="CNY", show_default=True,
              help=text("没写币种的金额的币种。", "Currency of bare amounts."))  # fmt: skip
@click.option("--timezone", default="Asia/Shanghai", show_default=True,
              help=text("没写时区的时刻的时区。", "Time zone of instants without one."))  # fmt: skip
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="SET.yaml",
    help=text("写到文件，而不是标准输出。", "Write a file instead of standard output."),
)
@vocabulary_option
@json_option
@click.pass_context
def import_rules(
    context: click.Context,
    file: str,
    gate: str,
    own_id: str,
    pairs: tuple[str, ...],
    action: str,
    currency: str,
    timezone: str,
    out: Path | None,
    vocabulary: Path | None,
    as_json: bool,
) -> None:
    """One document, and what is missing from it."""
    lang = language()
    try:
        zone(timezone)
        options = Options(gate, own_id, _targets(pairs), action, currency, timezone)
        known = load_vocabulary(vocabulary or vocabulary_of(Path(file)))
        name, data = _content(file)
        found = import_file(name, data, known, options)
        if out and found.document:
            _write(out, yaml_text(found.document).encode())
    except RuleProblems as error:
        problems = [problem.as_document(lang) for problem in error.problems]
        refuse(context, problems, [error.text(lang)], as_json)
    except TidegateError as error:
        refuse(context, [error.as_document(lang)], [error.text(lang)], as_json)
    if as_json:
        print_json(_imported(found, lang))
    elif out is None and found.document:
        click.echo(yaml_text(found.document), nl=False)
    _tell(found.remarks, lang, as_json)
    said_zh = f"读取 {found.read} 行，导入 {found.accepted} 行，未导入 {found.rejected} 行"
    said_en = f"{found.read} rows read, {found.accepted} accepted, {found.rejected} rejected"
    click.echo(text(said_zh, said_en), err=True)
    context.exit(FINE if found.complete and found.document else LEFT_OUT)


@click.command(
    "export",
    help=text(
        "把规则集写成 DMN、Excel 工作簿或 YAML。RULESET 是文件，或自带规则集的名称。\n\n"
        "退出码：0 全部写出，1 有写不进该格式的规则，2 读不了。",
        "Write a rule set as DMN, as an Excel workbook or as YAML. RULESET is a file, or the name "
        "of a shipped set.\n\nExit code: 0 all rules written, 1 some can't be said in that "
        "format, 2 unreadable.",
    ),
)
@click.argument("ruleset")
@click.option("--to", "kind", required=True, type=click.Choice(["dmn", "xlsx", "yaml"]),
              help=text("格式。", "The format."))  # fmt: skip
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=text("写到哪个文件。", "The file to write."),
)
@vocabulary_option
@json_option
@click.pass_context
def export_rules(
    context: click.Context,
    ruleset: str,
    kind: str,
    out: Path,
    vocabulary: Path | None,
    as_json: bool,
) -> None:
    """One file, with the set's tests inside where the format has room for them."""
    lang = language()
    try:
        found = _with_cases(
            one_set(context, ruleset, vocabulary, as_json, lang), ruleset, vocabulary
        )
        made = _made(found, kind)
        _write(out, made.data)
    except TidegateError as error:
        refuse(context, [error.as_document(lang)], [error.text(lang)], as_json)
    if as_json:
        problems = [remark.as_document(lang) for remark in made.remarks]
        shown = {"file": str(out), "rules": made.rules, "written": made.written}
        print_json({**shown, "problems": problems})
    _tell(made.remarks, lang, as_json)
    said_zh = f"{out}：{made.rules} 条规则，写出 {made.written} 条"
    click.echo(text(said_zh, f"{out}: {made.rules} rules, {made.written} written"), err=True)
    context.exit(FINE if not made.remarks else LEFT_OUT)


def _made(ruleset: RuleSet, kind: str) -> Exported:
    if kind == "dmn":
        return write_dmn(ruleset)
    if kind == "xlsx":
        return write_workbook(ruleset)
    return Exported(write(ruleset).encode(), len(ruleset.rules), len(ruleset.rules))


def _with_cases(ruleset: RuleSet, name: str, vocabulary: Path | None) -> RuleSet:
    """The set with the tests beside its file inside it."""
    pack = read_packs([find_pack(name)], vocabulary)[0]
    return replace(ruleset, cases=pack.cases)


def _imported(found: Imported, lang: str) -> dict[str, Any]:
    return {
        "ruleset": _plain(found.document) if found.document else None,
        "read": found.read,
        "accepted": found.accepted,
        "rejected": found.rejected,
        "problems": [remark.as_document(lang) for remark in found.remarks],
        "inputs": dict(found.names),
    }


def _plain(value: Any) -> Any:
    """The document as JSON; a decimal that JSON would round is text."""
    if isinstance(value, Decimal):
        near = float(value)
        return near if Decimal(str(near)) == value else str(value)
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _tell(remarks: Sequence[Remark], lang: str, as_json: bool) -> None:
    """The account for a person, on stderr; in JSON it stands in `problems`."""
    for remark in () if as_json else remarks:
        mark = "✗" if remark.severity == ERROR else "!"
        click.echo(f"{mark} {remark.text(lang)} [{remark.code}]", err=True)


def _targets(pairs: Sequence[str]) -> dict[str, str]:
    """`--map` options and mapping files together; later ones win."""
    found: dict[str, str] = {}
    for pair in pairs:
        path = Path(pair)
        if "=" not in pair and path.suffix in (".yaml", ".yml", ".json"):
            found |= _mapping_file(path)
            continue
        try:
            found |= mapping_of([pair])
        except ValueError as error:
            raise InputError(
                "interchange.bad_map",
                zh=f"--map {pair} 应写成 名称=目标，如 “订单金额=order.total”，或一个 YAML 文件。",
                en=f'--map {pair} should be NAME=TARGET, such as "Total=order.total", or a YAML file.',
                map=pair,
            ) from error
    return found


def _mapping_file(path: Path) -> dict[str, str]:
    """`Status: tag`, and `Status: {Approved: approve}` for single values."""
    _, data = _content(str(path))
    document = read_yaml(data.decode("utf-8-sig", "replace"), path.name).data
    if not isinstance(document, dict):
        raise InputError(
            "interchange.bad_map",
            zh=f"{path} 应为“名称: 目标”的映射。",
            en=f"{path} should be a mapping of name: target.",
            map=path,
        )
    found: dict[str, str] = {}
    for name, target in document.items():
        values = target.items() if isinstance(target, dict) else ()
        found |= {f"{name}/{value}": str(to) for value, to in values}
        if not isinstance(target, dict):
            found[name] = str(target)
    return found


def _content(file: str) -> tuple[str, bytes]:
    if file == "-":
        return "pasted", sys.stdin.buffer.read(MAX_BYTES)
    try:
        with Path(file).open("rb") as stream:
            return Path(file).name, stream.read(MAX_BYTES)
    except OSError as error:
        raise InputError(
            "interchange.unreadable",
            zh=f"打不开文件 {file}（{error.strerror}）；请检查路径和权限。",
            en=f"{file} can't be opened ({error.strerror}); check the path and its permissions.",
            file=file,
        ) from error


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InputError(
            "interchange.not_written",
            zh=f"写不了文件 {path}（{error.strerror}）；请检查路径和权限。",
            en=f"{path} can't be written ({error.strerror}); check the path and its permissions.",
            file=path,
        ) from error
