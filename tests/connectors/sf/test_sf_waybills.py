"""Waybills at SF over real HTTP: a refused repeat is asked for, and what is unclear stays unclear."""

from __future__ import annotations

from typing import Any

import pytest
from carrier_account import SENDER, WHO, connected, request

from tidegate.errors import RemoteCredentials, RemoteRefused, RemoteRetry, RemoteUnknown
from tidegate.sdk.carrier import Issued
from tidegate.sdk.stage.protocol import Fault
from tidegate_connectors.sf.wire import encoded, msg_digest
from tidegate_platforms.sf.envelope import digest

DATA = '{"language":"zh-CN","orderId":"OD20260101001","searchType":"1"}'


def test_the_digest_of_the_formula() -> None:
    """Both were written from the same description; the value was computed by a third implementation."""
    assert msg_digest(DATA, "1767225600000", "demoCheckWord123") == "+Sf3EWTiBhuWawfku7ZyRQ=="
    assert digest(DATA, "1767225600000", "demoCheckWord123") == "+Sf3EWTiBhuWawfku7ZyRQ=="
    assert encoded("潮 a*b-c.d_e~f/") == "%E6%BD%AE+a*b-c.d_e%7Ef%2F"
    assert msg_digest("潮 *~", "1", "x") == digest("潮 *~", "1", "x")


def test_one_waybill_whatever_happens_to_the_answer(server: Any) -> None:
    sf = connected("sf", server)
    assert sf.query_waybill("T1-P1-G1") is None
    for key, fault in (("T1-P1-G1", Fault.CUT), ("T1-P2-G1", Fault.GARBAGE)):
        server.fail(fault)
        with pytest.raises(RemoteUnknown):
            sf.create_waybill(request(key))
        with pytest.raises(RemoteRefused) as caught:
            sf.create_waybill(request(key))
        assert caught.value.code == "sf.8016"
        found = sf.query_waybill(key)
        assert (found.waybill_no, found.sort_code) == (
            server.ledger.orders[key].number, server.ledger.orders[key].route,
        )  # fmt: skip
    assert [one.client_key for one in server.waybills()] == ["T1-P1-G1", "T1-P2-G1"]


def test_what_is_asked_for_is_said_in_its_words(server: Any) -> None:
    sf = connected("sf", server, cod_card="C1")
    sf.create_waybill(
        request("K1", service_code="SF.express", cod_minor=12_345, insured_minor=50, remark="易碎")
    )
    said = server.ledger.orders["K1"].document
    assert [one["contactType"] for one in said["contactInfoList"]] == [1, 2]
    sender, recipient = said["contactInfoList"]
    assert (sender["contact"], sender["tel"]) == (SENDER.name, SENDER.phone)
    assert (recipient["contact"], recipient["mobile"], recipient["county"], recipient["postCode"]) == (
        WHO.name, WHO.phone, "西湖区", "310012",
    )  # fmt: skip
    assert (said["expressTypeId"], said["totalWeight"], said["monthlyCard"]) == (1, 1.5, "7551234567")  # fmt: skip
    assert said["serviceList"] == [
        {"name": "COD", "value": "123.45", "value1": "C1"}, {"name": "INSURE", "value": "0.50"},
    ]  # fmt: skip
    assert said["cargoDetails"] == [{"name": "电热水壶 1.7L", "count": 2}]
    sf.create_waybill(request("K2", service_code="SF.other"))
    assert server.ledger.orders["K2"].document["expressTypeId"] == 2


def test_an_address_that_is_looked_at_by_hand_or_not_served(server: Any) -> None:
    sf = connected("sf", server)
    server.ledger.by_hand.add("杭州市")
    with pytest.raises(RemoteUnknown) as caught:
        sf.create_waybill(request("K1"))
    assert (caught.value.code, caught.value.fields["retry_after_s"]) == ("sf.by_hand", 600)
    with pytest.raises(RemoteRetry):
        sf.query_waybill("K1")
    server.ledger.orders["K1"].filter_result = 2
    assert sf.query_waybill("K1").waybill_no
    server.ledger.by_hand.clear()
    server.ledger.not_served.add("杭州市")
    with pytest.raises(RemoteRefused) as told:
        sf.create_waybill(request("K2"))
    assert told.value.code == "sf.not_served"


def test_voiding_twice_is_fine_and_voiding_too_late_is_not(server: Any) -> None:
    sf = connected("sf", server)
    for key in ("K1", "K2"):
        sf.create_waybill(request(key))
    server.fail(Fault.CUT)
    with pytest.raises(RemoteRetry):
        sf.cancel_waybill("K1")
    sf.cancel_waybill("K1")
    assert sf.query_waybill("K1") is None
    server.add_scan("SF", sf.query_waybill("K2").waybill_no, "50", server.now(), "已收件")
    with pytest.raises(RemoteRefused):
        sf.cancel_waybill("K2")
    assert [one.live for one in server.waybills()] == [False, True]


@pytest.mark.parametrize(
    ("fault", "family", "code"),
    [
        (Fault.THROTTLED, RemoteRetry, "sf.A1005"),
        (Fault.BUSY, RemoteUnknown, "sf.A1099"),
        (Fault.EXPIRED, RemoteCredentials, "sf.A1004"),
        (Fault.REFUSED, RemoteRefused, "sf.20036"),
        (Fault.DOWN, RemoteUnknown, "remote.unclear"),
    ],
)
def test_what_goes_wrong_is_sorted(server: Any, fault: Fault, family: type, code: str) -> None:
    sf = connected("sf", server)
    server.fail(fault)
    with pytest.raises(family) as caught:
        sf.create_waybill(request("K1"))
    assert caught.value.code == code
    slowed = ["waybill.create"] if fault is Fault.THROTTLED else []
    assert sf._account.http.slowed == slowed
    assert WHO.name not in str(caught.value)
    assert sf.create_waybill(request("K1")).waybill_no


def test_a_wrong_check_word_stops_the_account_and_not_the_parcel(server: Any) -> None:
    wrong = connected("sf", server, check_word="another")
    for call in (lambda: wrong.create_waybill(request("K1")), wrong.check_credentials):
        with pytest.raises(RemoteCredentials) as caught:
            call()
        assert caught.value.code == "sf.A1006"
    assert connected("sf", server).check_credentials() == "TIDEDEMO"
    server.fail(Fault.REFUSED)
    with pytest.raises(RemoteRefused):
        connected("sf", server).check_credentials()  # a no is told, not swallowed
    assert not server.waybills()


def test_its_label_is_its_own_pdf(server: Any) -> None:
    sf = connected("sf", server)
    made = sf.create_waybill(request("K1"))
    label = sf.label(Issued("K1", made.waybill_no, "SF.standard"))
    assert (label.kind, label.template) == ("pdf", "fm_76130_standard_TIDEDEMO")
    assert label.content.startswith(b"%PDF")
    with pytest.raises(RemoteRefused):
        sf.label(Issued("K1", "SF404", "SF.standard"))
    with pytest.raises(RemoteUnknown):
        connected("sf", server, label_header="X-Other").label(
            Issued("K1", made.waybill_no, "SF.standard")
        )
