"""A whole rule-set document, key by key, to a `RuleSet`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from tidegate.engine.conditions import NAME, Reading
from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope
from tidegate.engine.language.parser import parse
from tidegate.engine.language.rendering import literal_text, render
from tidegate.engine.language.types import Type, list_of, of_fact
from tidegate.engine.operations import order
from tidegate.engine.problems import ExpressionError, nearest
from tidegate.engine.rulesets import (
    ON_MISSING,
    POLICIES,
    ActionCall,
    Condition,
    DerivedFact,
    Leaf,
    NamedList,
    Parameter,
    Rule,
    RuleSet,
    Stage,
)
from tidegate.engine.sourced import Path
from tidegate.engine.strata import closure, stratify
from tidegate.engine.values import parse_date
from tidegate.engine.vocabulary import Fact, Texts, read_fact

VERSION = "ruleset/1"
KEYS = (
    "tidegate", "id", "gate", "title", "policy", "severity", "otherwise", "on_missing",
    "parameters", "lists", "fields", "derive", "rules", "tables", "stages", "tests", "note",
)  # fmt: skip
STAGE_KEYS = (
    "id",
    "title",
    "policy",
    "severity",
    "otherwise",
    "on_missing",
    "rules",
    "tables",
    "note",
)
RULE_KEYS = ("id", "title", "why", "active", "if", "then", "note")
TABLE_KEYS = ("id", "title", "why", "policy", "inputs", "outputs", "rows", "note")
ROW_KEYS = ("id", "title", "why", "when", "then", "note", "active")
PARAMETER_TYPES = ("number", "money", "duration", "text", "boolean", "date", "instant", "choice")
LIST_TYPES = ("text", "number", "money", "duration", "date", "instant")


class SetReader:
    def __init__(self, reading: Reading, name: str) -> None:
        self.reading = reading
        self.name = name
        self.scope = Scope(reading.vocabulary)
        self.allowed: tuple[str, ...] = ()
        self.rule_ids: set[str] = set()
        self.derive: dict[str, DerivedFact] = {}

    def read(self) -> RuleSet | None:
        reading, data = self.reading, self.reading.document.data
        if not isinstance(data, dict) or data.get("tidegate") != VERSION:
            reading.report(
                ("tidegate",),
                "rule.not_a_ruleset",
                f"规则集文件以 tidegate: {VERSION} 开头",
                f"a rule set begins with tidegate: {VERSION}",
            )
            return None
        reading.known_keys((), data, KEYS)
        name = reading.identity(("id",), data.get("id"), set(), "ruleset")
        reading.ruleset = name
        gate = self._gate(data.get("gate"))
        fields = self._fields(data.get("fields"))
        parameters = self._parameters(data.get("parameters"))
        lists = self._lists(data.get("lists"))
        policy = reading.one_of(("policy",), data.get("policy"), POLICIES, "policy", "")
        if not policy and data.get("policy") is None:
            listed = ", ".join(POLICIES)
            reading.report(
                (), "rule.no_policy", f"缺少 policy：{listed}", f"the policy is missing: {listed}"
            )
        self._prepare(gate, fields, parameters, lists, policy)
        self._derive(data.get("derive"))
        stages = self._stages(data, policy)
        cases = reading.cases(data.get("tests"), ("tests",))
        if reading.problems:
            return None
        return RuleSet(
            name,
            gate,
            reading.title(("title",), data.get("title"), name),
            policy,
            stages,
            MappingProxyType(parameters),
            MappingProxyType(lists),
            MappingProxyType(self.derive),
            MappingProxyType(fields),
            cases,
            reading.vocabulary,
            self.name,
        )

    # the head

    def _gate(self, raw: Any) -> str:
        gates = self.reading.vocabulary.gates
        if raw not in gates:
            listed = ", ".join(gates)
            near = nearest(str(raw), gates)
            self.reading.report(
                ("gate",),
                "rule.unknown_gate",
                f"没有关口 {raw}；可用：{listed}",
                f"there is no gate {raw}; known: {listed}",
                near,
            )
            return ""
        self.allowed = gates[raw].actions
        return str(raw)

    def _prepare(
        self,
        gate: str,
        fields: Mapping[str, Fact],
        parameters: Mapping[str, Parameter],
        lists: Mapping[str, NamedList],
        policy: str,
    ) -> None:
        vocabulary = self.reading.vocabulary
        named: list[Parameter | NamedList] = [*parameters.values(), *lists.values()]
        aliases = {thing.title["zh"]: thing.id for thing in named}
        aliases |= {f"自定义.{f.title['zh']}": f.id for f in fields.values()}
        decided: dict[str, Type] = {}
        if policy == "stages":
            decided = {name: list_of(self._main_type(name)) for name in self.allowed}
        self.scope = Scope(
            vocabulary,
            {p.id: of_fact(p.type, p.unit, p.values) for p in parameters.values()},
            {x.id: list_of(of_fact(x.type)) for x in lists.values()},
            {},
            aliases,
            {**fields, **{f"自定义.{f.title['zh']}": f for f in fields.values()}},
            gate,
            frozenset(vocabulary.gates[gate].facts) if gate else frozenset(),
            decided,
        )

    def _main_type(self, name: str) -> Type:
        action = self.reading.vocabulary.actions[name]
        return of_fact(action.args[action.main].type) if action.main else Type("boolean")

    def _fields(self, raw: Any) -> dict[str, Fact]:
        found: dict[str, Fact] = {}
        for name, spec in self.reading.mapping(("fields",), raw, "fields").items():
            path: Path = ("fields", name)
            group, _, own = name.partition(".")
            if group != "custom" or not NAME.match(own):
                self.reading.report(
                    path,
                    "rule.bad_field",
                    f"自定义字段写作 custom.名称：{name}",
                    f"a custom field is custom.name: {name}",
                )
                continue
            try:
                found[name] = read_fact(
                    name, {"title": own, **self.reading.mapping(path, spec, name)}
                )
            except (ValueError, KeyError, TypeError) as error:
                self.reading.report(
                    path,
                    "rule.bad_field",
                    f"字段 {name} 的声明有误：{error}",
                    f"the field {name} is declared wrongly: {error}",
                )
        return found

    def _parameters(self, raw: Any) -> dict[str, Parameter]:
        found: dict[str, Parameter] = {}
        for name, spec in self.reading.mapping(("parameters",), raw, "parameters").items():
            parameter = self._parameter(("parameters", name), name, spec)
            if parameter:
                found[name] = parameter
        return found

    def _named(self, path: Path, name: str) -> bool:
        if NAME.match(name) and name not in (
            "and",
            "or",
            "not",
            "in",
            "is",
            "if",
            "then",
            "else",
            "between",
            "now",
        ):
            return True
        self.reading.report(
            path,
            "rule.bad_name",
            f"{name} 不能作名称（字母、数字、_）",
            f"{name} can't be a name (letters, digits, _)",
        )
        return False

    def _parameter(self, path: Path, name: str, raw: Any) -> Parameter | None:
        reading = self.reading
        spec = reading.mapping(path, raw, name)
        reading.known_keys(
            path, spec, ("type", "value", "min", "max", "title", "unit", "values", "note")
        )
        kind = reading.one_of((*path, "type"), spec.get("type"), PARAMETER_TYPES, "type", "")
        if not kind and spec.get("type") is None:
            reading.report(
                path, "rule.no_type", f"参数 {name} 缺少 type", f"the parameter {name} has no type"
            )
        values = tuple(str(value) for value in spec.get("values") or ())
        if not self._named(path, name) or not kind:
            return None
        value = reading.value((*path, "value"), spec.get("value"), kind, values)
        low, high = (
            reading.value((*path, key), spec[key], kind) if spec.get(key) is not None else None
            for key in ("min", "max")
        )
        shown = [literal_text(part) for part in (value, low, high)]
        for bound, sign in ((low, -1), (high, 1)):
            if value is not None and bound is not None and order(value, bound) in (sign, None):
                reading.report(
                    (*path, "value"),
                    "rule.out_of_bounds",
                    f"参数 {name} 的值 {shown[0]} 超出范围（{shown[1]} 到 {shown[2]}）",
                    f"the parameter {name} is {shown[0]}, outside {shown[1]} to {shown[2]}",
                )
        title = reading.title((*path, "title"), spec.get("title"), name)
        return Parameter(name, kind, value, title, low, high, str(spec.get("unit", "")), values)

    def _lists(self, raw: Any) -> dict[str, NamedList]:
        found: dict[str, NamedList] = {}
        reading = self.reading
        for name, spec in reading.mapping(("lists",), raw, "lists").items():
            path: Path = ("lists", name)
            entry = (
                {"values": spec} if isinstance(spec, list) else reading.mapping(path, spec, name)
            )
            reading.known_keys(path, entry, ("type", "values", "title", "note"))
            kind = reading.one_of((*path, "type"), entry.get("type"), LIST_TYPES, "type", "text")
            members = reading.sequence((*path, "values"), entry.get("values"), "values")
            values = [
                reading.value((*path, "values", i), member, kind)
                for i, member in enumerate(members)
            ]
            if self._named(path, name):
                title = reading.title((*path, "title"), entry.get("title"), name)
                found[name] = NamedList(name, kind, tuple(values), title)
        return found

    def _derive(self, raw: Any) -> None:
        """Top to bottom: each may use those above; a name from below or itself is a cycle."""
        reading = self.reading
        entries = reading.mapping(("derive",), raw, "derive")
        for index, (name, spec) in enumerate(entries.items()):
            path: Path = ("derive", name)
            text, title = (
                (spec.get("value"), spec.get("title")) if isinstance(spec, dict) else (spec, None)
            )
            if not self._named(path, name) or self._too_early(path, text, list(entries)[index:]):
                continue
            if (
                name in self.scope.parameters
                or name in self.scope.lists
                or self.scope.vocabulary.fact(name)
            ):
                reading.report(
                    path, "rule.name_taken", f"名称 {name} 已被使用", f"the name {name} is taken"
                )
            found = reading.expression(path, text, self.scope)
            if found:
                texts = reading.title((*path, "title"), title, name)
                self.derive[name] = DerivedFact(name, found[0], found[1], texts, render(found[0]))
                self.scope.derived[name] = found[1]
            else:
                self.scope.derived[name] = Type("any")

    def _too_early(self, path: Path, text: Any, later: list[str]) -> bool:
        try:
            used = {
                part.path for part in tree.walk(parse(str(text))) if isinstance(part, tree.Name)
            }
        except ExpressionError:
            return False
        early = [name for name in later if name in used]
        if early:
            listed = ", ".join(early)
            self.reading.report(
                path,
                "rule.cycle",
                f"{path[-1]} 用到了自己或下方才定义的 {listed}；请调整顺序",
                f"{path[-1]} uses itself or what is defined below it: {listed}; change the order",
            )
        return bool(early)

    # stages, rules, tables

    def _stages(self, data: dict[str, Any], policy: str) -> tuple[Stage, ...]:
        if policy != "stages":
            if "stages" in data:
                self.reading.report(
                    ("stages",),
                    "rule.stages_policy",
                    "有 stages 时 policy 应为 stages",
                    "with stages the policy is stages",
                )
            return (self._stage((), data, "", policy),)
        for key in ("rules", "tables", "severity", "otherwise"):
            if key in data:
                self.reading.report(
                    (key,),
                    "rule.belongs_to_stage",
                    f"policy: stages 时 {key} 写在某个阶段里",
                    f"with policy: stages, {key} stands inside a stage",
                )
        found: list[Stage] = []
        seen: set[str] = set()
        for index, raw in enumerate(
            self.reading.sequence(("stages",), data.get("stages"), "stages")
        ):
            path: Path = ("stages", index)
            spec = self.reading.mapping(path, raw, "stage")
            self.reading.known_keys(path, spec, STAGE_KEYS)
            name = self.reading.identity((*path, "id"), spec.get("id"), seen, "stage")
            own = self.reading.one_of(
                (*path, "policy"), spec.get("policy"), POLICIES[:-1], "policy", "first"
            )
            spec = {"on_missing": data.get("on_missing"), **spec}
            found.append(self._stage(path, spec, name, own))
        if not found:
            self.reading.report((), "rule.no_rules", "没有任何阶段", "there are no stages")
        return tuple(found)

    def _stage(self, path: Path, spec: dict[str, Any], name: str, policy: str) -> Stage:
        reading = self.reading
        default = "skip" if policy == "collect" else "hold"
        on_missing = reading.one_of(
            (*path, "on_missing"), spec.get("on_missing"), ON_MISSING, "on_missing", default
        )
        otherwise = reading.actions(
            (*path, "otherwise"), spec.get("otherwise"), self.scope, self.allowed
        )
        severity = self._severity(path, spec, policy)
        rules: list[Rule] = []
        for key in [key for key in spec if key in ("rules", "tables")]:
            for index, raw in enumerate(reading.sequence((*path, key), spec[key], key)):
                here = (*path, key, index)
                entry = reading.mapping(here, raw, key[:-1])
                rules += [self._rule(here, entry)] if key == "rules" else self._table(here, entry)
                reading.rule = ""
        if not rules:
            reading.report(path, "rule.no_rules", "没有任何规则", "there are no rules")
        if policy == "first":
            ordered: tuple[Rule, ...] = tuple(rules)
            stratify(rules, reading.problems)
        else:
            ordered = stratify(rules, reading.problems)
        return Stage(name, policy, ordered, severity, otherwise, on_missing)

    def _severity(self, path: Path, spec: dict[str, Any], policy: str) -> tuple[str, ...]:
        names = [
            str(name)
            for name in self.reading.sequence((*path, "severity"), spec.get("severity"), "severity")
        ]
        for index, name in enumerate(names):
            if name not in self.allowed:
                self.reading.report(
                    (*path, "severity", index),
                    "rule.unknown_action",
                    f"severity 中的动作 {name} 不存在",
                    f"severity names the unknown action {name}",
                    nearest(name, self.allowed),
                )
        if policy == "priority" and not names:
            self.reading.report(
                path,
                "rule.no_severity",
                "policy: priority 需要 severity（最严重的在前）",
                "policy: priority needs severity, most severe first",
            )
        if policy != "priority" and names:
            self.reading.report(
                (*path, "severity"),
                "rule.severity_unused",
                "severity 只用于 policy: priority",
                "severity belongs to policy: priority",
            )
        return tuple(names)

    def _rule(self, path: Path, spec: dict[str, Any]) -> Rule:
        reading = self.reading
        reading.rule = str(spec.get("id") or "")
        if "pattern" in spec:
            reading.report(
                (*path, "pattern"),
                "rule.pattern_unsupported",
                "尚不支持 pattern，请用 if",
                "pattern isn't supported yet; use if",
            )
            spec = {key: value for key, value in spec.items() if key != "pattern"} | {
                "if": spec.get("if", [])
            }
        reading.known_keys(path, spec, RULE_KEYS)
        name = reading.identity((*path, "id"), spec.get("id"), self.rule_ids, "rule")
        if "if" not in spec:
            reading.report(
                path,
                "rule.no_condition",
                f"规则 {name} 缺少 if（总是成立请写 if: []）",
                f"the rule {name} has no if (write if: [] for always)",
            )
        condition = reading.condition((*path, "if"), spec.get("if", []), self.scope)
        if spec.get("then") is None:
            reading.report(
                path, "rule.no_action", f"规则 {name} 缺少 then", f"the rule {name} has no then"
            )
        actions = reading.actions((*path, "then"), spec.get("then"), self.scope, self.allowed)
        return self._made(path, spec, name, condition, actions)

    def _made(
        self,
        path: Path,
        spec: dict[str, Any],
        name: str,
        condition: Condition,
        actions: tuple[ActionCall, ...],
        fallback: Texts | None = None,
        why: str = "",
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
        derive = {key: derived.node for key, derived in self.derive.items()}
        read = (
            frozenset().union(*(closure(node, derive) for node in nodes)) if nodes else frozenset()
        )
        title = reading.title((*path, "title"), spec.get("title"), "")
        if not title["zh"]:
            title = fallback or title
        reason = str(spec.get("why") or why)
        return Rule(
            name, title, reason, condition, actions, start, end,
            reads=read, path=reading.where(path), line=reading.document.mark(path)[0],
        )  # fmt: skip

    def _table(self, path: Path, spec: dict[str, Any]) -> list[Rule]:
        reading = self.reading
        reading.rule = str(spec.get("id") or "")
        reading.known_keys(path, spec, TABLE_KEYS)
        name = reading.identity((*path, "id"), spec.get("id"), self.rule_ids, "table")
        policy = reading.one_of(
            (*path, "policy"),
            spec.get("policy"),
            ("first", "unique", "any", "collect"),
            "policy",
            "",
        )
        title = reading.title((*path, "title"), spec.get("title"), "")
        inputs = reading.sequence((*path, "inputs"), spec.get("inputs"), "inputs")
        subjects = [self._input((*path, "inputs", index), raw) for index, raw in enumerate(inputs)]
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
        found: list[Rule] = []
        for index, raw in enumerate(rows):
            here: Path = (*path, "rows", index)
            row = reading.mapping(here, raw, "row")
            reading.rule = f"{name}.{row.get('id', index + 1)}"
            rule = self._row(here, row, name, subjects, outputs, title, str(spec.get("why") or ""))
            found.append(replace(rule, table=name, table_policy=policy))
        return found

    def _input(self, path: Path, raw: Any) -> tree.Node | None:
        """The input as written: each cell binds and checks it together with its own test."""
        found = self.reading.expression(path, raw, self.scope)
        return parse(str(raw)) if found else None

    def _row(
        self,
        path: Path,
        row: dict[str, Any],
        table: str,
        subjects: list[tree.Node | None],
        outputs: list[str],
        title: Texts,
        why: str,
    ) -> Rule:
        reading = self.reading
        reading.known_keys(path, row, ROW_KEYS)
        raw_id = row.get("id")
        name = reading.identity(
            (*path, "id"), f"{table}.{raw_id}" if raw_id else raw_id, self.rule_ids, "row"
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
        note = str(row.get("note") or "")
        labels = {lang: f"{text} {note or raw_id}".strip() for lang, text in title.items()}
        return self._made(
            path, row, name, Condition("all", tuple(leaves)), tuple(calls), labels, note or why
        )

    def _width(self, path: Path, key: str, found: int, wanted: int) -> None:
        if found != wanted:
            self.reading.report(
                (*path, key),
                "rule.row_width",
                f"这一行的 {key} 有 {found} 格，应为 {wanted} 格",
                f"this row's {key} has {found} cells, it should have {wanted}",
            )
