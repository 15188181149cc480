"""Typed cells of one table, read beside its set: what they mean, and what is wrong with a row by itself."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from tidegate.engine.conditions import Enough, Reading
from tidegate.engine.entries import EntryReader
from tidegate.engine.plain_documents import plain_data
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.sourced import Sourced
from tidegate.engine.strata import DerivedReads
from tidegate.errors import InputError, NotFound, TidegateError
from tidegate.interchange.cells import cell_value
from tidegate.services.context import Context
from tidegate.services.view_names import Words
from tidegate.services.workshop import grid
from tidegate.services.workshop.grid_typing import ANY, NO, YES, cell_text
from tidegate.services.workshop.rule_reading import scope_of


class CellReader:
    """Made once for all cells of an act. Raises NotFound when the set has no such table."""

    def __init__(self, context: Context, ruleset: RuleSet, table_id: str) -> None:
        found = ruleset.tables.get(table_id)
        if found is None:
            raise grid.unknown_table(ruleset.id, table_id)
        self.ruleset, self.table = ruleset, found
        types = grid.column_types(ruleset, table_id)
        self._inputs = [grid.typed_column(context, ruleset, kind) for kind in types]
        columns = grid.columns_of(context, ruleset, table_id)
        self._outputs = [column.suggestions for column in columns if column.output]
        self._scope = scope_of(ruleset)
        self._derived = DerivedReads()
        for name, derived in ruleset.derive.items():
            self._derived.add(name, derived.node)

    def typed(self, place: str, text: str) -> Any:
        """What somebody typed, as the document holds it. Raises InputError, NotFound."""
        kind, number = split(place)
        cells = self._inputs if kind == "when" else self._outputs
        if number >= len(cells):
            raise no_cell(place)
        if kind == "when":
            return cell_text(text, self._inputs[number])
        return result(grid.code_of(self._outputs[number], text.strip()))

    def wrong(self, row: Mapping[str, Any]) -> list[Words]:
        """What is wrong with a row by itself."""
        head = {"id": self.table.id, "inputs": list(self.table.inputs)}
        spec = plain_data({**head, "outputs": list(self.table.outputs), "rows": [dict(row)]}, "row")
        reading = Reading(Sourced({"tables": [spec]}), self.ruleset.vocabulary)
        entries = EntryReader(reading, self._scope, self.ruleset.gate_spec.actions, self._derived)
        with suppress(Enough):
            entries.table(("tables", 0), dict(spec))
        return [{"zh": one.zh, "en": one.en} for one in reading.problems]


def result(typed: str) -> Any:
    """What stands under an action: nothing, a switch, a value by its code. Raises InputError."""
    text = typed.strip()
    if text.casefold() in ANY or text.casefold() in NO:
        return "-"
    if text == "✓" or text.casefold() in YES:
        return True
    try:
        return cell_value(text)
    except TidegateError as error:
        raise InputError(error.code, zh=error.text("zh"), en=error.text("en")) from error


def split(place: str) -> tuple[str, int]:
    """`when.0` as its parts. Raises NotFound."""
    kind, _, number = place.partition(".")
    if kind not in ("when", "then") or not number.isdigit() or len(number) > 4:
        raise no_cell(place)
    return kind, int(number)


def no_cell(place: str) -> NotFound:
    return NotFound(
        "rules.no_cell",
        zh=f"没有 {place} 这一格；列可能刚改过。",
        en=f"There is no cell {place}; the columns may just have changed.",
        place=place,
    )
