"""A rule's `pattern:` to one condition: a `Sequence` whose names are bound and types checked.

`document` is the way back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from tidegate.engine.conditions import NAME, Reading
from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope
from tidegate.engine.language.rendering import render
from tidegate.engine.language.types import Type
from tidegate.engine.patterns.conjuncts import events_in
from tidegate.engine.problems import nearest
from tidegate.engine.rulesets import Leaf
from tidegate.engine.sourced import Path
from tidegate.engine.vocabulary import Fact, Group

KEYS = ("over", "find", "within", "note")
ABSENT = "absent"
MAX_EVENTS_NAMED = 8
MAX_ABSENT = 8
_RESERVED = (
    "and", "or", "not", "in", "is", "if", "then", "else", "between", "now", "some", "every", "no",
    "satisfies", "true", "false", "null", "missing", "present", "decided", "现在", "自定义", "custom",
)  # fmt: skip


def read_pattern(
    reading: Reading, path: Path, raw: Any, scope: Scope, derive: Mapping[str, tree.Node]
) -> Leaf | None:
    """The pattern as a leaf; None after a report. `derive` are the set's derived facts so far."""
    spec = reading.mapping(path, raw, "pattern")
    reading.known_keys(path, spec, KEYS)
    episode = _episode(reading, (*path, "over"), spec.get("over"), scope)
    entries = reading.sequence((*path, "find"), spec.get("find"), "find")
    if not entries:
        reading.report(
            path,
            "rule.pattern_empty",
            "pattern 里没有要找的事件（find）",
            "the pattern has no events to find (find)",
        )
    if episode is None or not entries:
        return None
    before = len(reading.problems)
    steps = _Find(reading, scope, derive, episode).read((*path, "find"), entries)
    within = _within(reading, (*path, "within"), spec.get("within"), scope, len(_named(steps)))
    if len(reading.problems) > before:
        return None
    over = tree.Fact(episode.group.id)
    by = tree.Member(over, episode.instant.field_name, episode.instant.id)
    node = tree.Sequence(over, by, steps, within)
    return Leaf(node, render(node))


def document(node: tree.Sequence) -> dict[str, object]:
    """The pattern as it is written in a rule; reading it gives an equal node."""
    found: dict[str, object] = {
        "over": render(node.over),
        "find": [
            {ABSENT if step.absent else step.name: render(step.condition)} for step in node.steps
        ],
    }
    if node.within is not None:
        found["within"] = render(node.within)
    return found


@dataclass(frozen=True)
class _Episode:
    """The list to search, the fields of its events and the one that says when each happened."""

    group: Group
    fields: tuple[Fact, ...]
    instant: Fact


def _episode(reading: Reading, path: Path, raw: Any, scope: Scope) -> _Episode | None:
    vocabulary = scope.vocabulary
    lists = [group for group in vocabulary.groups.values() if group.each]
    if raw is None:
        listed = ", ".join(group.id for group in lists)
        reading.report(
            path[:-1],
            "rule.pattern_over",
            f"pattern 缺少 over：在哪个列表里找（{listed}）",
            f"the pattern has no over: the list to search ({listed})",
        )
        return None
    group = vocabulary.list(str(raw))
    if group is None:
        known = [name for name in vocabulary.names if vocabulary.list(name)]
        reading.report(
            path,
            "rule.pattern_over",
            f"over 应为列表名，{raw} 不是；可用：{', '.join(g.id for g in lists)}",
            f"over names a list, and {raw} is none; there are {', '.join(g.id for g in lists)}",
            nearest(str(raw), known),
        )
        return None
    if reading.expression(path, str(raw), scope) is None:  # not at this gate
        return None
    fields = tuple(fact for fact in vocabulary.facts.values() if fact.group == group.each)
    instant = next((fact for fact in fields if fact.type == "instant"), None)
    if instant is None:
        reading.report(
            path,
            "rule.pattern_no_instant",
            f"{group.id} 的行没有时刻，排不出先后；pattern 只能用在有时刻的列表上",
            f"a line of {group.id} has no instant, so its lines have no order; a pattern needs a "
            f"list of events",
        )
        return None
    return _Episode(group, fields, instant)


def _within(reading: Reading, path: Path, raw: Any, scope: Scope, events: int) -> tree.Node | None:
    if raw is None:
        return None
    found = reading.expression(path, raw, scope)
    if found is None:
        return None
    node, kind = found
    if kind.kind != "duration" or not isinstance(node, (tree.Literal, tree.Parameter)):
        reading.report(
            path,
            "rule.pattern_within",
            f"within 应为时长或时长参数，如 3d；“{raw}”不是",
            f"within is a duration or a duration parameter, such as 3d; “{raw}” is neither",
        )
    elif isinstance(node, tree.Literal) and not _positive(node.value):
        reading.report(
            path,
            "rule.pattern_within",
            f"within 应大于 0，实为 {raw}",
            f"within should be more than 0, and is {raw}",
        )
    if events == 1:
        reading.report(
            path,
            "rule.pattern_within",
            "within 是从第一个到最后一个事件的时长；只找一个事件时请写在条件里，如 since(at) < 3d",
            "within counts from the first event to the last; with one event put it into the "
            "condition, as in since(at) < 3d",
        )
    return node


def _positive(value: object) -> bool:
    return isinstance(value, timedelta) and value > timedelta(0)


def _named(steps: tuple[tree.Step, ...]) -> list[tree.Step]:
    return [step for step in steps if not step.absent]


class _Find:
    """The entries of `find`, one after another: each knows the events named before it."""

    def __init__(
        self, reading: Reading, scope: Scope, derive: Mapping[str, tree.Node], episode: _Episode
    ) -> None:
        self.reading = reading
        self.scope = scope
        self.derive = derive
        self.episode = episode
        self.events: dict[str, Type] = {}

    def read(self, path: Path, entries: list[Any]) -> tuple[tree.Step, ...]:
        steps: list[tree.Step] = []
        for index, raw in enumerate(entries[: MAX_EVENTS_NAMED + MAX_ABSENT + 1]):
            here: Path = (*path, index)
            if not isinstance(raw, dict) or len(raw) != 1:
                self.reading.report(
                    here,
                    "rule.pattern_entry",
                    "每项写一个事件（名称: 条件）或 absent: 条件",
                    "each entry is one event (name: condition) or absent: condition",
                )
                continue
            name = str(next(iter(raw)))
            step = self._step((*here, name), name, raw[name])
            steps += [step] if step else []
            self.events.setdefault(name, self._line())
        self._limits(path, entries, steps)
        return tuple(steps)

    def _line(self) -> Type:
        return Type("line", line=self.episode.group.id)

    def _step(self, path: Path, name: str, raw: Any) -> tree.Step | None:
        if name != ABSENT and not self._named(path, name):
            return None
        events = {key: kind for key, kind in self.events.items() if key != ABSENT}
        scope = replace(self.scope, variables={**events, name: self._line()}, own=name)
        texts = raw if isinstance(raw, list) else [raw]
        found = [
            self.reading.expression(
                (*path, n) if isinstance(raw, list) else path, text, scope, "boolean"
            )
            for n, text in enumerate(texts)
        ]
        parts = tuple(one[0] for one in found if one is not None)
        if len(parts) < len(texts):
            return None
        node = parts[0] if len(parts) == 1 else tree.And(parts) if parts else tree.Literal(True)
        self._plain(path, node, frozenset(scope.variables))
        return tree.Step(name, node, name == ABSENT)

    def _named(self, path: Path, name: str) -> bool:
        taken = {field.field_name for field in self.episode.fields}
        taken |= {field.title["zh"] for field in self.episode.fields}
        scope, own = self.scope, self.episode.group.each
        groups = {g for g in scope.vocabulary.groups if g != own}
        titles = {scope.vocabulary.groups[g].title["zh"] for g in groups}
        known = (scope.parameters, scope.lists, scope.derived, scope.aliases, groups, titles)
        if not NAME.match(name) or name in _RESERVED:
            self.reading.report(
                path,
                "rule.bad_name",
                f"{name} 不能作事件名称（字母、数字、_，且不是关键字）",
                f"{name} can't name an event (letters, digits, _, and no word of the language)",
            )
            return False
        if name in taken or name in self.events or any(name in names for names in known):
            self.reading.report(
                path,
                "rule.name_taken",
                f"事件名称 {name} 已被使用（字段、参数、列表或另一个事件），请换一个",
                f"the name {name} is taken (by a field, a parameter, a list or another event); "
                f"choose another",
            )
            return False
        return True

    def _plain(self, path: Path, node: tree.Node, events: frozenset[str]) -> None:
        """What a condition of `find` must leave alone, so that a search has an end."""
        for part in tree.walk(node):
            if isinstance(part, (tree.Quantified, tree.Filter)) and part.variable in events:
                self.reading.report(
                    path,
                    "rule.name_taken",
                    f"{part.variable} 已是事件名称，some … in 里请换一个名称",
                    f"{part.variable} names an event; use another name in some … in",
                )
            if isinstance(part, tree.Fact) and self.scope.vocabulary.groups.get(part.id):
                self.reading.report(
                    path,
                    "rule.pattern_list",
                    f"事件的条件里不能用列表 {part.id}；请先写成派生事实（derive）",
                    f"the condition of an event can't use the list {part.id}; name what you need "
                    f"in derive",
                )
            if self._compares_times(part) and len(events_in(part)) > 1:
                self.reading.report(
                    path,
                    "rule.pattern_time",
                    f"{render(part)}：与现在比较时一次只能用一个事件",
                    f"{render(part)}: a comparison with the present time can use one event only",
                )

    def _compares_times(self, node: tree.Node) -> bool:
        return isinstance(node, (tree.Compare, tree.Between, tree.In)) and self._timed(node)

    def _timed(self, node: tree.Node) -> bool:
        for part in tree.walk(node):
            if isinstance(part, tree.Derived) and self._timed(self.derive.get(part.id, _NEVER)):
                return True
            if isinstance(part, tree.Call) and part.function in ("since", "until"):
                return True
            if isinstance(part, tree.Fact) and part.id == "now":
                return True
        return False

    def _limits(self, path: Path, entries: list[Any], steps: list[tree.Step]) -> None:
        reading, named = self.reading, len(_named(tuple(steps)))
        if len(entries) > MAX_EVENTS_NAMED + MAX_ABSENT or named > MAX_EVENTS_NAMED:
            reading.report(
                path,
                "rule.pattern_too_long",
                f"find 最多 {MAX_EVENTS_NAMED} 个事件和 {MAX_ABSENT} 个 absent",
                f"find holds at most {MAX_EVENTS_NAMED} events and {MAX_ABSENT} absent entries",
            )
        elif steps and (steps[0].absent or steps[-1].absent):
            at = 0 if steps[0].absent else len(entries) - 1
            reading.report(
                (*path, at),
                "rule.pattern_absent",
                "absent 写在两个事件之间：它说明这两个事件之间不能有什么",
                "absent stands between two events: it says what must not lie between them",
            )


_NEVER = tree.Literal(False)
