"""Rows of one order to one draft, with every row accepted or rejected and everything odd
flagged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tidegate.domain.orders import Issue, LineDraft, OrderDraft, RecipientDraft
from tidegate.sdk.issues import seen
from tidegate.sdk.source import RowProblem
from tidegate_connectors.files.addresses import recipient_kind
from tidegate_connectors.files.converters import CellProblem
from tidegate_connectors.files.gather import Entry
from tidegate_connectors.files.plan import Plan, Slot, Slots

MAX_LINES = 5_000
_CANCELLED = {"cancelled", "refunded"}
_RECIPIENT = {item.name for item in fields(RecipientDraft)}


@dataclass
class Assembled:
    """What became of one order's rows: accepted + rejected = its rows."""

    draft: OrderDraft | None = None
    accepted: int = 0
    rejected: list[RowProblem] = field(default_factory=list)


def assemble(entries: Sequence[Entry], plans: Sequence[Plan], *, shop: str | None) -> Assembled:
    """One order out of its rows, in whatever order the files came."""
    heads = [entry for entry in entries if plans[entry[0]].file.role == "orders"]
    tails = (
        [entry for entry in entries if plans[entry[0]].file.role == "items"]
        if len(heads) < len(entries)
        else []
    )
    if not heads:
        return _orphans(tails, plans)
    return _Maker(plans, shop).make(heads, tails)


def _orphans(tails: Sequence[Entry], plans: Sequence[Plan]) -> Assembled:
    made = Assembled()
    for source, row, cells in tails:
        plan = plans[source]
        number = str(plan.number[cells[0]])
        made.rejected.append(
            RowProblem(plan.label, row, "order.number", "import.order_not_in_orders_file", number)
        )
    return made


class _Maker:
    def __init__(self, plans: Sequence[Plan], shop: str | None) -> None:
        self.plans = plans
        self.shop = shop
        self.issues: list[Issue] = []
        self.made = Assembled()
        self.repeats: list[Entry] = []  # equal to the first row: they share its fate

    def make(self, heads: list[Entry], tails: list[Entry]) -> Assembled:
        plan = self.plans[heads[0][0]]
        cells = heads[0][2]
        currency = self._currency(plan, cells)
        slots = plan.slots(currency)
        values = self._order_values(slots.order, cells)
        if plan.file.rows == "order":
            heads = self._one_row(plan, heads)
        else:
            self._compare(plan, slots, heads, values)
        cancelled = values.get("source_status") in _CANCELLED
        lines = self._lines(plan, currency, heads, tails, cancelled)
        if lines is None:
            return self.made
        self._from_items(tails, currency, values)
        self.made.draft = self._draft(plan, cells, currency, values, lines)
        return self.made

    # Order-level values.

    def _currency(self, plan: Plan, cells: tuple[str, ...]) -> str:
        about = plan.mapping.currency
        fallback = about.constant or about.default or "CNY"
        text = "" if plan.currency_at is None else cells[plan.currency_at].strip().upper()
        if not text:
            return fallback
        if len(text) == 3 and text.isascii() and text.isalpha():
            return text
        self.issues.append(Issue("order.currency", "import.not_a_currency", text[:20]))
        return fallback

    def _order_values(self, slots: Sequence[Slot], cells: tuple[str, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        parts: dict[str, str] = {}
        for slot in slots:
            value = slot.value
            told = len(self.issues)
            if slot.at is not None:
                value = self._value(slot, cells[slot.at])
            if isinstance(value, dict):
                parts = value
                continue
            wanted = slot.column.flag_blank or slot.column.required
            if value is None and wanted and len(self.issues) == told:
                self.issues.append(Issue(slot.field.id, "import.missing_value"))
            if value is not None:
                values[_key(slot)] = value
        for name, text in parts.items():
            values.setdefault(f"recipient.{name}", text)
        return values

    def _value(self, slot: Slot, cell: str) -> object:
        try:
            return slot.memo[cell]
        except CellProblem as problem:
            self.issues.append(
                Issue(slot.field.id, problem.code, seen(slot.field.id, cell.strip()))
            )
            return problem.value

    def _compare(
        self, plan: Plan, slots: Slots, heads: Sequence[Entry], values: dict[str, Any]
    ) -> None:
        """Later rows fill what the first left blank; where they disagree the first counts, and
        it is said.
        """
        summed = [slot for slot in slots.order if slot.column.sum and slot.at is not None]
        for slot in summed:
            found = [self._value(slot, cells[slot.at or 0]) for _, _, cells in heads]
            amounts = [value for value in found if isinstance(value, int)]
            if amounts:
                values[_key(slot)] = sum(amounts)
        end, first = plan.order_end, heads[0][2][1 : plan.order_end]
        told: set[str] = set()
        for source, _, cells in heads:
            if cells[1:end] == first or self.plans[source] is not plan:
                continue
            for slot in slots.order:
                if slot.at is None or slot.column.sum or not cells[slot.at].strip():
                    continue
                value = self._quietly(slot, cells[slot.at])
                if value is None or isinstance(value, dict):
                    continue
                if values.setdefault(_key(slot), value) != value and slot.field.id not in told:
                    told.add(slot.field.id)
                    self.issues.append(Issue(slot.field.id, "import.values_differ"))

    def _quietly(self, slot: Slot, cell: str) -> object:
        try:
            return slot.memo[cell]
        except CellProblem as problem:
            return problem.value

    def _from_items(self, tails: Sequence[Entry], currency: str, values: dict[str, Any]) -> None:
        for source, _, cells in tails[:1]:
            for slot in self.plans[source].slots(currency).order:
                if slot.at is not None and _key(slot) not in values:
                    value = self._value(slot, cells[slot.at])
                    if value is not None and not isinstance(value, dict):
                        values[_key(slot)] = value

    # Rows and lines.

    def _one_row(self, plan: Plan, heads: list[Entry]) -> list[Entry]:
        """One row an order: equal repeats are accepted, others rejected."""
        first = heads[0]
        for source, row, cells in heads[1:]:
            if cells == first[2]:
                self.repeats.append((source, row, cells))
            else:
                number = str(plan.number[cells[0]])
                self._reject(source, row, "order.number", "import.duplicate_number", number)
        return [first]

    def _lines(
        self,
        plan: Plan,
        currency: str,
        heads: list[Entry],
        tails: list[Entry],
        cancelled: bool,
    ) -> list[LineDraft] | None:
        """The lines, or None when no row is left that makes an order."""
        if plan.file.rows == "line":
            lines = self._read_lines(heads, currency, cancelled, blank_is_no_line=False)
            if not lines and self.made.rejected:
                return None
        elif tails:
            self.made.accepted += 1 + len(self.repeats)
            lines = self._read_lines(tails, currency, cancelled, blank_is_no_line=False)
        else:
            lines = self._read_lines(heads, currency, cancelled, blank_is_no_line=True)
            if not self.made.accepted:
                why = self.made.rejected[-1]
                for source, row, _ in self.repeats:
                    self._reject(source, row, why.field, why.code, why.value)
                return None
            self.made.accepted += len(self.repeats)
            if lines and "items" in plan.mapping.files:
                self.issues.append(Issue("item.sku", "import.no_item_rows"))
        bad = sum(problem.field == "item.quantity" for problem in self.made.rejected)
        if bad:
            self.issues.append(Issue("item.quantity", "import.lines_rejected", str(bad)))
        if not lines and (plan.file.items or "items" in plan.mapping.files):
            self.issues.append(Issue("item.quantity", "import.no_lines"))
        return lines

    def _read_lines(
        self, entries: Sequence[Entry], currency: str, cancelled: bool, *, blank_is_no_line: bool
    ) -> list[LineDraft]:
        lines: list[LineDraft] = []
        plan = self.plans[entries[0][0]]
        slots = plan.slots(currency)
        start, end, negative = plan.order_end, plan.item_end, False
        names, memos, constants = slots.item_names, slots.item_memos, slots.item_constants
        fill = plan.mapping.fill_in
        current = entries[0][0]
        accepted = 0
        for source, row, cells in entries:
            if source != current:
                current, plan = source, self.plans[source]
                slots = plan.slots(currency)
                start, end = plan.order_end, plan.item_end
                names, memos, constants = slots.item_names, slots.item_memos, slots.item_constants
            try:
                values = {
                    name: memo[cell]
                    for name, memo, cell in zip(names, memos, cells[start:end], strict=True)
                }
            except CellProblem:
                found = self._careful(slots, source, row, cells)
                if found is None:
                    continue
                values = found
            if constants:
                values = {**constants, **values}
            quantity: Any = values.get("quantity")
            if quantity is None:
                if blank_is_no_line:
                    accepted += 1
                    continue
                self._reject(source, row, "item.quantity", "import.missing_quantity", None)
                continue
            if quantity <= 0:
                negative = plan.mapping.cancelled_lines_are_negative
                if not (cancelled and negative and quantity < 0):
                    code = "import.quantity_not_positive"
                    self._reject(source, row, "item.quantity", code, str(quantity))
                    continue
                values["quantity"] = -quantity
            if len(lines) >= MAX_LINES:
                number = str(plan.number[cells[0]])
                self._reject(source, row, "order.number", "import.too_many_lines", number)
                continue
            for name, field_id in slots.item_wanted:
                if values.get(name) is None:
                    self._missing(field_id)
            if fill:
                _fill_line(values, fill)
            lines.append(LineDraft(**values))  # type: ignore[arg-type]
            accepted += 1
        self.made.accepted += accepted
        return lines

    def _missing(self, field_id: str) -> None:
        """A blank cell is told once per order and field, and not beside a worse problem of it."""
        if not any(issue.field == field_id for issue in self.issues):
            self.issues.append(Issue(field_id, "import.missing_value"))

    def _careful(
        self, slots: Slots, source: int, row: int, cells: tuple[str, ...]
    ) -> dict[str, Any] | None:
        """A line with a cell that does not fit: without a quantity it is rejected, else flagged
        and kept.
        """
        values: dict[str, Any] = {}
        issues: list[Issue] = []
        for slot in slots.items:
            if slot.at is None:
                continue
            cell = cells[slot.at]
            try:
                values[slot.field.attribute] = slot.memo[cell]
            except CellProblem as problem:
                if slot.field.id == "item.quantity":
                    self._reject(
                        source, row, slot.field.id, problem.code, seen(slot.field.id, cell)
                    )
                    return None
                issues.append(Issue(slot.field.id, problem.code, seen(slot.field.id, cell.strip())))
                values[slot.field.attribute] = problem.value
        self.issues += issues
        return values

    def _reject(self, source: int, row: int, name: str, code: str, value: str | None) -> None:
        self.made.rejected.append(RowProblem(self.plans[source].label, row, name, code, value))

    # The draft.

    def _draft(
        self,
        plan: Plan,
        cells: tuple[str, ...],
        currency: str,
        values: dict[str, Any],
        lines: list[LineDraft],
    ) -> OrderDraft:
        order = {key: value for key, value in values.items() if "." not in key}
        recipient = {
            name: value
            for key, value in values.items()
            if key.startswith("recipient.")
            and (name := key.removeprefix("recipient.")) in _RECIPIENT
        }
        recipient.setdefault(
            "kind",
            recipient_kind(*(recipient.get(name) for name in ("name", "phone", "address"))),
        )
        _fill_totals(order, lines, plan.mapping.fill_in)
        return OrderDraft(
            channel=plan.mapping.channel,
            shop=self.shop or shop_of(plan, cells),
            number=str(plan.number[cells[0]]),
            currency=currency,
            **order,
            recipient=RecipientDraft(**recipient),
            lines=tuple(lines),
            issues=tuple(dict.fromkeys(self.issues)),
            extra=_extra(plan, cells),
        )


def shop_of(plan: Plan, cells: tuple[str, ...]) -> str:
    """The shop a row belongs to: its column, or what the mapping says."""
    about = plan.mapping.shop
    found = None if plan.shop_at is None else plan.shop[cells[plan.shop_at]]
    return str(found or about.constant or about.default or plan.mapping.channel)


def _key(slot: Slot) -> str:
    attribute = slot.field.attribute
    return f"recipient.{attribute}" if slot.field.part == "recipient" else attribute


def _extra(plan: Plan, cells: tuple[str, ...]) -> Mapping[str, str]:
    return {
        name: text
        for name, cell in zip(plan.extra, cells[plan.item_end :], strict=True)
        if (text := cell.strip())
    }


def _fill_line(values: dict[str, Any], fill: frozenset[str]) -> None:
    price, total = values.get("unit_price_minor"), values.get("line_total_minor")
    if total is None and price is not None and "item.line_total" in fill:
        values["line_total_minor"] = price * values["quantity"]
    elif price is None and total is not None and "item.unit_price" in fill:
        share = Decimal(total) / values["quantity"]
        values["unit_price_minor"] = int(share.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _fill_totals(order: dict[str, Any], lines: Sequence[LineDraft], fill: frozenset[str]) -> None:
    totals = [line.line_total_minor for line in lines]
    if "order.goods_total" in fill and totals and "goods_total_minor" not in order:
        known = [total for total in totals if total is not None]
        if len(known) == len(totals):
            order["goods_total_minor"] = sum(known)
    if "order.total" in fill and "total_minor" not in order and "goods_total_minor" in order:
        order["total_minor"] = (
            order["goods_total_minor"]
            + order.get("freight_minor", 0)
            - order.get("discount_minor", 0)
        )
