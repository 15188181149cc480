"""What the shop's latest orders hold: for each fact its usual values with counts, and how often it is
missing. Values of personal facts are never kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import select

from tidegate.engine.values import Money, duration_text
from tidegate.engine.vocabulary import Fact, Vocabulary
from tidegate.services.context import Context
from tidegate.services.facts import order_facts, parcel_facts, stock_facts
from tidegate.services.history import history_facts, load_history, windows_read
from tidegate.services.subjects import load_subjects
from tidegate.store.tables import Order
from tidegate.store.unit_of_work import Store

ORDERS = 200
KEEP = timedelta(minutes=5)
_DISTINCT = 400  # values of one fact that are counted


@dataclass(frozen=True, slots=True)
class Seen:
    """One fact over the latest orders: `of` were asked, `missing` of them did not have it."""

    of: int = 0
    missing: int = 0
    values: Sequence[tuple[str, int]] = ()

    @property
    def share_missing(self) -> Decimal | None:
        return Decimal(self.missing) / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Samples:
    orders: int = 0
    facts: Mapping[str, Seen] = field(default_factory=dict)

    def of(self, fact: str) -> Seen:
        return self.facts.get(fact, _UNSEEN)


_UNSEEN = Seen()
_kept: WeakKeyDictionary[Store, dict[int, tuple[datetime, Samples]]] = WeakKeyDictionary()
_lock = Lock()


def samples(context: Context) -> Samples:
    """Of the latest 200 orders; at most five minutes old."""
    now = context.clock()
    with _lock:
        kept = _kept.setdefault(context.store, {}).get(context.tenant_id)
    if kept and timedelta(0) <= now - kept[0] < KEEP:
        return kept[1]
    found = _look(context)
    with _lock:
        _kept.setdefault(context.store, {})[context.tenant_id] = (now, found)
    return found


def _look(context: Context) -> Samples:
    vocabulary = context.rules.vocabulary
    counted = _Counts(vocabulary)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        ids = list(work.session.scalars(select(Order.id).order_by(Order.id.desc()).limit(ORDERS)))
        subjects = load_subjects(work, ids)
        sets = context.rules.all()
        load_history(work, list(subjects.values()), windows_read(sets))
        for subject in subjects.values():
            facts = order_facts(subject) | stock_facts(subject)
            facts |= history_facts(work, subject, sets)
            counted.add(facts, ("order", "payment", "recipient", "shop", "stock", "history"))
            counted.add_lines(facts["items"], "item")
            for parcel in subject.parcels:
                counted.add(parcel_facts(subject, parcel), ("parcel",))
    return Samples(len(subjects), counted.result())


class _Counts:
    def __init__(self, vocabulary: Vocabulary) -> None:
        self.groups: dict[str, list[Fact]] = defaultdict(list)
        for fact in vocabulary.facts.values():
            self.groups[fact.group].append(fact)
        self.of: Counter[str] = Counter()
        self.known: Counter[str] = Counter()
        self.values: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, facts: Mapping[str, Any], groups: Iterable[str]) -> None:
        for group in groups:
            self._line(facts.get(group, {}), group)

    def add_lines(self, lines: Iterable[Mapping[str, Any]], group: str) -> None:
        for line in lines:
            self._line(line, group)

    def _line(self, line: Mapping[str, Any], group: str) -> None:
        for fact in self.groups[group]:
            value = line.get(fact.field_name)
            if fact.window and value is None:
                continue  # nobody asked for a window of it
            self.of[fact.id] += 1
            if fact.window and isinstance(value, Mapping):
                value = next(iter(value.values()), None)
            if value is None:
                continue
            self.known[fact.id] += 1
            if not fact.personal:
                self._count(fact.id, value)

    def _count(self, fact: str, value: Any) -> None:
        seen = self.values[fact]
        for text in map(_text, value if isinstance(value, tuple) else (value,)):
            if text and (text in seen or len(seen) < _DISTINCT):
                seen[text] += 1

    def result(self) -> dict[str, Seen]:
        return {
            name: Seen(of, of - self.known[name], tuple(self.values[name].most_common(_DISTINCT)))
            for name, of in self.of.items()
        }


def _text(value: Any) -> str:
    """A value as it would be typed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Money):
        return f"{value.amount:f} {value.currency}"
    if isinstance(value, timedelta):
        return duration_text(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)
