"""Routes as scans. Queries and pushes tell the same, so ids come from what a route says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from tidegate.sdk.carrier import CarrierScan

BEIJING = timezone(timedelta(hours=8))


def read_time(value: object) -> datetime:
    """Beijing time `2026-11-11 09:00:00`, or milliseconds since 1970.

    Raises:
        ValueError: it is neither.
    """
    text = str(value).strip()
    if text.isascii() and text.isdigit() and len(text) == 13:
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    told = datetime.strptime(text[:19], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
    return told.replace(tzinfo=BEIJING).astimezone(UTC)


def read_route(route: Mapping[str, Any], number: str, states: Mapping[str, str]) -> CarrierScan:
    """One route. `firstStatusCode` says it best, then `opCode` with its reason, then `opCode`; a code nobody knows is
    kept and counts as on the way.

    Raises:
        KeyError, TypeError, ValueError: it is none we understand.
    """
    if not number:
        raise KeyError("mailno")
    at = read_time(route["acceptTime"])
    code, text = _text(route, "opCode"), _text(route, "remark")
    first, reason = _text(route, "firstStatusCode"), _text(route, "reasonCode")
    known = (f"first.{first}", f"{code}.{reason}", code, "*")
    said = "\n".join((number, code or first, at.isoformat(), text))
    return CarrierScan(
        event_id=hashlib.sha256(said.encode()).hexdigest()[:40],
        waybill_no=number,
        at=at,
        code=code or first,
        state=next(states[one] for one in known if one in states),
        place=_text(route, "acceptAddress"),
        description=text,
    )


def read_order_state(told: Mapping[str, Any], states: Mapping[str, str]) -> CarrierScan | None:
    """What became of an order before its first route (`04-40037`); None where that is no news of a parcel.

    Raises:
        KeyError, ValueError: it is none we understand.
    """
    code, number = str(told["orderStateCode"]), _text(told, "waybillNo")
    state = states.get(f"order.{code.partition('-')[0]}")
    if state is None or not number:
        return None
    at, text = read_time(told.get("lastTime") or told["createTm"]), _text(told, "orderStateDesc")
    said = "\n".join((number, code, at.isoformat(), text))
    return CarrierScan(
        hashlib.sha256(said.encode()).hexdigest()[:40], number, at, code, state, "", text
    )


def _text(told: Mapping[str, Any], name: str) -> str:
    return str(told.get(name) if told.get(name) is not None else "").strip()
