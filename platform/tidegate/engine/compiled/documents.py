"""A fact document whose values have their types: what a program takes as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.engine.facts import Facts
from tidegate.engine.rulesets import RuleSet


class FactDocument(dict[str, Any]):
    """A document its maker vouches for: nested dicts, lists of dicts for lines, tuples of text
    for lists; numbers int or finite Decimal, money `values.Money`, instants datetime in UTC,
    durations timedelta, unknown absent or None.

    The platform makes its facts from typed columns and hands them over like this; anything from
    outside goes through `typed_document`, which checks every value.
    """

    __slots__ = ()


def typed_document(
    ruleset: RuleSet, document: Mapping[str, Any], currency: str = "CNY"
) -> FactDocument:
    """The facts the set reads, typed; the order's currency is kept. Raises InputError.

    Typing a document once pays when several versions judge it (simulation).
    """
    facts = Facts(document, ruleset.vocabulary, ruleset.fields, currency)
    facts.check(ruleset.facts_checked)
    lists = ruleset.vocabulary.variables
    typed = FactDocument(order={"currency": facts.currency})
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
            value = dict(raw) if isinstance(raw, Mapping) else facts.read(fact, raw)
            typed.setdefault(group, {})[fact.field_name] = value
        else:
            typed.setdefault(group, {})[fact.field_name] = facts.get(name)
    for name, fields in lines.items():
        rows: Any = facts.get(name)
        if rows is not None:
            typed[name] = [{field: row.get(field) for field in fields} for row in rows]
    return typed
