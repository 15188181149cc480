"""What happened before to an order's recipient: counted per time window, for the windows that rules read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from tidegate.engine.language import tree
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import duration_text
from tidegate.services.subjects import PastOrder, Subject
from tidegate.store.tables import Order, OrderLine, Parcel
from tidegate.store.unit_of_work import UnitOfWork

VOID = ("rejected", "cancelled")  # such an order does not count as another order
BACK = ("returning", "returned")
_WINDOWS: dict[str, frozenset[tuple[str, timedelta]]] = {}  # by content hash, which fixes them


def history_facts(
    work: UnitOfWork, subject: Subject, sets: Iterable[RuleSet]
) -> dict[str, dict[str, dict[str, int]]]:
    """Group history. Counts whose key (phone, address) the order lacks are absent: unknown, not none."""
    asked = windows_read(sets)
    if asked and subject.past is None:
        load_history(work, [subject], asked)
    counted: dict[str, dict[str, int]] = {}
    at = _at(subject.order)
    for name, span in asked:
        others = _others(name, subject)
        if others is not None:
            count = sum(at - span <= other.at <= at for other in others)
            counted.setdefault(name.removeprefix("history."), {})[duration_text(span)] = count
    return {"history": counted}


def load_history(
    work: UnitOfWork, subjects: Collection[Subject], asked: Collection[tuple[str, timedelta]]
) -> None:
    """Read the past of many orders at once, as far back as any window reaches."""
    if not subjects or not asked:
        return
    orders = [subject.order for subject in subjects]
    longest = max(span for _, span in asked)
    phones = {order.phone_key for order in orders if order.phone_key}
    places = {order.address_key for order in orders if order.address_key}
    times = [_at(order) for order in orders]
    at = func.coalesce(Order.ordered_at, Order.imported_at)
    rows = work.session.execute(
        select(Order.id, Order.shop_id, Order.phone_key, Order.address_key, at).where(
            or_(Order.phone_key.in_(phones), Order.address_key.in_(places)),
            at.between(min(times) - longest, max(times)),
            Order.state.not_in(VOID),
        )
    ).all()
    ids = [row.id for row in rows]
    skus = _skus(work, ids)
    back = set(
        work.session.scalars(
            select(Parcel.order_id).where(Parcel.order_id.in_(ids), Parcel.state.in_(BACK))
        )
    )
    by_key: dict[str, list[PastOrder]] = defaultdict(list)
    for id_, shop_id, phone, place, placed in rows:
        past = PastOrder(
            id_, shop_id, phone, place, placed, skus.get(id_, frozenset()), id_ in back
        )
        for key in {phone, place} - {None}:
            by_key[str(key)].append(past)
    for subject in subjects:
        keys = {subject.order.phone_key, subject.order.address_key} - {None}
        found = {past.id: past for key in keys for past in by_key.get(str(key), ())}
        found.pop(subject.order.id, None)
        subject.past = list(found.values())


def windows_read(sets: Iterable[RuleSet]) -> frozenset[tuple[str, timedelta]]:
    """Every (windowed fact, window) that a rule or derived fact of the sets asks for."""
    return frozenset().union(*(_windows_of(ruleset) for ruleset in sets))


def _others(name: str, subject: Subject) -> Sequence[PastOrder] | None:
    order, past = subject.order, subject.past or []
    if name == "history.orders_to_address":
        same = [p for p in past if p.address_key == order.address_key]
        return same if order.address_key else None
    if not order.phone_key:
        return None
    to_phone = [p for p in past if p.phone_key == order.phone_key]
    if name == "history.similar_orders":  # same shop, same phone, and a SKU in common
        skus = {line.sku for line in subject.lines if line.sku}
        return [p for p in to_phone if p.shop_id == order.shop_id and p.skus & skus]
    if name == "history.returns_to_phone":
        return [p for p in to_phone if p.came_back]
    return to_phone


def _skus(work: UnitOfWork, order_ids: Sequence[int]) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for order_id, sku in work.session.execute(
        select(OrderLine.order_id, OrderLine.sku).where(
            OrderLine.order_id.in_(order_ids), OrderLine.sku.is_not(None)
        )
    ):
        found[order_id].add(sku or "")
    return {order_id: frozenset(skus) for order_id, skus in found.items()}


def _at(order: Order) -> datetime:
    return order.ordered_at or order.imported_at


def _windows_of(ruleset: RuleSet) -> frozenset[tuple[str, timedelta]]:
    kept = _WINDOWS.get(ruleset.hash)
    if kept is not None:
        return kept
    found = set()
    nodes = [leaf.node for rule in ruleset.rules for leaf in rule.leaves]
    for node in [*nodes, *ruleset.derive_nodes.values()]:
        for part in _walk(node):
            if not isinstance(part, tree.Window):
                continue
            span = part.span.value if isinstance(part.span, tree.Literal) else None
            if isinstance(part.span, tree.Parameter):
                span = ruleset.parameter_values[part.span.id]
            if isinstance(span, timedelta):
                found.add((part.fact, span))
    _WINDOWS[ruleset.hash] = frozenset(found)
    return _WINDOWS[ruleset.hash]


def _walk(node: object) -> Iterator[object]:
    yield node
    if is_dataclass(node):
        for part in fields(node):
            value = getattr(node, part.name)
            for inner in value if isinstance(value, tuple) else (value,):
                if isinstance(inner, tree.Node):
                    yield from _walk(inner)
