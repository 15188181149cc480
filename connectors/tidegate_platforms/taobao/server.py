"""The server: which call does what."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from tidegate.sdk.stage.owners import Foreign, OwnersPage
from tidegate.sdk.stage.protocol import Fault, MadeWaybill, SampleOrder, ToldShipment
from tidegate.sdk.stage.server import Asked, StageServer, Told, told
from tidegate_platforms.taobao import books
from tidegate_platforms.taobao.cainiao import Cainiao
from tidegate_platforms.taobao.gate import check
from tidegate_platforms.taobao.refusals import Refusal, business, saying

APP_KEY, SECRET, NICK = "12345678", "sk-top-canary-5f21", "北岸器物旗舰店"
WITHOUT_SESSION = ("taobao.tmc.messages.consume", "taobao.tmc.messages.confirm")
GRANTS = "oauth.token"
DAY_S = 86_400


class TaobaoServer(OwnersPage, StageServer):
    """`after` is called with the name of each call when it is answered: trades may change between two pages."""

    def __init__(self) -> None:
        super().__init__()
        self.trades: dict[str, dict[str, Any]] = {}
        self.clear: dict[str, SampleOrder] = {}  # OAID -> who it is
        self.cainiao = Cainiao(self.clear)
        self.messages: dict[str, dict[str, Any]] = {}
        self.after: Callable[[str], None] | None = None
        self._shipped: list[ToldShipment] = []
        self._issued, self._told = 1, 0
        self._session, self._refresh = "session-1", "refresh-1"
        self.life_s, self.refreshes = 31_536_000, True  # of the sessions given out
        self._codes = {"code-1": ""}  # -> the callback it was given to

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "app_key": APP_KEY, "app_secret": SECRET, "session": "session-1",
            "refresh_token": "refresh-1", "gateway": f"{self.url}/router/rest",
            "token_url": f"{self.url}/token", "page_size": "10", "seller_id": "59972781",
            "label_templates": "ZTO=http://cloudprint.cainiao.com/template/standard/101",
        }  # fmt: skip

    def unauthorised(self) -> Mapping[str, str]:
        return {"session": "", "refresh_token": "", "authorize_url": f"{self.url}/authorize"}

    # what the suite does

    def owner_says(self, path: str, query: Mapping[str, str], *, agrees: bool) -> dict[str, str]:
        named = query.get("client_id") == APP_KEY and query.get("response_type") == "code"
        if path != "/authorize" or not named or "redirect_uri" not in query:
            raise Foreign("another app")
        if not agrees:
            return {"error": "access_denied", "state": query["state"]}
        code = f"code-{len(self._codes) + 1}"
        self._codes[code] = query["redirect_uri"]
        return {"code": code, "state": query["state"]}

    def place(self, order: SampleOrder) -> None:
        with self._lock:
            trade = books.document(order)
            known = self.trades.get(order.number)
            self.trades[order.number] = trade
            self.clear[trade["oaid"]] = order
            topic = "TradeBuyerPay" if known is None else "TradeMemoModified"
            self._told += 1
            key = str(3160001870000000000 + self._told)
            self.messages[key] = {
                "id": int(key), "topic": f"taobao_trade_{topic}", "user_nick": NICK,
                "pub_time": trade["modified"],
                "content": json.dumps({"tid": trade["tid"], "seller_nick": NICK}),
            }  # fmt: skip

    def expire_tokens(self) -> None:
        self._session = f"session-expired-{self._issued}"

    def shipped(self) -> Sequence[ToldShipment]:
        return list(self._shipped)

    @property
    def samples(self) -> Mapping[str, str]:
        return {"carrier": "SF", "service_code": "ZTO.cainiao", "secret": "app_secret"}

    def waybills(self) -> Sequence[MadeWaybill]:
        return [
            MadeWaybill(one.object_id, one.number, one.live) for one in self.cainiao.made.values()
        ]

    def unconfirmed(self) -> Sequence[str]:
        return list(self.messages)

    def hide(self, number: str) -> None:
        """All are, always."""

    def keep_closed(self, number: str) -> None:
        with self._lock:
            for key in [key for key, one in self.clear.items() if one.number == number]:
                del self.clear[key]

    # one request

    def api_of(self, asked: Asked) -> str:
        if asked.path == "/authorize":
            return "consent"
        return GRANTS if asked.path == "/token" else asked.form.get("method", "?")

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        return saying(fault)

    def answer(self, asked: Asked, api: str) -> Told:
        if asked.path == "/authorize":
            return self.shown(asked)
        try:
            if api == GRANTS:
                return self._token(asked.form)
            check(asked.form, APP_KEY, SECRET, self.now())
            if api not in WITHOUT_SESSION and asked.form.get("session") != self._session:
                raise Refusal(27, "Invalid session", "invalid-sessionkey", "SessionKey非法")
            inner = self._work(api, asked.form)
        except Refusal as refusal:
            return refusal.told()
        done = told({f"{api.removeprefix('taobao.').replace('.', '_')}_response": inner})
        if self.after:
            self.after(api)
        return done

    def _work(self, api: str, fields: Mapping[str, str]) -> dict[str, Any]:
        works: dict[str, Callable[[Mapping[str, str]], dict[str, Any]]] = {
            "taobao.trades.sold.increment.get": self._changed,
            "taobao.trades.sold.get": self._made,
            "taobao.trade.fullinfo.get": self._one,
            "taobao.logistics.offline.send": self._ship,
            "taobao.logistics.online.send": self._ship,
            "alibaba.ascp.logistics.offline.send": self._consign,
            "taobao.tmc.messages.consume": self._consume,
            "taobao.tmc.messages.confirm": self._confirm,
            "taobao.top.oaid.decrypt": self._decrypt,
            "cainiao.waybill.ii.get": self.cainiao.create,
            "cainiao.waybill.ii.cancel": self.cainiao.cancel,
            "cainiao.waybill.ii.query.by.tradecode": self.cainiao.by_order,
            "cainiao.waybill.ii.query.by.waybillcode": self.cainiao.by_number,
            "taobao.user.seller.get": lambda _: {"user": {"nick": NICK}},
        }
        if api not in works:
            raise Refusal(22, "Invalid method")
        return works[api](fields)

    def _changed(self, fields: Mapping[str, str]) -> dict[str, Any]:
        start, end = fields["start_modified"], fields["end_modified"]
        if _seconds(start, end) > DAY_S:
            raise business("isv.invalid-parameter:modified", "时间跨度不能超过一天")
        return self._listed(fields, "modified")

    def _made(self, fields: Mapping[str, str]) -> dict[str, Any]:
        if fields["start_created"] < books.written(self.now() - timedelta(days=92)):
            raise business("isv.invalid-parameter:start_created", "只能查询三个月内的订单")
        return self._listed(fields, "created")

    def _listed(self, fields: Mapping[str, str], by: str) -> dict[str, Any]:
        start, end = fields[f"start_{by}"], fields[f"end_{by}"]
        size, page = int(fields.get("page_size", "40")), int(fields.get("page_no", "1"))
        if not 1 <= size <= 100:
            raise business("isv.invalid-parameter:page_size:P04", "page_size 超出范围")
        found = [one for one in self.trades.values() if start <= one[by] <= end]
        found.sort(key=lambda one: (one[by], one["tid_str"]), reverse=True)
        rows = found[(page - 1) * size : page * size]
        inner: dict[str, Any] = {}
        if rows:
            inner["trades"] = {"trade": [books.cut(one, fields["fields"]) for one in rows]}
        if fields.get("use_has_next") == "true":
            return {**inner, "has_next": page * size < len(found)}
        return {**inner, "total_results": len(found)}

    def _one(self, fields: Mapping[str, str]) -> dict[str, Any]:
        trade = self.trades.get(fields.get("tid", ""))
        if trade is None:
            raise business("isv.trade-not-exist", "交易订单不存在")
        return {"trade": books.cut(trade, fields["fields"])}

    def _ship(self, fields: Mapping[str, str]) -> dict[str, Any]:
        trade = self.trades.get(fields.get("tid", ""))
        self._shipped += books.consign(trade, books.packages_of(fields), self.now())
        return {"shipping": {"is_success": True}}

    def _consign(self, fields: Mapping[str, str]) -> dict[str, Any]:
        self._ship(fields)
        return {"result": {"success": True}}

    def _consume(self, fields: Mapping[str, str]) -> dict[str, Any]:
        waiting = list(self.messages.values())[: int(fields.get("quantity", "100"))]
        return {"messages": {"tmc_message": waiting}} if waiting else {}

    def _confirm(self, fields: Mapping[str, str]) -> dict[str, Any]:
        for key in fields["s_message_ids"].split(","):
            self.messages.pop(key, None)
        return {"is_success": True}

    def _decrypt(self, fields: Mapping[str, str]) -> dict[str, Any]:
        rows = []
        for one in json.loads(fields["query_list"]):
            who = self.clear.get(one["oaid"])
            if who is None or who.number != one["tid"]:
                rows.append({"oaid": one["oaid"], "tid": one["tid"], "matched": False})
                continue
            rows.append(
                {
                    "oaid": one["oaid"], "tid": one["tid"], "matched": True, "name": who.name,
                    "mobile": "18877771111-123", "address_detail": who.address,
                    "state": who.province, "city": who.city, "district": who.district,
                    "secret_no_expire_time": books.written(who.created_at),
                }
            )  # fmt: skip
        return {"receiver_list": {"receiver": rows}}

    def _token(self, form: Mapping[str, str]) -> Told:
        good = form.get("client_id") == APP_KEY and form.get("client_secret") == SECRET
        grant, kind = form.get("grant_type"), "refresh_token"
        bought = grant == kind and form.get(kind) == self._refresh
        if grant == "authorization_code":
            to = self._codes.pop(form.get("code", ""), None)
            bought = to is not None and form.get("redirect_uri", "") == to
        if not (good and bought):
            document = {"error": "invalid_grant", "error_description": "refresh token is invalid"}
            return told(document, 400, "refused" if good else "bad_signature")
        self._issued += 1
        self._session, self._refresh = f"session-{self._issued}", f"refresh-{self._issued}"
        made = {
            "access_token": self._session, "expires_in": self.life_s, "taobao_user_nick": quote(NICK),
            "token_type": "Bearer",
        }  # fmt: skip
        more = {"refresh_token": self._refresh, "re_expires_in": self.life_s}
        return told({**made, **(more if self.refreshes else {})})


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
