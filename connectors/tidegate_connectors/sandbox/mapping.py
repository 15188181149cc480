"""Pure translation: our values to the sandbox's documents and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from tidegate.sdk.carrier import CarrierScan, Contact, Waybill, WaybillRequest

SCAN_STATES: Mapping[str, str] = {  # the carrier's code -> domain.tracking
    "GOT": "picked_up",
    "ARRIVAL": "arrived_at_hub",
    "DEPARTURE": "departed_from_hub",
    "DEST": "arrived_at_destination",
    "SENT": "out_for_delivery",
    "FAILED": "delivery_attempted",
    "LOCKER": "delivery_to_locker",
    "SIGNED": "delivered",
    "SIGNED_OTHER": "signed_by_third_party",
    "REFUSED": "refused",
    "RETURN": "return_initiated",
    "RETURNING": "in_return_transit",
    "RETURNED": "returned_to_sender",
    "LOST": "lost",
}
UNKNOWN_SCAN = "exception"  # a code we do not know is for a person to see


def waybill_document(request: WaybillRequest) -> dict[str, Any]:
    """The body of a create call; equal requests give equal bodies."""
    return {
        "order_code": request.client_key,
        "service": request.service_code,
        "order_number": request.order_number,
        "parcel_number": request.parcel_number,
        "sender": _contact(request.sender),
        "recipient": _contact(request.recipient),
        "items": [asdict(item) for item in request.items],
        "weight_g": request.weight_g,
        "currency": request.currency,
        "cod_minor": request.cod_minor,
        "insured_minor": request.insured_minor,
        "remark": request.remark,
    }


def read_waybill(data: Mapping[str, Any]) -> Waybill:
    """The waybill in an answer.

    Raises:
        KeyError, TypeError: the answer is none we understand.
    """
    return Waybill(_text(data, "waybill_no"), _text(data, "sort_code"))


def read_scan(data: Mapping[str, Any]) -> CarrierScan:
    """One scan of a page.

    Raises:
        KeyError, TypeError, ValueError: the answer is none we understand.
    """
    at = datetime.fromisoformat(_text(data, "at"))
    if at.tzinfo is None:
        raise ValueError("a scan needs a time zone")
    code = _text(data, "code")
    return CarrierScan(
        event_id=_text(data, "event_id"),
        waybill_no=_text(data, "waybill_no"),
        at=at.astimezone(UTC),
        code=code,
        state=SCAN_STATES.get(code, UNKNOWN_SCAN),
        place=str(data.get("place", "")),
        description=str(data.get("description", "")),
    )


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data[name]
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} is no text")
    return value


def _contact(contact: Contact) -> dict[str, str]:
    return asdict(contact)
