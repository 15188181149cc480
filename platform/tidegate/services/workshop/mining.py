"""The search behind ideas for rules: small conjunctions that cover what people did and little else.

Pure: an example is a set of conditions that hold for it. Counting is exact, by bit sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb, exp, inf, lgamma

MOST_CONDITIONS = 3
PER_CONDITION = 2  # orders that a further condition must be worth
CHANCE = 0.01  # more likely by chance than this is no habit


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """One condition in the rule language. `rank`: the more telling field first, where two say the same;
    two conditions of one `field` are not joined unless their `side` differs (at least, below).
    """

    rank: int
    field: str
    text: str
    side: str = ""

    def __hash__(self) -> int:
        return hash(self.text)  # kept by the text itself; this is asked a million times


@dataclass(frozen=True, slots=True)
class Example:
    """An order: what holds for it and whether people did the act."""

    id: int
    holds: frozenset[Condition]
    done: bool


@dataclass(frozen=True, slots=True)
class Pattern:
    """`support` examples with the act fit, `exceptions` without it fit as well."""

    conditions: tuple[Condition, ...]
    support: int
    exceptions: int

    @property
    def precision(self) -> float:
        return self.support / (self.support + self.exceptions)

    @property
    def score(self) -> int:
        """What it explains, less what it gets wrong and what it takes to say."""
        return self.support - self.exceptions - PER_CONDITION * len(self.conditions)

    def fits(self, example: Example) -> bool:
        return example.holds.issuperset(self.conditions)


def best(
    examples: Sequence[Example],
    *,
    at_least: int,
    precision: float,
    fewest: int = 1,
    most: int = MOST_CONDITIONS,
) -> Pattern | None:
    """The pattern of `fewest` to `most` conditions with the highest score, of those that fit at least so many
    acts with at least this precision; of equals the shorter, then the one with the more telling fields.
    """
    found = (
        one
        for one in patterns(examples, at_least=at_least, most=most)
        if len(one.conditions) >= fewest and one.precision >= precision
    )
    return min(found, key=order, default=None)


def order(pattern: Pattern) -> tuple[int, int, tuple[Condition, ...]]:
    return (-pattern.score, len(pattern.conditions), pattern.conditions)


def patterns(examples: Sequence[Example], *, at_least: int, most: int) -> Iterator[Pattern]:
    """Every conjunction that fits at least so many acts: a longer one never fits more than a part of it."""
    acts, rest = _masks(examples)
    frequent = sorted(condition for condition, mask in acts.items() if mask.bit_count() >= at_least)
    everything = sum(one.done for one in examples)
    if everything >= at_least:
        yield Pattern((), everything, len(examples) - everything)
    every = (1 << len(examples)) - 1
    level: list[tuple[tuple[Condition, ...], int, int]] = [((), every, every)]
    for _ in range(most):
        longer = []
        for conditions, acted, other in level:
            for condition in frequent:
                if not _extends(conditions, condition):
                    continue
                mask = acted & acts[condition]
                if mask.bit_count() < at_least:
                    continue
                against = other & rest.get(condition, 0)
                one = (*conditions, condition)
                yield Pattern(one, mask.bit_count(), against.bit_count())
                longer.append((one, mask, against))
        level = longer


def cover(
    examples: Sequence[Example], *, at_least: int, precision: float, fewest: int = 1, ideas: int = 5
) -> list[Pattern]:
    """The best pattern, then the best of the acts it does not cover, and so on. Each pattern is counted against
    all examples, so support of two patterns may overlap. What chance alone could have made ends the search.
    """
    found: list[Pattern] = []
    left = list(examples)
    while len(found) < ideas:
        pattern = best(left, at_least=at_least, precision=precision, fewest=fewest)
        if pattern is None or by_chance(pattern, left, at_least) > CHANCE:
            break
        found.append(counted(pattern.conditions, examples))
        left = [one for one in left if not (one.done and pattern.fits(one))]
    return found


def counted(conditions: tuple[Condition, ...], examples: Sequence[Example]) -> Pattern:
    fitting = [one.done for one in examples if one.holds.issuperset(conditions)]
    return Pattern(conditions, sum(fitting), len(fitting) - sum(fitting))


def by_chance(pattern: Pattern, examples: Sequence[Example], at_least: int) -> float:
    """How likely some conjunction of this length fits so well if acts had nothing to do with conditions: the
    hypergeometric tail, times the conjunctions there are (Bonferroni). 0 for the empty one: nothing was sought.
    """
    size = len(pattern.conditions)
    if not size:
        return 0.0
    acts, _ = _masks(examples)
    sought = comb(sum(mask.bit_count() >= at_least for mask in acts.values()), size)
    done = sum(one.done for one in examples)
    fits = pattern.support + pattern.exceptions
    tail = sum(
        exp(
            _log_comb(done, n)
            + _log_comb(len(examples) - done, fits - n)
            - _log_comb(len(examples), fits)
        )
        for n in range(pattern.support, min(fits, done) + 1)
    )
    return sought * tail


def _log_comb(n: int, k: int) -> float:
    if not 0 <= k <= n:
        return -inf
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _extends(conditions: tuple[Condition, ...], condition: Condition) -> bool:
    """In order, and saying something about a field of which that side is still open."""
    if conditions and condition <= conditions[-1]:
        return False
    return all(
        one.field != condition.field or (one.side != condition.side and one.side != "")
        for one in conditions
    )


def _masks(examples: Sequence[Example]) -> tuple[dict[Condition, int], dict[Condition, int]]:
    """Which examples a condition holds for, as bits: with the act, and without it."""
    acts: dict[Condition, bytearray] = {}
    rest: dict[Condition, bytearray] = {}
    size = len(examples) // 8 + 1
    for place, example in enumerate(examples):
        side = acts if example.done else rest
        for condition in example.holds:
            bits = side.get(condition)
            if bits is None:
                bits = side[condition] = bytearray(size)
            bits[place >> 3] |= 1 << (place & 7)
    return (
        {one: int.from_bytes(bits, "little") for one, bits in acts.items()},
        {one: int.from_bytes(bits, "little") for one, bits in rest.items()},
    )
