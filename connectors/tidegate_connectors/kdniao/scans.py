"""Traces of a query or a push as scans. Both tell the whole list each time, so ids come from what a trace says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from tidegate.sdk.carrier import CarrierScan

BEIJING = timezone(timedelta(hours=8))
ON_THE_WAY = "2"
_ENGLISH = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) ([\d:]{8}) [A-Z]{3,4} (\d{4})\Z")
MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"


def read_time(text: str) -> datetime:
    """Beijing time in either of its two forms, `2023-03-30 05:37:57` and `Thu Mar 30 05:37:57 CST 2023`.

    Raises:
        ValueError: it is neither.
    """
    found = _ENGLISH.match(text.strip())
    if found:
        month, day, clock, year = found.groups()
        text = f"{year}-{MONTHS.index(month) // 3 + 1:02}-{int(day):02} {clock}"
    told = datetime.strptime(text.strip().replace("/", "-"), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
    return told.replace(tzinfo=BEIJING).astimezone(UTC)


def read_scans(told: Mapping[str, Any], states: Mapping[str, str]) -> list[CarrierScan]:
    """The scans in one parcel's document, the oldest first; `states` is the manifest's `tracking`.

    A trace has its own code (`Action`) for those who pay. Else only the newest is told by `State`, and all before it
    were on the way; a code that is unknown is kept, and leads to the state of `*`.

    Raises:
        KeyError, TypeError, ValueError: the document is none we understand.
    """
    number = _number(told)
    traces = sorted(_traces(told), key=lambda trace: read_time(str(trace["AcceptTime"])))
    whole = str(told.get("StateEx") or told.get("State") or "").strip()
    scans = []
    for place, trace in enumerate(traces):
        newest = place == len(traces) - 1
        code = str(trace.get("Action") or "").strip() or (whole if newest else ON_THE_WAY)
        scans.append(_scan(number, trace, code, states))
    if not traces and whole not in ("", "0") and told.get("PushTime"):
        told_now = {"AcceptTime": told["PushTime"], "AcceptStation": str(told.get("Reason") or "")}
        scans.append(_scan(number, told_now, whole, states))
    return [scan for scan in scans if scan.state]


def _scan(
    number: str, trace: Mapping[str, Any], code: str, states: Mapping[str, str]
) -> CarrierScan:
    at, text = read_time(str(trace["AcceptTime"])), str(trace.get("AcceptStation") or "")
    said = "\n".join((number, at.isoformat(), code, text))
    state = "" if code in ("", "0") else states.get(code, states["*"])
    return CarrierScan(
        event_id=hashlib.sha256(said.encode()).hexdigest()[:40],
        waybill_no=number,
        at=at,
        code=code,
        state=state,
        place=str(trace.get("Location") or trace.get("Station") or ""),
        description=text,
    )


def _number(told: Mapping[str, Any]) -> str:
    number = told["LogisticCode"]
    if not isinstance(number, str) or not number:
        raise TypeError("LogisticCode is no text")
    return number


def _traces(told: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    traces = told.get("Traces") or []
    if not isinstance(traces, list):
        raise TypeError("Traces is no list")
    return traces
