"""What subjects use up in a simulation: stock per SKU, capacity per carrier service.

Which action uses up what is data: the `consumes` of an action in the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tidegate.engine.decisions import Outcome
from tidegate.engine.values import fold, parse_decimal
from tidegate.engine.vocabulary import Consumption, Vocabulary
from tidegate.errors import InputError

Amounts = Mapping[str, Mapping[str, object]]
Refresh = Callable[[dict[str, Any]], dict[str, Any]]
# (what is asked for, the document as shown, all actions) to the key used up; empty for none
Resolve = Callable[[Outcome, Mapping[str, Any], Sequence[Outcome]], str]


@dataclass
class Ledger:
    """What is left of each resource (`item.available`) by key (a SKU), from given beginnings; what
    is not given is not limited by the ledger. `refresh` renews facts that follow from what is left;
    `resolve` finds, per action, the key of one that does not name it (the cheapest service).
    """

    vocabulary: Vocabulary
    left: dict[str, dict[str, Decimal]]
    refresh: Refresh | None = None
    resolve: Mapping[str, Resolve] = field(default_factory=dict)
    consumptions: dict[str, Consumption] = field(init=False)

    def __post_init__(self) -> None:
        actions = self.vocabulary.actions.values()
        self.consumptions = {a.id: a.consumes for a in actions if a.consumes is not None}

    def shown(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """The document with what is left in place of what it was then."""
        shown: dict[str, Any] = {}
        for what, left in self.left.items():
            each, _, name = what.partition(".")
            group = self.vocabulary.variables[each]
            key = self._key(what)
            rows = shown.get(group, facts.get(group)) or ()
            shown[group] = [_with_left(row, name, key, left) for row in rows]
        changed = {**facts, **shown}
        return self.refresh(changed) if self.refresh else changed

    def take(self, actions: Sequence[Outcome], facts: Mapping[str, Any]) -> None:
        """Use up what the actions ask for. Never less than nothing is left."""
        for outcome in actions:
            use = self.consumptions.get(outcome.action)
            if use is None or use.what not in self.left:
                continue
            for key, amount in self.wanted(use, outcome, facts, actions):
                left = self.left[use.what]
                if key in left:
                    left[key] = max(Decimal(0), left[key] - amount)

    def wanted(
        self,
        use: Consumption,
        outcome: Outcome,
        facts: Mapping[str, Any],
        actions: Sequence[Outcome],
    ) -> Iterable[tuple[str, Decimal]]:
        """(key, amount) of what one action uses up on one subject."""
        if use.by:
            for row in facts.get(self.vocabulary.variables[use.what.partition(".")[0]]) or ():
                if row.get(use.by) is not None:
                    yield fold(str(row.get(use.key, ""))), parse_decimal(row[use.by])
            return
        resolve = self.resolve.get(outcome.action)
        key = resolve(outcome, facts, actions) if resolve else outcome.args.get(use.named, "")
        yield fold(str(key)), Decimal(1)

    def _key(self, what: str) -> str:
        return next(use.key for use in self.consumptions.values() if use.what == what)


def ledger_of(
    vocabulary: Vocabulary,
    amounts: Amounts,
    refresh: Refresh | None = None,
    resolve: Mapping[str, Resolve] | None = None,
) -> Ledger:
    """A ledger that begins with these amounts: `{"item.available": {"SKU-1": 40}}`.

    Raises:
        InputError: nothing uses up such a thing, or an amount is no number.
    """
    known = {a.consumes.what for a in vocabulary.actions.values() if a.consumes}
    left: dict[str, dict[str, Decimal]] = {}
    for what, by_key in amounts.items():
        if what not in known:
            listed = ", ".join(sorted(known))
            raise InputError(
                "simulation.unknown_resource",
                zh=f"没有动作会消耗 {what}；可用：{listed}",
                en=f"No action uses up {what}; known: {listed}",
                resource=what,
            )
        try:
            left[what] = {fold(str(k)): parse_decimal(value) for k, value in by_key.items()}
        except (ValueError, AttributeError):
            raise InputError(
                "simulation.bad_amount",
                zh=f'{what} 应为“键: 数量”，如 {{"SKU-1": 40}}',
                en=f'{what} should map keys to amounts, as in {{"SKU-1": 40}}',
                resource=what,
            ) from None
    return Ledger(vocabulary, left, refresh, resolve or {})


def _with_left(
    row: Mapping[str, Any], name: str, key: str, left: Mapping[str, Decimal]
) -> Mapping[str, Any]:
    found = left.get(fold(str(row.get(key, ""))))
    return row if found is None else {**row, name: found}
