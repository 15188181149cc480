"""Values worth trying for a fact, when conditions do more than compare it with constants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, localcontext
from itertools import islice, product
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.engine.language import tree
from tidegate.engine.operations import order
from tidegate.engine.proof.episodes import episodes
from tidegate.engine.proof.sources import LINES, NOW, Source
from tidegate.engine.regions import between, moved, of_kind, other_text, representatives, step_of
from tidegate.engine.values import DAY, EXACT, HOUR, TICK, Money, fold, parse_instant
from tidegate.engine.vocabulary import Fact, Vocabulary

MAX_LINES, MAX_LISTS, MAX_TEXTS, MAX_RECKONED = 60, 400, 40, 6
_OTHERS = ("USD", "EUR", "JPY")


@dataclass(frozen=True)
class Hints:
    """What the conditions of a group compare with, and how many facts stand in them; `words` are
    the texts of each condition, `plain` says that texts are only compared as a whole.
    """

    constants: Sequence[object]
    facts: int
    functions: frozenset[str]
    words: Sequence[Sequence[str]] = ()
    plain: bool = False


class Pools:
    def __init__(
        self, vocabulary: Vocabulary, custom: dict[str, Fact], now: datetime, zone: ZoneInfo
    ) -> None:
        self.vocabulary = vocabulary
        self.custom = custom
        self.now = now
        self.zone = zone

    def fact(self, name: str) -> Fact | None:
        return self.custom.get(name) or self.vocabulary.facts.get(name)

    def of(self, source: Source, atoms: Iterable[tree.Node], hints: Hints) -> list[Any]:
        """Values of one source, the missing one first. Reckoned exactly: what lies just below a constant of thirty
        digits would else be rounded to above it.
        """
        with localcontext(EXACT):
            if source.kind == NOW:
                return [*islice(self._nows(hints), 400)]
            if source.kind == LINES:
                return self._lists(source.id, list(atoms), hints)
            fact = self.fact(source.id)
            return [None] if fact is None else [None, *self.values(fact, hints)]

    def values(self, fact: Fact, hints: Hints) -> list[Any]:
        """Known values of a fact."""
        if fact.type == "boolean":
            return [False, True]
        if fact.type == "choice":
            return list(fact.values)
        if fact.type in ("text", "texts"):
            texts = [str(text) for text in hints.constants if isinstance(text, str)]
            return list(_texts(texts, hints) if fact.type == "text" else _subsets(texts))
        if fact.type == "money":
            return list(_amounts(hints))
        return spread(self._points(fact.type, hints), max(hints.facts, 1)) or self.usual(fact)

    def _points(self, kind: str, hints: Hints) -> list[object]:
        types = {"number": Decimal, "duration": timedelta, "date": date}
        if kind == "instant":
            return list(self._instants(hints))
        wanted = types[kind]
        return [c for c in of_kind(hints.constants, kind, "CNY") if type(c) is wanted]

    def _instants(self, hints: Hints) -> Iterator[datetime]:
        """Constants, the instants at which `since` and `until` reach theirs, and hours of a week
        where the wall clock is asked.
        """
        for value in hints.constants:
            if isinstance(value, datetime):
                yield value
            elif isinstance(value, timedelta) and hints.functions & {"since", "until"}:
                yield from (self.now - value, self.now + value)
            elif isinstance(value, date):
                yield datetime.combine(value, time(12), self.zone)
        if hints.functions & {"weekday", "hour", "date"}:
            yield from (self.now + day * DAY + hour * HOUR for day in range(7) for hour in (0, 8))

    def _nows(self, hints: Hints) -> Iterator[datetime]:
        yield self.now
        for value in hints.constants:
            if isinstance(value, datetime):
                yield from (value - TICK, value, value + TICK)
            elif isinstance(value, date):
                noon = datetime.combine(value, time(12), self.zone)
                yield from (noon - DAY, noon, noon + DAY)
        for calendar in self.vocabulary.calendars.values():
            for edge in calendar.edges:
                opens = datetime.combine(self.now.astimezone(self.zone).date(), edge, self.zone)
                yield from (opens - TICK, opens)
        for hours in range(7 * 24):
            yield self.now + hours * HOUR

    def usual(self, fact: Fact) -> list[Any]:
        """Values to take when no condition says which."""
        if fact.type == "instant":
            return [parse_instant(self.now) - n * DAY for n in (1, 2)]
        defaults: dict[str, list[Any]] = {
            "number": [Decimal(0), Decimal(1), Decimal(2)],
            "duration": [HOUR, DAY],
            "date": [self.now.date(), self.now.date() + DAY],
        }
        return defaults[fact.type]

    # lists of lines

    def _lists(self, name: str, atoms: Sequence[tree.Node], hints: Hints) -> list[Any]:
        """Missing, empty, each line alone, pairs and some threes of lines."""
        each = self.vocabulary.groups[name].each
        read = {part.fact for atom in atoms for part in _members(atom) if part.fact}
        fields = [self.vocabulary.facts[f] for f in sorted(read) if f.startswith(f"{each}.")]
        pools = [[None, *self.values(field, hints)] for field in fields]
        rng = Random(0)  # noqa: S311 - the same samples every time
        lines = [
            {field.field_name: value for field, value in zip(fields, values, strict=True)}
            for values in _combinations(pools, MAX_LINES, rng)
        ]
        pairs = list(product(lines, repeat=2))
        if len(pairs) > MAX_LISTS:
            pairs = rng.sample(pairs, MAX_LISTS)
        more = [tuple(rng.choices(lines, k=3)) for _ in range(MAX_LISTS // 4)] if lines else []
        patterns = [p for a in atoms for p in tree.walk(a) if isinstance(p, tree.Sequence)]
        found = [list(self._episodes(pattern, fields)) for pattern in patterns]
        first = [events for own in found for events in own]
        return [None, (), *first, *((line,) for line in lines), *pairs, *more]

    def _episodes(
        self, pattern: tree.Sequence, fields: Sequence[Fact]
    ) -> Iterator[tuple[Mapping[str, Any], ...]]:
        def values(field: Fact, named: Sequence[object]) -> Sequence[Any]:
            return self.values(field, Hints(named, 1, frozenset(), plain=True))

        return episodes(pattern, fields, self.now, values)


def _members(node: tree.Node) -> Iterator[tree.Member]:
    return (part for part in tree.walk(node) if isinstance(part, tree.Member))


def _combinations(pools: Sequence[Sequence[Any]], limit: int, rng: Random) -> list[tuple[Any, ...]]:
    """All combinations, or as many as allowed with every single value among them."""
    size = 1
    for pool in pools:
        size *= len(pool)
    if size <= limit:
        return list(product(*pools))
    rows = min(max(len(pool) for pool in pools), limit)
    found = [tuple(pool[row % len(pool)] for pool in pools) for row in range(rows)]
    while len(found) < limit:
        found.append(tuple(rng.choice(pool) for pool in pools))
    return found


def combinations(pools: Sequence[Sequence[Any]], limit: int) -> tuple[list[tuple[Any, ...]], bool]:
    """Combinations of values of several sources, and whether they are all."""
    size = 1
    for pool in pools:
        size *= len(pool)
    return _combinations(pools, limit, Random(0)), size <= limit  # noqa: S311


def reckoned(constants: Sequence[object]) -> Iterator[object]:
    """Values that count where facts are added up: nothing, and sums and differences of two of the
    constants.
    """
    kinds: tuple[type, ...] = (Decimal, timedelta, Money)
    known: list[Any] = [one for one in constants if isinstance(one, kinds)][:MAX_RECKONED]
    for one, other in product(known, repeat=2):
        if type(one) is not type(other):
            continue
        if isinstance(one, Money):
            if one.currency == other.currency:
                yield Money(one.amount + other.amount, one.currency)
                yield Money(one.amount - other.amount, one.currency)
        else:
            yield from (one + other, one - other)


def spread(points: Iterable[Any], count: int) -> list[Any]:
    """The points and `count` values in every gap between them and at both ends: enough for that
    many facts to stand in any order to one another and to the points.
    """
    base = representatives(points)
    if count < 2 or not base:
        return base
    known = list(points)
    found: list[Any] = []
    for place, value in enumerate(base):
        found.append(value)
        if any(order(value, point) == 0 for point in known):
            continue
        step = step_of(value)
        for number in range(1, count):
            if place == 0:
                more = moved(value, -step * number)
            elif place + 1 < len(base):
                more = next(iter(between(found[-1], base[place + 1])), None)
            else:
                more = moved(value, step * number)
            if more is not None:
                found.append(more)
    return sorted(found, key=lambda v: v.amount if isinstance(v, Money) else v)


def _amounts(hints: Hints) -> Iterator[Money]:
    """Around the constants in every currency named, and in one more."""
    points = [p for p in of_kind(hints.constants, "money", "CNY") if isinstance(p, Money)]
    named = list(dict.fromkeys(point.currency for point in points)) or ["CNY"]
    bare = any(isinstance(constant, Decimal) for constant in hints.constants)
    others = [name for name in _OTHERS if name not in named][: max(hints.facts - 1, 1)]
    for name in (*named, *others):
        own: list[Any] = [point for point in points if point.currency == name]
        own += [Money(Decimal(0), name)] if bare and not own else []
        yield from spread(own or [Money(Decimal(100), name)], max(hints.facts, 1))


def _texts(constants: Sequence[str], hints: Hints) -> Iterator[str]:
    """The constants (patterns with their wildcards filled), other texts, and texts that hold a word
    of several conditions at once.
    """
    known = list(dict.fromkeys([*constants, *(_filled(text) for text in constants)]))
    for number in range(max(hints.facts, 1)):
        other = other_text([*known, *(str(n) for n in range(number))])
        yield other + "·" * number
    yield from known[: 8 * MAX_TEXTS]
    if hints.plain:
        return
    words = [[_filled(word) for word in own[:2]] for own in hints.words if own][:6]
    for chosen in product(*([None, *own] for own in words)):
        parts = [word for word in chosen if word]
        if len({fold(part) for part in parts}) > 1:
            yield " ".join(parts)
            yield "".join(parts)


def _filled(text: str) -> str:
    return text.replace("*", "").replace("?", "x")


def _subsets(constants: Sequence[str]) -> Iterator[tuple[str, ...]]:
    known = list(dict.fromkeys(constants))
    yield ()
    yield (other_text(known),)
    yield from ((text,) for text in known)
    yield from ((one, two) for i, one in enumerate(known[:12]) for two in known[:i])
    yield tuple(known)
