"""What a parcel would cost (1815) and the parts of an address (6001): documents and what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tidegate.sdk.values import Quote, QuoteRequest, Recipient
from tidegate_connectors.kdniao.waybills import kilograms, region


def estimate_document(request: QuoteRequest, shipper_type: str) -> dict[str, Any]:
    return {
        "TransportType": 1,
        "ShipperType": int(shipper_type),
        "Weight": kilograms(request.weight_g),
        "Sender": region(request.sender),
        "Receiver": region(request.recipient),
    }


def read_quotes(answer: Mapping[str, Any], currency: str) -> list[Quote]:
    """One per courier; those without a price are left out.

    Raises:
        KeyError, TypeError, ArithmeticError: the answer is none we understand.
    """
    data = answer.get("Data") or []
    rows: Sequence[Mapping[str, Any]] = data if isinstance(data, list) else [data]
    return [
        Quote(str(row["shipperCode"]), _minor(row["totalFee"]), currency)
        for row in rows
        if row.get("totalFee") not in (None, "")
    ]


def read_split(answer: Mapping[str, Any]) -> Recipient:
    """KDNiao splits and never corrects (a wrong city becomes the province's capital): a person looks at it.

    Raises:
        KeyError, TypeError: the answer is none we understand.
    """
    data = answer["Data"]
    told = {name: str(data.get(name) or "") for name in data}
    phone = told.get("Mobile", "")
    if extension := told.get("ExtMobile"):
        phone = f"{phone}-{extension}"
    street = " ".join(
        part for part in (told.get("StreetName", ""), told.get("Address", "")) if part
    )
    return Recipient(
        told.get("Name", ""), phone, street, told.get("ProvinceName", ""), told.get("CityName", ""),
        told.get("ExpAreaName", ""),
    )  # fmt: skip


def _minor(amount: object) -> int:
    """Fen of an amount in yuan."""
    return int((Decimal(str(amount)) * 100).quantize(Decimal(1), ROUND_HALF_UP))
