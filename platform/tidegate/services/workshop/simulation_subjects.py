"""The shop's own past orders as a gate saw them.

What a decision kept is preferred: it is the facts of that moment. It holds only what the set of
that day read; what the versions compared read beyond that is filled in from today's data, and the
subject says so (`rebuilt`). Orders that no gate ever judged are rebuilt whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.errors import TidegateError
from tidegate.services.context import Context
from tidegate.services.facts import order_facts, order_weight_g, parcel_facts, stock_facts
from tidegate.services.history import history_facts, load_history, windows_read
from tidegate.services.routing import quotes_for
from tidegate.services.subjects import Subject, load_subjects
from tidegate.store.tables import Decision, Order, Parcel, RulesetContent
from tidegate.store.unit_of_work import UnitOfWork

CHUNK = 500
ORDER_GATES = ("intake", "review", "inventory")
STATE_THEN = {"intake": "received", "review": "received", "inventory": "approved"}
Key = tuple[int, int | None]  # order, parcel


@dataclass(frozen=True, slots=True)
class Past:
    """One subject. `lane` is (from city, to province)."""

    order_id: int | None
    parcel_id: int | None
    decision_id: int | None
    key: str
    channel: str
    at: datetime
    facts: Mapping[str, Any]
    rebuilt: bool
    lane: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which orders: ordered in [since, until], of these channels and shops (empty: all channels)."""

    since: datetime
    until: datetime
    channels: tuple[str, ...]
    shops: tuple[int, ...]


def channels_of(context: Context) -> tuple[str, ...]:
    """The channels that have orders, by name."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return tuple(sorted(work.session.scalars(select(Order.channel).distinct())))


def keys(work: UnitOfWork, gate: str, wanted: Wanted) -> list[Key]:
    """Every subject there is, oldest order first; none where connections are judged."""
    if gate == "connection":
        return []
    statement = select(Order.id).where(*_conditions(wanted)).order_by(Order.id)
    if gate in ORDER_GATES:
        return [(order_id, None) for order_id in work.session.scalars(statement)]
    with_parcels = select(Order.id, Parcel.id).join(
        Parcel, and_(Parcel.order_id == Order.id, Parcel.state != "cancelled"), isouter=True
    )
    rows = work.session.execute(
        with_parcels.where(*_conditions(wanted)).order_by(Order.id, Parcel.id)
    )
    found: list[Key] = [(order_id, parcel_id) for order_id, parcel_id in rows]
    return found if gate == "routing" else [key for key in found if key[1] is not None]


def in_chunks(found: Sequence[Key]) -> Iterator[Sequence[Key]]:
    for start in range(0, len(found), CHUNK):
        yield found[start : start + CHUNK]


class Reader:
    """Reads subjects of one gate for two versions; keeps what it learned about older sets."""

    def __init__(self, context: Context, set_id: str, sets: tuple[RuleSet, RuleSet]) -> None:
        self.context, self.set_id, self.sets = context, set_id, sets
        self.gate = sets[0].gate
        self.needs = needs_of(sets)
        self.windows = windows_read(sets)
        self._then: dict[str, RuleSet | None] = {}

    def read(self, chunk: Sequence[Key]) -> list[Past]:
        """In one short transaction; nothing is written."""
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            decisions = self._decisions(work, chunk)
            lacking = {key: self._lacking(work, decisions.get(key)) for key in chunk}
            subjects = load_subjects(work, sorted({order_id for order_id, _ in chunk}))
            if self.gate in ("intake", "review"):
                bare = {order_id for (order_id, _), names in lacking.items() if names}
                before = [subjects[one] for one in bare if one in subjects]
                load_history(work, before, self.windows)
            found = [
                self._past(work, subjects[key[0]], key, decisions.get(key), lacking[key])
                for key in chunk
                if key[0] in subjects
            ]
            work.session.rollback()
        return found

    def _decisions(self, work: UnitOfWork, chunk: Sequence[Key]) -> dict[Key, Decision]:
        """What the set said first about each subject."""
        first = (
            select(func.min(Decision.id))
            .where(
                Decision.order_id.in_({order_id for order_id, _ in chunk}),
                Decision.gate == self.gate,
                Decision.ruleset_id == self.set_id,
            )
            .group_by(Decision.order_id, Decision.parcel_id)
        )
        rows = work.session.scalars(select(Decision).where(Decision.id.in_(first)))
        return {(row.order_id or 0, row.parcel_id): row for row in rows}

    def _lacking(self, work: UnitOfWork, decision: Decision | None) -> frozenset[str]:
        if decision is None:
            return self.needs
        then = self._set_then(work, decision)
        if then is None:
            return self.needs
        windows = {name for name, _ in self.windows - windows_read([then])}
        missing = {name for name in self.needs - then.facts_read if not self._kept(decision, name)}
        return frozenset(missing | windows)

    def _kept(self, decision: Decision, name: str) -> bool:
        """Lists are kept with all their fields, except personal ones."""
        vocabulary = self.sets[0].vocabulary
        each = name.partition(".")[0]
        spec = vocabulary.facts.get(name)
        lists = [group.id for group in vocabulary.groups.values() if group.each == each]
        return bool(lists) and lists[0] in decision.facts and not (spec and spec.personal)

    def _set_then(self, work: UnitOfWork, decision: Decision) -> RuleSet | None:
        known = decision.ruleset_hash
        if known not in self._then:
            self._then[known] = self._read_again(work, decision)
        return self._then[known]

    def _read_again(self, work: UnitOfWork, decision: Decision) -> RuleSet | None:
        """The set of that day; None where its text reads no more."""
        for ruleset in (*self.sets, *self.context.rules.for_gate(decision.gate)):
            if ruleset.hash == decision.ruleset_hash:
                return ruleset
        kept = work.session.get(RulesetContent, decision.ruleset_hash)
        if kept is None:
            return None
        try:
            return read_ruleset(kept.content + "\n", self.context.rules.vocabulary)
        except TidegateError:
            return None

    def _past(
        self,
        work: UnitOfWork,
        subject: Subject,
        key: Key,
        decision: Decision | None,
        lacking: frozenset[str],
    ) -> Past:
        order = subject.order
        parcel = next((one for one in subject.parcels if one.id == key[1]), None)
        at = decision.decided_at if decision else order.paid_at or order.ordered_at
        at = at or order.imported_at
        facts: Mapping[str, Any] = decision.facts if decision else {}
        if lacking:
            facts = filled(facts, rebuilt_facts(work, self.sets, subject, parcel, at), lacking)
        warehouse = subject.warehouses.get(parcel.warehouse_id) if parcel else first(subject)
        lane = ((warehouse.city or warehouse.name) if warehouse else "", order.province or "")
        return Past(
            order.id, key[1], decision.id if decision else None, order.number, order.channel, at,
            facts, bool(lacking), lane,
        )  # fmt: skip


def needs_of(sets: tuple[RuleSet, RuleSet]) -> frozenset[str]:
    """Facts that one of the versions reads, and at routing the prices that freight is told from."""
    read = {name for one in sets for name in one.facts_read}
    known = sets[0].vocabulary.facts
    needed = {name for name in read if name in known or "(" in name}
    return frozenset(needed | ({"quote.cost"} if sets[0].gate == "routing" else set()))


def rebuilt_facts(
    work: UnitOfWork,
    sets: tuple[RuleSet, RuleSet],
    subject: Subject,
    parcel: Parcel | None,
    at: datetime,
) -> dict[str, Any]:
    """Facts from today's data, with what only came later (the state, a person's release) left out."""
    gate = sets[0].gate
    if gate in ORDER_GATES:
        facts = order_facts(subject)
        if gate == "inventory":
            facts |= stock_facts(subject)
        else:
            facts |= history_facts(work, subject, sets)
        return _as_then(facts, STATE_THEN[gate])
    where = parcel or imagined(subject)
    if where is None:
        return _as_then(order_facts(subject), "allocated")
    quotes = quotes_for(work, subject, where, at) if gate == "routing" else ()
    facts = parcel_facts(subject, where, quotes)
    if gate != "routing":
        return facts
    later = ("carrier", "service", "waybill_no", "last_scan_state", "failed_deliveries")
    kept = {
        name: value
        for name, value in facts["parcel"].items()
        if name not in later and not name.endswith("_at")
    }
    return _as_then({**facts, "parcel": {**kept, "state": "allocated"}, "scans": []}, "allocated")


def imagined(subject: Subject) -> Parcel | None:
    """The parcel that an order without one would have been: all in it, from the first warehouse."""
    warehouse = first(subject)
    if warehouse is None:
        return None
    return Parcel(
        number=f"{subject.order.number}-1", warehouse_id=warehouse.id, state="allocated",
        currency=subject.order.currency, goods_value_minor=subject.order.goods_total_minor,
        weight_g=order_weight_g(subject), failed_deliveries=0,
    )  # fmt: skip


def first(subject: Subject) -> Any:
    return min(subject.warehouses.values(), key=lambda one: (one.priority, one.id), default=None)


def filled(
    then: Mapping[str, Any], today: Mapping[str, Any], lacking: frozenset[str]
) -> dict[str, Any]:
    """The facts of then; what is lacking, and only that, from today's."""
    made = dict(then)
    groups = {name.partition(".")[0] for name in lacking}
    for group, value in today.items():
        if not isinstance(value, Mapping):
            made.setdefault(group, value)
            continue
        if group not in groups:
            continue
        wanted = {
            name.partition(".")[2].partition("(")[0]
            for name in lacking
            if name.startswith(f"{group}.")
        }
        added = {name: one for name, one in value.items() if name in wanted}
        kept = {
            name: {**added[name], **one}  # counts of the windows of then, and of new windows
            if isinstance(one, Mapping) and isinstance(added.get(name), Mapping)
            else one
            for name, one in then.get(group, {}).items()
        }
        made[group] = {**added, **kept}
    return made


def _as_then(facts: dict[str, Any], state: str) -> dict[str, Any]:
    order = {**facts["order"], "state": state, "manual_review": "none", "tags": ()}
    return {**facts, "order": order}


def _conditions(wanted: Wanted) -> list[Any]:
    period = or_(
        and_(Order.ordered_at >= wanted.since, Order.ordered_at <= wanted.until),
        and_(
            Order.ordered_at.is_(None),
            Order.imported_at >= wanted.since,
            Order.imported_at <= wanted.until,
        ),
    )
    found: list[Any] = [period]
    if wanted.channels:
        found.append(Order.channel.in_(wanted.channels))
    if wanted.shops:
        found.append(Order.shop_id.in_(wanted.shops))
    return found
