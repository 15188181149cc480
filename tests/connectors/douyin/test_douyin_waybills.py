"""Douyin's own waybills over HTTP: made from cipher text, once per package, voided by number, printed sealed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from carrier_account import SENDER, request
from shop_account import ShopAccount, an_order, open_account

from tidegate.errors import RemoteRefused, RemoteUnknown
from tidegate.sdk.carrier import ClosedRecipient, Contact, Issued, WaybillRequest
from tidegate.sdk.package_ids import package_id
from tidegate.sdk.stage.protocol import Fault
from tidegate_platforms.douyin import DouyinServer
from tidegate_platforms.douyin.orders import cipher

AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
NUMBER, KEY, SERVICE = "69202611110001", "T1-P7-G1", "ZTO.douyin"


@pytest.fixture
def server() -> Iterator[DouyinServer]:
    with DouyinServer() as running:
        assert isinstance(running, DouyinServer)
        running.place(an_order(NUMBER, AT))
        yield running


@pytest.fixture
def shop(server: DouyinServer, sqlite_tables_url: str, tmp_path: Path) -> Iterator[ShopAccount]:
    made = open_account(
        "douyin", server, sqlite_tables_url, tmp_path,
        label_templates="zhongtong=https://sf3-ttcdn-tos.pstatp.com/zto.xml",
    )  # fmt: skip
    made.connector.check_credentials()  # the token is there: what goes wrong next is the call itself
    yield made
    made.context.store.close()


def asked(key: str = KEY, **more: Any) -> WaybillRequest:
    texts = {"name": "张三", "phone": "13800138000", "address": "文三路 1 号"}
    kinds = {"name": "name", "phone": "phone", "address": "addr"}
    sealed = {part: cipher(kinds[part], text) for part, text in texts.items()}
    region = Contact("", "", "浙江省", "杭州市", "西湖区", "")
    made = request(
        key, service_code=SERVICE, order_number=NUMBER, recipient=region,
        closed=ClosedRecipient("douyin", NUMBER, cipher=sealed, town="翠苑街道"),
    )  # fmt: skip
    return replace(made, **more)


def sent(server: DouyinServer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(server.bodies[-1])
    return found


def test_a_waybill_is_made_from_cipher_text_alone(server, shop) -> None:
    made = shop.connector.create_waybill(asked(insured_minor=129_900))
    assert (made.waybill_no, made.sort_code) == ("DY000000000001", "330-A01 02")
    (order,) = sent(server)["order_infos"]
    assert (order["order_id"], order["pack_id"]) == (NUMBER, "T1_P7_G1")
    assert order["receiver_info"]["contact"]["name"] == cipher("name", "张三")
    assert order["receiver_info"]["address"]["street_name"] == "翠苑街道"
    assert json.loads(order["service_list"][0]["service_value"]) == {"value": "129900"}
    assert sent(server)["logistics_code"] == "zhongtong"
    assert sent(server)["sender_info"]["contact"] == {"name": SENDER.name, "phone": SENDER.phone}
    assert "张三" not in shop.recorded()


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.GARBAGE, Fault.DOWN, Fault.BUSY])
def test_a_repeat_after_a_lost_answer_gets_the_old_number(server, shop, fault) -> None:
    server.fail(fault, api="logistics.newCreateOrder")
    with pytest.raises(RemoteUnknown):
        shop.connector.create_waybill(asked())
    shop.connector.create_waybill(asked())
    assert [one.live for one in server.waybills()] == [True]


def test_another_parcel_of_the_order_gets_another_number(server, shop) -> None:
    numbers = {shop.connector.create_waybill(asked(key)).waybill_no for key in (KEY, "T1-P8-G1")}
    assert len(numbers) == 2


def test_cipher_text_of_another_order_and_clear_text_are_refused(server, shop) -> None:
    server.place(an_order("69202611110002", AT))
    closed = asked().closed
    foreign = replace(closed, cipher={**closed.cipher, "name": cipher("name", "李四")})
    clear = replace(
        closed, cipher={"name": "张三", "phone": "13800138000", "address": "文三路 1 号"}
    )
    for wrong in (foreign, clear):
        with pytest.raises(RemoteRefused, match="read the order again") as refused:
            shop.connector.create_waybill(asked(closed=wrong))
        assert refused.value.code == "douyin.waybill.4005"
    for nobody in (None, replace(closed, cipher={}), replace(closed, platform="taobao")):
        with pytest.raises(RemoteRefused, match="no complete cipher"):
            shop.connector.create_waybill(asked(closed=nobody))
    assert server.waybills() == []


def test_a_void_goes_by_number_and_may_be_repeated(server, shop) -> None:
    made = shop.connector.create_waybill(asked())
    issued = Issued(KEY, made.waybill_no, SERVICE, NUMBER)
    shop.connector.cancel_issued(issued)
    shop.connector.cancel_issued(issued)
    assert [one.live for one in server.waybills()] == [False]
    with pytest.raises(RemoteRefused, match="by number only"):
        shop.connector.cancel_issued(Issued(KEY, "", SERVICE, NUMBER))
    with pytest.raises(RemoteRefused):
        shop.connector.cancel_issued(Issued(KEY, "DY404", SERVICE, NUMBER))


def test_a_collected_parcel_is_not_voided(server, shop) -> None:
    made = shop.connector.create_waybill(asked())
    next(iter(server.ebills.made.values())).collected = True
    with pytest.raises(RemoteRefused, match="collected"):
        shop.connector.cancel_issued(Issued(KEY, made.waybill_no, SERVICE, NUMBER))


def test_the_label_is_print_data_that_douyin_sealed(server, shop) -> None:
    made = shop.connector.create_waybill(asked())
    label = shop.connector.label(Issued(KEY, made.waybill_no, SERVICE, NUMBER))
    data = json.loads(label.content)
    assert (label.kind, label.template) == ("print_data", data["templateURL"])
    assert label.template.endswith("zto.xml")
    assert data["signature"] == f"sign-{made.waybill_no}"
    assert made.waybill_no not in data["encryptedData"]
    assert "张三" not in label.content.decode()
    with pytest.raises(RemoteRefused):
        shop.connector.label(Issued(KEY, "DY404", SERVICE, NUMBER))


def test_what_the_branch_and_the_carrier_table_lack_is_named(server, shop) -> None:
    server.ebills.balance = 0
    with pytest.raises(RemoteRefused, match="no numbers left"):
        shop.connector.create_waybill(asked())
    with pytest.raises(RemoteRefused, match="carrier codes"):
        shop.connector.create_waybill(asked(service_code="NOBODY.douyin"))


def test_package_ids_are_short_plain_and_always_the_same() -> None:
    assert package_id("T1-P7-G1") == "T1_P7_G1"
    long = package_id("T1-P1234567-G12-Rsx3k2")
    assert (len(long), long.isalnum(), long) == (15, True, package_id("T1-P1234567-G12-Rsx3k2"))
    assert package_id("T1-P7-G1-ra") != package_id("T1-P7-G1-RA")
