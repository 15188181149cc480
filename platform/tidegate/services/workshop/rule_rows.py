"""A rule as an editor holds it: rows with a field, an operator and a value, groups of rows, and
text where no form can show what is written. Everything is text, as it was typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

QUANTS = ("some", "every", "no", "at_least")
GROUPS = ("all", "any", "none")


@dataclass(frozen=True, slots=True)
class Value:
    """`source` is fixed, named (a threshold or list), field, or formula. `unit` is a currency or
    a unit of time.
    """

    text: str = ""
    source: str = "fixed"
    unit: str = ""
    exact: bool = False


NO_WINDOW = Value(unit="h")


@dataclass(frozen=True, slots=True)
class Row:
    """One condition. `missing`: what an unknown field means here: the set's way (empty), `no` (does
    not match) or `as` (counts as `default`). `quant` asks about the lines of a list.
    """

    subject: str = ""
    op: str = ""
    value: Value = Value()
    high: Value = Value()
    chosen: tuple[str, ...] = ()
    window: Value = NO_WINDOW
    calendar: str = ""
    missing: str = ""
    default: str = ""
    quant: str = ""
    count: str = "1"
    word: str = ""
    query: str = ""
    picking: bool = False
    browse: str = ""  # the province or city whose regions are shown


@dataclass(frozen=True, slots=True)
class Text:
    """An expression as it is written; with `pattern` the YAML of a pattern."""

    text: str = ""
    pattern: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """Several conditions on one and the same line of a list."""

    over: str
    quant: str
    join: str  # and, or
    parts: tuple[Row | Text, ...]
    count: str = "1"


@dataclass(frozen=True, slots=True)
class Group:
    """`kind` is all, any or none."""

    kind: str = "all"
    parts: tuple[Part, ...] = ()


Part = Row | Text | Lines | Group


@dataclass(frozen=True, slots=True)
class ActionRow:
    """An action with its arguments as typed; a text that begins with `=` is a formula."""

    action: str = ""
    args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleRows:
    """A whole rule in the editor. `en` and `why_en` are empty where one text serves both languages."""

    id: str = ""
    zh: str = ""
    en: str = ""
    why: str = ""
    why_en: str = ""
    note: str = ""
    enabled: bool = True
    active_from: str = ""
    active_to: str = ""
    condition: Group = Group()
    actions: tuple[ActionRow, ...] = ()
