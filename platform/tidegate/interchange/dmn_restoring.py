"""A DMN file that we wrote, edited or not, back to a document: decisions say what holds, the
extension element says what DMN has no place for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element

from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.parser import UnaryTests, over
from tidegate.engine.language.rendering import render, render_unary
from tidegate.engine.language.types import list_of, of_fact
from tidegate.engine.problems import RuleProblems
from tidegate.engine.sourced import read_yaml
from tidegate.engine.values import Money, plain
from tidegate.engine.vocabulary import Action, Vocabulary, read_fact
from tidegate.interchange.actions import Target, arguments
from tidegate.interchange.dmn_tables import OURS
from tidegate.interchange.dmn_types import part, parts, text_of
from tidegate.interchange.feel import Feel
from tidegate.interchange.feel_arguments import output_of
from tidegate.interchange.model import Arguments, Said
from tidegate.interchange.options import Options
from tidegate.interchange.remarks import NotOurs, Place
from tidegate.interchange.settling import Draft, Key, Origin
from tidegate.interchange.typed import Typed


def head_of(root: Element) -> dict[str, Any] | None:
    """What our extension element holds; None for a file of another tool."""
    for holder in parts(root, "extensionElements"):
        for element in holder:
            if element.tag == f"{{{OURS}}}ruleset":
                try:
                    data = read_yaml(element.text or "", "ruleset").data
                except RuleProblems:
                    return None
                return data if isinstance(data, dict) else None
    return None


@dataclass(frozen=True)
class _Kind:
    """What a decision of ours is."""

    element: Element
    index: int
    kind: str

    @property
    def name(self) -> str:
        return str(self.element.get("name", ""))

    def own(self, attribute: str) -> str:
        return str(self.element.get(f"{{{OURS}}}{attribute}", ""))


class DmnComposer:
    """Composes the document of one file, again and again with fewer rows."""

    def __init__(
        self, root: Element, head: Mapping[str, Any], vocabulary: Vocabulary, options: Options
    ) -> None:
        self.head = dict(head)
        self.vocabulary = vocabulary
        self.options = options
        self.decisions = [
            _Kind(one, index, str(one.get(f"{{{OURS}}}kind", "table")))
            for index, one in enumerate(parts(root, "decision"))
        ]

    @property
    def read(self) -> int:
        tables = (part(one.element, "decisionTable") for one in self.decisions)
        return sum(1 for table in tables if table is not None for _ in parts(table, "rule"))

    def compose(self, rejected: Collection[Key]) -> Draft:
        return _Composing(self, rejected).compose()


class _Composing:
    def __init__(self, given: DmnComposer, rejected: Collection[Key]) -> None:
        self.given = given
        self.rejected = rejected
        self.draft = Draft()
        head = given.head
        self.currency = str(head.get("currency", "CNY"))
        self.document = {
            key: value for key, value in head.items() if key not in ("currency", "derive", "stages")
        }
        self.titles = dict(_pairs(head, "derive"))
        stages = head.get("stages")
        self.stages = [
            dict(stage)
            for stage in (stages if isinstance(stages, list) else ())
            if isinstance(stage, dict)
        ]
        self.scope = self._scope()
        self.typed = Typed(self.scope, self.currency)
        self.feel = Feel({}, closed=False)

    def _scope(self) -> Scope:
        head, vocabulary = self.given.head, self.given.vocabulary
        fields, parameters = {}, {}
        for name, spec in _pairs(head, "fields"):
            try:
                fields[name] = read_fact(name, {"title": name, **spec})
            except (ValueError, KeyError, TypeError):
                continue  # the engine's reader says what is wrong
        gate = vocabulary.gates.get(str(head.get("gate")))
        for name, spec in _pairs(head, "parameters"):
            known = spec if isinstance(spec, dict) else {}
            values = known.get("values")
            texts = tuple(map(str, values)) if isinstance(values, list) else ()
            parameters[name] = of_fact(str(known.get("type")), str(known.get("unit", "")), texts)
        lists = {name: list_of(of_fact(_type_of(spec))) for name, spec in _pairs(head, "lists")}
        facts = frozenset(gate.facts) if gate else frozenset()
        return Scope(vocabulary, parameters, lists, {}, {}, fields, gate.id if gate else "", facts)

    def compose(self) -> Draft:
        for one in self.given.decisions:
            if (one.index, 0) not in self.rejected:
                try:
                    _COMPOSE.get(one.kind, _Composing._table)(self, one)
                except NotOurs as reason:
                    self.draft.fail((one.index, 0), Place(one.name), reason)
        for name, spec in self.titles.items():
            if isinstance(spec, dict) and "value" in spec:  # DMN could not say it
                self.document["derive"] = {**self.document.get("derive", {}), name: spec}
        stages = [stage for stage in self.stages if stage.get("rules") or stage.get("tables")]
        if stages:
            self.document["stages"] = stages
        self.draft.document = self.document
        return self.draft

    # constants and derived facts

    def _value(self, one: _Kind) -> tree.Node:
        return self.feel.expression(text_of(part(one.element, "literalExpression")))

    def _parameter(self, one: _Kind) -> None:
        spec = dict(_pairs(self.document, "parameters")).get(one.name)
        if not isinstance(spec, dict):
            return
        value = self._constant(self._value(one), str(spec.get("type")), one)
        parameters = dict(self.document["parameters"])
        parameters[one.name] = {**spec, "value": value}
        self.document["parameters"] = parameters
        self.draft.origins[f"parameters.{one.name}"] = Origin((one.index, 0), Place(one.name))

    def _list(self, one: _Kind) -> None:
        spec = dict(_pairs(self.document, "lists")).get(one.name)
        node = self._value(one)
        if spec is None or not isinstance(node, tree.ListOf):
            return
        kind = _type_of(spec)
        values = [self._constant(member, kind, one) for member in node.members]
        lists = dict(self.document["lists"])
        lists[one.name] = {**spec, "values": values} if isinstance(spec, dict) else values
        self.document["lists"] = lists
        self.draft.origins[f"lists.{one.name}"] = Origin((one.index, 0), Place(one.name))

    def _constant(self, node: tree.Node, kind: str, one: _Kind) -> Any:
        inner = node.value if isinstance(node, tree.Negate) else node
        value = inner.value if isinstance(inner, tree.Literal) else None
        if value is None or (inner is not node and not isinstance(value, Decimal)):
            raise NotOurs(
                "interchange.not_constant",
                f"{one.name} 应为常量",
                f"{one.name} should be a constant",
            )
        if isinstance(value, Decimal):
            value = value if inner is node else -value
            return plain(Money(value, self.currency)) if kind == "money" else value
        return plain(value)

    def _derive(self, one: _Kind) -> None:
        node = self.typed.expression(self._value(one))
        self.scope.derived[one.name] = bind(node, self.scope)[1]
        title = self.titles.get(one.name)
        value: Any = {"title": title, "value": render(node)} if title else render(node)
        self.document.setdefault("derive", {})
        self.document["derive"] = {**self.document["derive"], one.name: value}
        self.draft.origins[f"derive.{one.name}"] = Origin((one.index, 0), Place(one.name))

    # tables and rules

    def _home(self, one: _Kind) -> tuple[dict[str, Any], str]:
        """The stage, or the set, that a decision belongs to, and its path."""
        stage = one.own("stage")
        for number, spec in enumerate(self.stages):
            if spec.get("id") == stage:
                return spec, f"stages[{number}]."
        return self.document, ""

    def _table(self, one: _Kind) -> None:
        body = part(one.element, "decisionTable")
        if body is None:
            raise NotOurs(
                "interchange.boxed",
                f"决策 {one.name} 不是决策表",
                f"the decision {one.name} is no decision table",
            )
        subjects = [
            self.typed.expression(self.feel.expression(text_of(part(clause, "inputExpression"))))
            for clause in parts(body, "input")
        ]
        actions = [self._action(clause) for clause in parts(body, "output")]
        names = [str(clause.get("name", "")) for clause in parts(body, "annotation")]
        home, path = self._home(one)
        as_rules = one.kind == "rules"
        key = "rules" if as_rules else "tables"
        entries = list(home.get(key) or ())
        rows: list[dict[str, Any]] = entries if as_rules else []
        inputs = tuple(render(subject) for subject in subjects)
        own = f"{path}rules" if as_rules else f"{path}tables[{len(entries)}].rows"
        for number, rule in enumerate(parts(body, "rule"), 1):
            place = Place(one.name, number)
            if (one.index, number) in self.rejected:
                continue
            try:
                spec = self._row(rule, subjects, actions, names, as_rules)
            except NotOurs as reason:
                self.draft.fail((one.index, number), place, reason)
                continue
            outputs = tuple(action.id for action in actions)
            self.draft.origins[f"{own}[{len(rows)}]"] = Origin(
                (one.index, number), place, inputs, outputs
            )
            rows.append({"id": f"r{number}", **spec})
            self.draft.accepted += 1
        if as_rules:
            home[key] = rows
        elif rows:
            home[key] = [*entries, self._head(one, body, inputs, actions, rows)]

    def _head(
        self,
        one: _Kind,
        body: Element,
        inputs: Sequence[str],
        actions: Sequence[Action],
        rows: list[dict[str, Any]],
    ) -> dict[str, Any]:
        title = {lang: one.own(f"title-{lang}") for lang in ("zh", "en")}
        policy = body.get(f"{{{OURS}}}policy", "first")
        described = part(one.element, "description")
        zh = (described.text or "") if described is not None else ""
        why = {"zh": zh, "en": one.own("why-en")}
        found: dict[str, Any] = {"id": one.own("table") or one.name}
        found |= {"title": title} if all(title.values()) else {}
        found |= {"why": why if why["en"] else zh} if any(why.values()) else {}
        found |= {"note": one.own("note")} if one.own("note") else {}
        found |= {"policy": policy} if policy else {}
        outputs = [action.id for action in actions]
        return {**found, "inputs": list(inputs), "outputs": outputs, "rows": rows}

    def _action(self, clause: Element) -> Action:
        name = str(clause.get(f"{{{OURS}}}action") or clause.get("name") or "")
        action = self.given.vocabulary.actions.get(name)
        if action is None:
            raise NotOurs(
                "interchange.unknown_action", f"没有动作 {name}", f"there is no action {name}"
            )
        return action

    def _row(
        self,
        rule: Element,
        subjects: Sequence[tree.Node],
        actions: Sequence[Action],
        names: Sequence[str],
        as_rule: bool,
    ) -> dict[str, Any]:
        entries, results = list(parts(rule, "inputEntry")), list(parts(rule, "outputEntry"))
        if len(entries) != len(subjects) or len(results) != len(actions):
            raise NotOurs(
                "interchange.row_width",
                "条件或结果的格数不对；请补齐",
                "it has too few or too many cells; complete it",
            )
        cells = [
            self.typed.cell(subject, self.feel.tests(text_of(entry)))
            for subject, entry in zip(subjects, entries, strict=True)
        ]
        said = [self._said(output_of(self.feel, text_of(result))) for result in results]
        texts = [text_of(entry) for entry in parts(rule, "annotationEntry")]
        notes = {name: text for name, text in zip(names, texts, strict=False) if text}
        spec: dict[str, Any] = {"id": notes["id"]} if notes.get("id") else {}
        spec |= {key: notes[key] for key in ("why", "note") if key in notes}
        for key in ("title", "why"):
            both = {
                lang: notes[f"{key}.{lang}"] for lang in ("zh", "en") if f"{key}.{lang}" in notes
            }
            spec |= {key: both} if both else {}
        if as_rule:
            return spec | self._as_rule(subjects, cells, actions, said)
        then = [self._cell(action, value) for action, value in zip(actions, said, strict=True)]
        return spec | {
            "when": [render_unary(cell.tests, cell.negated) for cell in cells],
            "then": then,
        }

    def _as_rule(
        self,
        subjects: Sequence[tree.Node],
        cells: Sequence[UnaryTests],
        actions: Sequence[Action],
        said: Sequence[Said],
    ) -> dict[str, Any]:
        tests = [over(subject, cell) for subject, cell in zip(subjects, cells, strict=True)]
        conditions = [render(_plain(test)) for test in tests if test is not None]
        then: list[Any] = []
        for action, value in zip(actions, said, strict=True):
            cell = self._cell(action, value)
            if cell != "-":
                bare = cell is True and not action.main
                then.append(action.id if bare else {action.id: cell})
        return {"if": conditions, "then": then}

    def _said(self, said: Said) -> Said:
        if isinstance(said, Arguments):
            return Arguments({k: self.typed.expression(v) for k, v in said.values.items()})
        return None if said is None else self.typed.expression(said)

    def _cell(self, action: Action, said: Said) -> Any:
        if said is None:
            return "-"
        if not action.main and said == tree.Literal(True):
            return True
        found = arguments(Target(action, action.main), action.id, said, self.currency)
        value = found.get(action.main)
        bare = set(found) == {action.main} and value is not False and value != "-"
        return value if bare else found


def _pairs(data: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    """The entries of a section; none when somebody made something else of it."""
    found = data.get(key)
    return list(found.items()) if isinstance(found, dict) else []


def _type_of(spec: Any) -> str:
    return str(spec.get("type", "text")) if isinstance(spec, dict) else "text"


def _plain(test: tree.Node) -> tree.Node:
    """`x = true` as `x`, where `x` is a whole condition; `not(x is missing)` as `x is present`."""
    if isinstance(test, tree.Not) and isinstance(test.value, tree.Presence):
        return tree.Presence(test.value.value, not test.value.missing)
    if isinstance(test, tree.Compare) and test.op == "=" and test.right == tree.Literal(True):
        boolean = (tree.Compare, tree.In, tree.And, tree.Or, tree.Not, tree.Quantified,
                   tree.Presence, tree.Between)  # fmt: skip
        return test.left if isinstance(test.left, boolean) else test
    return test


_COMPOSE = {
    "parameter": _Composing._parameter,
    "list": _Composing._list,
    "derive": _Composing._derive,
    "table": _Composing._table,
    "rules": _Composing._table,
}
