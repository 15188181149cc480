"""The elements of a DMN decision table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from tidegate.engine.rulesets import Rule

DMN = "https://www.omg.org/spec/DMN/20191111/MODEL/"
OURS = "https://tidegate.dev/ns/dmn/1"
ANNOTATIONS = ("id", "title.zh", "title.en", "why.zh", "why.en", "note")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Without the characters XML cannot hold."""
    return _ILLEGAL.sub("�", text)


def write_columns(body: Element, own: str, inputs: Sequence[str], actions: Sequence[str]) -> None:
    """Input expressions, an output per action, and the annotations that hold what rows are called."""
    for number, text in enumerate(inputs):
        clause = SubElement(body, f"{{{DMN}}}input", {"id": f"{own}-i{number}"})
        expression = SubElement(clause, f"{{{DMN}}}inputExpression", {"id": f"{own}-x{number}"})
        SubElement(expression, f"{{{DMN}}}text").text = text
    for number, action in enumerate(actions):
        label = action if actions.index(action) == number else f"{action}_{number}"
        attributes = {"id": f"{own}-o{number}", "name": label, f"{{{OURS}}}action": action}
        SubElement(body, f"{{{DMN}}}output", attributes)
    for name in ANNOTATIONS:
        SubElement(body, f"{{{DMN}}}annotation", {"name": name})


def write_rules(
    body: Element,
    own: str,
    rows: Sequence[tuple[Rule, Sequence[str], Sequence[str]]],
    whole_ids: bool,
) -> None:
    """Each rule with its tests and results; `whole_ids`: not only the part behind the table's id."""
    for row, (rule, when, then) in enumerate(rows, 1):
        element = SubElement(body, f"{{{DMN}}}rule", {"id": f"{own}-{row}"})
        for kind, texts in (("input", when), ("output", then)):
            for number, text in enumerate(texts):
                entry = SubElement(
                    element, f"{{{DMN}}}{kind}Entry", {"id": f"{own}-{row}-{kind[0]}{number}"}
                )
                SubElement(entry, f"{{{DMN}}}text").text = text
        title, why = (rule.title, rule.why) if rule.row is None else (rule.row.title, rule.row.why)
        short = rule.id if whole_ids else rule.id.removeprefix(f"{rule.table}.")
        said = [texts.get(lang, "") for texts in (title, why) for lang in ("zh", "en")]
        for text in (short, *said, rule.note):
            entry = SubElement(element, f"{{{DMN}}}annotationEntry")
            SubElement(entry, f"{{{DMN}}}text").text = clean(text)
