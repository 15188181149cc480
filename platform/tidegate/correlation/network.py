"""The only place that knows durable-rules: one pattern as a rule of its network, one episode
through it.

The profile leaves out what 2.0.28 gets wrong. No `Host`, no timers, no sessions but one, no
`$or`, no negation; facts are flat, every one has every field, a kind marker is each event's
first condition; a join ends with a condition that is always true, because the library reads past
the end of its array when the last one is false; ids and field names are few, short and known not
to collide (it tells them apart by a 32-bit hash alone). A network that found a match is never
touched again: retracting a fact of a match, started or completed, reads and writes past the end
of the match's frame (`deleteMessageFromFrame`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_FACTS = 200
MAX_STEPS = 8
MAX_JOINS = 24  # the library's limit is about 29 in one rule
MAX_NETWORKS = 400  # none is freed (that leaks as well); then the process is replaced
SESSION = "s1"
KIND = "skind"
OPERATORS = {"=": "", "!=": "$neq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}

Join = Sequence[Any]  # operator, own field, place of the earlier event, its field
Fact = Mapping[str, int]


class NetworkError(Exception):
    """The library refused, or left something behind."""


@dataclass(frozen=True)
class Pattern:
    """`joins[i]` compare event i with earlier ones; `flags[i]` says whether its own condition is
    a field `f<i>` of the facts.
    """

    flags: tuple[bool, ...]
    joins: tuple[tuple[Join, ...], ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Pattern:
        """From plain data. Raises NetworkError for one outside the profile."""
        flags = tuple(bool(flag) for flag in document["flags"])
        joins = tuple(tuple(tuple(join) for join in step) for step in document["joins"])
        made = cls(flags, joins)
        made.check()
        return made

    def check(self) -> None:
        if not 1 <= len(self.flags) <= MAX_STEPS or len(self.joins) != len(self.flags):
            raise NetworkError("pattern")
        if sum(len(step) for step in self.joins) > MAX_JOINS:
            raise NetworkError("joins")
        for place, step in enumerate(self.joins):
            for operator, own, earlier, field in step:
                if operator not in OPERATORS or not 0 <= earlier < place:
                    raise NetworkError("join")
                if not (is_field(own) and is_field(field)):
                    raise NetworkError("field")

    @property
    def fields(self) -> frozenset[str]:
        """What every fact must have."""
        own = {f"f{n}" for n, flag in enumerate(self.flags) if flag}
        joined = {name for step in self.joins for join in step for name in (join[1], join[3])}
        return frozenset({"p", *own, *joined})

    def rule(self) -> dict[str, Any]:
        """The rule set of this one pattern, equality first, the position, the true end last."""
        entries = []
        for place, (flag, step) in enumerate(zip(self.flags, self.joins, strict=True)):
            conditions: list[dict[str, Any]] = [{"k": KIND}]
            conditions += [{f"f{place}": 1}] if flag else []
            ordered = sorted(step, key=lambda join: join[0] != "=")
            conditions += [_condition(join) for join in ordered]
            if place:
                conditions.append({"$gt": {"p": {f"m{place - 1}": "p"}}})
                conditions.append({"$gte": {"z": {"m0": "z"}}})
            whole = {"$and": conditions} if len(conditions) > 1 else conditions[0]
            entries.append({f"m{place}": whole})
        return {"found": {"all": entries}}


def is_field(name: object) -> bool:
    """One of the names facts may use: p, f0 … f7, v0 … v63."""
    if not isinstance(name, str):
        return False
    letter, number = name[:1], name[1:]
    if name == "p":
        return True
    limit = {"f": MAX_STEPS, "v": 64}.get(letter, 0)
    return (
        number.isascii() and number.isdigit() and str(int(number)) == number and int(number) < limit
    )


def _condition(join: Join) -> dict[str, Any]:
    operator, own, earlier, field = join
    compared = {own: {f"m{earlier}": field}}
    return {OPERATORS[operator]: compared} if OPERATORS[operator] else compared


class Network:
    """Patterns and episodes. Raises ImportError where durable-rules is not installed."""

    def __init__(self) -> None:
        import durable_rules_engine  # type: ignore[import-not-found,import-untyped,unused-ignore]

        self._engine: Any = durable_rules_engine
        self._handles: dict[Pattern, int] = {}
        self._made = 0

    @property
    def spent(self) -> bool:
        """Whether so much was left behind that the process should be replaced."""
        return self._made >= MAX_NETWORKS

    def find(self, pattern: Pattern, facts: Sequence[Fact]) -> bool:
        """Whether the pattern occurs in the facts, which are in the order of their `p`.

        Raises:
            NetworkError: the library refused something; the process should be replaced.
        """
        if len(facts) > MAX_FACTS:
            raise NetworkError("facts")
        handle = self._handle(pattern)
        messages = [_message(number, fact, pattern) for number, fact in enumerate(facts)]
        kept: list[str] = []
        try:
            if any(self._assert(handle, message, kept) for message in messages):
                del self._handles[pattern]
                return True
            for message in kept:
                self._call("retract_fact", handle, message)
            left = json.loads(self._engine.get_facts(handle, SESSION)) if kept else []
        except self._engine.error as error:
            raise NetworkError("engine") from error
        if left:
            raise NetworkError("left over")
        return False

    def _handle(self, pattern: Pattern) -> int:
        if pattern not in self._handles:
            name, rule = f"p{self._made}", json.dumps(pattern.rule())
            self._made += 1
            try:
                self._handles[pattern] = int(self._engine.create_ruleset(name, rule))
            except self._engine.error as error:
                raise NetworkError("create") from error
        return self._handles[pattern]

    def _assert(self, handle: int, message: str, kept: list[str]) -> bool:
        """Put one fact in; whether it completed a match."""
        result, state = self._call("assert_fact", handle, message)
        if result == 1:  # fits no event of the pattern, and is not kept
            return False
        if result != 0:
            raise NetworkError(f"assert {result}")
        kept.append(message)
        started = self._engine.start_action_for_state(handle, state)
        if not started:
            return False
        _check_match(json.loads(started[1]))
        return True

    def _call(self, name: str, handle: int, message: str) -> tuple[int, int]:
        result, state = getattr(self._engine, name)(handle, message)
        return int(result), int(state)


def _message(number: int, fact: Fact, pattern: Pattern) -> str:
    if frozenset(fact) != pattern.fields or not all(type(v) is int for v in fact.values()):
        raise NetworkError("fact")
    if any(abs(value) >= 2**53 for value in fact.values()):
        raise NetworkError("number")
    return json.dumps({"id": f"e{number}", "sid": SESSION, "k": KIND, "z": 0, **fact})


def _check_match(message: Mapping[str, Any]) -> None:
    """What the library calls a match must at least be events in order."""
    events = next(iter(message.values()))
    places = [events[f"m{n}"]["p"] for n in range(len(events))]
    if places != sorted(set(places)):
        raise NetworkError("order")
