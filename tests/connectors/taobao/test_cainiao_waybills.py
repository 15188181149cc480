"""Cainiao waybills through TOP: by OAID for Taobao's orders, in clear for others, found again by the shop order."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from carrier_account import WHO, request
from conftest import sample

from tidegate.errors import RemoteRefused, RemoteUnknown
from tidegate.sdk.carrier import ClosedRecipient, Contact, Issued, WaybillRequest
from tidegate.sdk.stage.protocol import Fault
from tidegate_platforms.taobao import TaobaoServer

NUMBER, KEY, SERVICE = "2931847561029384756", "T1-P7-G1", "ZTO.cainiao"
GET = "cainiao.waybill.ii.get"


@pytest.fixture
def server() -> Iterator[TaobaoServer]:
    with TaobaoServer() as running:
        assert isinstance(running, TaobaoServer)
        running.place(sample(NUMBER))
        yield running


@pytest.fixture
def shop(desk_of: Any, server: TaobaoServer) -> Any:
    return desk_of("taobao", server).made


def asked(key: str = KEY, **more: Any) -> WaybillRequest:
    region = Contact("", "", "浙江省", "杭州市", "西湖区", "")
    closed = ClosedRecipient("taobao", NUMBER, token=f"oaid-{NUMBER}")
    made = request(
        key, service_code=SERVICE, order_number=NUMBER, recipient=region, closed=closed
    )  # fmt: skip
    return replace(made, **more)


def sent(server: TaobaoServer) -> dict[str, Any]:
    form = parse_qs(server.bodies[-1].decode())
    found: dict[str, Any] = json.loads(form["param_waybill_cloud_print_apply_new_request"][0])
    return found


def test_only_oaid_and_trade_number_are_sent_of_a_closed_recipient(server, shop) -> None:
    made = shop.create_waybill(asked(insured_minor=129_900))
    assert (made.waybill_no, made.sort_code) == ("75000000000001", "330-A01-02")
    (order,) = sent(server)["trade_order_info_dtos"]
    assert order["recipient"] == {"oaid": f"oaid-{NUMBER}", "tid": NUMBER}
    assert order["order_info"] == {"order_channels_type": "TB", "trade_order_list": [NUMBER]}
    assert order["package_info"]["id"] == "T1_P7_G1"
    assert (order["object_id"], order["user_id"]) == (KEY, 59972781)
    assert json.loads(order["logistics_services"]) == {"SVC-INSURE": {"value": "1299.00"}}


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.GARBAGE, Fault.BUSY])
def test_a_lost_answer_is_found_by_the_shop_order(server, shop, fault) -> None:
    assert shop.query_requested(asked()) is None
    server.fail(fault, api=GET)
    with pytest.raises(RemoteUnknown):
        shop.create_waybill(asked())
    found = shop.query_requested(asked())
    assert (found is None) is (fault is Fault.BUSY)  # busy: nothing was done
    made = shop.create_waybill(asked())
    assert [one.waybill_no for one in server.waybills()] == [made.waybill_no]
    assert shop.query_requested(asked("T1-P8-G1")) is None


def test_print_data_that_is_sealed_as_a_whole_leaves_it_to_a_person(server, shop) -> None:
    shop.create_waybill(asked())
    server.cainiao.sealed = True
    with pytest.raises(RemoteUnknown, match="which parcel") as unknown:
        shop.query_requested(asked())
    assert unknown.value.fields["for_person"]


def test_a_void_goes_by_number_or_by_the_shop_order(server, shop) -> None:
    first = shop.create_waybill(asked())
    shop.cancel_issued(Issued(KEY, first.waybill_no, SERVICE, NUMBER))
    shop.create_waybill(asked("T1-P7-G2"))
    shop.cancel_issued(Issued("T1-P7-G2", "", SERVICE, NUMBER))
    shop.cancel_issued(Issued("T1-P7-G3", "", SERVICE, NUMBER))  # nothing was made
    assert [one.live for one in server.waybills()] == [False, False]
    with pytest.raises(RemoteRefused):
        shop.cancel_issued(Issued(KEY, "404", SERVICE, NUMBER))


def test_an_oaid_of_another_trade_is_refused(server, shop) -> None:
    server.place(sample("2931847561029384757"))
    foreign = ClosedRecipient("taobao", NUMBER, token="oaid-2931847561029384757")
    with pytest.raises(RemoteRefused, match="oaid-not-match"):
        shop.create_waybill(asked(closed=foreign))
    with pytest.raises(RemoteRefused, match="no OAID"):
        shop.create_waybill(asked(closed=replace(foreign, token="")))
    assert server.waybills() == []


def test_orders_of_elsewhere_go_in_clear(server, shop) -> None:
    shop.create_waybill(asked(closed=None, recipient=WHO, order_number="SO-1"))
    (order,) = sent(server)["trade_order_info_dtos"]
    assert order["order_info"] == {"order_channels_type": "OTHERS", "trade_order_list": ["SO-1"]}
    assert (order["recipient"]["name"], order["recipient"]["mobile"]) == (WHO.name, WHO.phone)


def test_the_label_is_cainiaos_print_data(server, shop) -> None:
    made = shop.create_waybill(asked())
    label = shop.label(Issued(KEY, made.waybill_no, SERVICE, NUMBER))
    assert (label.kind, json.loads(label.content)["templateURL"]) == ("print_data", label.template)
    assert label.template == "http://cloudprint.cainiao.com/template/standard/101"
    assert "张三" not in label.content.decode()


def test_a_missing_template_or_user_is_named_before_anything_is_sent(desk_of, server) -> None:
    shop = desk_of("taobao", server, label_templates="YTO=http://cloudprint.cainiao.com/1").made
    with pytest.raises(RemoteRefused, match="label_templates"):
        shop.create_waybill(asked())
    assert GET not in [call.api for call in server.calls]
