"""The platform: signature first, then the token, then the call."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidegate.sdk.stage.owners import Foreign, OwnersPage
from tidegate.sdk.stage.protocol import Fault, MadeWaybill, SampleOrder, SignedPush, ToldShipment
from tidegate.sdk.stage.server import Asked, StageServer, Told
from tidegate_platforms.douyin.ebills import Ebills
from tidegate_platforms.douyin.envelope import Refusal, Signer, bad, good
from tidegate_platforms.douyin.orders import Book, Held, opened

APP_KEY, APP_SECRET = "7000000000000000001", "11111111-2222-3333-4444-555555555555"
SHOP_ID, SERVICE_ID = "4463798", "10086"
LIFE_S = 7 * 86_400
MOST_SIZE, MOST_CIPHERS = 100, 50
SAID = {
    Fault.THROTTLED: Refusal(60000, "isp.call-limited", "请求过于频繁, 请稍后重试", "throttled"),
    Fault.EXPIRED: Refusal(40003, "isv.access-token-expired", "access_token已过期", "expired"),
    Fault.REFUSED: Refusal(50002, "isv.business-failed:1", "业务处理失败", "refused"),
    Fault.BUSY: Refusal(20000, "isp.service-unavailable", "服务不可用", "busy"),
}


class DouyinServer(OwnersPage, StageServer):
    """`closed` are order numbers whose recipients the platform keeps to itself; `virtual` have a virtual number."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = {"order.searchList": (50, 1.0), "order.batchDecrypt": (20, 1.0)}
        self._signer = Signer(APP_KEY, APP_SECRET)
        self._access: set[str] = set()
        self._refresh: set[str] = set()
        self._codes = {"good-code"}
        self.book = Book()
        self.ebills = Ebills(self.book)
        self.closed: set[str] = set()
        self.virtual: set[str] = set()
        self._stock: dict[str, int] = {}
        self._done: set[str] = set()
        self._calls: Mapping[str, Callable[[dict[str, Any]], Any]] = {
            "order.searchList": self._search, "order.orderDetail": self._detail,
            "order.logisticsAdd": self._ship, "order.logisticsAddSinglePack": self._ship_part,
            "order.batchDecrypt": self._decrypt, "sku.syncStock": self._sync_stock,
            "logistics.newCreateOrder": self.ebills.create,
            "logistics.cancelOrder": self.ebills.cancel,
            "logistics.waybillApply": self.ebills.print_data,
        }  # fmt: skip

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "app_key": APP_KEY, "app_secret": APP_SECRET, "shop_id": SHOP_ID, "url": self.url,
            "page_size": "10",
        }  # fmt: skip

    def unauthorised(self) -> Mapping[str, str]:
        page = {"authorize_url": f"{self.url}/authorize", "service_id": SERVICE_ID}
        return {"app_kind": "tool", "shop_id": "", **page}

    @property
    def samples(self) -> Mapping[str, str]:
        return {"carrier": "SF", "service_code": "ZTO.douyin", "secret": "app_secret"}

    def answer(self, asked: Asked, api: str) -> Told:
        if asked.path == "/authorize":
            return self.shown(asked)
        try:
            self._signer.check(asked, self.now())
            params = asked.json()
            if not isinstance(params, dict):
                raise Refusal(40002, "isv.parameter-invalid", "参数格式错误")
            if api in ("token.create", "token.refresh"):
                return good(self._give_token(api, params))
            if asked.query.get("access_token") not in self._access:
                raise SAID[Fault.EXPIRED]
            if api not in self._calls:
                raise Refusal(70000, "isv.method-offline", "接口不存在或已下线")
            return good(self._calls[api](params))
        except Refusal as refusal:
            return bad(refusal)

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        return bad(SAID[fault])

    # what the suite does and sees

    def owner_says(self, path: str, query: Mapping[str, str], *, agrees: bool) -> dict[str, str]:
        if path != "/authorize" or query.get("service_id") != SERVICE_ID:
            raise Foreign("another service")
        if not agrees:
            return {"error": "access_denied", "state": query["state"]}
        code = uuid.uuid4().hex
        self._codes.add(code)
        return {"code": code, "state": query["state"]}

    def place(self, order: SampleOrder) -> None:
        with self._lock:
            self.book.place(order)

    def expire_tokens(self) -> None:
        with self._lock:
            self._access.clear()

    def revoke(self) -> None:
        """Refresh tokens end too."""
        with self._lock:
            self._access.clear()
            self._refresh.clear()

    def shipped(self) -> Sequence[ToldShipment]:
        return [
            ToldShipment(number, parcel["company"], parcel["tracking_no"])
            for number, held in self.book.held.items()
            for parcel in held.parcels
        ]

    def waybills(self) -> Sequence[MadeWaybill]:
        return [MadeWaybill(one.pack_id, one.number, one.live) for one in self.ebills.made.values()]

    def put_stock(self, sku: str, available: int) -> None:
        self._stock[sku] = available

    def stock(self) -> Mapping[str, int]:
        return dict(self._stock)

    def order_push(self, number: str) -> SignedPush:
        held = self.book.one(number)
        return self.push([("101", f"{number}-{held.updated_s}", {"p_id": int(number)})])

    @property
    def push_secret(self) -> tuple[str, str]:
        return APP_KEY, APP_SECRET

    def signed_push(self, body: bytes) -> SignedPush:
        headers = {"app-id": APP_KEY, "event-sign": self._signer.push_sign(body)}
        return SignedPush({"Content-Type": "application/json", **headers}, body)

    def hide(self, number: str) -> None:
        """All are, always."""

    def keep_closed(self, number: str) -> None:
        self.closed.add(number)

    def push(self, messages: Sequence[tuple[str, str, Mapping[str, Any]]]) -> SignedPush:
        """(tag, id, data) of each."""
        rows = [
            {"tag": tag, "msg_id": msg_id, "data": json.dumps(data)}
            for tag, msg_id, data in messages
        ]
        return self.signed_push(json.dumps(rows, ensure_ascii=False).encode())

    # calls

    def _give_token(self, api: str, params: dict[str, Any]) -> dict[str, Any]:
        if api == "token.refresh":
            if params.get("refresh_token") not in self._refresh:
                raise Refusal(50001, "dop.token-generate-failed:refresh", "refresh_token无效")
            self._refresh.discard(params["refresh_token"])
        elif params.get("grant_type") == "authorization_self":
            if params.get("shop_id") != SHOP_ID:
                raise Refusal(30001, "dop.authorization-no-existed", "店铺未授权")
        elif params.get("code") not in self._codes:
            raise Refusal(50001, "dop.token-generate-failed:code", "code无效或已过期")
        else:
            self._codes.discard(params["code"])
        access, refresh = uuid.uuid4().hex, uuid.uuid4().hex
        self._access.add(access)
        self._refresh.add(refresh)
        return {
            "access_token": access, "refresh_token": refresh, "expires_in": LIFE_S,
            "scope": "SCOPE", "shop_id": SHOP_ID, "shop_name": "北岸器物",
        }  # fmt: skip

    def _search(self, params: dict[str, Any]) -> dict[str, Any]:
        size, page = params.get("size", 0), params.get("page", -1)
        if not 1 <= size <= MOST_SIZE or page < 0:
            raise Refusal(40004, "isv.parameter-invalid:size", "分页参数错误")
        if size * (page + 1) > 50_000:
            raise Refusal(40004, "isv.parameter-invalid:page", "分页过深")
        found = self.book.changed_between(params["update_time_start"], params["update_time_end"])
        rows: list[Held] = found[page * size : (page + 1) * size]
        return {
            "total": len(found), "page": page, "size": len(rows),
            "shop_order_list": [self.book.document(one) for one in rows],
        }  # fmt: skip

    def _detail(self, params: dict[str, Any]) -> dict[str, Any]:
        held = self.book.one(str(params.get("shop_order_id", "")))
        return {"shop_order_detail": self.book.document(held)}

    def _ship(self, params: dict[str, Any]) -> dict[str, Any]:
        number, company, tracking_no = self._parcel(params)
        self.book.ship(number, company, tracking_no, self.now())
        return {"pack_id": f"{number}-1"}

    def _ship_part(self, params: dict[str, Any]) -> dict[str, Any]:
        number, company, tracking_no = self._parcel(params)
        key = str(params.get("request_id", ""))
        if not key:
            raise Refusal(40002, "isv.missing-parameter:request_id", "缺少request_id")
        if key in self._done:
            raise Refusal(40003, "isv.idempotent-id-existed", "request_id已处理")
        lines = params.get("shipped_order_info") or []
        self.book.ship_part(number, company, tracking_no, lines, self.now())
        self._done.add(key)
        return {"pack_id": key}

    def _parcel(self, params: dict[str, Any]) -> tuple[str, str, str]:
        found = tuple(
            str(params.get(name) or "") for name in ("order_id", "company_code", "logistics_code")
        )
        if not all(found):
            raise Refusal(40002, "isv.missing-parameter", "缺少业务参数")
        return found[0], found[1], found[2]

    def _decrypt(self, params: dict[str, Any]) -> dict[str, Any]:
        infos = params.get("cipher_infos") or []
        if len(infos) > MOST_CIPHERS:
            raise Refusal(40004, "isv.parameter-invalid:cipher_infos", "一次最多50条")
        rows = [self._open(str(one["auth_id"]), str(one["cipher_text"])) for one in infos]
        return {"decrypt_infos": rows, "custom_err": {"err_code": 0, "err_msg": ""}}

    def _open(self, number: str, text: str) -> dict[str, Any]:
        row: dict[str, Any] = {"auth_id": number, "cipher_text": text, "err_no": 0, "err_msg": ""}
        kind, plain = opened(text)
        if number in self.closed:
            return {**row, "decrypt_text": "", "err_no": 300008, "err_msg": "风控拦截"}
        if kind == 3 and number in self.virtual:
            ends = int(self.now().timestamp()) + 86_400
            return {
                **row, "decrypt_text": "18877771111-123", "data_type": kind,
                "is_virtual_tel": True, "phone_no_a": "18877771111", "phone_no_b": "123",
                "expire_time": ends,
            }  # fmt: skip
        return {**row, "decrypt_text": plain, "data_type": kind, "is_virtual_tel": False}

    def _sync_stock(self, params: dict[str, Any]) -> Any:
        sku = str(params.get("code") or params.get("sku_id") or "")
        if sku not in self._stock:
            raise Refusal(50002, "isv.business-failed:sku", "商品规格不存在")
        if params.get("incremental") and not params.get("idempotent_id"):
            raise Refusal(40002, "isv.missing-parameter:idempotent_id", "缺少idempotent_id")
        before = self._stock[sku] if params.get("incremental") else 0
        self._stock[sku] = before + int(params["stock_num"])
        return {}
