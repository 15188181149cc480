"""An account at KDNiao at work."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from tidegate.errors import RemoteRefused, RemoteUnknown
from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken
from tidegate.sdk.carrier import CarrierScan, Issued, Waybill, WaybillRequest
from tidegate.sdk.values import Label, Quote, QuoteRequest, Recipient, Tracked
from tidegate_connectors.kdniao import commands
from tidegate_connectors.kdniao.commands import Command
from tidegate_connectors.kdniao.freight import estimate_document, read_quotes, read_split
from tidegate_connectors.kdniao.scans import BEIJING, read_scans
from tidegate_connectors.kdniao.terms import terms_of
from tidegate_connectors.kdniao.waybills import read_waybill, waybill_document
from tidegate_connectors.kdniao.wire import Wire, data_sign

T = TypeVar("T")
OF_THE_NUMBER = ("kdniao.403", "kdniao.404")  # a refusal that the key has no part in
NOBODYS_NUMBER = (
    "TIDEGATE0"  # asked for to see whether the key is good; no courier numbers like this
)


class KDNiao:
    """Capabilities as the manifest names them; safe to share between threads."""

    most_tracked = 1

    def __init__(self, account: Account) -> None:
        self._account = account
        self._terms = terms_of(account)
        self._wire = Wire(account)

    def create_waybill(self, request: WaybillRequest) -> Waybill:
        """A number; an order code that was used before answers the number it got then."""
        answer = self._wire.ask(commands.CREATE, waybill_document(request, self._terms))
        found = self._understood(commands.CREATE, lambda: read_waybill(answer))
        if found is None and str(answer.get("ResultCode")) == "106":
            raise _number_untold(request.client_key)
        if found is None:
            raise broken(self._account.manifest, commands.CREATE.api)
        return found

    def cancel_waybill(self, client_key: str) -> None:
        self.cancel_issued(Issued(client_key, "", ""))

    def cancel_issued(self, issued: Issued) -> None:
        """Void before the courier collects it; an order code that was voided already is fine."""
        contract = self._terms.contract()
        document = {
            "ShipperCode": self._terms.courier(issued.service_code)[0],
            "OrderCode": issued.client_key,
            "ExpNo": issued.waybill_no,
            "CustomerName": contract.get("CustomerName", ""),
            "CustomerPwd": contract.get("CustomerPwd", ""),
        }
        self._wire.ask(commands.CANCEL, document)

    def label(self, issued: Issued) -> Label:
        """A form for KDNiao's print page, to be sent by the browser beside the printer."""
        asked = [
            {"OrderCode": issued.client_key, "PortName": self._account.settings.get("printer", "")}
        ]
        data = json.dumps(asked, ensure_ascii=False, separators=(",", ":"))
        fields = {
            "RequestData": data,
            "EBusinessID": self._account.settings["business_id"],
            "DataSign": data_sign(self._print_ip() + data, self._account.secret("api_key")),
            "IsPreview": "0",
        }
        return Label("print_data", json.dumps(fields).encode(), self._account.settings["print_url"])

    def track(self, parcels: Sequence[Tracked]) -> Sequence[CarrierScan]:
        """One call a parcel. Without a courier that KDNiao knows it finds out by itself (billed per call)."""
        found: list[CarrierScan] = []
        for parcel in parcels:
            shipper = self._terms.shipper_of(parcel.carrier)
            command = commands.QUERIES[self._account.settings["query"]]
            if not shipper:
                command = commands.DETECT
            answer = self._wire.ask(command, self._asked(parcel, shipper))
            found += self._scans(command, {"LogisticCode": parcel.waybill_no, **answer})
        return found

    def subscribe(self, parcels: Sequence[Tracked]) -> None:
        command = commands.SUBSCRIPTIONS[self._account.settings["subscription"]]
        for parcel in parcels:
            shipper = self._terms.shipper_of(parcel.carrier)
            if not shipper:
                raise _unknown_carrier(parcel.carrier)
            self._wire.ask(command, self._asked(parcel, shipper))

    def quote(self, request: QuoteRequest) -> Sequence[Quote]:
        settings = self._account.settings
        answer = self._wire.ask(
            commands.ESTIMATE, estimate_document(request, settings["shipper_type"])
        )
        return self._understood(
            commands.ESTIMATE, lambda: read_quotes(answer, self._account.manifest.currency)
        )

    def check_credentials(self) -> str:
        """Asks whose number one that nobody has may be: free, and a wrong key is told."""
        try:
            self._wire.ask(commands.RECOGNISE, {"LogisticCode": NOBODYS_NUMBER})
        except RemoteRefused as error:
            if error.code not in OF_THE_NUMBER:
                raise
        return self._account.settings["business_id"]

    def recognise(self, waybill_no: str) -> Sequence[str]:
        """Couriers (KDNiao's codes) that the number may be of; a person chooses."""
        answer = self._wire.ask(commands.RECOGNISE, {"LogisticCode": waybill_no})
        return self._understood(
            commands.RECOGNISE,
            lambda: [str(one["ShipperCode"]) for one in answer.get("Shippers") or []],
        )

    def split_address(self, text: str) -> Recipient:
        """The parts of an address with a name and a phone in it; to be shown to a person before it is used."""
        answer = self._wire.ask(commands.SPLIT, {"Content": text})
        return self._understood(commands.SPLIT, lambda: read_split(answer))

    def book_pickup(self, request: WaybillRequest, start: datetime, end: datetime) -> str:
        """Let a courier come between two aware instants; KDNiao's own code of the booking, where it tells one."""
        told = {"StartDate": start, "EndDate": end}
        times = {
            name: at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S") for name, at in told.items()
        }
        answer = self._wire.ask(commands.BOOK, {**waybill_document(request, self._terms), **times})
        order = answer.get("Order")
        return str(order.get("KDNOrderCode") or "") if isinstance(order, dict) else ""

    def _asked(self, parcel: Tracked, shipper: str) -> dict[str, str]:
        asked = {"ShipperCode": shipper, "LogisticCode": parcel.waybill_no, "Sort": "0"}
        if parcel.order_number:
            asked["OrderCode"] = parcel.order_number
        if parcel.phone_tail and (not shipper or self._terms.wants_phone_tail(shipper)):
            asked["CustomerName"] = parcel.phone_tail
        return {name: value for name, value in asked.items() if value}

    def _scans(self, command: Command, told: dict[str, object]) -> list[CarrierScan]:
        return self._understood(command, lambda: read_scans(told, self._account.manifest.tracking))

    def _print_ip(self) -> str:
        return self._account.settings.get("print_ip", "")

    def _understood(self, command: Command, read: Callable[[], T]) -> T:
        try:
            return read()
        except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError):
            raise broken(self._account.manifest, command.api) from None


def connect(account: Account) -> KDNiao:
    return KDNiao(account)


def _number_untold(order_code: str) -> RemoteUnknown:
    return RemoteUnknown(
        "kdniao.number_untold",
        zh=f"快递鸟说订单号 {order_code} 已下过单, 却没有给出运单号; "
        "请到快递鸟后台查这个订单号, 再决定沿用还是重新取号。",
        en=f"KDNiao says that order code {order_code} was used and does not tell its number; look it up in KDNiao's "
        "console, then keep it or ask for a new one.",
        order_code=order_code,
        for_person=True,
    )


def _unknown_carrier(carrier: str) -> RemoteRefused:
    return RemoteRefused(
        "kdniao.unknown_carrier",
        zh=f"不知道快递公司 {carrier or '（空）'} 在快递鸟的编码; 请核对快递资料。",
        en=f"KDNiao's code of the carrier {carrier!r} is not known; check the carrier's record.",
        carrier=carrier,
    )
