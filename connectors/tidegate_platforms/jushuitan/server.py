"""The server: which path does what."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from tidegate.sdk.stage.owners import Foreign, OwnersPage
from tidegate.sdk.stage.protocol import Fault, SampleOrder, ToldShipment
from tidegate.sdk.stage.server import Asked, StageServer, Told, told
from tidegate_platforms.jushuitan.gate import Refusal, check, expected, saying

APP_KEY, SECRET, SHOP = "b0b7d1db226d4216a3d58df9ffa2dde5", "sk-jst-canary-88c1", 10_820_686
BEIJING = timezone(timedelta(hours=8))
WEEK_S = 7 * 86_400
STATES = {
    "unpaid": "WaitPay", "paid_hold": "WaitFConfirm", "to_ship": "WaitConfirm", "shipped": "Sent",
    "completed": "Sent", "delivered": "Sent", "cancelled": "Cancelled", "refunded": "Cancelled",
    "part_shipped": "Delivering",
}  # fmt: skip


class JushuitanServer(OwnersPage, StageServer):
    """`after` is called with the name of each call when it is answered: orders may change between two pages.

    An order's number is the inner one (`o_id`); each change raises its row version `ts`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.orders: dict[str, dict[str, Any]] = {}
        self.inventory: dict[str, dict[str, Any]] = {}
        self.counts: list[Mapping[str, Any]] = []
        self.after: Callable[[str], None] | None = None
        self._shipped: list[ToldShipment] = []
        self._version = 17_000_000_000
        self._token, self._refresh, self._valid = "token-1", "refresh-1", True
        self._codes: set[str] = set()

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "app_key": APP_KEY, "app_secret": SECRET, "access_token": "token-1",
            "refresh_token": "refresh-1", "gateway": self.url, "page_size": "10",
        }  # fmt: skip

    def unauthorised(self) -> Mapping[str, str]:
        page = {"authorisation": "merchant", "authorize_url": f"{self.url}/auth"}
        return {"access_token": "", "refresh_token": "", **page}

    # what the suite does

    def owner_says(self, path: str, query: Mapping[str, str], *, agrees: bool) -> dict[str, str]:
        try:
            check(query, APP_KEY, SECRET, self.now())
        except Refusal as refusal:
            raise Foreign(refusal.msg) from None
        if path != "/auth" or query.get("charset") != "utf-8":
            raise Foreign("another page")
        if not agrees:
            return {"error": "access_denied", "state": query["state"]}
        self._codes.add(code := f"code{len(self.calls)}x{len(self._codes)}")
        told_back = {"app_key": APP_KEY, "code": code, "state": query["state"]}
        return {**told_back, "sign": expected(told_back, SECRET)}

    def place(self, order: SampleOrder) -> None:
        with self._lock:
            self._version += 1
            self.orders[order.number] = _document(order, self._version)

    def expire_tokens(self) -> None:
        self._valid = False

    def shipped(self) -> Sequence[ToldShipment]:
        return list(self._shipped)

    def put_stock(self, sku: str, available: int) -> None:
        with self._lock:
            known = self.inventory.get(sku, {"order_lock": 0, "virtual_qty": 0})
            qty = available + known["order_lock"] - known["virtual_qty"]
            now = _written(self.now())
            self.inventory[sku] = {**known, "sku_id": sku, "qty": qty, "modified": now}

    def stock(self) -> Mapping[str, int]:
        return {
            sku: row["qty"] - row["order_lock"] + row["virtual_qty"]
            for sku, row in self.inventory.items()
        }

    # one request

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        return saying(fault)

    def answer(self, asked: Asked, api: str) -> Told:
        if asked.path == "/auth":
            return self.shown(asked)
        try:
            check(asked.form, APP_KEY, SECRET, self.now())
            if asked.path.startswith("/openWeb/auth/"):
                made = self._grant(asked.path, asked.form)
                return told({"code": 0, "msg": "执行成功", "data": made})
            if asked.form.get("access_token") != self._token or not self._valid:
                raise Refusal(100, "token 已过期")
            inner = self._work(asked.path, json.loads(asked.form["biz"]))
        except Refusal as refusal:
            return refusal.told()
        if self.after:
            self.after(api)
        return told({"code": 0, "msg": "执行成功", "data": inner})

    def _grant(self, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        """A renewal keeps the token's value, a first one makes a new one."""
        if form.get("grant_type") == "refresh_token":
            if form.get("refresh_token") != self._refresh:
                raise Refusal(150, "禁止刷新 access_token, 需商户重新授权")
        elif not form.get("code"):
            raise Refusal(130, "code 不能为空")
        elif path.endswith("/accessToken") and form["code"] not in self._codes:
            raise Refusal(130, "code 无效或已过期")
        else:
            self._codes.discard(form["code"])
            self._token = f"{self._token}+"
        self._valid = True
        return {
            "access_token": self._token, "refresh_token": self._refresh, "expires_in": 2_592_000,
            "scope": "all",
        }  # fmt: skip

    def _work(self, path: str, biz: Mapping[str, Any]) -> dict[str, Any]:
        works: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "/open/orders/single/query": self._orders,
            "/open/order/sent/upload": self._sent,
            "/open/inventory/query": self._inventory,
            "/open/jushuitan/inventoryv2/upload": self._count,
            "/open/shops/query": lambda _: {
                "datas": [{"shop_id": SHOP, "shop_name": "北岸器物旗舰店"}]
            },
        }
        if path not in works:
            raise Refusal(404, "接口不存在")
        return works[path](biz)

    def _orders(self, biz: Mapping[str, Any]) -> dict[str, Any]:
        if biz.get("o_ids"):
            wanted = [str(one) for one in biz["o_ids"]]
            found = [self.orders[one] for one in wanted if one in self.orders]
        else:
            found = _within(self.orders.values(), biz)
        if biz.get("shop_id"):
            found = [one for one in found if one["shop_id"] == biz["shop_id"]]
        return _page(found, "orders", biz, 50)

    def _sent(self, biz: Mapping[str, Any]) -> dict[str, Any]:
        rows = []
        for item in biz["items"]:
            order = self.orders.get(str(item["o_id"]))
            known = order is not None and order["so_id"] == item["so_id"]
            done = known and order is not None and order["status"] in ("WaitConfirm", "Delivering")
            if done and order is not None:
                self._version += 1
                order |= {
                    "status": "Sent", "l_id": item["l_id"], "lc_id": item["lc_id"],
                    "ts": self._version, "modified": _written(self.now()),
                }  # fmt: skip
                self._shipped.append(ToldShipment(str(item["o_id"]), item["lc_id"], item["l_id"]))
            msg = "" if done else "订单状态不允许发货"
            rows.append(
                {"o_id": item["o_id"], "so_id": item["so_id"], "issuccess": done, "msg": msg}
            )
        return {"datas": rows}

    def _inventory(self, biz: Mapping[str, Any]) -> dict[str, Any]:
        if biz.get("sku_ids"):
            skus = biz["sku_ids"].split(",")
            if len(skus) > 100:
                raise Refusal(130, "sku_ids 最多 100 个")
            found = [self.inventory[sku] for sku in skus if sku in self.inventory]
        else:
            found = _within(self.inventory.values(), biz)
        return _page(found, "inventorys", biz, 100)

    def _count(self, biz: Mapping[str, Any]) -> dict[str, Any]:
        unknown = [one["sku_id"] for one in biz["items"] if one["sku_id"] not in self.inventory]
        if unknown:
            raise Refusal(130, f"商品编码 {unknown[0]} 不存在")
        self.counts.append(biz)
        for one in biz["items"]:
            self.inventory[one["sku_id"]] |= {"qty": one["qty"], "modified": _written(self.now())}
        return {"io_id": len(self.counts)}


def _document(order: SampleOrder, version: int) -> dict[str, Any]:
    lines = [
        {
            "oi_id": version * 10 + n, "sku_id": line.sku, "shop_sku_id": f"S{n}",
            "name": line.title, "properties_value": "哑光黑", "qty": line.quantity,
            "price": f"{line.price:.2f}", "amount": f"{line.price * line.quantity:.2f}",
            "is_gift": "false",
        }
        for n, line in enumerate(order.lines, 1)
    ]  # fmt: skip
    return {
        "o_id": int(order.number) if order.number.isdigit() else order.number,
        "so_id": f"MALL{order.number}", "shop_id": SHOP,
        "status": order.raw_state or STATES[order.state], "shop_status": "WAIT_SELLER_SEND_GOODS",
        "order_date": _written(order.created_at), "pay_date": _written(order.created_at),
        "pay_amount": f"{order.total:.2f}", "paid_amount": f"{order.total:.2f}", "freight": "0.00",
        "receiver_name": order.name, "receiver_mobile": order.phone,
        "receiver_state": order.province, "receiver_city": order.city,
        "receiver_district": order.district, "receiver_address": order.address,
        "buyer_message": order.buyer_note, "remark": order.seller_note, "l_id": "", "lc_id": "",
        "items": lines, "modified": _written(order.modified_at), "ts": version,
    }  # fmt: skip


def _within(rows: Any, biz: Mapping[str, Any]) -> list[dict[str, Any]]:
    start, end = biz["modified_begin"], biz["modified_end"]
    long = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    if long.total_seconds() > WEEK_S:
        raise Refusal(130, "时间间隔不能超过七天")
    found = [one for one in rows if start <= one["modified"] <= end]
    return sorted(found, key=lambda one: str(one["modified"]))


def _page(
    found: Sequence[Mapping[str, Any]], name: str, biz: Mapping[str, Any], most: int
) -> dict[str, Any]:
    size, page = int(biz.get("page_size", 30)), int(biz.get("page_index", 1))
    if not 1 <= size <= most:
        raise Refusal(130, f"page_size 最大 {most}")
    return {
        "page_index": page, "page_size": size, "data_count": len(found),
        "page_count": -(-len(found) // size), "has_next": page * size < len(found),
        name: found[(page - 1) * size : page * size],
    }  # fmt: skip


def _written(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
