"""What is tried: an order of the shop, a saved case, or facts by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from tidegate.engine.cases import DEFAULT_NOW
from tidegate.engine.rulesets import Case
from tidegate.engine.values import parse_instant
from tidegate.errors import InputError, NotFound
from tidegate.services.context import Context
from tidegate.services.view_names import Words
from tidegate.services.workshop import drafts, fact_boxes
from tidegate.services.workshop.live_sets import live_set
from tidegate.services.workshop.simulation_subjects import Reader
from tidegate.store.tables import Order, OrderLine, Parcel


@dataclass(frozen=True, slots=True)
class Subject:
    """A fact document and its instant. `base` is where by-hand facts began (`order:12`, `case:name`);
    `lines` are the names of its lines of goods; `wrong` are boxes that could not be read.
    """

    kind: str  # order, case or hand
    name: str
    facts: Mapping[str, Any]
    at: datetime
    order_id: int | None = None
    rebuilt: bool = False
    base: str = ""
    lines: Mapping[int, str] = field(default_factory=dict)
    wrong: Mapping[str, Words] = field(default_factory=dict)


def order_subject(context: Context, set_id: str, order_id: int) -> Subject:
    """An order as its gate saw it, or would see it now.

    Raises:
        NotFound: this tenant has no such order.
        InputError: none of its parcels is asked about here, or no orders at all.
    """
    ruleset = drafts.working_set(context, set_id)
    if ruleset.gate == "connection":
        raise InputError(
            "try.no_orders_here",
            zh="这里判断的是连接，不是订单；请用测试用例或手工填写来试。",
            en="Connections are judged here, not orders; try a saved test or fill in facts by hand.",
            field="subject",
        )
    live = live_set(context, set_id) or ruleset
    with context.store.begin(context.tenant_id, readonly=True) as work:
        order = work.session.get(Order, order_id)
        if order is None:
            raise NotFound(
                "try.no_order",
                zh=f"没有订单 {order_id}。",
                en=f"There is no order {order_id} here.",
                id=order_id,
            )
        number, parcel = order.number, None
        if ruleset.gate in ("routing", "alert"):
            parcel = work.session.scalar(
                select(Parcel.id)
                .where(Parcel.order_id == order_id, Parcel.state != "cancelled")
                .order_by(Parcel.id)
                .limit(1)
            )
        rows = work.session.scalars(
            select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.id)
        )
        lines = {n: row.title or row.sku or "" for n, row in enumerate(rows, 1)}
    found = Reader(context, set_id, (ruleset, live)).read([(order_id, parcel)])
    if not found:
        raise InputError(
            "try.no_parcel",
            zh=f"订单 {number} 还没有包裹，这里判断的是包裹；请换一单。",
            en=f"Order {number} has no parcel yet, and parcels are what is judged here; choose another.",
            field="subject",
        )
    past = found[0]
    return Subject(
        "order", past.key, past.facts, past.at, order_id, past.rebuilt, f"order:{order_id}",
        lines if len(lines) == len(past.facts.get("items") or ()) else {},
    )  # fmt: skip


def case_subject(context: Context, set_id: str, name: str) -> Subject:
    """Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    for case in ruleset.cases:
        if case.name == name:
            at = instant_of(case, context)
            return Subject("case", name, case.given, at, base=f"case:{name}", lines=_named(case))
    raise NotFound(
        "try.no_case", zh=f"没有测试“{name}”。", en=f"There is no test “{name}”.", name=name
    )


def hand_subject(
    context: Context, set_id: str, form: Mapping[str, str], base: Subject | None = None
) -> Subject:
    """From the boxes of a form over what they began with; what has no box there stays."""
    ruleset = drafts.working_set(context, set_id)
    found = fact_boxes.filled(
        ruleset, form, context.timezone, context.currency, base.facts if base else None,
    )  # fmt: skip
    plain = Subject("hand", "", found.document, context.clock(), wrong=found.wrong)
    if base is None:
        return plain
    return replace(plain, at=base.at, base=base.base, lines=base.lines, order_id=base.order_id)


def base_subject(context: Context, set_id: str, base: str) -> Subject | None:
    """`order:12` or `case:name`; None for anything else."""
    kind, _, rest = base.partition(":")
    if kind == "order" and rest.isdigit() and len(rest) < 19:
        return order_subject(context, set_id, int(rest))
    return case_subject(context, set_id, rest) if kind == "case" and rest else None


def instant_of(case: Case, context: Context) -> datetime:
    if case.at is None:
        return DEFAULT_NOW.astimezone(UTC)
    found = case.at if isinstance(case.at, datetime) else parse_instant(str(case.at))
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(context.timezone))


def _named(case: Case) -> Mapping[int, str]:
    rows = case.given.get("items") or ()
    return {n: str(row.get("title") or row.get("sku") or "") for n, row in enumerate(rows, 1)}
