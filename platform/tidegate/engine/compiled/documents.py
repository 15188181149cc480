"""A fact document with every fact a set reads as its own type: what a program takes fastest.

Typing a document once pays when several sets or versions judge it (simulation).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.engine.compiled.emit import Checked
from tidegate.engine.facts import Facts
from tidegate.engine.rulesets import RuleSet


def typed_document(
    ruleset: RuleSet, document: Mapping[str, Any], currency: str = "CNY"
) -> dict[str, Any]:
    """The facts the set reads, typed; the order's currency is kept. Raises InputError."""
    facts = Facts(document, ruleset.vocabulary, ruleset.fields, currency)
    facts.check(ruleset.facts_checked)
    lists = ruleset.vocabulary.variables
    typed: dict[str, Any] = {"order": {"currency": facts.currency}}
    lines: dict[str, list[str]] = {}
    for name in ruleset.facts_checked:
        fact = ruleset.fields.get(name) or ruleset.vocabulary.facts.get(name)
        group = name.partition(".")[0]
        if fact is None:
            lines.setdefault(name, [])
        elif group in lists:
            lines.setdefault(lists[group], []).append(fact.field_name)
        elif fact.window:
            raw = (document.get(group) or {}).get(fact.field_name)
            value = Checked(raw) if isinstance(raw, Mapping) else facts.read(fact, raw)
            typed.setdefault(group, {})[fact.field_name] = value
        else:
            typed.setdefault(group, {})[fact.field_name] = facts.get(name)
    for name, fields in lines.items():
        rows: Any = facts.get(name)
        typed[name] = rows and [{field: row.get(field) for field in fields} for row in rows]
        if rows == ():
            typed[name] = []
    return typed
