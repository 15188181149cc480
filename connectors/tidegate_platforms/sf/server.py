"""The platform: one form a call, its digest first, then the ledger and the routes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from tidegate.sdk.stage.protocol import Fault, MadeWaybill, SignedPush
from tidegate.sdk.stage.server import Asked, StageServer, Told, told
from tidegate_platforms.sf.envelope import SERVICES, Refusal, inner, is_signed, outer, refused
from tidegate_platforms.sf.ledger import Ledger
from tidegate_platforms.sf.paper import paper

BEIJING = timezone(timedelta(hours=8))
PATH, LABELS = "/std/service", "/labels/"
MOST_ROUTED = 10
STAMP = "AUTH_tk_demo"
SAID = {
    Fault.THROTTLED: outer("A1005", "流量受控"),
    Fault.EXPIRED: outer("A1004", "无对应服务权限"),
    Fault.REFUSED: outer("A1000", "", refused("20036", "参数校验不通过")),
    Fault.BUSY: outer("A1099", "系统异常"),
}


class SFServer(StageServer):
    def __init__(self, partner_id: str = "TIDEDEMO", check_word: str = "demoCheckWord123") -> None:
        super().__init__()
        self._partner_id, self._check_word = partner_id, check_word
        self._seen: set[str] = set()
        self._routes: dict[str, list[dict[str, str]]] = {}
        self.ledger = Ledger()
        self.followed: set[str] = set()

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "partner_id": self._partner_id, "check_word": self._check_word,
            "url": self.url + PATH, "monthly_card": "7551234567",
        }  # fmt: skip

    @property
    def samples(self) -> Mapping[str, str]:
        return {"service_code": "SF.standard", "carrier": "SF", "secret": "check_word"}

    def api_of(self, asked: Asked) -> str:
        if asked.path.startswith(LABELS):
            return "label.file"
        return SERVICES.get(asked.form.get("serviceCode", ""), "unknown")

    def answer(self, asked: Asked, api: str) -> Told:
        if api == "label.file":
            return self._file(asked)
        form = asked.form
        try:
            self._admit(asked, form)
            found = self._do(form["serviceCode"], json.loads(form["msgData"]))
            return told(outer("A1000", "", found))
        except Refusal as refusal:
            if refusal.code.startswith("A"):
                wrong = refusal.code == "A1006"
                outcome = "bad_signature" if wrong else "refused"
                return told(outer(refusal.code, refusal.said), outcome=outcome)
            found = refused(refusal.code, refusal.said)
            return told(outer("A1000", "", found), outcome="refused")

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        return told(SAID[fault], outcome=fault)

    def waybills(self) -> Sequence[MadeWaybill]:
        return [
            MadeWaybill(one.order_id, one.number, one.live)
            for one in self.ledger.orders.values()
            if one.filter_result == 2
        ]

    def add_scan(self, carrier: str, waybill_no: str, code: str, at: datetime, text: str) -> None:
        """`code` is an opCode, or `first.N` for a firstStatusCode."""
        with self._lock:
            first = code.removeprefix("first.") if code.startswith("first.") else ""
            route = {
                "acceptTime": at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
                "acceptAddress": "杭州市", "remark": text, "opCode": "" if first else code,
            }  # fmt: skip
            if first:
                route["firstStatusCode"] = first
            self._routes.setdefault(waybill_no, []).append(route)
            order = self.ledger.by_number(waybill_no)
            if order is not None:
                order.collected = True

    def scan_push(self, carrier: str, waybill_no: str) -> SignedPush:
        """As JSON. Nothing is signed: SF does not."""
        document = {"Body": {"WaybillRoute": self._told(waybill_no)}}
        kind = {"Content-Type": "application/json;charset=UTF-8"}
        return SignedPush(kind, json.dumps(document, ensure_ascii=False).encode())

    def xml_push(self, waybill_no: str) -> SignedPush:
        """The classic form: XML in a form field."""
        rows = "".join(
            "<WaybillRoute "
            + " ".join(f"{name}={quoteattr(text)}" for name, text in row.items())
            + "/>"
            for row in self._told(waybill_no)
        )
        text = f'<Request service="RoutePushService" lang="zh-CN"><Body>{rows}</Body></Request>'
        kind = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
        return SignedPush(kind, f"content={quote(text, safe='')}".encode())

    def state_push(self, waybill_no: str, code: str, at: datetime) -> SignedPush:
        order = self.ledger.by_number(waybill_no)
        row = {
            "waybillNo": waybill_no, "orderNo": order.order_id if order else "",
            "orderStateCode": code, "orderStateDesc": "状态推送",
            "lastTime": at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
        }  # fmt: skip
        document = {"requestId": "1", "timestamp": "1767225600000", "orderState": [row]}
        kind = {"Content-Type": "application/json;charset=UTF-8"}
        return SignedPush(kind, json.dumps(document, ensure_ascii=False).encode())

    @property
    def push_secret(self) -> tuple[str, str]:
        """SF signs nothing."""
        return "", ""

    def signed_push(self, body: bytes) -> SignedPush:
        return SignedPush({"Content-Type": "application/json;charset=UTF-8"}, body)

    def subscribed(self) -> Sequence[str]:
        return sorted(self.followed)

    def _told(self, waybill_no: str) -> list[dict[str, str]]:
        order = self.ledger.by_number(waybill_no)
        return [
            {"id": f"{waybill_no}-{place}", "mailno": waybill_no,
             "orderid": order.order_id if order else "", "reasonCode": "", **route}
            for place, route in enumerate(self._routes.get(waybill_no, []))
        ]  # fmt: skip

    def _admit(self, asked: Asked, form: Mapping[str, str]) -> None:
        needed = ("partnerID", "requestID", "serviceCode", "timestamp", "msgData", "msgDigest")
        if asked.path != PATH or not all(form.get(name) for name in needed):
            raise Refusal("A1001", "必传参数不可为空")
        if form["partnerID"] != self._partner_id or form["serviceCode"] not in SERVICES:
            raise Refusal("A1004", "无对应服务权限")
        if not form["timestamp"].isdigit() or not is_signed(form, self._check_word):
            raise Refusal("A1006", "数字签名无效")
        if form["requestID"] in self._seen:
            raise Refusal("A1007", "重复请求")
        self._seen.add(form["requestID"])

    def _do(self, service: str, document: dict[str, Any]) -> dict[str, Any]:
        order_id = str(document.get("orderId") or "")
        if service == "EXP_RECE_CREATE_ORDER":
            return inner(self.ledger.create(document).answer)
        if service == "EXP_RECE_SEARCH_ORDER_RESP":
            return inner(self.ledger.find(order_id).answer)
        if service == "EXP_RECE_UPDATE_ORDER":
            if document.get("dealType") != 2:
                raise Refusal("20036", "dealType不正确")
            return inner({"orderId": self.ledger.cancel(order_id).order_id, "resStatus": 2})
        if service == "EXP_RECE_SEARCH_ROUTES":
            return inner(self._search(document))
        if service == "EXP_RECE_REGISTER_ROUTE":
            self.followed.add(str(document["attributeNo"]))
            return inner({})
        return self._print(document)

    def _search(self, document: dict[str, Any]) -> dict[str, Any]:
        numbers = document.get("trackingNumber") or []
        if not isinstance(numbers, list) or len(numbers) > MOST_ROUTED:
            raise Refusal("20036", "单号不超过10个")
        return {
            "routeResps": [{"mailNo": no, "routes": self._routes.get(no, [])} for no in numbers]
        }

    def _print(self, document: dict[str, Any]) -> dict[str, Any]:
        number = document["documents"][0]["masterWaybillNo"]
        if self.ledger.by_number(number) is None:
            raise Refusal("20036", "运单不存在")
        file = {"url": f"{self.url}{LABELS}{number}.pdf", "token": STAMP, "waybillNo": number}
        return {"success": True, "obj": {"fileType": "pdf", "files": [file]}}

    def _file(self, asked: Asked) -> Told:
        if asked.headers.get("x-auth-token") != STAMP:
            return Told(401, b"no token", "text/plain", outcome="refused")
        number = asked.path.removeprefix(LABELS).removesuffix(".pdf")
        return Told(200, paper(number), "application/pdf")
