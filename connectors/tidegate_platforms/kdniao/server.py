"""The platform: one form a command, its signature first, then the ledger and the traces."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from tidegate.sdk.stage.protocol import Fault, MadeWaybill, SignedPush
from tidegate.sdk.stage.server import Asked, StageServer, Told, told
from tidegate_platforms.kdniao.envelope import (
    COMMANDS,
    GATEWAY,
    Refusal,
    Signer,
    need,
    read_data,
)
from tidegate_platforms.kdniao.ledger import Ledger, Order
from tidegate_platforms.kdniao.traces import Trace, Traces, clock

TAIL_WANTED = ("SF", "ZTO", "KYSY")
MOST_PUSHED = 10
LIMITS = {  # calls a second, as its documents say
    "track.query": (20, 1.0), "track.free": (10, 1.0), "track.subscribe": (30, 1.0),
    "number.recognise": (10, 1.0),
}  # fmt: skip
ADDRESS = re.compile(
    r"(?P<Name>[^\d,，\s]{2,5})[,，\s]*(?P<Mobile>1\d{10})[,，\s]*(?P<ProvinceName>.+?省)"
    r"(?P<CityName>.+?市)(?P<ExpAreaName>.+?[区县市])(?P<Address>.+)"
)
SAID = {
    Fault.THROTTLED: ("105", "请求过于频繁"),
    Fault.EXPIRED: ("104", "用户问题:产品已到期"),
    Fault.REFUSED: ("105", "其他错误:超出派送范围"),
    Fault.BUSY: ("105", "系统繁忙,请稍后再试"),
}


class KDNiaoServer(StageServer):
    """`repeat_tells_number` False: 106 comes without the number, as some say it does."""

    def __init__(self, business_id: str = "test1234567", api_key: str = "demo-key-0001") -> None:
        super().__init__()
        self.limits = LIMITS
        self._business_id, self._api_key = business_id, api_key
        self._signer = Signer(api_key)
        self.ledger, self.traces = Ledger(), Traces()
        self.booked: dict[str, dict[str, Any]] = {}
        self.repeat_tells_number = True

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "business_id": self._business_id, "api_key": self._api_key, "url": self.url,
            "shipper": "YTO",
        }  # fmt: skip

    @property
    def samples(self) -> Mapping[str, str]:
        return {"service_code": "YTO.standard", "carrier": "YTO", "secret": "api_key"}

    def api_of(self, asked: Asked) -> str:
        return COMMANDS.get(asked.form.get("RequestType", ""), ("unknown", ""))[0]

    def answer(self, asked: Asked, api: str) -> Told:
        form = asked.form
        kind, data = form.get("RequestType", ""), form.get("RequestData", "")
        try:
            if kind not in COMMANDS or asked.path not in (COMMANDS[kind][1], GATEWAY):
                raise Refusal("105", "不支持的接口指令")
            if form.get("EBusinessID") != self._business_id:
                raise Refusal("104", "用户不存在")
            if not self._signer.signed(data, form.get("DataSign", "")):
                return self._no("102", "DataSign签名不正确", "bad_signature")
            return told({"EBusinessID": self._business_id, **self._do(kind, read_data(data))})
        except Refusal as refusal:
            return self._no(refusal.code, refusal.reason, "refused")

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        code, reason = SAID[fault]
        if fault is Fault.THROTTLED and api == "track.free":
            code, reason = "405", "超出查询次数限制"
        return self._no(code, reason, fault)

    def waybills(self) -> Sequence[MadeWaybill]:
        return [MadeWaybill(one.code, one.number, one.live) for one in self.ledger.orders.values()]

    def add_scan(self, carrier: str, waybill_no: str, code: str, at: datetime, text: str) -> None:
        with self._lock:
            self.traces.add(carrier, waybill_no, Trace(at, code, text))
            order = self.ledger.by_number(waybill_no)
            if order is not None and code not in ("0", "10"):
                order.collected = True

    def scan_push(self, carrier: str, waybill_no: str) -> SignedPush:
        return self.push([(carrier, waybill_no)])

    def push(self, parcels: Sequence[tuple[str, str]], paid: bool = True) -> SignedPush:
        """102 (101 for the free kind): the full lists of at most ten numbers."""
        rows = [
            {"EBusinessID": self._business_id, **self.traces.document(shipper, number, paid)}
            for shipper, number in parcels[:MOST_PUSHED]
        ]
        document = {
            "EBusinessID": self._business_id, "PushTime": clock(self.now()),
            "Count": str(len(rows)), "Data": rows,
        }  # fmt: skip
        return self._form(json.dumps(document, ensure_ascii=False), "102" if paid else "101")

    @property
    def push_secret(self) -> tuple[str, str]:
        return self._business_id, self._api_key

    def signed_push(self, body: bytes) -> SignedPush:
        return self._form(body.decode("utf-8", "replace"), "102")

    def subscribed(self) -> Sequence[str]:
        return sorted(number for _, number in self.traces.followed)

    def freight(self, weight_g: int) -> Mapping[str, Decimal]:
        more = max(0, -(-(weight_g - 1000) // 1000))
        return {"ZTO": Decimal("8.00") + Decimal("2.50") * more}

    def _form(self, data: str, kind_of: str) -> SignedPush:
        fields = {"RequestData": data, "RequestType": kind_of, "DataSign": self._signer.sign(data)}
        body = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
        kind = "application/x-www-form-urlencoded;charset=UTF-8"
        return SignedPush({"Content-Type": kind}, body.encode("ascii"))

    def _do(self, kind: str, document: dict[str, Any]) -> dict[str, Any]:
        work = {
            "1007": self._create, "1147": self._cancel, "1801": self._book,
            "1815": self._estimate, "2002": self._recognise, "6001": self._split,
        }.get(kind)  # fmt: skip
        if work is not None:
            return work(document)
        paid = kind in ("8001", "8002", "8008")
        if kind in ("8008", "1008"):
            return self._follow(document, paid)
        return self._query(document, paid, detect=kind == "8002")

    def _create(self, document: dict[str, Any]) -> dict[str, Any]:
        order, before = self.ledger.create(document)
        if not before:
            if str(document.get("IsSubscribe", "1")) == "1":
                self.traces.followed[order.shipper, order.number] = True
            return self._order(order, "100", "成功")
        if not order.live or not self.repeat_tells_number:
            return {"ResultCode": "106", "Reason": "该订单号已下单成功", "Success": False}
        return self._order(order, "106", "该订单号已下单成功")

    def _order(self, order: Order, code: str, reason: str) -> dict[str, Any]:
        return {
            "Order": {
                "OrderCode": order.code, "ShipperCode": order.shipper,
                "LogisticCode": order.number, "MarkDestination": order.mark,
            },
            "UniquerRequestNumber": f"{order.number}-1", "ResultCode": code, "Reason": reason,
            "Success": True,
        }  # fmt: skip

    def _cancel(self, document: dict[str, Any]) -> dict[str, Any]:
        self.ledger.cancel(document)
        return {"Success": True, "ResultCode": "100", "Reason": "成功"}

    def _book(self, document: dict[str, Any]) -> dict[str, Any]:
        need(document, "OrderCode", "ShipperCode", "StartDate", "EndDate", "Sender.Name")
        code = str(document["OrderCode"])
        before = code in self.booked
        self.booked.setdefault(code, document)
        return {
            "Order": {"OrderCode": code, "KDNOrderCode": f"KDN{len(self.booked):06}"},
            "Success": True, "ResultCode": "106" if before else "100", "Reason": "成功",
        }  # fmt: skip

    def _estimate(self, document: dict[str, Any]) -> dict[str, Any]:
        need(document, "TransportType", "ShipperType", "Weight", "Sender.CityName")
        fee = self.freight(round(document["Weight"] * 1000))["ZTO"]
        row = {"shipperCode": "ZTO", "weight": document["Weight"], "firstWeight": 1, "cost": "8.00"}
        return {"Success": True, "Data": [{**row, "totalFee": f"{fee:.2f}"}]}

    def _recognise(self, document: dict[str, Any]) -> dict[str, Any]:
        need(document, "LogisticCode")
        number = str(document["LogisticCode"])
        order = self.ledger.by_number(number)
        found = self.traces.shippers_of(number) or ([order.shipper] if order else [])
        shippers = [{"ShipperCode": one, "ShipperName": one} for one in found]
        return {"Success": True, "LogisticCode": number, "Shippers": shippers}

    def _split(self, document: dict[str, Any]) -> dict[str, Any]:
        need(document, "Content")
        found = ADDRESS.match(str(document["Content"]))
        if found is None:
            raise Refusal("105", "地址解析失败")
        return {"Success": True, "ResultCode": "100", "Data": found.groupdict()}

    def _query(self, document: dict[str, Any], paid: bool, detect: bool) -> dict[str, Any]:
        need(document, "LogisticCode", *(() if detect else ("ShipperCode",)))
        number, shipper = str(document["LogisticCode"]), str(document.get("ShipperCode", ""))
        if detect:
            shipper = next(iter(self.traces.shippers_of(number)), "")
        elif shipper in TAIL_WANTED:
            need(document, "CustomerName")
        return self.traces.document(shipper, number, paid)

    def _follow(self, document: dict[str, Any], paid: bool) -> dict[str, Any]:
        need(document, "ShipperCode", "LogisticCode")
        shipper, number = str(document["ShipperCode"]), str(document["LogisticCode"])
        if shipper in TAIL_WANTED:
            need(document, "CustomerName")
        self.traces.followed[shipper, number] = paid
        return {
            "UpdateTime": clock(self.now()), "Success": True, "ShipperCode": shipper,
            "LogisticCode": number, "Reason": "",
        }  # fmt: skip

    def _no(self, code: str, reason: str, outcome: str) -> Told:
        document = {"EBusinessID": self._business_id, "Success": False}
        return told({**document, "ResultCode": code, "Reason": reason}, outcome=outcome)
