"""A decision table for people: typed columns, cells in words, marks between rows, what happens otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from tidegate.engine.language.sentences import action_sentence
from tidegate.engine.language.types import ANY, Type
from tidegate.engine.rulesets import Rule, RuleSet, Stage
from tidegate.engine.vocabulary import Action
from tidegate.errors import NotFound
from tidegate.interchange.cells import cell_text
from tidegate.services.context import Context
from tidegate.services.view_names import Words, same
from tidegate.services.workshop import drafts, feedback, grid_marks
from tidegate.services.workshop.grid_marks import Mark, Marks
from tidegate.services.workshop.grid_typing import Column as TypedColumn
from tidegate.services.workshop.grid_typing import cell_text as typed_cell
from tidegate.services.workshop.grid_words import Part, cell_parts, constant_words
from tidegate.services.workshop.set_names import SetNames
from tidegate.store.grid_tables import TableUndo
from tidegate.store.tables import CarrierService

PAGE = 100  # rows on one page
HITS_DAYS = 30
_NOTHING = Part("any", {"zh": "—", "en": "—"}, "-")


@dataclass(frozen=True, slots=True)
class Column:
    """`place` is `when.0` or `then.1`; `source` the expression or action it stands for."""

    place: str
    source: str
    title: Words
    hint: Words
    suggestions: Sequence[tuple[str, Words]]

    @property
    def output(self) -> bool:
        return self.place.startswith("then")


@dataclass(frozen=True, slots=True)
class Cell:
    """`text` is what an editor shows; in its place `typed`, where a name says the same to the reader."""

    place: str
    text: str
    parts: Sequence[Part]
    typed: Words | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """`id` within the table; `number` counts from 1 over all pages."""

    id: str
    number: int
    note: str
    title: Words
    enabled: bool
    cells: Sequence[Cell]
    hits: int
    marks: Sequence[Mark]

    def mark(self, kind: str) -> Mark | None:
        return next((one for one in self.marks if one.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Gap:
    """A row that would take what no row takes."""

    number: int
    cells: Sequence[Cell]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Grid:
    """`version` 0: no draft yet. `ordered`: the order of rows decides. `marks` None: not looked at yet."""

    set_id: str
    table_id: str
    title: Words
    note: str
    version: int
    policy: str
    ordered: bool
    columns: Sequence[Column]
    rows: Sequence[Row]
    total: int
    page: int
    gaps: Sequence[Gap]
    otherwise: Sequence[Words]
    goes_on: bool
    marks: Marks | None
    numbers: Mapping[str, int]
    can_undo: bool

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))

    @property
    def problems(self) -> Sequence[Mark]:
        return self.marks.marks if self.marks else ()


def opened(
    context: Context, set_id: str, table_id: str, page: int = 1, *, marks: bool = False
) -> Grid:
    """One page of a table. `marks` asks for the marks even where they take long.

    Raises:
        NotFound: no such set, or no such table in it.
    """
    draft = drafts.draft_of(context, set_id)
    ruleset = draft.ruleset if draft else drafts.working_set(context, set_id)
    table = ruleset.tables.get(table_id)
    if table is None:
        raise unknown_table(set_id, table_id)
    stage = grid_marks.stage_of(ruleset, table_id)
    rows = [rule for rule in ruleset.written if rule.table == table_id]
    types = column_types(ruleset, table_id)
    found = grid_marks.known(ruleset, table_id)
    if found is None and (marks or len(rows) <= grid_marks.QUICK):
        found = grid_marks.marks_of(ruleset, table_id, types, context.currency)
    page = max(1, min(page, -(-len(rows) // PAGE) or 1))
    speaker = _Speaker(context, ruleset, types)
    hits = _hits(context, set_id)
    policy = grid_marks.policy_of(ruleset, table_id)
    by_row: dict[str, list[Mark]] = {}
    for mark in found.marks if found else ():
        for name in mark.rows[:1] if mark.kind == "dead" else mark.rows:
            by_row.setdefault(name, []).append(mark)
    start = (page - 1) * PAGE
    return Grid(
        set_id=set_id,
        table_id=table_id,
        title=table.title or same(table_id),
        note=table.note,
        version=draft.version if draft else 0,
        policy=policy,
        ordered=policy == "first",
        columns=speaker.columns(table_id),
        rows=[
            speaker.row(rule, start + n, hits, by_row.get(rule.id, ()))
            for n, rule in enumerate(rows[start : start + PAGE], 1)
        ],
        total=len(rows),
        page=page,
        gaps=speaker.gaps(found),
        otherwise=_otherwise(ruleset, stage),
        goes_on=bool(stage) and _goes_on(stage, table_id),
        marks=found,
        numbers={rule.id: n for n, rule in enumerate(rows, 1)},
        can_undo=draft is not None and _undoable(context, set_id, table_id, draft.version),
    )


def column_types(ruleset: RuleSet, table_id: str) -> list[Type]:
    """The type of each input; `any` for what is computed."""
    names = SetNames(ruleset, {})
    found = (names.get(name) for name in ruleset.tables[table_id].inputs)
    return [one.type if one else ANY for one in found]


def typed_column(context: Context, ruleset: RuleSet, kind: Type) -> TypedColumn:
    """What typed words mean in a column of this type."""
    names: dict[str, str] = {}
    for group in (ruleset.vocabulary.calendars, ruleset.derive, ruleset.lists, ruleset.parameters):
        for name, one in group.items():
            names[one.title["zh"]] = names[one.title.get("en") or name] = names[name] = name
    if kind.kind == "text":
        names |= {words["zh"]: f'"{code}"' for code, words in _choices(ruleset, kind)}
    return TypedColumn(kind, names, context.currency)


def fields(context: Context, set_id: str) -> Sequence[tuple[str, Words]]:
    """What a new column may ask about: facts that are one per subject, and derived facts."""
    names = SetNames(drafts.working_set(context, set_id), {})
    return [
        (one.id, _field_words(one.group_title, one.title))
        for one in names.subjects
        if not one.over and one.kind != "lines" and not one.window
    ]


def actions(context: Context, set_id: str) -> Sequence[tuple[str, Words]]:
    """What a new column may do."""
    ruleset = drafts.working_set(context, set_id)
    return [(name, ruleset.vocabulary.actions[name].title) for name in ruleset.gate_spec.actions]


def opened_columns(context: Context, set_id: str, table_id: str) -> Sequence[Column]:
    """The columns alone. Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    if table_id not in ruleset.tables:
        raise unknown_table(set_id, table_id)
    return columns_of(context, ruleset, table_id)


def columns_of(context: Context, ruleset: RuleSet, table_id: str) -> Sequence[Column]:
    return _Speaker(context, ruleset, column_types(ruleset, table_id)).columns(table_id)


def unknown_table(set_id: str, table_id: str) -> NotFound:
    return NotFound(
        "rules.no_table",
        zh=f"规则集 {set_id} 里没有决策表 {table_id}；可能已改名或删除。",
        en=f"The set {set_id} has no table {table_id}; it may have been renamed or removed.",
        table=table_id,
    )


def code_of(offers: Sequence[tuple[str, Words]], text: str) -> str:
    """The code behind a name; a code is itself, and so is what has no code."""
    if any(code == text for code, _ in offers):
        return text
    return next((code for code, words in offers if text in words.values()), text)


class _Speaker:
    """Says the cells of one table."""

    def __init__(self, context: Context, ruleset: RuleSet, types: Sequence[Type]) -> None:
        self.context, self.ruleset, self.types = context, ruleset, types
        self.names = SetNames(ruleset, {})
        self._services: dict[str, Words] | None = None
        self._said: dict[str, Sequence[Part]] = {}
        self._shortened: dict[tuple[int, str], Words | None] = {}
        self._typing: dict[int, TypedColumn] = {}
        self._offered: dict[str, Sequence[tuple[str, Words]]] = {}

    def columns(self, table_id: str) -> list[Column]:
        table = self.ruleset.tables[table_id]
        found = [self._input(n, source) for n, source in enumerate(table.inputs)]
        return [*found, *(self._output(n, name) for n, name in enumerate(table.outputs))]

    def _input(self, number: int, source: str) -> Column:
        name = self.names.get(source)
        kind = self.types[number]
        title = name.title if name else same(source)
        hint = {"zh": kind.named(True), "en": kind.named(False)}
        if kind.kind == "money":
            unit = self.context.currency
            hint = {"zh": f"金额，{'元' if unit == 'CNY' else unit}", "en": f"money, {unit}"}
        if kind.kind == "any":
            hint = {"zh": "表达式", "en": "expression"}
        return Column(f"when.{number}", source, title, hint, self._offers(kind))

    def _output(self, number: int, name: str) -> Column:
        action = self.ruleset.vocabulary.actions[name]
        offers: list[tuple[str, Words]] = []
        if action.main == "service":
            offers = list(self.services.items())
        elif action.main == "reason":
            offers = list(self.ruleset.vocabulary.reasons.items())
        elif action.main and action.args[action.main].values:
            values = action.args[action.main].values
            offers = [
                (one, self.ruleset.vocabulary.reasons.get(one) or same(one)) for one in values
            ]
        return Column(f"then.{number}", name, action.title, {"zh": "结果", "en": "result"}, offers)

    def _offers(self, kind: Type) -> list[tuple[str, Words]]:
        if kind.kind == "boolean":
            return [("是", {"zh": "是", "en": "Yes"}), ("否", {"zh": "否", "en": "No"})]
        found = [(words["zh"], words) for _, words in _choices(self.ruleset, kind)]
        found += [(one.title["zh"], one.title) for one in self.ruleset.lists.values()]
        same_kind = [p for p in self.ruleset.parameters.values() if p.type == kind.kind]
        return [*found, *((f"≥ {one.title['zh']}", one.title) for one in same_kind)]

    @property
    def services(self) -> dict[str, Words]:
        if self._services is None:
            with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
                rows = work.session.scalars(select(CarrierService).order_by(CarrierService.code))
                self._services = {r.code: {"zh": r.name_zh, "en": r.name_en} for r in rows}
        return self._services

    def row(self, rule: Rule, number: int, hits: Mapping[str, int], marks: Sequence[Mark]) -> Row:
        row = rule.row
        when = row.when if row else ()
        then = row.then if row else ()
        cells = [*self.inputs(when), *(self._result(rule, n, v) for n, v in enumerate(then))]
        return Row(
            rule.id.removeprefix(f"{rule.table}."), number, rule.note, row.title if row else {},
            rule.enabled, cells, hits.get(rule.id, 0), marks,
        )  # fmt: skip

    def inputs(self, when: Sequence[str]) -> list[Cell]:
        return [
            Cell(f"when.{n}", text, self._parts(text), self._short(n, text))
            for n, text in enumerate(when)
        ]

    def _short(self, number: int, text: str) -> Words | None:
        """The cell without what goes without saying, where typing that leads back to it."""
        key = (number, text)
        if key not in self._shortened:
            if number not in self._typing:
                kind = self.types[number]
                self._typing[number] = typed_column(self.context, self.ruleset, kind)
            column = self._typing[number]
            short = text.replace(f" {self.context.currency}", "").replace('", "', "、").strip('"')
            back = short != text and typed_cell(short, column) == text
            self._shortened[key] = same(short) if back else None
        return self._shortened[key]

    def _parts(self, text: str) -> Sequence[Part]:
        if text not in self._said:
            self._said[text] = cell_parts(text, self.ruleset, self.context.currency)
        return self._said[text]

    def _result(self, rule: Rule, number: int, value: Any) -> Cell:
        place = f"then.{number}"
        if value in ("-", False):
            return Cell(place, "-", (_NOTHING,))
        text = cell_text(value)
        table = self.ruleset.tables[rule.table]
        if isinstance(value, str):
            words = self.ruleset.vocabulary.reasons.get(value) or (
                self.services.get(value) if "." in value else None
            )
            part = Part("text", dict(words or same(value)), value)
            return Cell(place, text, (part,), self._typed(table.outputs[number], value))
        if isinstance(value, Mapping):
            action = self.ruleset.vocabulary.actions[table.outputs[number]]
            if set(value) == {action.main}:
                text = cell_text(value[action.main])
            only = value[action.main] if set(value) == {action.main} else ""
            return Cell(
                place, text, tuple(self._arguments(action, value)), self._typed(action.id, only)
            )
        words = {"zh": "✓", "en": "✓"} if value is True else same(text)
        return Cell(place, text, (Part("text", words, text),))

    def _typed(self, action: str, value: object) -> Words | None:
        """The name of a value that leads back to it in both languages."""
        if action not in self._offered:
            self._offered[action] = self._output(0, action).suggestions
        offers = self._offered[action]
        words = next((words for code, words in offers if code == value), None)
        back = words and all(code_of(offers, words[k]) == value for k in ("zh", "en"))
        return words if back else None

    def _arguments(self, action: Action, value: Mapping[str, Any]) -> Iterator[Part]:
        """The main argument by itself, the others with their names."""
        for name, one in value.items():
            said = constant_words(one, self.ruleset, self.context.currency)
            if isinstance(one, str):
                said = self.ruleset.vocabulary.reasons.get(one) or self.services.get(one) or said
            title = action.args[name].title if name in action.args else same(name)
            if name == action.main:
                yield Part("text", dict(said), str(one))
            else:
                yield Part("chip", {k: f"{title[k]} {said[k]}" for k in ("zh", "en")}, str(one))

    def gaps(self, marks: Marks | None) -> list[Gap]:
        found = [mark for mark in marks.marks if mark.kind == "gap"] if marks else []
        return [Gap(n, self.inputs(mark.cells), mark) for n, mark in enumerate(found, 1)]


def _choices(ruleset: RuleSet, kind: Type) -> list[tuple[str, Words]]:
    return [(one, ruleset.vocabulary.reasons.get(one) or same(one)) for one in kind.values]


def _field_words(group: Words | None, title: Words) -> Words:
    return {k: f"{group[k]} · {title[k]}" if group else title[k] for k in ("zh", "en")}


def _otherwise(ruleset: RuleSet, stage: Stage | None) -> list[Words]:
    calls = stage.otherwise if stage else ()
    return [{lang: action_sentence(call, ruleset, lang) for lang in ("zh", "en")} for call in calls]


def _goes_on(stage: Stage | None, table_id: str) -> bool:
    """Whether rules stand below the table that get what no row takes."""
    rules = stage.rules if stage else ()
    after = [n for n, rule in enumerate(rules) if rule.table == table_id]
    return bool(after) and any(rule.table != table_id for rule in rules[after[-1] + 1 :])


def _hits(context: Context, set_id: str) -> Mapping[str, int]:
    """How often each row decided over 30 days, by rule id."""
    found = feedback.hits(context, set_id, HITS_DAYS)
    return {name: one.total for name, one in found.items()}


def _undoable(context: Context, set_id: str, table_id: str, version: int) -> bool:
    return kept_before(context, set_id, table_id, version) is not None


def kept_before(context: Context, set_id: str, table_id: str, version: int) -> str | None:
    """The set's text before the save that made this version; None when another save came after."""
    statement = select(TableUndo.before).where(
        TableUndo.set_id == set_id, TableUndo.table_id == table_id, TableUndo.version == version
    )
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return work.session.scalar(statement)
