"""Traces of numbers: full lists every time, with codes of their own only for those who pay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

BEIJING = timezone(timedelta(hours=8))
OLD_STATES = {"1": "1", "2": "2", "3": "3", "4": "4", "5": "5"}


@dataclass(frozen=True, slots=True)
class Trace:
    at: datetime
    code: str
    text: str


class Traces:
    def __init__(self) -> None:
        self._told: dict[tuple[str, str], list[Trace]] = {}
        self.followed: dict[tuple[str, str], bool] = {}  # courier and number -> paid

    def add(self, shipper: str, number: str, trace: Trace) -> None:
        self._told.setdefault((shipper, number), []).append(trace)

    def shippers_of(self, number: str) -> list[str]:
        return [shipper for shipper, known in self._told if known == number]

    def document(self, shipper: str, number: str, paid: bool) -> dict[str, Any]:
        """What a query answers and a push tells about one number."""
        traces = sorted(self._told.get((shipper, number), []), key=lambda one: one.at)
        newest = traces[-1].code if traces else "0"
        found: dict[str, Any] = {
            "ShipperCode": shipper, "LogisticCode": number, "Success": True, "Reason": "",
            "State": OLD_STATES.get(newest[:1], "0") if newest != "10" else "0",
            "Traces": [_trace(one, paid) for one in traces],
        }  # fmt: skip
        if not traces:
            found["Reason"] = "暂无轨迹信息"
        return {**found, "StateEx": newest, "Location": "杭州市"} if paid else found


def clock(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _trace(one: Trace, paid: bool) -> dict[str, str]:
    told = {"AcceptTime": clock(one.at), "AcceptStation": one.text}
    return {**told, "Location": "杭州市", "Action": one.code} if paid else told
