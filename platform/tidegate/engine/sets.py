"""A whole rule-set document, key by key, to a `RuleSet`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tidegate.engine.conditions import NAME, Enough, Reading, note_of, text_of
from tidegate.engine.entries import EntryReader
from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope
from tidegate.engine.language.parser import parse
from tidegate.engine.language.rendering import literal_text, render
from tidegate.engine.language.types import Type, list_of, of_fact
from tidegate.engine.limits import MAX_DERIVED_DEPTH, MAX_RULES
from tidegate.engine.operations import order
from tidegate.engine.problems import ExpressionError, nearest
from tidegate.engine.rereading import Before, same_names
from tidegate.engine.rulesets import (
    ON_MISSING,
    POLICIES,
    DerivedFact,
    NamedList,
    Parameter,
    Rule,
    RuleSet,
    Stage,
)
from tidegate.engine.sourced import Path
from tidegate.engine.strata import DerivedReads, stratify
from tidegate.engine.vocabulary import Fact, read_fact

VERSION = "ruleset/1"
KEYS = (
    "tidegate", "id", "gate", "title", "policy", "severity", "otherwise", "on_missing",
    "parameters", "lists", "fields", "derive", "rules", "tables", "stages", "tests", "note",
    "four_eyes",
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
FIELD_KEYS = (
    "type", "title", "unit", "values", "sample", "personal", "editable", "window", "help", "note",
)  # fmt: skip
PARAMETER_TYPES = (
    "number", "money", "duration", "text", "boolean", "date", "instant", "choice", "time", "months",
)  # fmt: skip
LIST_TYPES = ("text", "number", "money", "duration", "date", "instant", "time")


class SetReader:
    def __init__(self, reading: Reading, name: str, before: RuleSet | None = None) -> None:
        self.reading = reading
        self.before = before
        self.name = name
        self.scope = Scope(reading.vocabulary)
        self.allowed: tuple[str, ...] = ()
        self.derive: dict[str, DerivedFact] = {}
        self.derived = DerivedReads()

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
        self._room(data)
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
        before = self._before(gate, policy, parameters, lists, fields)
        entries = EntryReader(reading, self.scope, self.allowed, self.derived, before)
        stages = self._stages(data, policy, entries)
        cases = reading.cases(data.get("tests"), ("tests",), before.case)
        four_eyes = reading.switch(("four_eyes",), data.get("four_eyes", False))
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
            MappingProxyType(entries.tables),
            note_of(data),
            four_eyes,
        )

    def _before(
        self,
        gate: str,
        policy: str,
        parameters: Mapping[str, Parameter],
        lists: Mapping[str, NamedList],
        fields: Mapping[str, Fact],
    ) -> Before:
        """What need not be read again."""
        was, vocabulary = self.before, self.reading.vocabulary
        if was is None or not same_names(
            was, vocabulary, gate, policy, parameters, lists, fields, self.derive
        ):
            return Before(None)
        return Before(was)

    # the head

    def _gate(self, raw: Any) -> str:
        gates = self.reading.vocabulary.gates
        if not isinstance(raw, str) or raw not in gates:
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
        return raw

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
            fact = self._field(path, name, own, self.reading.mapping(path, spec, name))
            if fact:
                found[name] = fact
        return found

    def _field(self, path: Path, name: str, own: str, spec: dict[str, Any]) -> Fact | None:
        self.reading.known_keys(path, spec, FIELD_KEYS)
        options = self.reading.sequence((*path, "values"), spec.get("values"), "values")
        try:
            values = [text_of(value) for value in options]
            help_ = self.reading.mapping((*path, "help"), spec.get("help"), "help")
            title = self.reading.title((*path, "title"), spec.get("title"), own)
            return read_fact(name, {**spec, "title": title, "values": values, "help": help_})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.reading.report(
                path,
                "rule.bad_field",
                f"字段 {name} 的声明有误：{error}",
                f"the field {name} is declared wrongly: {error}",
            )
            return None

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
        options = reading.sequence((*path, "values"), spec.get("values"), "values")
        values = tuple(text_of(value) for value in options)
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
        unit = str(spec.get("unit", ""))
        return Parameter(name, kind, value, title, low, high, unit, values, note_of(spec))

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
                found[name] = NamedList(name, kind, tuple(values), title, note_of(entry))
        return found

    def _derive(self, raw: Any) -> None:
        """Top to bottom: each may use those above; a name from below or itself is a cycle."""
        reading = self.reading
        entries = reading.mapping(("derive",), raw, "derive")
        places = {name: place for place, name in enumerate(entries)}
        for name, spec in entries.items():
            path: Path = ("derive", name)
            text, title = spec, None
            if isinstance(spec, dict):
                reading.known_keys(path, spec, ("value", "title", "note"))
                text, title = spec.get("value"), spec.get("title")
            if not self._named(path, name) or self._too_early(path, text, places):
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
            if found and self._shallow(path, name, found[0]):
                texts = reading.title((*path, "title"), title, name)
                self.derive[name] = DerivedFact(name, found[0], found[1], texts, render(found[0]))
                self.scope.derived[name] = found[1]
                self.scope.aliases.setdefault(texts["zh"], name)
            else:
                self.scope.derived[name] = Type("any")

    def _shallow(self, path: Path, name: str, node: tree.Node) -> bool:
        """Derived facts may build on one another, but not without end."""
        if self.derived.add(name, node) <= MAX_DERIVED_DEPTH:
            return True
        self.reading.report(
            path,
            "rule.derived_too_deep",
            f"派生事实一层套一层，超过 {MAX_DERIVED_DEPTH} 层；请合并几个",
            f"derived facts build on one another for more than {MAX_DERIVED_DEPTH} levels; join some",
        )
        return False

    def _too_early(self, path: Path, text: Any, places: Mapping[str, int]) -> bool:
        try:
            parts = tree.walk(parse(text_of(text)))
        except ExpressionError:
            return False
        own = places[str(path[-1])]
        early = sorted(
            {p.path for p in parts if isinstance(p, tree.Name) and places.get(p.path, -1) >= own},
            key=places.__getitem__,
        )
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

    def _stages(self, data: dict[str, Any], policy: str, entries: EntryReader) -> tuple[Stage, ...]:
        if policy != "stages":
            if "stages" in data:
                self.reading.report(
                    ("stages",),
                    "rule.stages_policy",
                    "有 stages 时 policy 应为 stages",
                    "with stages the policy is stages",
                )
            return (self._stage((), data, "", policy, entries),)
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
            found.append(self._stage(path, spec, name, own, entries))
        if not found:
            self.reading.report((), "rule.no_rules", "没有任何阶段", "there are no stages")
        return tuple(found)

    def _stage(
        self, path: Path, spec: dict[str, Any], name: str, policy: str, entries: EntryReader
    ) -> Stage:
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
                rules += (
                    [entries.rule(here, entry)] if key == "rules" else entries.table(here, entry)
                )
                reading.rule = ""
        if not (rules or (reading.unfinished and spec.get("rules") == [])):
            reading.report(path, "rule.no_rules", "没有任何规则", "there are no rules")
        off = tuple((place, rule) for place, rule in enumerate(rules) if not rule.enabled)
        ordered = tuple(rule for rule in rules if rule.enabled)
        layered = stratify(ordered, reading.problems)
        ordered = (
            tuple(r.placed(r.path, r.line, 0) for r in ordered) if policy == "first" else layered
        )
        title = reading.title((*path, "title"), spec.get("title"), "") if name else {}
        own = title if name and title["zh"] else {}
        note = note_of(spec) if name else ""
        given = spec.get("otherwise") is not None
        return Stage(name, policy, ordered, severity, otherwise, on_missing, own, note, given, off)

    def _room(self, data: dict[str, Any]) -> None:
        """Refuse a set of too many rules before reading them."""
        if _entries(data) + sum(map(_entries, _list(data.get("stages")))) <= MAX_RULES:
            return
        self.reading.report(
            (),
            "rule.too_many_rules",
            f"规则和表格行超过 {MAX_RULES} 条，请拆成几个规则集",
            f"there are more than {MAX_RULES} rules and rows; split the set",
        )
        raise Enough

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


def _list(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else []


def _entries(stage: Any) -> int:
    """How many rules and rows a stage, or a set without stages, seems to hold."""
    if not isinstance(stage, dict):
        return 0
    tables = [table for table in _list(stage.get("tables")) if isinstance(table, dict)]
    return len(_list(stage.get("rules"))) + sum(len(_list(t.get("rows"))) for t in tables)
