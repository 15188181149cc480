"""The editor's bands ready to be shown: each row with its field, operators, widget, examples and what is
wrong with it. Only words and plain values; pages need nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidegate.engine.language.sentences import sentence
from tidegate.engine.language.types import Type, comparable
from tidegate.engine.rulesets import Rule, RuleSet
from tidegate.errors import InputError
from tidegate.services.view_names import Words
from tidegate.services.workshop.fields import title_of
from tidegate.services.workshop.operators import Offer, example, offer, offers
from tidegate.services.workshop.rule_rows import (
    ActionRow,
    Group,
    Lines,
    Part,
    Row,
    RuleRows,
    Text,
    Value,
)
from tidegate.services.workshop.rule_usage import Usage, usage
from tidegate.services.workshop.rule_views import (
    ActionView,
    ArgumentView,
    Errors,
    GroupView,
    LinesView,
    PartView,
    RowView,
    TextView,
    ValueView,
)
from tidegate.services.workshop.rule_writing import Wrong
from tidegate.services.workshop.set_names import Name, SetNames
from tidegate.services.workshop.widgets import NOTHING, Choice, Choices, Widgets

CURRENCIES = ("CNY", "HKD", "TWD", "USD", "EUR", "GBP", "JPY", "BRL")
SPANS: Mapping[str, Words] = {
    "h": {"zh": "小时", "en": "hours"},
    "d": {"zh": "天", "en": "days"},
    "m": {"zh": "分钟", "en": "minutes"},
}
_UNITS: Mapping[str, Words] = {
    "units": {"zh": "件", "en": "units"}, "lines": {"zh": "行", "en": "lines"},
    "orders": {"zh": "单", "en": "orders"}, "parcels": {"zh": "个包裹", "en": "parcels"},
    "g": {"zh": "克", "en": "g"}, "cm3": {"zh": "立方厘米", "en": "cm³"},
    "days": {"zh": "天", "en": "days"}, "attempts": {"zh": "次", "en": "attempts"},
}  # fmt: skip


class Viewing:
    """Makes the views of one rule; `read` is the rule as the engine understood it, if it did."""

    def __init__(
        self, ruleset: RuleSet, names: SetNames, widgets: Widgets, rule: str, wrong: Sequence[Wrong]
    ) -> None:
        self.ruleset = ruleset
        self.names = names
        self.widgets = widgets
        self.rule = rule
        self.errors: dict[str, dict[str, Words]] = {}
        for one in wrong:
            self.errors.setdefault(one.path, {}).setdefault(one.part, {"zh": one.zh, "en": one.en})
        self._usage: Usage = usage(ruleset)

    def condition(self, rows: RuleRows, read: Rule | None) -> GroupView:
        self._said = _sentences(read, self.ruleset)
        return self._group(rows.condition, "c", "", "")

    def actions(self, rows: RuleRows) -> list[ActionView]:
        return [self._action(index, row) for index, row in enumerate(rows.actions)]

    # parts

    def _group(self, group: Group, path: str, number: str, join: str) -> GroupView:
        word = {"all": "and", "any": "or", "none": "nor"}[group.kind]
        parts = [
            self._part(part, f"{path}-{n}", f"{number}.{n + 1}".lstrip("."), word if n else "")
            for n, part in enumerate(group.parts)
        ]
        return GroupView(path, number, join, group.kind, parts, self.errors.get(path, {}))

    def _part(self, part: Part, path: str, number: str, join: str) -> PartView:
        if isinstance(part, Group):
            return self._group(part, path, number, join)
        if isinstance(part, Lines):
            title = (
                self.names.all[part.over].title
                if part.over in self.names.all
                else {"zh": part.over, "en": part.over}
            )
            inner = [
                self._leaf(
                    one, f"{path}-{n}", f"{number}.{n + 1}", part.join if n else "", part.over
                )
                for n, one in enumerate(part.parts)
            ]
            return LinesView(path, number, join, part, self.errors.get(path, {}), title, inner)
        return self._leaf(part, path, number, join, "")

    def _leaf(
        self, part: Row | Text, path: str, number: str, join: str, over: str
    ) -> RowView | TextView:
        errors = self.errors.get(path, {})
        if isinstance(part, Text):
            said = self._said.get(part.text.strip()) or (
                self._said.get("pattern") if part.pattern else None
            )
            return TextView(path, number, join, part, errors, said)
        return self._row(part, path, number, join, errors, bool(over))

    def _row(
        self, row: Row, path: str, number: str, join: str, errors: Errors, inside: bool
    ) -> RowView:
        name = self.names.get(row.subject)
        found = offer(name.type, row.op) if name else None
        if name is None or found is None:
            return RowView(path, number, join, row, errors, inside=inside)
        listed = list(offers(name.type))
        if found not in listed:
            listed.append(found)
        share = None if name.kind != "fact" else self.widgets.samples.of(name.id).share_missing
        many = found.takes in ("tests", "words")
        choices = self.widgets.choices(
            name, found, row.browse, row.chosen if many else (row.value.text,)
        )
        titles = {one.value: one for one in choices.values}
        return RowView(
            path, number, join, row, errors, name=name, title=title_of(name), offers=listed,
            takes=found.takes, wrap=found.wrap,
            low=self._value(row.value, found, choices, name) if found.takes in ("value", "range") else None,
            high=self._value(row.high, found, choices, name) if found.takes == "range" else None,
            window=self._span(row.window, name) if name.window else None,
            choices=choices,
            chosen=[titles.get(value, Choice(value)) for value in row.chosen],
            lists=self._named(Type("list", found.type), ("list",)) if many else (),
            calendars=self._named(Type("calendar"), ("calendar",)),
            example=self._example(row, found),
            missing="" if share is None else str(share),
            same_in=self._same(row, found, name),
            inside=inside,
        )  # fmt: skip

    def _value(self, value: Value, found: Offer, choices: Choices, name: Name) -> ValueView:
        kind = "choice" if found.type.values or choices.closed else found.type.kind
        kind = "boolean" if found.type.kind == "boolean" else kind
        named = self.names.get(value.text) if value.source == "named" else None
        return ValueView(
            value, kind, _unit(found.type), choices, self._units(found.type),
            self._named(found.type, ("parameter",)), self._fields(found.type, name),
            found.type.kind == "text" and not found.type.values and found.operator in ("=", "!="),
            named.said if named else "", self._usage.names[value.text] if named else 0,
        )  # fmt: skip

    def _span(self, value: Value, name: Name) -> ValueView:
        span = Type("duration")
        named = self._named(span, ("parameter",))
        chosen = self.names.get(value.text) if value.source == "named" else None
        return ValueView(
            value, "duration", None, NOTHING, self._units(span), named, (),
            said=chosen.said if chosen else "", used=self._usage.names[value.text] if chosen else 0,
        )  # fmt: skip

    def _units(self, kind: Type) -> Sequence[tuple[str, Words]]:
        if kind.kind == "duration":
            return tuple(SPANS.items())
        home = self.widgets.context.currency
        listed = dict.fromkeys((home, *CURRENCIES))
        return (
            [(c, {"zh": _MONEY.get(c, c), "en": c}) for c in listed] if kind.kind == "money" else ()
        )

    def _named(self, kind: Type, kinds: tuple[str, ...]) -> Sequence[Choice]:
        return [
            Choice(one.id, _with_value(one))
            for one in self.names.of_kind(*kinds)
            if comparable(one.type, kind) or kind.kind == one.type.kind == "calendar"
        ]

    def _fields(self, kind: Type, name: Name) -> Sequence[Choice]:
        """Other fields of the same kind; those of other lists make no sense here."""
        return [
            Choice(one.id, title_of(one))
            for one in self.names.subjects
            if one.id != name.id and one.type.kind == kind.kind and not one.window
            and one.over in ("", name.over)
        ]  # fmt: skip

    def _example(self, row: Row, found: Offer) -> tuple[str, str] | None:
        if row.value.source != "fixed":
            return None
        return example(found, row.value.text)

    def _same(self, row: Row, found: Offer, name: Name) -> Sequence[str]:
        if row.value.source != "fixed" or not row.value.text or found.wrap:
            return ()
        text = row.value.text.replace(",", "")
        if found.type.kind in ("money", "duration"):
            text += f" {row.value.unit}" if found.type.kind == "money" else row.value.unit
        return self._usage.others(name.id, text, self.rule)

    # actions

    def _action(self, index: int, row: ActionRow) -> ActionView:
        errors = self.errors.get(f"a-{index}", {})
        action = self.ruleset.vocabulary.actions.get(row.action)
        if action is None:
            return ActionView(index, row, (), errors)
        args = [
            ArgumentView(
                one.id, one.title, one.required, "" if one.default is None else str(one.default),
                one.type, row.args.get(one.id, ""), _unit(Type(one.type, unit=one.unit)),
                self._argument_choices(action.id, one.id, one.type, one.values),
            )
            for one in action.args.values()
        ]  # fmt: skip
        return ActionView(index, row, args, errors)

    def _argument_choices(
        self, action: str, name: str, kind: str, values: Sequence[str]
    ) -> Choices:
        if kind in ("number", "money", "duration", "date", "instant"):
            return Choices(self._named(Type(kind), ("parameter",)))
        return self.widgets.arguments(action, name, values)


_MONEY = {
    "CNY": "元", "HKD": "港元", "TWD": "新台币", "USD": "美元", "EUR": "欧元", "GBP": "英镑",
    "JPY": "日元", "BRL": "雷亚尔",
}  # fmt: skip


def _unit(kind: Type) -> Words | None:
    return _UNITS.get(kind.unit, {"zh": kind.unit, "en": kind.unit}) if kind.unit else None


def _with_value(name: Name) -> Words:
    if not name.said:
        return name.title
    return {"zh": f"{name.title['zh']}（{name.said}）", "en": f"{name.title['en']} ({name.said})"}


def _sentences(rule: Rule | None, ruleset: RuleSet) -> dict[str, Words]:
    """Conditions in words, by their text; the pattern under a name of its own."""
    found: dict[str, Words] = {}
    for leaf in rule.leaves if rule else ():
        key = "pattern" if leaf.text.startswith("over ") else leaf.text
        found[key] = {lang: sentence(leaf.node, ruleset, lang) for lang in ("zh", "en")}
    return found


def unknown_rule(set_id: str, rule: str) -> InputError:
    """For addresses that name a row of a table: that is edited in its grid."""
    return InputError(
        "editor.table_row",
        zh=f"{rule} 是决策表里的一行，请在表格里改。",
        en=f"{rule} is a row of a decision table; edit it in the grid.",
        set=set_id,
        rule=rule,
    )
