"""The DMN technology compatibility kit: FEEL, of which our language is a part, nearly as it stands."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from asking import Evaluator, Given, ask, decide, spelled
from reasons import NotOurs
from suites import Case, records, told

from tidegate.engine.values import (
    parse_date,
    parse_decimal,
    parse_duration,
    parse_instant,
    parse_months,
    parse_time,
)

_STRING = r'"(?:\\.|[^"\\])*"'
# two texts compared, nothing else
_COMPARED = re.compile(rf"^({_STRING})( !?= )({_STRING})$")


def cases(data: Path) -> Iterator[Case]:
    path = data / "dmn_tck" / "cases_dev.jsonl.xz"
    decided = _decided(path)
    for row in records(path):
        needed = {
            name: value
            for name, value in decided[row["dir"], row["case"]].items()
            if row["kind"] == "literal" and name in _OTHERS and name in row["model"]
        }
        row["inputs"] = {**needed, **row["inputs"]}
        name = f"{row['dir']}/{row['case']}/{told(row['model'])}"
        make = _table if row["kind"] == "table" else _literal
        answer = partial(make, row)
        yield Case(name, answer, no_answer=row["expected"] is None)


def _decided(path: Path) -> Mapping[tuple[str, str], dict[str, Any]]:
    """What the other decisions of each case gave, as their records say: by directory and case."""
    found: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for row in records(path, every=True):
        found[row["dir"], row["case"]][row["node"]] = row["expected"]
    return found


# expressions

# decisions that others refer to, and whose own records stand beside theirs
_OTHERS = ("Date", "Time", "Date-Time", "Date-Time2")
_UNSAID = (
    (re.compile(r'matches\("[^"]*", ?"[^"]*[][+*?.\\^$|(){}]'), "regular_expressions"),
    (re.compile(r'"-?\d{5,}-\d\d-\d\dT'), "calendar_limits"),
    (re.compile(r"\((<|>|<=|>=) ?\d+\) ?="), "no_open_ranges"),
)
# a pattern without signs is a text to be found; "i" is how we compare anyway
_PLAIN_PATTERN = re.compile(r'matches\(("[^"]*", ?"[^"]*")(?:, ?"i")?\)')
# a single value is also a list of one there
_SINGLE = re.compile(r'^([a-z ]+\("[^"]*"\))(?=\[1\])')
# FEEL compares these to the whole second
_FRACTION = re.compile(r"\.\d*[1-9]\d*\"\) = .*\.\d+\"\)")


def _literal(row: Mapping[str, Any], evaluator: Evaluator) -> tuple[Any, Any]:
    text = row["model"]
    for pattern, reason in _UNSAID:
        if pattern.search(text):
            raise NotOurs(reason)
    given = Given()
    text = _COMPARED.sub(_spelled, _PLAIN_PATTERN.sub(r"contains(\1)", text))
    text = _SINGLE.sub(r"[\1]", text)
    text = _named(text, row["inputs"], given)
    wanted = _value(row["expected"])
    found = ask(text, given, evaluator)
    if wanted is not None and found is (not wanted) and _FRACTION.search(text):
        raise NotOurs("calendar_limits")
    return wanted, found


def _named(text: str, inputs: Mapping[str, Any], given: Given) -> str:
    """The text with the names of the inputs replaced by ours."""
    names: dict[str, str] = {}
    kind = "boolean" if re.search(r"\b(and|or|if|not)\b", text) else "text"
    for name, raw in inputs.items():
        if isinstance(raw, list) and raw and all(_is_structure(row) for row in raw):
            names[name], _ = given.lines(name, [_values(row) for row in raw])
        elif _is_structure(raw):
            for key, value in _values(raw).items():
                names[f"{name}.{key}"] = given.value(f"{name}_{key}", value)
        elif re.search(rf"\b{re.escape(name)}\b", text):
            names[name] = given.value(name, _value(raw), kind)
    if any(name in text for name in _MISSING if name not in inputs):
        raise NotOurs("incomplete_record")
    for name in sorted(names, key=len, reverse=True):
        text = _outside_quotes(text, name, names[name])
    return text


# decisions whose results these cases use and that no record holds
_MISSING = ("Base Vacation Days",)


def _outside_quotes(text: str, name: str, ours: str) -> str:
    parts = re.split(r'("(?:\\.|[^"\\])*")', text)
    pattern = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)")
    return "".join(p if p.startswith('"') else pattern.sub(ours, p) for p in parts)


def _spelled(sides: re.Match[str]) -> str:
    """FEEL tells texts by case: where folding would change one, both are said letter by letter."""
    one, op, other = sides.groups()
    texts = (json.loads(one), json.loads(other))
    return f"{spelled(texts[0], texts)}{op}{spelled(texts[1], texts)}"


def _is_structure(raw: Any) -> bool:
    return isinstance(raw, dict) and not set(raw) <= {"t", "v"}


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _value(value) for key, value in row.items()}


def _value(raw: Any) -> Any:
    """A typed value of a record."""
    if raw is None:
        return None
    if isinstance(raw, list):
        return [_value(member) for member in raw]
    if _is_structure(raw):
        raise NotOurs("no_structures")
    kind, value = raw["t"], raw["v"]
    readers: dict[str, Any] = {
        "number": lambda: parse_decimal(value),
        "date": lambda: parse_date(value),
        "time": lambda: parse_time(value),
        "dateTime": lambda: parse_instant(value if _OFFSET.search(value) else f"{value}Z"),
        "duration": lambda: _span(value),
    }
    return readers.get(kind, lambda: value)()


_OFFSET = re.compile(r"(Z|[+-]\d\d:\d\d)$")


def _span(text: str) -> Any:
    try:
        return parse_months(text)
    except ValueError:
        return parse_duration(text)


# tables

_POLICIES = {
    "UNIQUE": "unique",
    "ANY": "any",
    "FIRST": "first",
    "PRIORITY": "priority",
    "RULE ORDER": "collect",
    "OUTPUT ORDER": "collect",
    "COLLECT": "collect",
}
_TOTALS = {"MIN": "min", "MAX": "max", "SUM": "sum", "COUNT": "count"}


def _table(row: Mapping[str, Any], evaluator: Evaluator) -> tuple[Any, Any]:
    """Each distinct output is an action of its own, ranked as the outputs are. PRIORITY is our
    severity; for OUTPUT ORDER the rows stand in the order of their outputs.
    """
    model, given = row["model"], Given()
    policy, _, total = model["hitPolicy"].partition(":")
    texts = [*model["inputs"], *(cell for when, _ in model["rules"] for cell in when)]
    renamed = [_named(text, row["inputs"], given) for text in texts]
    inputs, cells = renamed[: len(model["inputs"])], renamed[len(model["inputs"]) :]
    width = len(inputs)
    whens = [cells[n : n + width] for n in range(0, len(cells), width)]
    outputs = [tuple(json.loads(cell) for cell in then) for _, then in model["rules"]]
    if total:
        return _value(row["expected"]), _aggregated(total, inputs, whens, outputs, given, evaluator)
    distinct = sorted(set(outputs), key=_rank(model["outputs"]))
    acts = {f"say_{n}": _action(n, policy) for n in range(len(distinct))}
    rows = [
        {
            "id": f"r{n}",
            "when": when,
            "then": [True if distinct[m] == out else "-" for m in range(len(distinct))],
        }
        for n, (when, out) in enumerate(zip(whens, outputs, strict=True))
    ]
    if policy == "OUTPUT ORDER":
        rows = sorted(rows, key=lambda row: row["then"].index(True))
    table = {"id": "t", "inputs": inputs, "outputs": list(acts), "rows": rows}
    document: dict[str, Any] = {"policy": _POLICIES[policy], "tables": [table]}
    if policy == "PRIORITY":
        document["severity"] = list(acts)
    said = [
        distinct[int(o.action.partition("_")[2])] for o in decide(document, given, acts, evaluator)
    ]
    found = [answer[0] if len(answer) == 1 else list(answer) for answer in said]
    wanted = [_output(value) for value in _as_list(row["expected"])]
    return wanted, found


def _action(number: int, policy: str) -> dict[str, Any]:
    many = _POLICIES[policy] == "collect"
    return {"title": f"say {number}", "writes": f"answer_{number}" if many else "answer"}


def _rank(outputs: list[Mapping[str, Any]]) -> Any:
    """Order of outputs by the lists of allowed values, as far as there are any."""
    listed = [json.loads(f"[{o['values']}]") if o["values"] else [] for o in outputs]

    def rank(output: tuple[Any, ...]) -> list[int]:
        pairs = zip(output, listed, strict=True)
        return [known.index(value) if value in known else 0 for value, known in pairs]

    return rank


def _aggregated(
    total: str, inputs: list[str], whens: list[list[str]], outputs: list[Any], given: Given,
    evaluator: Evaluator,
) -> Any:  # fmt: skip
    """The rows collect, and a second stage takes the total of what they said."""
    arg = {"value": {"type": "number", "title": "value", "required": True}}
    acts = {
        name: {"title": name, "writes": name, "main": "value", "many": True, "args": arg}
        for name in ("say", "tell")
    }
    rows = [
        {"id": f"r{n}", "when": when, "then": [output[0]]}
        for n, (when, output) in enumerate(zip(whens, outputs, strict=True))
    ]
    table = {"id": "t", "inputs": inputs, "outputs": ["say"], "rows": rows}
    last = {"id": "tell", "if": [], "then": [{"tell": f"{_TOTALS[total]}(decided.say)"}]}
    stages = [
        {"id": "one", "policy": "collect", "tables": [table]},
        {"id": "two", "policy": "collect", "rules": [last]},
    ]
    document = {"policy": "stages", "stages": stages}
    said = [o.main for o in decide(document, given, acts, evaluator) if o.action == "tell"]
    return said[0] if said else None


def _output(value: Mapping[str, Any]) -> Any:
    return _value(value) if "t" in value else [_value(part) for part in value.values()]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
