"""The judge of the bursts sees each crime in a history made for it, and none in a good one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fault_history import History, judged

BILL = {"order": "N1", "key": "K1", "number": "A1"}
TOLD = {"order": "N1", "key": "S1", "number": "A1"}
ROW = {"number": "N1", "state": "handed_over", "waybill_no": "A1"}
GOOD = History({"N1"}, [BILL], [BILL], [TOLD], [ROW], stock=1)
CRIMES = {
    "lost": replace(GOOD, acknowledged={"N1", "N2"}),
    "twice taken in": replace(GOOD, export=[ROW, ROW]),
    "two live waybills": replace(GOOD, live=[BILL, {**BILL, "number": "A1", "key": "K2"}]),
    "billed twice": replace(GOOD, billed=[BILL, {**BILL, "number": "A2"}]),
    "unknown waybill": replace(GOOD, export=[{**ROW, "state": "waiting_stock", "waybill_no": None}]),
    "invented waybill": replace(GOOD, export=[{**ROW, "waybill_no": "A9"}]),
    "oversold": replace(GOOD, stock=0),
    "told twice": replace(GOOD, told=[TOLD, TOLD]),
    "told wrong": replace(GOOD, told=[{**TOLD, "number": "A9"}]),
    "not told": replace(GOOD, told=[]),
    "stuck": replace(GOOD, export=[ROW, {"number": "N2", "state": "routed", "waybill_no": None}]),
}  # fmt: skip


def test_a_good_history_is_clean_and_every_crime_has_a_case() -> None:
    found = judged(GOOD)
    assert set(found) == set(CRIMES)
    assert not any(found.values())


@pytest.mark.parametrize("crime", CRIMES)
def test_each_crime_is_seen(crime: str) -> None:
    assert judged(CRIMES[crime])[crime] != []
