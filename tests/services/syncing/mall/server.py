"""The made-up mall itself: signs by code of its own, pages by modified time, keeps stock and people."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any

from tidegate.sdk.stage.protocol import Fault
from tidegate.sdk.stage.server import Asked, StageServer, Told, told

SAID = {
    Fault.THROTTLED: "too_fast", Fault.EXPIRED: "bad_sign", Fault.REFUSED: "not_now",
    Fault.BUSY: "too_fast",
}  # fmt: skip


class MallServer(StageServer):
    def __init__(
        self,
        secret: str = "s3cr3t-canary",
        limits: dict[str, tuple[int, float]] | None = None,
        clock: Any = None,
    ) -> None:
        super().__init__()
        self.secret, self.limits = secret, limits or {}
        self.clock = clock
        self.orders: dict[str, dict[str, Any]] = {}
        self.levels: list[tuple[str, int, str]] = []
        self.told: dict[str, int] = {}
        self.people: dict[str, dict[str, str]] = {}

    def now(self) -> datetime:
        return super().now() if self.clock is None else self.clock() + self._ahead

    def api_of(self, asked: Asked) -> str:
        return asked.path.strip("/")

    def answer(self, asked: Asked, api: str) -> Told:
        wanted = hmac.new(self.secret.encode(), asked.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(asked.headers.get("x-sign", ""), wanted):
            return told({"code": "bad_sign"}, outcome="bad_signature")
        found = getattr(self, "_" + api.replace(".", "_"))(asked.json())
        return told({"code": "ok", "data": found} if found is not None else {"code": "missing"})

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        return told({"code": SAID[fault]})

    def _orders_list(self, asked: dict[str, Any]) -> Any:
        rows = sorted(
            (
                row
                for row in self.orders.values()
                if asked["start"] <= row["modified"] < asked["end"]
            ),
            key=lambda row: (row["modified"], row["id"]),
        )
        start = (asked["page"] - 1) * asked["size"]
        return {"total": len(rows), "rows": rows[start : start + asked["size"]]}

    def _orders_get(self, asked: dict[str, Any]) -> Any:
        return self.orders.get(asked["id"])

    def _orders_ship(self, asked: dict[str, Any]) -> Any:
        self.orders[asked["id"]]["waybill"] = asked["waybill"]
        return {}

    def _stock_list(self, asked: dict[str, Any]) -> Any:
        start = int(asked["cursor"] or 0)
        rows = self.levels[start : start + 2]
        more = start + 2 < len(self.levels)
        return {
            "rows": [{"code": c, "free": n, "house": h} for c, n, h in rows],
            "next": str(start + 2) if more else None,
        }

    def _stock_set(self, asked: dict[str, Any]) -> Any:
        self.told |= {sku: units for sku, units in asked["levels"] if sku != "UNKNOWN"}
        return {"codes": ["no_sku" if sku == "UNKNOWN" else "" for sku, _ in asked["levels"]]}

    def _people_open(self, asked: dict[str, Any]) -> Any:
        return {"people": [self.people.get(token) for token in asked["tokens"]]}

    def _shop_get(self, _: dict[str, Any]) -> Any:
        return {"name": "橡果旗舰店"}

    def place(self, number: str, at: float, **more: Any) -> None:
        self.orders[number] = {
            "id": number, "created": int(at), "modified": at, "status": "paid", "amount": 12800,
            "note": "", "to": {
                "name": "王小明", "phone": "13912345678", "province": "浙江省", "city": "杭州市",
                "district": "西湖区", "street": "文三路 1 号 2 幢 301",
            },
            "goods": [{"code": "A-1", "num": 1, "name": "杯子"}],
        } | more  # fmt: skip
