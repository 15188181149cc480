"""Rules and tables of a document, entry by entry, to `Rule`s."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tidegate.engine.conditions import Reading, note_of, text_of
from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope
from tidegate.engine.language.parser import parse
from tidegate.engine.language.rendering import render
from tidegate.engine.patterns.reading import read_pattern
from tidegate.engine.rereading import Before
from tidegate.engine.rulesets import NO_TEXTS, ActionCall, Condition, Leaf, Row, Rule, Table
from tidegate.engine.sourced import Path
from tidegate.engine.strata import DerivedReads
from tidegate.engine.values import parse_date
from tidegate.engine.vocabulary import Texts

RULE_KEYS = ("id", "title", "why", "enabled", "active", "if", "pattern", "then", "note")
TABLE_KEYS = ("id", "title", "why", "policy", "inputs", "outputs", "rows", "note")
ROW_KEYS = ("id", "title", "why", "enabled", "when", "then", "note", "active")


class EntryReader:
    """`allowed` are the gate's actions; `before` has entries that need not be read again; `ids` gathers what is
    taken, `tables` the tables' heads.
    """

    def __init__(
        self,
        reading: Reading,
        scope: Scope,
        allowed: tuple[str, ...],
        derived: DerivedReads,
        before: Before | None = None,
    ) -> None:
        self.reading = reading
        self.scope = scope
        self.allowed = allowed
        self.derived = derived
        self.before = before or Before(None)
        self.ids: set[str] = set()
        self.tables: dict[str, Table] = {}

    def rule(self, path: Path, spec: dict[str, Any]) -> Rule:
        reading = self.reading
        reading.rule = str(spec.get("id") or "")
        known = self.before.rule(spec)
        if known is not None:
            reading.identity((*path, "id"), spec["id"], self.ids, "rule")
            return known.placed(reading.where(path), reading.document.mark(path)[0])
        reading.known_keys(path, spec, RULE_KEYS)
        name = reading.identity((*path, "id"), spec.get("id"), self.ids, "rule")
        if "if" not in spec and "pattern" not in spec:
            reading.report(
                path,
                "rule.no_condition",
                f"规则 {name} 缺少 if（总是成立请写 if: []）",
                f"the rule {name} has no if (write if: [] for always)",
            )
        condition = reading.condition((*path, "if"), spec.get("if", []), self.scope)
        if "pattern" in spec:
            leaf = read_pattern(
                reading, (*path, "pattern"), spec["pattern"], self.scope, self.derived.nodes
            )
            condition = replace(condition, parts=(*condition.parts, *([leaf] if leaf else [])))
        if spec.get("then") is None:
            reading.report(
                path, "rule.no_action", f"规则 {name} 缺少 then", f"the rule {name} has no then"
            )
        actions = reading.actions((*path, "then"), spec.get("then"), self.scope, self.allowed)
        return self.made(path, spec, name, condition, actions)

    def made(
        self,
        path: Path,
        spec: dict[str, Any],
        name: str,
        condition: Condition,
        actions: tuple[ActionCall, ...],
        fallback: Texts | None = None,
        why: Texts = NO_TEXTS,
    ) -> Rule:
        reading = self.reading
        dates = reading.mapping((*path, "active"), spec.get("active"), "active")
        reading.known_keys((*path, "active"), dates, ("from", "to"))
        days = {
            key: reading.value((*path, "active", key), dates[key], "date")
            for key in ("from", "to")
            if dates.get(key) is not None
        }
        start, end = (parse_date(days[key]) if days.get(key) else None for key in ("from", "to"))
        if start and end and end < start:
            reading.report(
                (*path, "active"),
                "rule.never_active",
                f"{end} 早于 {start}，规则永不生效",
                f"{end} is before {start}: never active",
            )
        nodes = [leaf.node for leaf in condition.leaves()]
        nodes += [
            value
            for call in actions
            for value in call.args.values()
            if isinstance(value, tree.Node)
        ]
        read = self.derived.reads(nodes)
        title = reading.title((*path, "title"), spec.get("title"), "")
        if not title["zh"]:
            title = fallback or title
        reason = reading.why((*path, "why"), spec.get("why")) or why
        return Rule(
            name, title, reason, condition, actions, start, end,
            reads=read, path=reading.where(path), line=reading.document.mark(path)[0],
            note=note_of(spec), enabled=self._enabled(path, spec),
        )  # fmt: skip

    def _enabled(self, path: Path, spec: dict[str, Any]) -> bool:
        return self.reading.switch((*path, "enabled"), spec.get("enabled", True))

    def table(self, path: Path, spec: dict[str, Any]) -> list[Rule]:
        reading = self.reading
        reading.rule = str(spec.get("id") or "")
        reading.known_keys(path, spec, TABLE_KEYS)
        name = reading.identity((*path, "id"), spec.get("id"), self.ids, "table")
        policy = reading.one_of(
            (*path, "policy"),
            spec.get("policy"),
            ("first", "unique", "any", "collect"),
            "policy",
            "",
        )
        title = reading.title((*path, "title"), spec.get("title"), "")
        inputs = reading.sequence((*path, "inputs"), spec.get("inputs"), "inputs")
        found_inputs = [self._input((*path, "inputs", n), raw) for n, raw in enumerate(inputs)]
        subjects = [found[0] if found else None for found in found_inputs]
        outputs = [
            str(out) for out in reading.sequence((*path, "outputs"), spec.get("outputs"), "outputs")
        ]
        for index, out in enumerate(outputs):
            if out not in self.allowed:
                reading.action((*path, "outputs", index), out, None, self.scope, self.allowed)
        rows = reading.sequence((*path, "rows"), spec.get("rows"), "rows")
        if not rows or not outputs or not inputs:
            reading.report(
                path,
                "rule.empty_table",
                f"表 {name} 需要 inputs、outputs 和 rows",
                f"the table {name} needs inputs, outputs and rows",
            )
        shown = tuple(found[1] if found else "" for found in found_inputs)
        why = reading.why((*path, "why"), spec.get("why"))
        own = title if title["zh"] else {}
        table = Table(name, shown, tuple(outputs), policy, own, why, note_of(spec))
        found: list[Rule] = []
        for index, raw in enumerate(rows):
            here: Path = (*path, "rows", index)
            row = reading.mapping(here, raw, "row")
            reading.rule = f"{name}.{row.get('id', index + 1)}"
            rule = self._known_row(here, row, table)
            if rule is None:
                rule = self._row(here, row, name, subjects, outputs, title, why)
                rule = replace(rule, table=name, table_policy=policy)
            found.append(rule)
        self.tables[name] = table
        return found

    def _known_row(self, path: Path, row: dict[str, Any], table: Table) -> Rule | None:
        reading, known = self.reading, self.before.row(row, table)
        if known is None:
            return None
        reading.identity((*path, "id"), known.id, self.ids, "row")
        return known.placed(reading.where(path), reading.document.mark(path)[0])

    def _input(self, path: Path, raw: Any) -> tuple[tree.Node, str] | None:
        """The input, which each cell binds and checks together with its own test, and its text."""
        found = self.reading.expression(path, raw, self.scope)
        text = render(found[0]) if found else ""
        return (parse(text), text) if found else None

    def _row(
        self,
        path: Path,
        row: dict[str, Any],
        table: str,
        subjects: list[tree.Node | None],
        outputs: list[str],
        title: Texts,
        why: Texts,
    ) -> Rule:
        reading = self.reading
        reading.known_keys(path, row, ROW_KEYS)
        raw_id = row.get("id")
        name = reading.identity(
            (*path, "id"),
            f"{table}.{raw_id}" if raw_id not in (None, "") else raw_id,
            self.ids,
            "row",
        )
        when = reading.sequence((*path, "when"), row.get("when"), "when")
        then = reading.sequence((*path, "then"), row.get("then"), "then")
        self._width(path, "when", len(when), len(subjects))
        self._width(path, "then", len(then), len(outputs))
        leaves: list[Condition | Leaf] = []
        for index, (raw, subject) in enumerate(zip(when, subjects, strict=False)):
            if subject is not None:
                leaf = reading.cell((*path, "when", index), raw, subject, self.scope)
                leaves += [leaf] if leaf else []
        calls: list[ActionCall] = []
        for index, (raw, action) in enumerate(zip(then, outputs, strict=False)):
            if raw != "-" and raw is not False and action in self.allowed:
                calls += reading.action(
                    (*path, "then", index), action, raw, self.scope, self.allowed
                )
        note = note_of(row)
        labels = {lang: f"{text} {note or raw_id}".strip() for lang, text in title.items()}
        reason = dict.fromkeys(("zh", "en"), note) if note else why
        rule = self.made(
            path, row, name, Condition("all", tuple(leaves)), tuple(calls), labels, reason
        )
        own = rule.title if row.get("title") else {}
        said = {} if rule.why is reason else rule.why
        cells = Row(tuple(map(text_of, when)), tuple(then), own, said)
        return replace(rule, row=cells)

    def _width(self, path: Path, key: str, found: int, wanted: int) -> None:
        if found != wanted:
            self.reading.report(
                (*path, key),
                "rule.row_width",
                f"这一行的 {key} 有 {found} 格，应为 {wanted} 格",
                f"this row's {key} has {found} cells, it should have {wanted}",
            )
