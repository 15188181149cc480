"""Reading the parts of a rule document: keys, titles, typed values, expressions, conditions,
actions, cases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.parser import MAX_CHARACTERS, over, parse, parse_unary
from tidegate.engine.language.rendering import render
from tidegate.engine.language.types import Type, comparable, of_fact
from tidegate.engine.limits import MAX_PROBLEMS
from tidegate.engine.problems import ExpressionError, Problem, hint, nearest
from tidegate.engine.rulesets import NO_TEXTS, ActionCall, Case, Condition, Leaf
from tidegate.engine.sourced import Path, Sourced
from tidegate.engine.values import (
    fold,
    parse_date,
    parse_decimal,
    parse_duration,
    parse_instant,
    parse_money,
    parse_months,
    parse_time,
    plain,
)
from tidegate.engine.vocabulary import Action, Argument, Texts, Vocabulary

ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}\Z")
NAME = re.compile(r"[^\W\d]\w{0,79}\Z")
MAX_GROUP_DEPTH = 10
_LONGEST = 600  # of a problem's text: it may quote a value
_READ: dict[str, Callable[[Any], object]] = {
    "number": parse_decimal,
    "money": parse_money,
    "duration": parse_duration,
    "instant": parse_instant,
    "date": parse_date,
    "time": parse_time,
    "months": parse_months,
}
_EXAMPLES = {
    "number": "3",
    "money": "2000 CNY",
    "duration": "24h",
    "instant": "2026-11-11T09:00:00+08:00",
    "date": "2026-11-11",
    "time": "18:00",
    "months": "P1Y6M",
    "boolean": "true",
    "text": "text",
    "choice": "text",
}


class Enough(Exception):
    """So many problems that reading on is of no use."""


class Reading:
    """One document being read; problems gather in `problems`."""

    def __init__(self, document: Sourced, vocabulary: Vocabulary | None) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.rule = ""
        self.ruleset = ""
        self.unfinished = False  # a set under work may hold no rules yet
        self._vocabulary = vocabulary

    @property
    def vocabulary(self) -> Vocabulary:
        if self._vocabulary is None:
            raise ValueError("this document is read without a vocabulary")
        return self._vocabulary

    # problems

    def report(self, path: Path, code: str, zh: str, en: str, near: str = "", at: int = 0) -> None:
        line, column = self.document.mark(path)
        tip = hint(near)
        where = self.where(path)
        zh, en = (text if len(text) <= _LONGEST else text[:_LONGEST] + "…" for text in (zh, en))
        self._collect(Problem(code, zh + tip[0], en + tip[1], where, line, column, at, near))

    def switch(self, path: Path, raw: Any) -> bool:
        """A key that is true or false."""
        if not isinstance(raw, bool):
            self.report(
                path,
                "rule.bad_switch",
                f"{path[-1]} 写 true 或 false，而不是 {raw}",
                f"{path[-1]} is true or false, not {raw}",
            )
        return raw is True

    def _collect(self, problem: Problem) -> None:
        self.problems.append(problem)
        if len(self.problems) >= MAX_PROBLEMS:
            raise Enough

    def where(self, path: Path) -> str:
        """The place in words: the set, the rule, the path."""
        text = ""
        for part in path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
        named = "/".join(name for name in (self.ruleset, self.rule) if name)
        return f"{named} {text}".strip()

    def known_keys(self, path: Path, data: Mapping[str, Any], known: Iterable[str]) -> None:
        for key in data:
            if key not in known:
                listed = ", ".join(known)
                self.report(
                    (*path, key),
                    "rule.unknown_key",
                    f"不认识 {key}；可用：{listed}",
                    f"{key} isn't known here; possible: {listed}",
                    nearest(str(key), known),
                )

    def mapping(self, path: Path, data: Any, what: str) -> dict[str, Any]:
        if isinstance(data, dict):
            return data
        if data is not None:
            self.report(
                path,
                "rule.not_a_mapping",
                f"{what} 应为“键: 值”",
                f"{what} should be a mapping of key: value",
            )
        return {}

    def sequence(self, path: Path, data: Any, what: str) -> list[Any]:
        if isinstance(data, list):
            return data
        if data is not None:
            self.report(path, "rule.not_a_list", f"{what} 应为列表", f"{what} should be a list")
        return []

    def one_of(self, path: Path, value: Any, known: Iterable[str], what: str, default: str) -> str:
        if value is None:
            return default
        if value in known:
            return str(value)
        listed = ", ".join(known)
        self.report(
            path,
            f"rule.unknown_{what}",
            f"{what} 不能是 {value}；可用：{listed}",
            f"{what} can't be {value}; possible: {listed}",
            nearest(str(value), known),
        )
        return default

    def identity(self, path: Path, value: Any, seen: set[str], what: str) -> str:
        """An id: a slug, not used before in this document."""
        name = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
        if not ID.match(name):
            self.report(
                path,
                "rule.bad_id",
                f"{what} 缺少 id，或 id“{value}”不合规（小写字母、数字、- _ .）",
                f"{what} has no id, or {value!r} isn't one (lower case letters, digits, - _ .)",
            )
            return name
        if name in seen:
            self.report(
                path, "rule.duplicate_id", f"id {name} 重复", f"the id {name} is used twice"
            )
        seen.add(name)
        return name

    def title(self, path: Path, value: Any, fallback: str) -> Texts:
        """`{zh, en}` or one text for both; the id when there is none (the checker asks for a
        title).
        """
        if isinstance(value, str) and value.strip():
            return _one_text(value)
        found = _two_texts(value)
        if found:
            return found
        if value is not None:
            self.report(
                path,
                "rule.bad_title",
                "title 应为 {zh: …, en: …}；文字里有逗号时请加引号",
                "a title is {zh: …, en: …}; put text with a comma in quotes",
            )
        return _one_text(fallback)

    def why(self, path: Path, value: Any) -> Texts:
        """A reason as `{zh, en}` or one text for both; empty when there is none."""
        if not value:
            return NO_TEXTS
        if not isinstance(value, (dict, list)):
            return _one_text(str(value))
        found = _two_texts(value)
        if found is None:
            self.report(
                path,
                "rule.bad_why",
                "why 应为一句话或 {zh: …, en: …}；文字里有逗号时请加引号",
                "a why is one text or {zh: …, en: …}; put text with a comma in quotes",
            )
        return found or NO_TEXTS

    # values

    def value(self, path: Path, raw: Any, kind: str, values: tuple[str, ...] = ()) -> object:
        """A constant of the wanted type; None after a report."""
        try:
            return self._value(raw, kind, values)
        except (ValueError, TypeError, OverflowError):
            listed = f"（{', '.join(values)}）" if values else ""
            example = values[0] if values else _EXAMPLES.get(kind, "…")
            named = Type("text" if kind == "choice" else kind).named(True)
            self.report(
                path,
                "rule.unknown_choice" if values else "rule.bad_value",
                f"“{plain(raw)}”不是合适的{named}{listed}，例如 {example}",
                f"{plain(raw)!r} isn't a fitting {kind} {listed}, such as {example}".replace(
                    " ,", ","
                ),
                nearest(str(raw), values),
            )
            return None

    def _value(self, raw: Any, kind: str, values: tuple[str, ...]) -> object:
        if kind in _READ:
            return _READ[kind](raw)
        if kind == "boolean":
            if not isinstance(raw, bool):
                raise ValueError("not a boolean")
            return raw
        if kind == "any":
            return raw
        if kind == "texts":
            return tuple(str(member) for member in raw) if isinstance(raw, list) else (str(raw),)
        if raw is None or isinstance(raw, (bool, dict, list)):
            raise ValueError("not text")
        text = str(raw)
        if values:
            return (
                next(value for value in values if fold(value) == fold(text))
                if _among(text, values)
                else _reject()
            )
        return text

    # expressions

    def expression(
        self, path: Path, raw: Any, scope: Scope, wanted: str = ""
    ) -> tuple[tree.Node, Type] | None:
        """A bound expression and its type; None after a report."""
        if isinstance(raw, bool) and wanted in ("", "boolean"):
            return tree.Literal(raw), Type("boolean")
        if not isinstance(raw, str):
            if isinstance(raw, int) or (raw is not None and not isinstance(raw, (dict, list))):
                raw = str(plain(raw))
            else:
                self.report(
                    path, "rule.not_an_expression", "应为一条表达式", "it should be one expression"
                )
                return None
        try:
            node = parse(raw)
        except ExpressionError as error:
            self._moved(path, error.problem, raw)
            return None
        found = self.bound(path, node, scope, wanted, raw)
        return found if found and self._canonical(path, raw, found[0], scope) else None

    def _canonical(self, path: Path, raw: str, node: tree.Node, scope: Scope) -> bool:
        """The canonical text, in which the set is written again, must be readable as the same
        tree: not too long, and no id in it may be caught by a variable of that name.
        """
        text = render(node)
        if len(text) > MAX_CHARACTERS:
            self.report(
                path,
                "rule.expression_too_long",
                f"表达式写成规范形式后超过 {MAX_CHARACTERS} 个字符，请用 derive 拆开",
                f"the expression in canonical form is longer than {MAX_CHARACTERS} characters; "
                f"split it with derive",
            )
            return False
        if text == raw.strip() or not any(
            isinstance(part, tree.BINDING) for part in tree.walk(node)
        ):
            return True
        again, _, problems = bind(parse(text), scope)
        if problems or again != node:
            names = sorted(
                {part.variable for part in tree.walk(node) if isinstance(part, tree.BINDING)}
            )
            listed = ", ".join(names)
            self.report(
                path,
                "rule.name_taken",
                f"变量 {listed} 与表达式中用到的名称相同，请换一个变量名",
                f"the variable {listed} has a name the expression also uses; choose another",
            )
            return False
        return True

    def bound(
        self, path: Path, node: tree.Node, scope: Scope, wanted: str, raw: str
    ) -> tuple[tree.Node, Type] | None:
        found, kind, problems = bind(node, scope)
        for problem in problems:
            self._moved(path, problem, raw)
        if problems:
            return None
        if wanted == "boolean" and kind.kind not in ("boolean", "any"):
            self.report(
                path,
                "rule.not_boolean",
                f"条件“{raw}”的结果是{kind.named(True)}，应为是否；请与某个值比较",
                f"the condition “{raw}” gives {kind.named(False)}, not true or "
                f"false; compare it with a value",
            )
            return None
        return found, kind

    def _moved(self, path: Path, problem: Problem, raw: str) -> None:
        line, column = self.document.mark(path)
        shown = raw if len(raw) <= 80 else raw[:77] + "…"
        problem = replace(problem, zh=f"“{shown}”：{problem.zh}", en=f"“{shown}”: {problem.en}")
        self._collect(problem.moved(self.where(path), line, column))

    def condition(
        self, path: Path, raw: Any, scope: Scope, kind: str = "all", level: int = 0
    ) -> Condition:
        """A condition list with nested groups; a single text is a list of one."""
        if level > MAX_GROUP_DEPTH:
            self.report(path, "rule.too_deep", "条件组嵌套过深", "groups are nested too deeply")
            return Condition(kind, ())
        single = not isinstance(raw, list)
        parts: list[Condition | Leaf] = []
        for index, item in enumerate([raw] if single else raw):
            here = path if single else (*path, index)
            if isinstance(item, dict):
                parts += self._groups(here, item, scope, level)
                continue
            found = self.expression(here, item, scope, "boolean")
            if found:
                parts.append(Leaf(found[0], render(found[0])))
        return Condition(kind, tuple(parts))

    def _groups(
        self, path: Path, item: dict[str, Any], scope: Scope, level: int
    ) -> list[Condition]:
        self.known_keys(path, item, ("all", "any", "none"))
        groups = [key for key in ("all", "any", "none") if key in item]
        if not item:
            self.report(
                path,
                "rule.empty_group",
                "这里是空的；请写条件，或 all、any、none 组",
                "this is empty; write a condition, or a group all, any or none",
            )
        for key in groups:
            if not item[key]:
                self.report(
                    (*path, key),
                    "rule.empty_group",
                    f"{key} 组里没有条件",
                    f"the group {key} holds no condition",
                )
        return [
            self.condition((*path, key), item[key], scope, key, level + 1)
            for key in groups
            if item[key]
        ]

    def cell(self, path: Path, raw: Any, subject: tree.Node, scope: Scope) -> Leaf | None:
        """A table cell as a condition on its input; None for `-`."""
        text = text_of(raw)
        if raw is None or isinstance(raw, (dict, list)):
            self.report(
                path,
                "rule.bad_cell",
                '单元格应为条件，任意请写 "-"',
                'a cell is a condition; "-" means anything',
            )
            return None
        try:
            cell = parse_unary(text)
        except ExpressionError as error:
            self._moved(path, error.problem, text)
            return None
        caught = _variables(cell.tests) & _heads(subject)
        if caught:
            listed = ", ".join(sorted(caught))
            self.report(
                path,
                "rule.name_taken",
                f"变量 {listed} 与这一列用到的名称相同，请换一个变量名",
                f"the variable {listed} has a name the column also uses; choose another",
            )
            return None
        node = over(subject, cell)
        found = self.bound(path, node, scope, "boolean", text) if node else None
        return Leaf(found[0], render(found[0])) if found else None

    # actions

    def actions(
        self, path: Path, raw: Any, scope: Scope, allowed: tuple[str, ...]
    ) -> tuple[ActionCall, ...]:
        calls: list[ActionCall] = []
        for index, item in enumerate(self.sequence(path, raw, "then")):
            here = (*path, index)
            if isinstance(item, str):
                calls += self.action(here, item, None, scope, allowed)
            elif isinstance(item, dict) and len(item) == 1:
                name = next(iter(item))
                calls += self.action((*here, name), name, item[name], scope, allowed)
            else:
                self.report(
                    here,
                    "rule.bad_action",
                    "每项写一个动作，如 approve 或 hold: {reason: …}",
                    "each entry is one action, such as approve or hold: {reason: …}",
                )
        return tuple(calls)

    def action(
        self, path: Path, name: str, raw: Any, scope: Scope, allowed: tuple[str, ...]
    ) -> list[ActionCall]:
        """One action; a list for the main argument of a `many` action makes several."""
        action = self.vocabulary.actions.get(name)
        if action is None or name not in allowed:
            listed = ", ".join(allowed)
            self.report(
                path,
                "rule.unknown_action",
                f"关口 {scope.gate} 没有动作 {name}；可用：{listed}",
                f"the gate {scope.gate} has no action {name}; it has {listed}",
                nearest(name, allowed),
            )
            return []
        if isinstance(raw, list) and action.many and action.main:
            calls = [
                self._call((*path, i), action, {action.main: value}, scope)
                for i, value in enumerate(raw)
            ]
        else:
            calls = [self._call(path, action, self._given(path, action, raw), scope)]
        return [call for call in calls if call]

    def _given(self, path: Path, action: Action, raw: Any) -> dict[str, Any]:
        if isinstance(raw, dict):
            self.known_arguments(path, action, raw)
            return raw
        if raw is None or (raw is True and not action.main):
            return {}
        if not action.main:
            self.report(
                path,
                "rule.no_argument",
                f"动作 {action.id} 不带单个值",
                f"the action {action.id} takes no single value",
            )
            return {}
        return {action.main: raw}

    def known_arguments(self, path: Path, action: Action, raw: Mapping[str, Any]) -> None:
        for key in raw:
            if key not in action.args:
                listed = ", ".join(action.args) or "-"
                self.report(
                    (*path, key),
                    "rule.unknown_argument",
                    f"动作 {action.id} 没有参数 {key}；可用：{listed}",
                    f"the action {action.id} has no argument {key}; it has {listed}",
                    nearest(key, action.args),
                )

    def _call(
        self, path: Path, action: Action, given: Mapping[str, Any], scope: Scope
    ) -> ActionCall | None:
        args: dict[str, object | tree.Node] = {}
        for name, arg in action.args.items():
            here = (*path, name) if self.document.has((*path, name)) else path
            if given.get(name) is not None:
                args[name] = self._argument(here, given[name], arg, scope)
            elif arg.default is not None:
                args[name] = self._value(arg.default, arg.type, arg.values)
            elif arg.required:
                self.report(
                    path,
                    "rule.missing_argument",
                    f"动作 {action.id} 缺少参数 {name}",
                    f"the action {action.id} misses its argument {name}",
                )
        return ActionCall(action, MappingProxyType(args))

    def _argument(self, path: Path, raw: Any, arg: Argument, scope: Scope) -> object | tree.Node:
        """Text is meant as it stands unless it begins with `=`; other types may be any
        expression.
        """
        texts = arg.type in ("text", "choice", "any", "texts")
        if isinstance(raw, str) and (raw.startswith("=") or not texts):
            found = self.expression(path, raw.removeprefix("="), scope)
            if found is None:
                return None
            node, kind = found
            wanted = of_fact(arg.type, arg.unit, arg.values)
            if not comparable(kind, wanted):
                self.report(
                    path,
                    "rule.type_argument",
                    f"参数 {arg.id} 应为{wanted.named(True)}，实为{kind.named(True)}",
                    f"the argument {arg.id} should be {wanted.named(False)}, "
                    f"but is {kind.named(False)}",
                )
            return node.value if isinstance(node, tree.Literal) else node
        return self.value(path, raw, arg.type, arg.values)

    # cases

    def cases(
        self, raw: Any, path: Path, before: Callable[[object], Case | None] = lambda _: None
    ) -> tuple[Case, ...]:
        """`before` tells the test that an entry has been read as already."""
        found: list[Case] = []
        names: set[str] = set()
        for index, item in enumerate(self.sequence(path, raw, "tests")):
            here = (*path, index)
            known = before(item)
            if known is not None and known.name not in names:
                names.add(known.name)
                found.append(known.placed(self.document.mark(here)[0]))
                continue
            case = self.mapping(here, item, "test")
            self.known_keys(here, case, ("name", "at", "given", "expect"))
            name = str(case.get("name") or "")
            if not name or name in names:
                self.report(
                    here,
                    "case.name",
                    f"用例缺少名称或重名：{name}",
                    f"a case has no name, or one used twice: {name}",
                )
            names.add(name)
            given = self.mapping((*here, "given"), case.get("given", {}), "given")
            expect = self.mapping((*here, "expect"), case.get("expect"), "expect")
            if not expect:
                self.report(
                    here,
                    "case.expects_nothing",
                    f"用例 {name} 没有 expect",
                    f"the case {name} expects nothing",
                )
            found.append(Case(name, given, expect, case.get("at"), self.document.mark(here)[0]))
        return tuple(found)


def _variables(nodes: Iterable[tree.Node]) -> set[str]:
    return {
        part.variable
        for node in nodes
        for part in tree.walk(node)
        if isinstance(part, tree.BINDING)
    }


def _heads(node: tree.Node) -> set[str]:
    names = (part.path for part in tree.walk(node) if isinstance(part, tree.Name))
    return {name.partition(".")[0] for name in names}


def _one_text(text: str) -> Texts:
    return MappingProxyType({"zh": text, "en": text})


def _two_texts(value: Any) -> Texts | None:
    """`{zh, en}`, where the one there is stands for both; empty without any, None for anything else."""
    if not isinstance(value, dict) or not set(value) <= {"zh", "en"}:
        return None
    texts = {key: str(text) for key, text in value.items() if text}
    some = next(iter(texts.values()), "")
    return MappingProxyType({key: texts.get(key, some) for key in ("zh", "en")} if texts else {})


def text_of(raw: Any) -> str:
    """A value of the document as text: what it would be in YAML."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return str(plain(raw))


def note_of(spec: Mapping[str, Any]) -> str:
    return str(spec.get("note") or "")


def _among(text: str, values: tuple[str, ...]) -> bool:
    return any(fold(value) == fold(text) for value in values)


def _reject() -> object:
    raise ValueError("none of the values")
