"""A rule set back to the document it is written in: reading what is written gives an equal set.

    text = write(ruleset)                  # YAML
    data = document_of(ruleset)            # plain data; decimals are Decimal

Names are written as ids, conditions in their canonical form, arguments that have their default
are left out. Comments and layout are not kept; tables, notes and tests are. The containers of a
document are its own; rules, rows and tests in it are shared and frozen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from tidegate.engine.frozen import Entry, frozen
from tidegate.engine.language import tree
from tidegate.engine.language.rendering import literal_text, render
from tidegate.engine.patterns.reading import document as pattern_document
from tidegate.engine.rulesets import (
    ActionCall,
    Case,
    Condition,
    Leaf,
    NamedList,
    Parameter,
    Rule,
    RuleSet,
    Stage,
    Table,
    one_or_two,
)
from tidegate.engine.values import Money, Months, plain
from tidegate.engine.vocabulary import Argument, Fact, Texts
from tidegate.engine.yaml_text import yaml_text

_TEXTS = ("text", "choice", "any", "texts")


def write(ruleset: RuleSet) -> str:
    """The set as YAML; `read_ruleset(write(ruleset), vocabulary)` equals it."""
    return yaml_text(document_of(ruleset))


def document_of(ruleset: RuleSet) -> dict[str, Any]:
    """The set as plain data, in the order in which people write it."""
    found: dict[str, Any] = {
        "tidegate": "ruleset/1",
        "id": ruleset.id,
        "gate": ruleset.gate,
        **_title(ruleset.title, ruleset.id),
        **_note(ruleset.note),
        **({"four_eyes": True} if ruleset.four_eyes else {}),
        "policy": ruleset.policy,
    }
    staged = ruleset.policy == "stages"
    if not staged:
        found |= _stage_head(ruleset.stages[0])
    found |= _section("parameters", ruleset.parameters, _parameter)
    found |= _section("lists", ruleset.lists, _list)
    found |= _section("fields", ruleset.fields, _field)
    derive = {name: _derived(name, d.text, d.title) for name, d in ruleset.derive.items()}
    found |= {"derive": derive} if derive else {}
    if staged:
        found["stages"] = [_stage(stage, ruleset.tables) for stage in ruleset.stages]
    else:
        found |= _entries(ruleset.stages[0].written, ruleset.tables)
    return found | (
        {"tests": [case_document(case) for case in ruleset.cases]} if ruleset.cases else {}
    )


def _section(key: str, things: Mapping[str, Any], write_one: Any) -> dict[str, Any]:
    return {key: {name: write_one(thing) for name, thing in things.items()}} if things else {}


def _title(title: Texts, fallback: str = "") -> dict[str, Any]:
    """Nothing for a title that would come by itself; one text where both languages say the same."""
    zh, en = title.get("zh", ""), title.get("en", "")
    return {} if zh == en == fallback or not zh else {"title": one_or_two(title)}


def _why(why: Texts) -> dict[str, Any]:
    return {"why": one_or_two(why)} if why else {}


def _note(note: str) -> dict[str, str]:
    return {"note": note} if note else {}


def _constant(value: object) -> Any:
    """A value of a parameter, list or cell; a decimal stays exact."""
    if isinstance(value, Mapping):
        return {key: _constant(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_constant(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and not _trailing(value) else value
    return plain(value)


def _trailing(value: Decimal) -> bool:
    """`2.0` is not written `2`: the hash keeps the digits. `1E+30` is, with all its digits."""
    return "." in f"{value:f}" or value.adjusted() > 30


# the head


def _parameter(p: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {"type": p.type, "value": _constant(p.value)}
    bounds = {"min": p.low, "max": p.high}
    found |= {key: _constant(value) for key, value in bounds.items() if value is not None}
    found |= {"unit": p.unit} if p.unit else {}
    found |= {"values": list(p.values)} if p.values else {}
    return found | _title(p.title, p.id) | _note(p.note)


def _list(x: NamedList) -> Any:
    values = [_constant(value) for value in x.values]
    more = _title(x.title, x.id) | _note(x.note)
    return values if x.type == "text" and not more else {"type": x.type, "values": values, **more}


def _field(fact: Fact) -> dict[str, Any]:
    found: dict[str, Any] = {"type": fact.type}
    found |= {"unit": fact.unit} if fact.unit else {}
    found |= {"values": list(fact.values)} if fact.values else {}
    flags = ("personal", "editable", "window")
    found |= {flag: True for flag in flags if getattr(fact, flag)}
    found |= {"sample": fact.sample} if fact.sample is not None else {}
    found |= _title(fact.title, fact.field_name)
    return found | ({"help": dict(fact.help)} if fact.help else {})


def _derived(name: str, text: str, title: Texts) -> Any:
    more = _title(title, name)
    return {"value": _condition_text(text), **more} if more else _condition_text(text)


# stages, rules, tables


def _stage(stage: Stage, tables: Mapping[str, Table]) -> dict[str, Any]:
    return {
        "id": stage.id,
        **_title(stage.title),
        **_note(stage.note),
        "policy": stage.policy,
        **_stage_head(stage),
        **_entries(stage.written, tables),
    }


def _stage_head(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = {"severity": list(stage.severity)} if stage.severity else {}
    if stage.otherwise or stage.otherwise_given:
        found["otherwise"] = actions_of(stage.otherwise)
    default = "skip" if stage.policy == "collect" else "hold"
    return found | ({"on_missing": stage.on_missing} if stage.on_missing != default else {})


def _entries(rules: Sequence[Rule], tables: Mapping[str, Table]) -> dict[str, Any]:
    """`rules` and `tables`, whichever came first first."""
    found: dict[str, Any] = {} if rules else {"rules": []}
    for table, group in groupby(rules, key=lambda rule: rule.table):
        if not table:
            found.setdefault("rules", []).extend(map(rule_document, group))
        else:
            found.setdefault("tables", []).append(_table(tables[table], tuple(group)))
    return found


def rule_document(rule: Rule) -> Entry:
    """One rule as it stands under `rules`; written once."""
    if "rule" not in rule.kept:
        rule.kept["rule"] = frozen(_rule(rule))
    return rule.kept["rule"]  # type: ignore[no-any-return]


def row_document(rule: Rule) -> Entry:
    """A row as it stands in its table; written once."""
    if "row" not in rule.kept:
        rule.kept["row"] = frozen(_row(rule))
    return rule.kept["row"]  # type: ignore[no-any-return]


def _rule(rule: Rule) -> dict[str, Any]:
    parts, pattern = rule.condition.parts, {}
    if parts and isinstance(parts[-1], Leaf) and isinstance(parts[-1].node, tree.Sequence):
        pattern = {"pattern": pattern_document(parts[-1].node)}
        parts = parts[:-1]
    return {
        "id": rule.id,
        **_title(rule.title),
        **_why(rule.why),
        **_note(rule.note),
        **_switch(rule),
        **_active(rule),
        **({"if": condition_document(Condition("all", parts))} if parts or not pattern else {}),
        **pattern,
        "then": actions_of(rule.actions),
    }


def _switch(rule: Rule) -> dict[str, bool]:
    return {} if rule.enabled else {"enabled": False}


def _active(rule: Rule) -> dict[str, Any]:
    days = {"from": rule.active_from, "to": rule.active_to}
    found = {key: day.isoformat() for key, day in days.items() if day}
    return {"active": found} if found else {}


def condition_document(condition: Condition) -> list[Any]:
    """The entries of an `if`, or of a group."""
    return [
        _condition_text(part.text)
        if isinstance(part, Leaf)
        else {part.kind: condition_document(part)}
        for part in condition.parts
    ]


def _condition_text(text: str) -> str | bool:
    return {"true": True, "false": False}.get(text, text)


def _table(table: Table, rows: tuple[Rule, ...]) -> dict[str, Any]:
    return {
        "id": table.id,
        **_title(table.title),
        **_why(table.why),
        **_note(table.note),
        **({"policy": table.policy} if table.policy else {}),
        "inputs": list(table.inputs),
        "outputs": list(table.outputs),
        "rows": [row_document(row) for row in rows],
    }


def _row(rule: Rule) -> dict[str, Any]:
    row = rule.row
    if row is None:
        raise ValueError(f"the rule {rule.id} belongs to a table but has no cells")
    return {
        "id": rule.id.removeprefix(f"{rule.table}."),
        **_title(row.title),
        **_why(row.why),
        **_switch(rule),
        **_active(rule),
        "when": [_condition_text(cell) for cell in row.when],
        "then": [_constant(cell) for cell in row.then],
        **_note(rule.note),
    }


# actions


def actions_of(calls: Iterable[ActionCall]) -> list[Any]:
    """The entries of a `then`; equal actions with one argument, one after another, in one list."""
    found: list[Any] = []
    for call in calls:
        entry = action_document(call)
        last = found[-1] if found else None
        if isinstance(entry, dict) and isinstance(last, dict) and _joins(call, entry, last):
            before = last[call.action.id]
            own = entry[call.action.id]
            last[call.action.id] = [*before, own] if isinstance(before, list) else [before, own]
        else:
            found.append(entry)
    return found


def _joins(call: ActionCall, entry: dict[str, Any], last: dict[str, Any]) -> bool:
    name = call.action.id
    bare = (str, int, Decimal, list)
    return (
        call.action.many
        and name in last
        and isinstance(entry[name], bare[:-1])
        and isinstance(last[name], bare)
    )


def action_document(call: ActionCall) -> Any:
    """One action: its id, its main argument alone, or its arguments by name."""
    given = {
        name: _argument(value, call.action.args[name])
        for name, value in call.args.items()
        if not _default(value, call.action.args[name])
    }
    if not given:
        return call.action.id
    if list(given) == [call.action.main] and isinstance(given[call.action.main], _BARE):
        return {call.action.id: given[call.action.main]}
    return {call.action.id: given}


_BARE = (str, bool, int, Decimal)
_LITERALS = (Decimal, Money, Months, date, time, timedelta)


def _default(value: object, arg: Argument) -> bool:
    return arg.default is not None and not isinstance(value, tree.Node) and value == arg.default


def _argument(value: object, arg: Argument) -> Any:
    """Text means what it says unless it begins with `=`; where an expression is expected the
    constant is written as one.
    """
    texts = arg.type in _TEXTS
    if isinstance(value, tree.Node):
        return f"= {render(value)}" if texts else render(value)
    if texts and arg.type != "texts":
        return _text_argument(value)
    if isinstance(value, tuple):
        return [str(member) for member in value]
    if isinstance(value, (bool, Decimal)):
        return _constant(value)
    return literal_text(value)


def _text_argument(value: object) -> Any:
    if isinstance(value, str):
        return f"= {literal_text(value)}" if value.startswith("=") else value
    written = literal_text(value) if isinstance(value, _LITERALS) else ""
    return f"= {written}" if written and not written.startswith("-") else value


# tests


def case_document(case: Case) -> Entry:
    """A test as it stands under `tests`; written once."""
    if "case" not in case.kept:
        at = {} if case.at is None else {"at": case.at}
        document = {"name": case.name, **at, "given": dict(case.given), "expect": dict(case.expect)}
        case.kept["case"] = frozen(document)
    return case.kept["case"]  # type: ignore[no-any-return]
