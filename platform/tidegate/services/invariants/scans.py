"""I9: what carriers told is applied, or kept with the reason that it came too late."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from tidegate.domain.tracking import STATES
from tidegate.services.invariants.checks import Invariant, Look
from tidegate.services.states import is_final
from tidegate.store.tables import Parcel, Scan


def _applied(look: Look) -> Iterator[str]:
    """A scan newer than all that its parcel knows was never looked at; one that ends a parcel must have ended it."""
    unseen = (
        select(Scan.id)
        .join(Parcel, Parcel.id == Scan.parcel_id)
        .where(Scan.state.in_(STATES))
        .where(Parcel.last_scan_at.is_(None) | (Parcel.last_scan_at < Scan.at))
    )
    yield from look.ids("scan", unseen)
    ends = [
        code
        for code, state in STATES.items()
        if state.parcel_state and is_final("parcel", state.parcel_state)
    ]
    moved = {STATES[code].parcel_state for code in ends}
    stays = (
        select(Scan.id)
        .join(Parcel, Parcel.id == Scan.parcel_id)
        .where(Scan.applied, Scan.state.in_(ends), Parcel.state.not_in(moved))
    )
    yield from look.ids("scan", stays)


INVARIANTS = (
    Invariant(
        "I9",
        {
            "zh": "收到的轨迹都已处理, 或因来得太晚而只作保存",
            "en": "Every scan received is applied, or kept because it came too late",
        },
        _applied,
    ),
)
