"""Where a program keeps what it reads: one slot for each fact, line field, derived value and
shared condition, in one flat list per decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import Fact, Group

# the instant, the zone, the document, its typed form, the shop's currency; a function that gives the reference's
# context for this decision, and the place where it keeps it
HEAD = NOW, ZONE, DOCUMENT, TYPED, CURRENCY, CONTEXT, KEPT = range(7)


class Row(list[object]):
    """The typed fields of one line that the set reads. Two rows are the same only if they are
    one.
    """

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__  # type: ignore[assignment]


class Unset:
    """Marks a slot that has not been computed for this decision."""

    __slots__ = ()


UNSET = Unset()


@dataclass
class Layout:
    """Slots by what they hold. `raw` are facts as the document has them, checked, whole numbers
    not yet decimals.
    """

    ruleset: RuleSet
    raw: dict[str, int] = field(default_factory=dict)
    windows: dict[str, int] = field(default_factory=dict)
    lines: dict[str, dict[str, int]] = field(default_factory=dict)
    lazy: dict[object, int] = field(default_factory=dict)
    identity: bool = False  # whether some function could compare whole lines
    size: int = len(HEAD)

    @property
    def groups(self) -> Mapping[str, Group]:
        return self.ruleset.vocabulary.groups

    def new(self) -> int:
        self.size += 1
        return self.size - 1

    def slot(self, kind: dict[str, int], name: str) -> int:
        if name not in kind:
            kind[name] = self.new()
        return kind[name]

    def lazy_slot(self, key: object) -> int:
        if key not in self.lazy:
            self.lazy[key] = self.new()
        return self.lazy[key]

    def line_field(self, group: str, name: str) -> int:
        """Where a field of a line stands in its row."""
        fields = self.lines.setdefault(group, {})
        return fields.setdefault(name, len(fields))

    def fact(self, name: str) -> Fact | None:
        return self.ruleset.fields.get(name) or self.ruleset.vocabulary.facts.get(name)
