"""A foreign model as a document of ours: its inputs as facts, its last tables as tables, the
decisions they read as derived facts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.parser import UnaryTests
from tidegate.engine.language.rendering import render, render_unary
from tidegate.engine.language.types import Type, list_of, of_fact
from tidegate.engine.values import Money, parse_decimal, plain
from tidegate.engine.vocabulary import Vocabulary, read_fact
from tidegate.interchange.actions import Layout, Plan, Target, arguments
from tidegate.interchange.chaining import Step, steps_of
from tidegate.interchange.kinds import Evidence, evidence_of, kind_of
from tidegate.interchange.matching import Inputs
from tidegate.interchange.model import (
    POLICIES,
    Arguments,
    Formula,
    Model,
    Row,
    Said,
    Table,
    renamed,
    uses,
)
from tidegate.interchange.naming import slug, unused, word
from tidegate.interchange.options import Options
from tidegate.interchange.ordering import (
    by_priority,
    keys_of,
    left_of,
    read_by_others,
    stays_a_table,
    with_results,
)
from tidegate.interchange.remarks import NotOurs, Place
from tidegate.interchange.settling import Draft, Key, Origin
from tidegate.interchange.typed import Typed, strict_texts

PARAMETERS = ("number", "text", "boolean", "money", "duration", "date", "instant")


def compose_with(model: Model, vocabulary: Vocabulary, options: Options) -> Composition:
    """Everything that does not depend on which rows are left out. Raises InputError."""
    gate = options.gate_of(vocabulary)
    evidence = evidence_of(model)
    plan = Plan(vocabulary, gate, options.targets, options.action)
    return Composition(model, vocabulary, options, evidence, plan)


class Composition:
    """Composes the document of one model, again and again with fewer rows."""

    def __init__(
        self,
        model: Model,
        vocabulary: Vocabulary,
        options: Options,
        evidence: Evidence,
        plan: Plan,
    ) -> None:
        self.model = model
        self.vocabulary = vocabulary
        self.options = options
        self.evidence = evidence
        self.plan = plan

    def compose(self, rejected: Collection[Key]) -> Draft:
        return _Composer(self, rejected).compose()


class _Composer:
    def __init__(self, given: Composition, rejected: Collection[Key]) -> None:
        self.given = given
        self.draft = Draft()
        left = left_of(given.model.decisions, rejected)
        self.read = read_by_others([one for _, one in left])
        self.live = with_results(left, self.read)
        self.inputs = Inputs(given.model, given.vocabulary, given.options, given.evidence)
        self.names: dict[str, str] = {}  # keys of the model to names of ours
        self.taken = {*given.vocabulary.calendars, *given.vocabulary.groups}
        self.ids: set[str] = set()
        self.derived: dict[str, Type] = {}
        self.parameters: dict[str, Any] = {}
        self.lists: dict[str, Any] = {}
        self.derive: dict[str, Any] = {}
        self.tables: list[dict[str, Any]] = []
        self.rules: list[dict[str, Any]] = []
        self.rows: set[Key] = set()

    def compose(self) -> Draft:
        self._name_everything()
        self.scope = self._scope()
        self.typed = Typed(self.scope, self.given.options.currency)
        for index, decision in self.live:
            if isinstance(decision, Formula):
                self._formula(index, decision)
            else:
                self._table(index, decision)
        self._document()
        return self.draft

    # names

    def _name_everything(self) -> None:
        produced = {key for _, one in self.live for key in keys_of(one)}
        used = {key for _, one in self.live for key in uses(one)}
        self.names = self.inputs.named(used - produced)
        self.draft.remarks += self.inputs.remarks
        self.draft.names = {self.inputs.titles[key]: name for key, name in self.names.items()}
        for _, decision in self.live:
            outputs = (
                [(decision.key, decision.name)]
                if isinstance(decision, Formula)
                else [(output.key, output.name or decision.name) for output in decision.outputs]
            )
            for own, title in outputs:
                self.names[own] = unused(word(title, "value"), self.taken)

    def _scope(self) -> Scope:
        fields = {name: read_fact(name, spec) for name, spec in self.inputs.fields.items()}
        gate = self.given.plan.gate
        return Scope(
            self.given.vocabulary,
            parameters={},
            lists={},
            derived=self.derived,
            custom=fields,
            gate=gate.id,
            gate_facts=frozenset(gate.facts),
        )

    def _ours(self, node: tree.Node) -> tree.Node:
        return self.typed.expression(renamed(node, self.names))

    # decisions

    def _formula(self, index: int, formula: Formula) -> None:
        name, key = self.names[formula.key], (index, 0)
        place = Place(formula.name)
        node = self._ours(formula.node)
        constant = self._amount(formula.key, _constant(node))
        if constant is not None and formula.key in self.read and not formula.result:
            self._named_constant(name, formula, constant, key)
            return
        self._step(Step(name, formula.name, node, place), key)
        if formula.result:
            self._result(formula.name, name, index, place)

    def _amount(self, key: str, constant: object) -> object:
        """A bare number that is compared with an amount is one."""
        if not isinstance(constant, Decimal):
            return constant
        for pair in self.given.evidence.alike:
            other = pair[1] if pair[0] == key else pair[0] if pair[1] == key else ""
            fact = self.given.vocabulary.facts.get(self.names.get(other, ""))
            if fact and fact.type == "money":
                return Money(constant, self.given.options.currency)
        return constant

    def _named_constant(self, name: str, formula: Formula, value: object, key: Key) -> None:
        origin = Origin(key, Place(formula.name))
        if isinstance(value, tuple):
            kind = kind_of(value[0]) if value else "text"
            spec = {"type": kind, "title": formula.name, "values": [plain(one) for one in value]}
            self.lists[name] = spec
            self.scope.lists = {**self.scope.lists, name: list_of(of_fact(kind))}
            self.draft.origins[f"lists.{name}"] = origin
            return
        kind = kind_of(value)
        self.parameters[name] = {"type": kind, "value": plain(value), "title": formula.name}
        self.scope.parameters = {**self.scope.parameters, name: of_fact(kind)}
        self.draft.origins[f"parameters.{name}"] = origin

    def _step(self, step: Step, key: Key) -> None:
        node = self.typed.expression(step.node)
        self.derived[step.name] = bind(node, self.scope)[1]
        known = self.given.vocabulary.fact(step.title) or step.title in self.inputs.fields
        title = f"{step.title} ·" if known else step.title  # a title is a name for expressions too
        self.derive[step.name] = {"title": title, "value": render(node)}
        self.draft.origins[f"derive.{step.name}"] = Origin(key, step.place)

    def _result(self, output: str, name: str, index: int, place: Place) -> None:
        """A derived value as an action, once it is known; single values as actions of their own."""
        target = self.given.plan.of(output)
        fact = tree.Name(name)
        singles = [
            (tree.Compare("=", fact, _constant_of(one.only, self.derived[name].kind)), one)
            for one in target.per_value.values()
        ]
        try:
            for condition, one in singles:
                value = tree.Literal(one.only)
                self._result_rule(output, [condition], one, value, (index, 0), place)
            others: list[tree.Node] = [tree.Presence(fact, missing=False)]
            others += [tree.Not(condition) for condition, _ in singles]
            self._result_rule(output, others, target, fact, (index, 0), place)
        except NotOurs as reason:
            self.draft.fail((index, 0), place, reason)

    def _result_rule(
        self,
        output: str,
        conditions: Sequence[tree.Node],
        target: Target,
        value: tree.Node,
        key: Key,
        place: Place,
    ) -> None:
        args = arguments(target, output, value, self.given.options.currency)
        self.draft.origins[f"rules[{len(self.rules)}]"] = Origin(key, place)
        self.rules.append(
            {
                "id": self._id(output, "result"),
                "title": output,
                "why": dict(self.given.model.source),
                "if": [render(condition) for condition in conditions],
                "then": [{target.action.id: args} if args else target.action.id],
            }
        )

    def _table(self, index: int, table: Table) -> None:
        table = strict_texts(self._translated(table))
        try:
            if stays_a_table(table, self.read):
                self._own_table(index, by_priority(table))
            else:
                self._chained(index, table)
        except NotOurs as reason:
            self.draft.fail((index, 0), table.place(), reason)

    def _translated(self, table: Table) -> Table:
        columns = tuple(replace(c, subject=self._ours(c.subject)) for c in table.columns)
        rows = []
        for row in table.rows:
            pairs = zip(columns, row.cells, strict=True)
            cells = tuple(
                self.typed.cell(column.subject, _renamed_cell(cell, self.names))
                for column, cell in pairs
            )
            rows.append(replace(row, cells=cells, outputs=tuple(map(self._said, row.outputs))))
        outputs = tuple(
            replace(
                output,
                default=None if output.default is None else self._ours(output.default),
                before=None if output.before is None else self._ours(output.before),
            )
            for output in table.outputs
        )
        return replace(table, columns=columns, rows=tuple(rows), outputs=outputs)

    def _said(self, said: Said) -> Said:
        if isinstance(said, Arguments):
            return Arguments({key: self._ours(node) for key, node in said.values.items()})
        return None if said is None else self._ours(said)

    def _chained(self, index: int, table: Table) -> None:
        base = self.names[table.outputs[0].key] if len(table.outputs) == 1 else ""
        base = base or unused(word(table.name, "table"), self.taken)
        for step in steps_of(table, base, self.names, self.taken):
            self._step(step, (index, step.place.row))
        self.rows |= {(index, row.number) for row in table.rows}
        for output in table.outputs:
            if output.result:
                place = table.place(None, output.name)
                self._result(output.name or table.name, self.names[output.key], index, place)

    def _own_table(self, index: int, table: Table) -> None:
        layout = Layout([output.name or table.name for output in table.outputs], self.given.plan)
        found = self._then_cells(index, table, layout)
        width = range(len(layout.columns))
        kept = [n for n in width if any(then[n] != "-" for _, then in found)] or [0]
        rows: list[dict[str, Any]] = []
        path = f"tables[{len(self.tables)}]"
        inputs = tuple(column.name for column in table.columns)
        outputs = tuple(_output_names(layout)[n] for n in kept)
        for row, then in found:
            spec: dict[str, Any] = {"id": "default", "when": ["-"] * len(inputs)}
            origin = Origin((index, 0), table.place())
            if row is not None:
                cells = [render_unary(cell.tests, cell.negated) for cell in row.cells]
                spec = {"id": f"r{row.number}", "when": cells}
                origin = Origin((index, row.number), table.place(row), inputs, outputs)
                self.rows.add((index, row.number))
            self.draft.origins[f"{path}.rows[{len(rows)}]"] = origin
            note = {"note": row.note} if row is not None and row.note else {}
            rows.append({**spec, "then": [then[n] for n in kept], **note})
        self.draft.origins[path] = Origin((index, 0), table.place())
        self.tables.append(
            {
                "id": self._id(table.id or table.name, "table"),
                "title": table.name,
                "why": table.why or dict(self.given.model.source),
                "policy": POLICIES[table.policy],
                "inputs": [render(column.subject) for column in table.columns],
                "outputs": [layout.columns[n][0].id for n in kept],
                "rows": rows,
            }
        )

    def _then_cells(
        self, index: int, table: Table, layout: Layout
    ) -> list[tuple[Row | None, list[Any]]]:
        """The results of each row; the file's default outputs as a last row (None) that always
        matches.
        """
        currency = self.given.options.currency
        found: list[tuple[Row | None, list[Any]]] = []
        for row in table.rows:
            try:
                found.append((row, layout.cells(row.outputs, currency)))
            except NotOurs as reason:
                self.draft.fail((index, row.number), table.place(row), reason)
        defaults = [output.default for output in table.outputs]
        if table.policy == "FIRST" and any(default is not None for default in defaults):
            found.append((None, layout.cells(defaults, currency)))
        return found

    # the document

    def _id(self, title: str, fallback: str) -> str:
        number = len(self.tables) + len(self.rules) + 1
        spare = f"{slug(self.given.model.name, fallback)}-{number}"  # a title without Latin letters
        return unused(slug(title, spare), self.ids, "-")

    def _document(self) -> None:
        model, options = self.given.model, self.given.options
        self.draft.accepted = len(self.rows)
        document: dict[str, Any] = {
            "tidegate": "ruleset/1",
            "id": options.id or slug(model.name, "imported"),
            "gate": options.gate,
            "title": model.name,
            "policy": "collect",
            "on_missing": "skip",
            "note": f"{model.source['zh']} · {model.source['en']}",
        }
        parts = {
            "fields": self.inputs.fields,
            "parameters": self.parameters,
            "lists": self.lists,
            "derive": self.derive,
            "tables": self.tables,
            "rules": self.rules,
        }
        document |= {key: part for key, part in parts.items() if part}
        self.draft.document = document


def _renamed_cell(cell: UnaryTests, names: dict[str, str]) -> UnaryTests:
    return UnaryTests(tuple(renamed(test, names) for test in cell.tests), cell.negated)


def _constant(node: tree.Node) -> object:
    """The value of a constant or of a list of constants; None for anything else."""
    if isinstance(node, tree.Literal) and kind_of(node.value) in PARAMETERS:
        return node.value
    if isinstance(node, tree.ListOf) and node.members:
        values = [member.value for member in node.members if isinstance(member, tree.Literal)]
        kinds = {kind_of(value) for value in values}
        if len(values) == len(node.members) and len(kinds) == 1 and kinds <= set(PARAMETERS):
            return tuple(values)
    return None


def _constant_of(text: str, kind: str) -> tree.Node:
    """A value that `--map` names, as the derived fact has it."""
    if kind == "boolean" and text.lower() in ("true", "false"):
        return tree.Literal(text.lower() == "true")
    try:
        return tree.Literal(parse_decimal(text)) if kind == "number" else tree.Literal(text)
    except ValueError:
        return tree.Literal(text)


def _output_names(layout: Layout) -> tuple[str, ...]:
    """Which output of the file fills each of our columns."""
    found: dict[tuple[str, int], str] = {}
    for name, (action, number) in zip(layout.names, layout.own, strict=True):
        found.setdefault((action.id, number), name)
    return tuple(found.get((action.id, number), "") for action, number in layout.columns)
