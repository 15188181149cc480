"""What can be taken over from a set that was read before, so that of a thousand rules one that changed is read alone.

Taken over is a rule, row or test whose entry in the document is the very object that the set before is written with
(`writing.document_of`), where every name still means the same. All of the set that depends on the whole (ids used
twice, the order of judging, the head of a table) is looked at every time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.engine.rulesets import Case, DerivedFact, NamedList, Parameter, Rule, RuleSet, Table
from tidegate.engine.vocabulary import Fact, Vocabulary
from tidegate.engine.writing import case_document, row_document, rule_document


class Before:
    """The entries of a set as it was; of no set at all, with `None`."""

    def __init__(self, ruleset: RuleSet | None) -> None:
        rules = ruleset.written if ruleset else ()
        self._rules = {id(rule_document(rule)): rule for rule in rules if not rule.table}
        self._rows = {id(row_document(rule)): rule for rule in rules if rule.table}
        self._cases = {id(case_document(case)): case for case in (ruleset.cases if ruleset else ())}
        self._tables = ruleset.tables if ruleset else {}

    def rule(self, spec: Mapping[str, Any]) -> Rule | None:
        return self._rules.get(id(spec))

    def row(self, spec: Mapping[str, Any], table: Table) -> Rule | None:
        """A row, where all that its table says of its rows is as it was."""
        found = self._rows.get(id(spec))
        same = (
            found is not None
            and found.table == table.id
            and _head(table) == _head(self._tables[table.id])
        )
        return found if same else None

    def case(self, spec: object) -> Case | None:
        return self._cases.get(id(spec))


def same_names(
    before: RuleSet,
    vocabulary: Vocabulary,
    gate: str,
    policy: str,
    parameters: Mapping[str, Parameter],
    lists: Mapping[str, NamedList],
    fields: Mapping[str, Fact],
    derive: Mapping[str, DerivedFact],
) -> bool:
    """Whether every name means the same to the rules of a set as it did before. Values of parameters and members of
    lists may be others: a rule is read without them.
    """
    return (
        before.vocabulary is vocabulary
        and before.gate == gate
        and (before.policy == "stages") == (policy == "stages")
        and _meanings(before.parameters, before.lists, before.fields, before.derive)
        == _meanings(parameters, lists, fields, derive)
    )


def _meanings(
    parameters: Mapping[str, Parameter],
    lists: Mapping[str, NamedList],
    fields: Mapping[str, Fact],
    derive: Mapping[str, DerivedFact],
) -> list[object]:
    """What a scope is made of, in its order: of two things with one title the later one has it."""
    return [
        [(p.id, p.type, p.unit, p.values, p.title["zh"]) for p in parameters.values()],
        [(x.id, x.type, x.title["zh"]) for x in lists.values()],
        [(name, repr(fact)) for name, fact in fields.items()],
        [(d.id, d.text, repr(d.type), d.title["zh"]) for d in derive.values()],
    ]


def _head(table: Table) -> tuple[object, ...]:
    return table.inputs, table.outputs, table.policy, table.title, table.why
