"""A rule set as a DMN 1.3 file: tables with their hit policy, rules as a table, derived facts,
parameters and lists as decisions with literal expressions, facts as input data.

What DMN has no place for (the gate, what happens when no rule decides, limits of parameters)
travels in extension elements that other tools keep or drop; `dmn_restoring` reads it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from tidegate.engine.conditions import Reading
from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.parser import UnaryTests, parse, parse_unary
from tidegate.engine.rulesets import NO_TEXTS, Rule, RuleSet, Stage, Table
from tidegate.engine.sets import SetReader
from tidegate.engine.sourced import Sourced
from tidegate.engine.vocabulary import Texts
from tidegate.engine.writing import action_document, document_of
from tidegate.engine.yaml_text import yaml_text
from tidegate.interchange.dmn_diagram import add_diagram
from tidegate.interchange.dmn_facts import Facts
from tidegate.interchange.dmn_outputs import feel_output
from tidegate.interchange.dmn_tables import DMN, OURS, clean, write_columns, write_rules
from tidegate.interchange.feel_writing import FeelWriter
from tidegate.interchange.remarks import ERROR, Exported, NotOurs, Place, Remark
from tidegate.interchange.rule_columns import laid_out

POLICIES = {
    "first": "FIRST", "unique": "UNIQUE", "any": "ANY", "collect": "RULE ORDER",
    "priority": "RULE ORDER", "": "RULE ORDER",
}  # fmt: skip
_PARTS = ("rules", "tables", "derive", "stages")


def write_dmn(ruleset: RuleSet) -> Exported:
    """Rules that DMN cannot say are left out, each with a remark."""
    return _Writer(ruleset).write()


@dataclass
class _Decision:
    """An element to be written, and what its expressions refer to."""

    element: Element
    uses: list[tree.Node] = field(default_factory=list)


class _Writer:
    def __init__(self, ruleset: RuleSet) -> None:
        self.ruleset = ruleset
        self.document = document_of(ruleset)
        self.scope = _scope(self.document, ruleset)
        self.feel = FeelWriter(self.scope)
        self.remarks: list[Remark] = []
        self.decisions: dict[str, _Decision] = {}
        self.written = 0
        self.ids: set[str] = set()

    def write(self) -> Exported:
        self._constants()
        for name, derived in self.ruleset.derive.items():
            self._literal(name, derived.node, "derive", Place(name))
        staged = self.ruleset.policy == "stages"
        for stage in self.ruleset.stages:
            self._stage(stage, stage.id if staged else "")
        self._drop_unused_constants()
        root = self._root()
        ElementTree.register_namespace("", DMN)
        ElementTree.register_namespace("tidegate", OURS)
        ElementTree.indent(root)
        data: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
        return Exported(data, len(self.ruleset.rules), self.written, tuple(self.remarks))

    # the file

    def _root(self) -> Element:
        ruleset = self.ruleset
        root = Element(
            f"{{{DMN}}}definitions",
            {
                "id": f"_{_token(ruleset.id)}",
                "name": clean(ruleset.title["en"]),
                "namespace": f"https://tidegate.dev/rulesets/{ruleset.id}",
                "exporter": "Tidegate",
            },
        )
        extension = SubElement(root, f"{{{DMN}}}extensionElements")
        SubElement(extension, f"{{{OURS}}}ruleset").text = clean(yaml_text(self._head()))
        facts = Facts(ruleset)
        for decision in self.decisions.values():
            facts.see(decision.uses)
        facts.write(root, DMN, OURS)
        for decision in self.decisions.values():
            self._requirements(decision, facts)
            root.append(decision.element)
        add_diagram(root, DMN)
        return root

    def _head(self) -> dict[str, Any]:
        """Everything of the document that the decisions do not say: of derived facts their
        titles, or what FEEL has no words for.
        """
        head = {key: value for key, value in self.document.items() if key not in _PARTS}
        head["currency"] = self.feel.currency or "CNY"
        derive: dict[str, Any] = {}
        for name, spec in self.document.get("derive", {}).items():
            if name in self.feel.absent:
                derive[name] = spec if isinstance(spec, dict) else {"value": spec}
            elif isinstance(spec, dict) and "title" in spec:
                derive[name] = spec["title"]
        head |= {"derive": derive} if derive else {}
        stages = self.document.get("stages")
        if stages:
            head["stages"] = [
                {key: value for key, value in stage.items() if key not in _PARTS}
                for stage in stages
            ]
        return head

    def _requirements(self, decision: _Decision, facts: Facts) -> None:
        """What the decision needs, where the schema wants it: before its expression."""
        element = decision.element
        found: dict[str, str] = {}
        for node in decision.uses:
            for part in tree.walk(node):
                if isinstance(part, tree.Parameter | tree.ListName | tree.Derived):
                    if part.id in self.decisions:
                        found[self.decisions[part.id].element.get("id", "")] = "requiredDecision"
                else:
                    found |= dict.fromkeys(facts.ids_of(part), "requiredInput")
        place = 1 + sum(str(child.tag).endswith("}description") for child in element)
        for number, (target, kind) in enumerate(found.items()):
            requirement = Element(
                f"{{{DMN}}}informationRequirement", {"id": f"{element.get('id')}-r{number + 1}"}
            )
            SubElement(requirement, f"{{{DMN}}}{kind}", {"href": f"#{target}"})
            element.insert(place + number, requirement)

    # decisions

    def _decision(self, name: str, kind: str, stage: str = "", why: Texts = NO_TEXTS) -> Element:
        own = f"_{_token(name)}"
        while own in self.ids:
            own += "_"
        self.ids.add(own)
        attributes = {"id": own, "name": clean(name), f"{{{OURS}}}kind": kind}
        if stage:
            attributes[f"{{{OURS}}}stage"] = stage
        element = Element(f"{{{DMN}}}decision", attributes)
        if why:
            SubElement(element, f"{{{DMN}}}description").text = clean(why["zh"])
            if why["en"] != why["zh"]:
                element.set(f"{{{OURS}}}why-en", clean(why["en"]))
        SubElement(element, f"{{{DMN}}}variable", {"id": f"{own}-v", "name": clean(name)})
        return element

    def _literal(self, name: str, node: tree.Node, kind: str, place: Place) -> None:
        try:
            write = self.feel.expression if kind == "derive" else self.feel.constant
            text = write(node)
        except NotOurs as reason:
            self.feel.absent.add(name)
            self._report(place, reason)
            return
        element = self._decision(name, kind)
        literal = SubElement(
            element, f"{{{DMN}}}literalExpression", {"id": f"{element.get('id')}-e"}
        )
        SubElement(literal, f"{{{DMN}}}text").text = text
        self.decisions[name] = _Decision(element, [node])

    def _constants(self) -> None:
        for name, parameter in self.ruleset.parameters.items():
            self._literal(name, tree.Literal(parameter.value), "parameter", Place(name))
        for name, named in self.ruleset.lists.items():
            node = tree.ListOf(tuple(tree.Literal(value) for value in named.values))
            self._literal(name, node, "list", Place(name))

    def _drop_unused_constants(self) -> None:
        used = {
            part.id
            for decision in self.decisions.values()
            for node in decision.uses
            for part in tree.walk(node)
            if isinstance(part, tree.Parameter | tree.ListName)
        }
        for name in [*self.ruleset.parameters, *self.ruleset.lists]:
            if name not in used:
                self.decisions.pop(name, None)

    def _stage(self, stage: Stage, name: str) -> None:
        tables = list(dict.fromkeys(rule.table for rule in stage.rules))
        for table in tables:
            rules = [rule for rule in stage.rules if rule.table == table]
            if table:
                self._table(self.ruleset.tables[table], rules, name)
            else:
                self._rules(rules, stage, name)

    def _rules(self, rules: Sequence[Rule], stage: Stage, name: str) -> None:
        table = laid_out(rules)
        numbers = list(dict.fromkeys(key for rule in rules for key in _columns(rule)))
        rows = []
        for rule, cells in zip(rules, table.rows(), strict=True):
            then = _then(rule, numbers)
            rows.append((rule, cells, then))
        title = "rules" if not name else f"rules-{name}"
        while title in self.decisions or title in self.ruleset.tables:
            title += "_"
        outputs = [action for action, _ in numbers]
        self._decision_table(title, "rules", name, stage.policy, table.subjects, outputs, rows)

    def _table(self, table: Table, rules: Sequence[Rule], stage: str) -> None:
        subjects = [bind(parse(text), self.scope)[0] for text in table.inputs]
        rows = []
        for rule in rules:
            row = rule.row
            if row is not None:
                rows.append((rule, [self._cell(text) for text in row.when], list(row.then)))
        name = table.id
        while name in self.decisions:
            name += "_"
        self._decision_table(
            name, "table", stage, table.policy, subjects, list(table.outputs), rows, table,
        )  # fmt: skip

    def _cell(self, text: str) -> UnaryTests:
        cell = parse_unary(text)
        return UnaryTests(tuple(bind(test, self.scope)[0] for test in cell.tests), cell.negated)

    def _decision_table(
        self,
        name: str,
        kind: str,
        stage: str,
        policy: str,
        subjects: Sequence[tree.Node],
        outputs: Sequence[str],
        rows: Sequence[tuple[Rule, Sequence[UnaryTests], Sequence[Any]]],
        table: Table | None = None,
    ) -> None:
        element = self._decision(name, kind, stage, table.why if table else NO_TEXTS)
        own = str(element.get("id"))
        if table is not None:
            element.set(f"{{{OURS}}}table", table.id)
            for lang, title in table.title.items():
                element.set(f"{{{OURS}}}title-{lang}", clean(title))
            if table.note:
                element.set(f"{{{OURS}}}note", clean(table.note))
        body = SubElement(
            element,
            f"{{{DMN}}}decisionTable",
            {"id": f"{own}-t", "hitPolicy": POLICIES[policy], f"{{{OURS}}}policy": policy},
        )
        decision = _Decision(element, [])
        texts: list[tuple[Rule, list[str], list[str]]] = []
        columns = self._subjects(subjects, rows, decision)
        for rule, cells, then in rows:
            found = self._row(rule, cells, then, outputs, columns, subjects, decision)
            texts += [found] if found else []
        used = [n for n, text in enumerate(columns) if text and _tested(texts, n)]
        if not used:  # a table has at least one input
            used, columns = [0], ["true"]
            texts = [(rule, ["-"], then_texts) for rule, _, then_texts in texts]
        cut = [(rule, [when[n] for n in used], then_texts) for rule, when, then_texts in texts]
        write_columns(body, own, [columns[n] for n in used], outputs)
        write_rules(body, own, cut, whole_ids=kind == "rules")
        self.written += len(texts)
        if texts:
            self.decisions[name] = decision

    def _subjects(
        self,
        subjects: Sequence[tree.Node],
        rows: Sequence[tuple[Rule, Sequence[UnaryTests], Sequence[Any]]],
        decision: _Decision,
    ) -> list[str]:
        """The input expressions; empty for one that FEEL cannot say."""
        found = []
        for number, subject in enumerate(subjects):
            try:
                found.append(self.feel.expression(subject))
                decision.uses.append(subject)
            except NotOurs as reason:
                found.append("")
                for rule, cells, _ in rows:
                    if cells[number].tests:
                        self._report(Place(rule.id), reason)
        return found

    def _row(
        self,
        rule: Rule,
        cells: Sequence[UnaryTests],
        then: Sequence[Any],
        outputs: Sequence[str],
        columns: Sequence[str],
        subjects: Sequence[tree.Node],
        decision: _Decision,
    ) -> tuple[Rule, list[str], list[str]] | None:
        if any(cell.tests and not text for cell, text in zip(cells, columns, strict=True)):
            return None  # reported with its column
        actions = self.ruleset.vocabulary.actions
        try:
            when = [
                self.feel.tests(cell, subject)
                for cell, subject in zip(cells, subjects, strict=True)
            ]
            said = [
                feel_output(actions[action], raw, self.feel, self.scope)
                for action, raw in zip(outputs, then, strict=True)
            ]
        except NotOurs as reason:
            self._report(Place(rule.id), reason)
            return None
        decision.uses += [test for cell in cells for test in cell.tests]
        decision.uses += [
            value
            for call in rule.actions
            for value in call.args.values()
            if isinstance(value, tree.Node)
        ]
        return rule, when, said

    def _report(self, place: Place, reason: NotOurs) -> None:
        self.remarks.append(Remark(ERROR, reason.code, reason.zh, reason.en, place))


def _scope(document: dict[str, Any], ruleset: RuleSet) -> Scope:
    """What names mean inside the set."""
    reader = SetReader(Reading(Sourced(document), ruleset.vocabulary), ruleset.id)
    reader.read()
    return reader.scope


def _columns(rule: Rule) -> list[tuple[str, int]]:
    """The output columns a rule needs: the second `raise` of one rule takes a second column."""
    seen: dict[str, int] = {}
    found = []
    for call in rule.actions:
        seen[call.action.id] = seen.get(call.action.id, 0) + 1
        found.append((call.action.id, seen[call.action.id]))
    return found


def _then(rule: Rule, columns: Sequence[tuple[str, int]]) -> list[Any]:
    values: dict[tuple[str, int], Any] = {}
    for call, column in zip(rule.actions, _columns(rule), strict=True):
        entry = action_document(call)
        bare: Any = {} if call.action.main else True
        value = entry[call.action.id] if isinstance(entry, dict) else bare
        nothing = value is False or value == "-"  # what would mean nothing in a table's cell
        values[column] = {call.action.main: value} if nothing else value
    return [values.get(column, "-") for column in columns]


def _tested(rows: Sequence[tuple[Rule, list[str], list[str]]], number: int) -> bool:
    return any(when[number] != "-" for _, when, _ in rows)


def _token(text: str) -> str:
    """Text as part of an XML id."""
    return re.sub(r"[^A-Za-z0-9_.-]", lambda found: f"u{ord(found[0]):x}", text)
