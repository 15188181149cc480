"""An account at SF at work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tidegate.errors import RemoteRefused, RemoteRetry, RemoteUnknown
from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken
from tidegate.sdk.carrier import CarrierScan, Issued, Waybill, WaybillRequest
from tidegate.sdk.http.messages import Request
from tidegate.sdk.values import Label, Tracked
from tidegate_connectors.sf import wire
from tidegate_connectors.sf.scans import read_route
from tidegate_connectors.sf.waybills import order_document, read_waybill
from tidegate_connectors.sf.wire import Service, Wire

T = TypeVar("T")
CANCEL, VOIDED = 2, "2"
NOBODYS_ORDER = "TIDEGATE-NO-SUCH-ORDER"
BY_HAND = "sf.by_hand"
BY_HAND_SAYS: dict[str, Any] = {
    "zh": "顺丰正在人工核对地址, 还没有运单号; 会过十分钟再查。",
    "en": "A person at SF looks at the address and there is no number yet; asked again in ten minutes.",
    "retry_after_s": 600,
}


class SF:
    """Capabilities as the manifest names them; safe to share between threads."""

    most_tracked = 10

    def __init__(self, account: Account) -> None:
        self._account = account
        self._wire = Wire(account)
        codes = account.settings.get("absent_codes", "").split(",")
        self._absent = frozenset(code.strip() for code in codes if code.strip())

    def create_waybill(self, request: WaybillRequest) -> Waybill:
        """A number. A repeated order is refused (8016): `query_waybill` tells what it got.

        Raises:
            RemoteUnknown: a person at SF looks at the address first; the order is asked for later.
        """
        found = self._wire.ask(wire.CREATE, order_document(request, self._account.settings))
        made = self._understood(wire.CREATE, lambda: read_waybill(found))
        if made is None:
            raise RemoteUnknown(BY_HAND, **BY_HAND_SAYS)
        return made

    def query_waybill(self, client_key: str) -> Waybill | None:
        """The live waybill of an order, None when it was never made or is voided.

        Raises:
            RemoteRetry: it was made and has no number yet.
        """
        asked = {"orderId": client_key, "searchType": "1", "language": "zh-CN"}
        found = self._asked_for(asked)
        if not found:
            return None
        made = self._understood(wire.FIND, lambda: read_waybill(found))
        if made is None:
            raise RemoteRetry(BY_HAND, **BY_HAND_SAYS)
        return made

    def cancel_waybill(self, client_key: str) -> None:
        found = self._wire.ask(wire.UPDATE, {"orderId": client_key, "dealType": CANCEL})
        if found and str(found.get("resStatus", VOIDED)) != VOIDED:
            raise RemoteRefused(
                "sf.not_voided",
                zh="顺丰没有取消这个订单（客户订单号与运单不匹配）；请到丰桥后台核对。",
                en="SF did not void the order (number and order do not match); check it in SF's console.",
            )

    def label(self, issued: Issued) -> Label:
        """SF's own PDF, by the account's print template."""
        settings = self._account.settings
        template = settings.get("template") or f"fm_76130_standard_{settings['partner_id']}"
        asked = {
            "templateCode": template,
            "version": "2.0",
            "fileType": "pdf",
            "sync": True,
            "documents": [{"masterWaybillNo": issued.waybill_no}],
        }
        found = self._wire.ask(wire.PRINT, asked)
        file = self._understood(wire.PRINT, lambda: found["files"][0])
        headers = {settings["label_header"]: str(file["token"])} if file.get("token") else {}
        got = self._account.http.send(
            Request("GET", str(file["url"]), "label.file", headers=headers, idempotent=True)
        )
        if got.status != 200 or not got.body.startswith(b"%PDF"):
            raise broken(self._account.manifest, "label.file")
        return Label("pdf", got.body, template)

    def track(self, parcels: Sequence[Tracked]) -> Sequence[CarrierScan]:
        """At most ten numbers a call, those with the same last digits of a phone together."""
        tails: dict[str, list[str]] = {}
        for parcel in parcels:
            tails.setdefault(parcel.phone_tail, []).append(parcel.waybill_no)
        found: list[CarrierScan] = []
        for tail, numbers in tails.items():
            for start in range(0, len(numbers), self.most_tracked):
                found += self._routes(numbers[start : start + self.most_tracked], tail)
        return found

    def subscribe(self, parcels: Sequence[Tracked]) -> None:
        for parcel in parcels:
            asked = {"type": "1", "attributeNo": parcel.waybill_no, "language": "zh-CN"}
            if parcel.phone_tail:
                asked["checkPhoneNo"] = parcel.phone_tail
            self._wire.ask(wire.REGISTER, asked)

    def check_credentials(self) -> str:
        """Asks for an order that nobody made: a wrong check word is told, and nothing is changed."""
        self._asked_for({"orderId": NOBODYS_ORDER, "searchType": "1"})
        return self._account.settings["partner_id"]

    def _asked_for(self, asked: Mapping[str, str]) -> Mapping[str, Any] | None:
        try:
            return self._wire.ask(wire.FIND, asked)
        except RemoteRefused as error:
            if error.code.removeprefix("sf.") in self._absent:
                return None
            raise

    def _routes(self, numbers: Sequence[str], tail: str) -> list[CarrierScan]:
        asked: dict[str, Any] = {
            "language": "zh-CN", "trackingType": "1", "methodType": "1", "trackingNumber": numbers,
        }  # fmt: skip
        if tail:
            asked["checkPhoneNo"] = tail
        found = self._wire.ask(wire.ROUTES, asked)
        states = self._account.manifest.tracking
        return self._understood(
            wire.ROUTES,
            lambda: [
                read_route(route, str(one["mailNo"]), states)
                for one in found.get("routeResps") or []
                for route in one.get("routes") or []
            ],
        )

    def _understood(self, service: Service, read: Callable[[], T]) -> T:
        try:
            return read()
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            raise broken(self._account.manifest, service.api) from None


def connect(account: Account) -> SF:
    return SF(account)
