"""What the editor's bands show: rows, groups, lines, text and actions with their widgets. Only words and
plain values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.services.view_names import Words
from tidegate.services.workshop.operators import Offer
from tidegate.services.workshop.rule_rows import ActionRow, Lines, Row, Text, Value
from tidegate.services.workshop.set_names import Name
from tidegate.services.workshop.widgets import NOTHING, Choice, Choices

Errors = Mapping[str, Words]


@dataclass(frozen=True, slots=True)
class ValueView:
    """One value box. `kind` is the widget: number, money, duration, text, date, time, instant, choice
    or boolean.
    """

    value: Value
    kind: str
    unit: Words | None
    choices: Choices
    units: Sequence[tuple[str, Words]]
    named: Sequence[Choice]
    fields: Sequence[Choice]
    can_be_exact: bool = False
    said: str = ""  # the value of the chosen threshold
    used: int = 0  # rules that use it


@dataclass(frozen=True, slots=True)
class RowView:
    path: str
    number: str
    join: str
    row: Row
    errors: Errors
    type: str = "row"
    name: Name | None = None
    title: Words | None = None
    offers: Sequence[Offer] = ()
    takes: str = ""
    wrap: str = ""
    low: ValueView | None = None
    high: ValueView | None = None
    window: ValueView | None = None
    choices: Choices = NOTHING
    chosen: Sequence[Choice] = ()
    lists: Sequence[Choice] = ()
    calendars: Sequence[Choice] = ()
    example: tuple[str, str] | None = None
    missing: str = ""  # the share, as a number between 0 and 1
    same_in: Sequence[str] = ()  # other rules with the same fixed number
    inside: bool = False  # one line is asked about already


@dataclass(frozen=True, slots=True)
class TextView:
    path: str
    number: str
    join: str
    part: Text
    errors: Errors
    said: Words | None = None
    type: str = "text"


@dataclass(frozen=True, slots=True)
class LinesView:
    path: str
    number: str
    join: str
    part: Lines
    errors: Errors
    title: Words
    parts: Sequence[RowView | TextView]
    type: str = "lines"


@dataclass(frozen=True, slots=True)
class GroupView:
    path: str
    number: str
    join: str
    kind: str
    parts: Sequence[PartView]
    errors: Errors = field(default_factory=dict)
    type: str = "group"


PartView = RowView | TextView | LinesView | GroupView


@dataclass(frozen=True, slots=True)
class ArgumentView:
    name: str
    title: Words
    required: bool
    default: str
    kind: str
    text: str
    unit: Words | None
    choices: Choices


@dataclass(frozen=True, slots=True)
class ActionView:
    index: int
    row: ActionRow
    args: Sequence[ArgumentView]
    errors: Errors
