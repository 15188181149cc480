"""What happened before to an order's recipient, for the windows and episodes that rules read.

Counts per time window are the group `history`; episodes are lists of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select

from tidegate.engine.language import tree
from tidegate.engine.per_set import once_per_set
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import duration_text
from tidegate.services.episodes import EPISODES, SPAN, episode
from tidegate.services.subjects import PastOrder, Subject
from tidegate.store.tables import Order, OrderLine, Parcel, Shop
from tidegate.store.unit_of_work import UnitOfWork

VOID = ("rejected", "cancelled")  # such an order does not count as another order
BACK = ("returning", "returned")


def history_facts(work: UnitOfWork, subject: Subject, sets: Iterable[RuleSet]) -> dict[str, Any]:
    """Group history and the episodes. What hangs on a key (phone, address) the order lacks is absent: unknown,
    not none.
    """
    asked = windows_read(sets)
    if asked and subject.past is None:
        load_history(work, [subject], asked)
    counted: dict[str, dict[str, int]] = {}
    facts: dict[str, Any] = {"history": counted}
    at = _at(subject.order)
    for name, span in asked:
        others = _others(name, subject)
        if others is None:
            continue
        within = [other for other in others if at - span <= other.at <= at]
        if name in EPISODES:
            facts[name] = episode(within, subject.order)
        else:
            counted.setdefault(name.removeprefix("history."), {})[duration_text(span)] = len(within)
    return facts


def load_history(
    work: UnitOfWork, subjects: Collection[Subject], asked: Collection[tuple[str, timedelta]]
) -> None:
    """Read the past of many orders at once, as far back as any window reaches, in every shop: what a rule decides
    must not depend on who asks.
    """
    if subjects and asked:
        with work.every_shop():
            _load_history(work, subjects, asked)


def _load_history(
    work: UnitOfWork, subjects: Collection[Subject], asked: Collection[tuple[str, timedelta]]
) -> None:
    orders = [subject.order for subject in subjects]
    longest = max(span for _, span in asked)
    phones = {order.phone_key for order in orders if order.phone_key}
    places = {order.address_key for order in orders if order.address_key}
    times = [_at(order) for order in orders]
    at = func.coalesce(Order.ordered_at, Order.imported_at)
    rows = work.session.execute(
        select(
            Order.id, Order.shop_id, Order.channel, Order.buyer, Order.phone_key, Order.address_key,
            at.label("at"), Order.total_minor, Order.currency,
        ).where(
            or_(Order.phone_key.in_(phones), Order.address_key.in_(places)),
            at.between(min(times) - longest, max(times)),
            Order.state.not_in(VOID),
        )
    ).all()  # fmt: skip
    ids = [row.id for row in rows]
    skus, back = _skus(work, ids), _back(work, ids)
    shops = {id_: name for id_, name in work.session.execute(select(Shop.id, Shop.name))}
    by_key: dict[str, list[PastOrder]] = defaultdict(list)
    for row in rows:
        past = PastOrder(
            **row._mapping, shop=shops[row.shop_id], skus=skus.get(row.id, frozenset()),
            returned_at=back.get(row.id),
        )  # fmt: skip
        for key in {row.phone_key, row.address_key} - {None}:
            by_key[str(key)].append(past)
    for subject in subjects:
        keys = {subject.order.phone_key, subject.order.address_key} - {None}
        found = {past.id: past for key in keys for past in by_key.get(str(key), ())}
        found.pop(subject.order.id, None)
        subject.past = list(found.values())


def windows_read(sets: Iterable[RuleSet]) -> frozenset[tuple[str, timedelta]]:
    """Every (windowed fact, window) that a rule or derived fact of the sets asks for; an episode's window is
    always the same.
    """
    return frozenset().union(*(_windows_of(ruleset) for ruleset in sets))


def _others(name: str, subject: Subject) -> Sequence[PastOrder] | None:
    order, past = subject.order, subject.past or []
    if name in ("history.orders_to_address", "address_orders"):
        same = [p for p in past if p.address_key == order.address_key]
        return same if order.address_key else None
    if not order.phone_key:
        return None
    to_phone = [p for p in past if p.phone_key == order.phone_key]
    if name == "history.similar_orders":  # same shop, same phone, and a SKU in common
        skus = {line.sku for line in subject.lines if line.sku}
        return [p for p in to_phone if p.shop_id == order.shop_id and p.skus & skus]
    if name == "history.returns_to_phone":
        return [p for p in to_phone if p.returned_at is not None]
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


def _back(work: UnitOfWork, order_ids: Sequence[int]) -> dict[int, datetime]:
    """When the first parcel of each order came back or turned back."""
    return {
        order_id: since
        for order_id, since in work.session.execute(
            select(Parcel.order_id, func.min(Parcel.state_since))
            .where(Parcel.order_id.in_(order_ids), Parcel.state.in_(BACK))
            .group_by(Parcel.order_id)
        )
    }


def _at(order: Order) -> datetime:
    return order.ordered_at or order.imported_at


@once_per_set
def _windows_of(ruleset: RuleSet) -> frozenset[tuple[str, timedelta]]:
    found = {(name, SPAN) for name in EPISODES if name in ruleset.facts_read}
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
    return frozenset(found)


def _walk(node: object) -> Iterator[object]:
    yield node
    if is_dataclass(node):
        for part in fields(node):
            value = getattr(node, part.name)
            for inner in value if isinstance(value, tuple) else (value,):
                if isinstance(inner, tree.Node):
                    yield from _walk(inner)
