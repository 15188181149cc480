"""The rule cases of Azure Policy, whose logic has two values: what cannot be compared does not
hold, so every condition is wrapped in `coalesce(…, false)`. Text there ignores letter case, and
text and other values are compared as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asking import Evaluator, Given, ask, written
from c_like import Node, parse
from reasons import NotOurs
from suites import Case, records

from tidegate.engine.values import parse_duration

_ORDER = {"greater": ">", "greaterOrEquals": ">=", "less": "<", "lessOrEquals": "<="}
_EPOCH = '@"1970-01-01T00:00:00+00:00"'


def cases(data: Path) -> Iterator[Case]:
    for row in records(data / "azure_policy_cases" / "cases_dev.jsonl.xz"):
        name = f"{row['file'].removesuffix('.yaml')}/{row['note']}"
        yield Case(name, lambda evaluator, row=row: _answer(row, evaluator))


def _answer(row: Mapping[str, Any], evaluator: Evaluator) -> tuple[Any, Any]:
    policy = json.loads(row["policy_rule"])
    given = Given()
    text = _Text(row, given).condition(policy["if"])
    holds = ask(text, given, evaluator)
    effect = str(policy["then"]["effect"])
    if effect.startswith("["):
        effect = str(row["parameters"][re.findall(r"'(.*)'", effect)[0]])
    return row.get("want_effect"), effect if holds else None


class _Text:
    """A policy's condition as our text. `prefix` and `line` are the list being looked through
    and one of its elements.
    """

    def __init__(
        self, row: Mapping[str, Any], given: Given, prefix: str = "", line: str = ""
    ) -> None:
        self.row, self.given, self.prefix, self.line = row, given, prefix, line

    def condition(self, rule: Mapping[str, Any]) -> str:
        if "allOf" in rule:
            return self.joined("and", rule["allOf"], "true")
        if "anyOf" in rule:
            return self.joined("or", rule["anyOf"], "false")
        if "not" in rule:
            return f"not({self.condition(rule['not'])})"
        return self.leaf(rule)

    def joined(self, word: str, parts: list[Any], nothing: str) -> str:
        return f" {word} ".join(f"({self.condition(part)})" for part in parts) or nothing

    def leaf(self, rule: Mapping[str, Any]) -> str:
        (op,) = set(rule) - {"field", "value", "count"}
        if "field" in rule and "[*]" in rule["field"] and not self._bound(rule["field"]):
            return self.all_of(rule["field"], op, rule[op])
        if "count" in rule:
            return self.tested(self.counted(rule["count"]), 0, op, rule[op])
        if "value" in rule:
            text, sample = self.constant(rule["value"])
            return self.tested(text, sample, op, rule[op])
        return self.of_field(rule["field"], op, rule[op])

    def of_field(self, path: str, op: str, right: Any) -> str:
        if op in ("containsKey", "notContainsKey"):
            there = f"{self.read(f'{path}.{right}')[0]} is present"
            return there if op == "containsKey" else f"not({there})"
        text, value = self.read(path)
        return self.tested(text, value, op, right)

    # what is looked at

    def _bound(self, path: str) -> bool:
        return bool(self.prefix) and path.startswith(f"{self.prefix}[*]")

    def read(self, path: str) -> tuple[str, Any]:
        """The text that reads a field, and its value (for its type)."""
        if self._bound(path):
            rest = path.removeprefix(f"{self.prefix}[*]").lstrip(".")
            sample = next(
                (v for row in self.rows(self.prefix) if (v := _at(row, rest)) is not None), ""
            )
            if rest:
                self.given.column(self.line, rest)
            return (f"{self.line}.{rest}" if rest else self.line), sample
        value = self.found(path)
        shown = (
            True if isinstance(value, dict) else value
        )  # of a structure only its presence is asked
        if isinstance(shown, list) and all(isinstance(row, dict) for row in shown):
            shown = len(shown)
        return self.given.value(path, shown), value

    def found(self, path: str) -> Any:
        return _at(self.row["resource"], path)

    def rows(self, path: str) -> list[Any]:
        value = self.found(path)
        return value if isinstance(value, list) else []

    def all_of(self, path: str, op: str, right: Any) -> str:
        """Every element, and over none of them true: no element for which it does not hold."""
        prefix, rest = path.split("[*]", 1)
        source, inner = self.over(prefix)
        if "[*]" in rest:
            field = rest.split("[*]")[0].lstrip(".")
            self.given.column(inner.line, field, "texts")
            held = inner.tested("tag", "", op, right)
            held = f"coalesce(no tag in {inner.line}.{field} satisfies not({held}), false)"
        else:
            held = inner.of_field(path, op, right)
        return f"(no {inner.line} in {source} satisfies not({held}))"

    def over(self, prefix: str) -> tuple[str, _Text]:
        rows = self.rows(prefix)
        if rows and all(isinstance(row, dict) for row in rows):
            source, line = self.given.lines(prefix, rows)
        else:
            source, line = (self.given.value(prefix, rows), "item") if rows else ("[]", "item")
        return source, _Text(self.row, self.given, prefix, line)

    def counted(self, count: Mapping[str, Any]) -> str:
        prefix = count["field"].removesuffix("[*]")
        source, inner = self.over(prefix)
        return (
            f"count({source}[{inner.condition(count['where'])}])"
            if "where" in count
            else f"count({source})"
        )

    # comparing

    def constant(self, raw: Any) -> tuple[str, Any]:
        """A literal, or the template expression in `[…]`."""
        if isinstance(raw, str) and raw.startswith("[") and not raw.startswith("[["):
            return _Template(self).say(parse(raw[1:-1]))
        value = raw[1:] if isinstance(raw, str) and raw.startswith("[[") else raw
        return written(value), value

    def tested(self, text: str, value: Any, op: str, raw: Any) -> str:
        if op == "exists":
            there = str(raw).lower() == "true"
            return f"{text} is {'present' if there else 'missing'}"
        right, other = self.constant(raw)
        if other is None:
            return f"{text} is {'missing' if op == 'equals' else 'present'}"
        negative = op.startswith("not")
        word = op[3:4].lower() + op[4:] if negative else op
        held = f"coalesce({self.positive(text, value, word, right, other)}, false)"
        return f"not({held})" if negative else held

    def positive(self, text: str, value: Any, op: str, right: str, other: Any) -> str:
        if op == "contains":
            return f"contains({text}, {right})"
        if op == "like":
            return f"matches({text}, {right})"
        if op in ("match", "matchInsensitively"):
            return _matched(text, str(other), op == "match")
        if op == "in":
            members = [self.constant(member)[0] for member in other]
            if any(type(member) is not type(value) for member in other):
                text, members = f"string({text})", [f"string({member})" for member in members]
            return f"{text} in [{', '.join(members)}]"
        if isinstance(value, datetime):
            right = f"date and time({right})"
        elif op == "equals" and type(value) is not type(other):
            return f"string({text}) = string({right})"
        if op in _ORDER and isinstance(value, str) and isinstance(other, (int, float)):
            text = f"number({text})"
        return f"{text} {_ORDER.get(op, '=')} {right}"


class _Template:
    """A template expression: its text and a sample of its kind of value."""

    def __init__(self, outer: _Text) -> None:
        self.outer = outer

    def say(self, node: Node) -> tuple[str, Any]:
        if node[0] != "call":
            value = node[1] if node[0] == "literal" else -node[2][1]
            return written(value), value
        name, args = node[1][1], node[2]
        if name == "field":
            return self.outer.read(args[0][1])
        if name == "parameters":
            value = self.outer.row["parameters"][args[0][1]]
            return written(value), value
        made = getattr(self, f"do_{name}", None)
        if made is None:
            raise NotOurs("other_field")
        text: str
        sample: Any
        text, sample = made(*args)
        return text, sample

    def do_toLower(self, of: Node) -> tuple[str, Any]:
        return f"lower case({self.say(of)[0]})", ""

    def do_toUpper(self, of: Node) -> tuple[str, Any]:
        return f"upper case({self.say(of)[0]})", ""

    def do_concat(self, *parts: Node) -> tuple[str, Any]:
        return " + ".join(self.say(part)[0] for part in parts), ""

    def do_startsWith(self, of: Node, part: Node) -> tuple[str, Any]:
        return f"starts with({plainly(self.say(of)[0])}, {self.say(part)[0]})", True

    def do_endsWith(self, of: Node, part: Node) -> tuple[str, Any]:
        return f"ends with({plainly(self.say(of)[0])}, {self.say(part)[0]})", True

    def do_lastIndexOf(self, of: Node, part: Node) -> tuple[str, Any]:
        """Counted from 0, -1 when there is none; what is behind the last one is the last part."""
        whole, piece = self.say(of)[0], self.say(part)[0]
        parts = f"split({whole}, {piece})"
        at = f"string length({whole}) - string length({piece}) - string length({parts}[-1])"
        return f"(if count({parts}) > 1 then {at} else -1)", 0

    def do_dateTimeAdd(self, of: Node, span: Node) -> tuple[str, Any]:
        return f"({self.moment(of)} + {written(parse_duration(span[1]))})", datetime.now(UTC)

    def do_addDays(self, of: Node, days: Node) -> tuple[str, Any]:
        return f"({self.moment(of)} + 24h * {self.say(days)[0]})", datetime.now(UTC)

    def do_dateTimeFromEpoch(self, seconds: Node) -> tuple[str, Any]:
        return f"({_EPOCH} + 1s * {self.say(seconds)[0]})", datetime.now(UTC)

    def do_dateTimeToEpoch(self, of: Node) -> tuple[str, Any]:
        return f"(({self.moment(of)} - {_EPOCH}) / 1s)", 0

    def moment(self, node: Node) -> str:
        text, _ = self.say(node)
        return f"date and time({text})"


_KINDS = {
    "#": list("0123456789"),
    "?": list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
}


def _matched(text: str, pattern: str, exactly: bool) -> str:
    """A pattern of kinds of characters (`#` digit, `?` letter, `.` any), character by character."""
    parts = [f"string length({text}) = {len(pattern)}"]
    for place, sign in enumerate(pattern, 1):
        if sign == ".":
            continue
        character = f"substring({text}, {place}, 1)"
        if sign in _KINDS:
            parts.append(f"{character} in {written(_KINDS[sign])}")
        else:
            parts.append(f"{character} = {f'exact({written(sign)})' if exactly else written(sign)}")
    return f"({' and '.join(parts)})"


def plainly(text: str) -> str:
    """Their functions on text compare without letter case whatever stands inside."""
    return text.removeprefix("lower case(").removesuffix(")") if text.startswith("lower") else text


def _at(value: Any, path: str) -> Any:
    """A value by its path; names ignore letter case."""
    for step in re.findall(r"\['([^']*)'\]|\[(\d+)\]|([^.\[\]]+)", path):
        if isinstance(value, dict):
            wanted = (step[0] or step[2]).lower()
            value = next((v for key, v in value.items() if key.lower() == wanted), None)
        elif isinstance(value, list) and step[1]:
            value = value[int(step[1])] if int(step[1]) < len(value) else None
        else:
            return None
    return value
