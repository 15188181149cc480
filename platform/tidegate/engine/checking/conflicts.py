"""Rules that contradict each other on one and the same subject, in one set or across the sets of a
gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from tidegate.engine.checking.analysis import EXACT, LOOSE, TRUE, Analysis, Layer
from tidegate.engine.checking.blocks import Block, clash, rank
from tidegate.engine.checking.findings import ERROR, INFO, WARNING, Finding, about, named
from tidegate.engine.proof.boxes import meet
from tidegate.engine.proof.cover import bits
from tidegate.engine.proof.witnesses import Test, Witness
from tidegate.engine.rulesets import Rule

MOST = 40  # findings of one kind in one block; the rest is counted
Pair = tuple[int, int]


@dataclass(frozen=True)
class Kind:
    """How a contradiction of one policy is called."""

    code: str
    severity: str
    zh: str
    en: str
    question: tuple[str, str]


_TOGETHER = "哪些规则会同时成立", "which rules can match together"
KINDS = {
    "unique": Kind(
        "check.overlap", ERROR, "会同时成立，而 unique 只允许一条",
        "can match together, and unique allows one", _TOGETHER,
    ),
    "any": Kind(
        "check.conflict", WARNING, "会同时成立而结论不同",
        "can match together and say different things", _TOGETHER,
    ),
    "collect": Kind(
        "check.double_write", WARNING, "会同时成立，并把同一件事写得不同",
        "can match together and write the same thing differently", _TOGETHER,
    ),
}  # fmt: skip
KINDS["priority"] = KINDS["collect"]


def contradictions(analysis: Analysis, block: Block) -> Iterator[Finding]:
    kind = KINDS.get(block.policy)
    if kind is None:
        return
    rules = analysis.simple(block.everyone)
    wanted = _PAIRS[block.policy](block, rules)
    yield from _Pairs(analysis, block, kind, rules, wanted).findings()


# which pairs are worth asking about: for each rule a bit for every later one


def _all(block: Block, rules: Sequence[Rule]) -> list[int]:
    whole = (1 << len(rules)) - 1
    return [whole & ~((2 << n) - 1) for n in range(len(rules))]


def _saying_otherwise(block: Block, rules: Sequence[Rule]) -> list[int]:
    same: dict[tuple[str, ...], int] = {}
    said = [tuple(call.text() for call in rule.actions) for rule in rules]
    for number, texts in enumerate(said):
        same[texts] = same.get(texts, 0) | 1 << number
    return [later & ~same[said[n]] for n, later in enumerate(_all(block, rules))]


def _clashing(block: Block, rules: Sequence[Rule]) -> list[int]:
    """Both write one thing, differently; rows of one table that settles itself never both stand."""
    found = [0] * len(rules)
    writers: dict[str, list[int]] = {}
    for number, rule in enumerate(rules):
        for name in {c.action.writes for c in rule.actions if not c.action.many}:
            writers.setdefault(name, []).append(number)
    for numbers in writers.values():
        for one, other in combinations(numbers, 2):
            if _may_clash(block, rules[one], rules[other]):
                found[one] |= 1 << other
    return found


def _may_clash(block: Block, one: Rule, other: Rule) -> bool:
    if one.table_policy and one.table == other.table:
        return False
    stage = block.stage
    if block.policy == "priority" and rank(stage, one) != rank(stage, other):
        return False
    return any(clash(a, b) for a in one.actions for b in other.actions)


_PAIRS: dict[str, Callable[[Block, Sequence[Rule]], list[int]]] = {
    "unique": _all,
    "any": _saying_otherwise,
    "collect": _clashing,
    "priority": _clashing,
}


class _Pairs:
    """Pairs that match together, each shown by a document on which the evaluator sees it."""

    def __init__(
        self, analysis: Analysis, block: Block, kind: Kind, rules: Sequence[Rule],
        wanted: Sequence[int],
    ) -> None:  # fmt: skip
        self.analysis = analysis
        self.block = block
        self.kind = kind
        self.rules = rules
        self.wanted = wanted
        self.layer = analysis.layer(rules, TRUE, EXACT)
        self.shown: set[Pair] = set()
        self.doubtful: dict[int, None] = {}

    def findings(self) -> Iterator[Finding]:
        left = 0
        given = 0
        for pair in self._together(self.layer):
            if pair in self.shown:
                continue
            if given >= MOST:
                left += 1
                continue
            witness = self._witness(pair) or self._sought(pair)
            if witness is None:
                self.doubtful.update(dict.fromkeys(pair))
                continue
            given += 1
            yield self._finding(pair, witness)
        if left:
            yield self._more(left)
        yield from self._doubts()
        if self.doubtful:
            severe = self.block.policy == "unique"
            rules = [self.rules[n] for n in sorted(self.doubtful)]
            self.analysis.undecided(self.kind.question, rules, severe=severe)

    def _together(self, layer: Layer) -> Iterator[Pair]:
        for one, rule in enumerate(self.rules):
            if not self.wanted[one]:
                continue
            others = layer.among(bits(self.wanted[one]))
            touching = 0
            reading = EXACT if layer is self.layer else LOOSE
            for box in self.analysis.true(rule, reading):
                touching |= layer.cover.overlapping(box, others)
            for other in layer.owners(touching):
                yield one, other

    def _shows(self, pair: Pair) -> Test:
        both = [self.rules[n].id for n in pair]
        return lambda seen: seen.conflicting(both) == both

    def _witness(self, pair: Pair) -> Witness | None:
        one, other = (self.rules[n] for n in pair)
        shows = self._shows(pair)
        for box in self.analysis.true(one):
            for second in self.analysis.true(other):
                both = meet(box, second)
                witness = self.analysis.judge.confirmed(both, shows) if both is not None else None
                if witness:
                    return witness
        return None

    def _finding(self, pair: Pair, witness: Witness) -> Finding:
        """With every rule that contradicts another on the same document."""
        one = self.rules[pair[1]]
        known = {rule.id: n for n, rule in enumerate(self.rules)}
        involved = self.analysis.judge.seen(witness).conflicting(list(known))
        others = [self.rules[known[name]] for name in involved if name != one.id]
        numbers = sorted(known[name] for name in involved)
        self.shown |= set(combinations(numbers, 2))
        zh, en = named(others)
        return about(
            self.kind.severity, self.kind.code, one, f"与 {zh} {self.kind.zh}",
            f"it and {en} {self.kind.en}", others, witness,
        )  # fmt: skip

    def _more(self, left: int) -> Finding:
        return Finding(
            INFO, "check.more", self.block.where,
            f"{self.kind.code}：另有 {left} 对规则，先改上面列出的",
            f"{self.kind.code}: {left} more pairs; settle those listed first",
        )  # fmt: skip

    def _doubts(self) -> Iterator[Finding]:
        """Pairs of which only the wider reading of the space says that they may meet."""
        if not self.analysis.open(self.rules):
            return
        sure = set(self._together(self.layer))
        for pair in self._together(self.analysis.layer(self.rules, TRUE, LOOSE)):
            rules = [self.rules[n] for n in pair]
            if pair in sure or pair in self.shown or not self.analysis.open(rules):
                continue
            witness = self._sought(pair)
            if witness is not None:
                yield self._finding(pair, witness)
            else:
                self.doubtful.update(dict.fromkeys(pair))

    def _sought(self, pair: Pair) -> Witness | None:
        one, other = (self.analysis.true(self.rules[n], LOOSE) for n in pair)
        both = next((box for a in one for b in other if (box := meet(a, b)) is not None), None)
        shows = self._shows(pair)
        return self.analysis.judge.sought(both, shows) if both is not None else None
