"""Short ways to build foreign files, to bring them in and to ask what they decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.vocabulary import Vocabulary
from tidegate.interchange.importing import import_file
from tidegate.interchange.options import Options
from tidegate.interchange.remarks import ERROR, Imported

NOON = datetime.fromisoformat("2026-11-11T12:00:00+08:00")
DMN = "https://www.omg.org/spec/DMN/20191111/MODEL/"


def brought(
    data: bytes | str, vocabulary: Vocabulary, name: str = "model.dmn", **options: Any
) -> Imported:
    """The file as a set of the intake gate, whose action `set` takes any value."""
    content = data.encode() if isinstance(data, str) else data
    return import_file(name, content, vocabulary, Options(**{"gate": "intake", **options}))


def facts_of(found: Imported, values: Mapping[str, Any]) -> dict[str, Any]:
    """A fact document from values by the file's own names."""
    facts: dict[str, Any] = {}
    for name, value in values.items():
        if name in found.names:
            group, _, own = found.names[name].partition(".")
            facts.setdefault(group, {})[own] = value
    return facts


def outcome(
    found: Imported, vocabulary: Vocabulary, values: Mapping[str, Any], now: datetime = NOON
) -> list[tuple[str, Any]]:
    """Field and value of every `set`, in order; of other actions their name and main argument."""
    ruleset = read_ruleset(dict(found.document), vocabulary)
    decision = evaluate(ruleset, facts_of(found, values), now)
    return [
        (str(o.args["field"]), _plain(o.args["value"])) if o.action == "set" else (o.action, o.main)
        for o in decision.actions
    ]


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return list(value) if isinstance(value, tuple) else value


def errors(found: Imported) -> list[tuple[str, int, str, str]]:
    """Table, row, column and code of everything that was left out."""
    return [
        (r.place.table, r.place.row, r.place.column, r.code)
        for r in found.remarks
        if r.severity == ERROR
    ]


def warnings(found: Imported) -> list[str]:
    return [r.code for r in found.remarks if r.severity != ERROR]


# DMN files


def definitions(*parts: str, namespace: str = DMN, **attributes: str) -> str:
    shown = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f'<definitions xmlns="{namespace}" name="Model"{shown}>{"".join(parts)}</definitions>'


def given(name: str, kind: str) -> str:
    """Input data of a type."""
    own = quoteattr(name)
    return f'<inputData id={quoteattr("i" + name)} name={own}><variable name={own} typeRef="{kind}"/></inputData>'


def needs(*names: str) -> str:
    """Requirements of other decisions."""
    return "".join(
        f"<informationRequirement><requiredDecision href={quoteattr('#' + name)}/></informationRequirement>"
        for name in names
    )


def literal(name: str, text: str, before: str = "") -> str:
    body = f"<literalExpression><text>{escape(text)}</text></literalExpression>"
    return f"<decision id={quoteattr(name)} name={quoteattr(name)}>{before}{body}</decision>"


def table(
    name: str,
    inputs: Sequence[str],
    rules: Sequence[Sequence[str]],
    policy: str = "UNIQUE",
    outputs: Sequence[str] = ("",),
    values: str = "",
    default: str = "",
    before: str = "",
    notes: Sequence[str] = (),
) -> str:
    """A decision table; each rule holds its cells, then its results."""
    hit, _, aggregation = policy.partition(":")
    more = f' aggregation="{aggregation}"' if aggregation else ""
    text = f"<decision id={quoteattr(name)} name={quoteattr(name)}>{before}"
    text += f'<decisionTable hitPolicy="{hit}"{more}>'
    for one in inputs:
        text += f"<input><inputExpression><text>{escape(one)}</text></inputExpression></input>"
    for one in outputs:
        own = f" name={quoteattr(one)}" if one else ""
        listed = f"<outputValues><text>{escape(values)}</text></outputValues>" if values else ""
        last = f"<defaultOutputEntry><text>{escape(default)}</text></defaultOutputEntry>"
        text += f"<output{own}>{listed}{last if default else ''}</output>"
    for number, cells in enumerate(rules):
        when, then = cells[: len(inputs)], cells[len(inputs) :]
        text += "<rule>"
        text += "".join(f"<inputEntry><text>{escape(one)}</text></inputEntry>" for one in when)
        text += "".join(f"<outputEntry><text>{escape(one)}</text></outputEntry>" for one in then)
        if notes:
            text += f"<annotationEntry><text>{escape(notes[number])}</text></annotationEntry>"
        text += "</rule>"
    return f"{text}</decisionTable></decision>"
