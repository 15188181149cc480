"""Waybills at KDNiao over real HTTP: made once, voided once, refused in words people understand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from carrier_account import WHO, connected, request

from tidegate.errors import RemoteCredentials, RemoteRefused, RemoteRetry, RemoteUnknown
from tidegate.sdk.carrier import Issued
from tidegate.sdk.stage.protocol import Fault


def codes(server: Any) -> list[str]:
    return [one.client_key for one in server.waybills()]


def test_one_waybill_whatever_happens_to_the_answer(server: Any) -> None:
    kdniao = connected("kdniao", server)
    for key, fault in (("T1-P1-G1", Fault.CUT), ("T1-P2-G1", Fault.GARBAGE)):
        server.fail(fault)
        with pytest.raises(RemoteUnknown):
            kdniao.create_waybill(request(key))
        made = kdniao.create_waybill(request(key))
        assert made == kdniao.create_waybill(request(key))
        assert made.waybill_no == server.ledger.orders[key].number
        assert made.sort_code == server.ledger.orders[key].mark
    assert codes(server) == ["T1-P1-G1", "T1-P2-G1"]


def test_a_used_code_whose_number_is_not_told_is_for_a_person(server: Any) -> None:
    server.repeat_tells_number = False
    kdniao = connected("kdniao", server)
    kdniao.create_waybill(request("T1-P1-G1"))
    with pytest.raises(RemoteUnknown) as caught:
        kdniao.create_waybill(request("T1-P1-G1"))
    assert caught.value.code == "kdniao.number_untold"
    assert caught.value.fields["for_person"] is True
    assert "T1-P1-G1" in caught.value.text("zh")


def test_what_is_asked_for_is_said_in_its_words(server: Any) -> None:
    kdniao = connected(
        "kdniao", server, services="SF.standard=SF:2", month_code="5710001", customer_name="C9",
        customer_password="p-secret", cod_customer="A-77", callback="wh1",
    )  # fmt: skip
    who = replace(WHO, name="张🐟三'&", phone="18877771111-123", address='文三路 "1" 号 50%')
    kdniao.create_waybill(
        request("K1", service_code="SF.standard", recipient=who, cod_minor=12_345, insured_minor=50, remark="易碎" * 40)
    )  # fmt: skip
    said = server.ledger.orders["K1"].document
    assert (said["ShipperCode"], said["ExpType"], said["PayType"]) == ("SF", "2", 3)
    assert (said["MonthCode"], said["CustomerName"], said["CustomerPwd"]) == ("5710001", "C9", "p-secret")  # fmt: skip
    assert said["Receiver"] == {
        "Name": "张三", "Mobile": "18877771111-123", "ProvinceName": "浙江省", "CityName": "杭州市",
        "ExpAreaName": "西湖区", "Address": "文三路 1 号 50", "PostCode": "310012",
    }  # fmt: skip
    assert said["Sender"]["Tel"] == "057188880000"
    assert said["Weight"] == 1.5
    assert said["AddService"] == [
        {"Name": "COD", "Value": "123.45", "CustomerID": "A-77"},
        {"Name": "INSURE", "Value": "0.50"},
    ]
    assert said["Commodity"] == [
        {"GoodsName": "电热水壶 1.7L", "GoodsCode": "KETTLE", "Goodsquantity": 2}
    ]
    assert len(said["Remark"]) == 60


def test_the_courier_comes_from_the_service_when_no_setting_says_it(server: Any) -> None:
    kdniao = connected("kdniao", server, shipper="")
    kdniao.create_waybill(request("K1", service_code="YUNDA.standard"))
    assert server.ledger.orders["K1"].shipper == "YD"
    with pytest.raises(RemoteRefused) as caught:
        kdniao.create_waybill(request("K2", service_code="XX.standard"))
    assert caught.value.code == "kdniao.no_courier"
    assert codes(server) == ["K1"]


def test_voiding_twice_is_fine_and_voiding_too_late_is_not(server: Any) -> None:
    kdniao = connected("kdniao", server)
    first, second = (kdniao.create_waybill(request(key)) for key in ("K1", "K2"))
    issued = Issued("K1", first.waybill_no, "YTO.standard")
    server.fail(Fault.CUT)
    with pytest.raises(RemoteRetry):
        kdniao.cancel_issued(issued)  # voiding again does no harm, so it is simply tried again
    kdniao.cancel_issued(issued)
    kdniao.cancel_waybill("K1")
    assert [one.live for one in server.waybills()] == [False, True]
    with pytest.raises(RemoteRefused) as caught:
        kdniao.cancel_issued(Issued("K2", "780000", "YTO.standard"))
    assert caught.value.code == "kdniao.102"
    server.add_scan("YTO", second.waybill_no, "1", server.now(), "已揽收")
    with pytest.raises(RemoteRefused) as caught:
        kdniao.cancel_issued(Issued("K2", second.waybill_no, "YTO.standard"))
    assert caught.value.code == "kdniao.collected"
    with pytest.raises(RemoteUnknown) as told:
        kdniao.create_waybill(request("K1"))  # a code is burnt for ever
    assert told.value.code == "kdniao.number_untold"


@pytest.mark.parametrize(
    ("fault", "family", "code"),
    [
        (Fault.THROTTLED, RemoteRetry, "kdniao.throttled"),
        (Fault.BUSY, RemoteRetry, "kdniao.busy"),
        (Fault.EXPIRED, RemoteCredentials, "kdniao.104"),
        (Fault.REFUSED, RemoteRefused, "kdniao.105"),
        (Fault.DOWN, RemoteUnknown, "remote.unclear"),
    ],
)
def test_what_goes_wrong_is_sorted(server: Any, fault: Fault, family: type, code: str) -> None:
    kdniao = connected("kdniao", server)
    server.fail(fault)
    with pytest.raises(family) as caught:
        kdniao.create_waybill(request("K1"))
    assert caught.value.code == code
    slowed = ["waybill.create"] if fault is Fault.THROTTLED else []
    assert kdniao._account.http.slowed == slowed
    assert WHO.name not in str(caught.value)
    assert kdniao.create_waybill(request("K1")).waybill_no
    assert codes(server) == ["K1"]


def test_a_wrong_key_stops_the_account_and_not_the_parcel(server: Any) -> None:
    wrong = connected("kdniao", server, api_key="another-key")
    for call in (lambda: wrong.create_waybill(request("K1")), wrong.check_credentials):
        with pytest.raises(RemoteCredentials) as caught:
            call()
        assert caught.value.code == "kdniao.signature"
        assert "ApiKey" in caught.value.text("en")
    assert [call.outcome for call in server.calls] == ["bad_signature"] * 2
    assert connected("kdniao", server).check_credentials() == "test1234567"
    server.fail(Fault.REFUSED)
    with pytest.raises(RemoteRefused):
        connected("kdniao", server).check_credentials()  # a no is told, not swallowed


def test_the_test_gateway_takes_every_command(server: Any) -> None:
    gateway = server.url + "/kdniaosandbox/gateway/exterfaceInvoke.json"
    kdniao = connected("kdniao", server, url=gateway)
    assert kdniao.create_waybill(request("K1")).waybill_no
    assert kdniao.check_credentials()


def test_its_print_page_gets_a_signed_form(server: Any) -> None:
    kdniao = connected("kdniao", server, print_ip="203.0.113.7", printer="ZD420")
    label = kdniao.label(Issued("K1", "780000", "SF.standard"))
    fields = json.loads(label.content)
    assert (label.kind, fields["RequestData"]) == ("print_data", '[{"OrderCode":"K1","PortName":"ZD420"}]')  # fmt: skip
    # worked out by hand: base64 of hex md5 of "203.0.113.7" + data + "demo-key-0001"
    assert fields["DataSign"] == server._signer.sign("203.0.113.7" + fields["RequestData"])
