"""What the pages of simulations are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tidegate.domain.money import Money
from tidegate.services.view_names import Words
from tidegate.services.workshop.model import SetInfo, VersionInfo
from tidegate.services.workshop.simulating import Summary


@dataclass(frozen=True, slots=True)
class FormView:
    info: SetInfo
    title: Words
    versions: tuple[VersionInfo, ...]
    channels: tuple[str, ...]
    mappings: tuple[str, ...]
    consumes: bool
    routes: bool
    runs: tuple[RunLine, ...]


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in the list; `percent` while it runs."""

    id: int
    state: str
    against: str
    source: str
    since: datetime | None
    until: datetime | None
    channels: tuple[str, ...]
    file: str
    asked_at: datetime
    asked_by: str
    done: int
    total: int | None
    subjects: int
    changed: int
    same_draft: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    key: str
    words: Words
    stops: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """`heat` 0 to 3: how much of all changes this is."""

    after: str
    n: int
    changed: int
    heat: int


@dataclass(frozen=True, slots=True)
class Matrix:
    outcomes: tuple[Outcome, ...]
    rows: tuple[tuple[Outcome, tuple[Cell, ...], int], ...]
    totals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Freight:
    before: Money
    change: Money
    share: Decimal | None
    n: int


@dataclass(frozen=True, slots=True)
class LaneLine:
    """`bar` from -1 (saves most) to 1; `on_time` and `damage` as (change, half width)."""

    service: Words
    origin: str
    to: str
    n: int
    change: Money | None
    each: Money | None
    others: tuple[Money, ...]
    bar: float
    on_time: tuple[float, float] | None
    damage: tuple[float, float] | None
    history: int


@dataclass(frozen=True, slots=True)
class RuleLine:
    id: str
    title: Words
    changed: int
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class ChangeLine:
    id: int
    order_id: int | None
    key: str
    channel: str
    at: datetime
    before: Outcome
    after: Outcome
    delta: Money | None
    rules: tuple[tuple[str, Words], ...]
    rebuilt: bool


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as it stands; everything from `summary` on is there when it is done."""

    info: SetInfo
    title: Words
    line: RunLine
    stale: bool
    error: Words | None
    code: str
    summary: Summary | None = None
    matrix: Matrix | None = None
    freight: tuple[Freight, ...] = ()
    unpriced: int = 0
    routes: bool = False
    rules: tuple[RuleLine, ...] = ()
    lanes: tuple[LaneLine, ...] = ()
    lanes_left: int = 0
    both_ship: int = 0
    dearest: tuple[ChangeLine, ...] = ()
    short: tuple[Mapping[str, Any], ...] = ()
    short_keys: int = 0
    in_order: bool = False
    rejected: int = 0
    rejected_rows: tuple[Mapping[str, Any], ...] = ()
    refused: int = 0
    orders_in_period: int = 0


@dataclass(frozen=True, slots=True)
class CellView:
    run: RunView
    before: Outcome | None
    after: Outcome | None
    rule: RuleLine | None
    lines: tuple[ChangeLine, ...]
    total: int
    page: int
    pages: int
