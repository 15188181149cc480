"""What intake works out about a recipient: the address in parts, the phone's kind, and keys that
find repeats.
"""

from __future__ import annotations

import hashlib
import unicodedata
from functools import lru_cache
from typing import Any

from tidegate.domain.addresses import ParsedAddress, parse_address
from tidegate.domain.phones import Phone, check_phone

REMEMBERED = 50_000
MARK = 16  # hex digits of a key that facts carry: enough to tell the orders of a merchant apart


def recipient_keys(values: dict[str, Any], tenant_id: int) -> None:
    """Keys of phone and address, so that a later order finds this one; masked recipients have
    none.
    """
    plain = values["recipient_kind"] == "plain"
    phone = _phone(values["recipient_phone"], values["country"]) if plain else None
    valid = phone is not None and phone.valid and bool(phone.number)
    values["phone_key"] = key_of(tenant_id, phone.number) if phone is not None and valid else None
    values["address_key"] = address_key(values, tenant_id) if plain else None


def check_recipient(values: dict[str, Any]) -> None:
    """Fill in region, verdict and phone facts of an order that is still to be fulfilled."""
    parsed = _parse(
        values["address"] or "",
        values["province"],
        values["city"],
        values["district"],
        values["town"],
        values["country"],
    )
    values["province"] = parsed.province or values["province"]
    values["city"] = parsed.city or values["city"]
    values["district"] = parsed.district or values["district"]
    values["town"] = parsed.street or values["town"]
    values["postcode"] = values["postcode"] or parsed.postcode
    values["region_code"] = parsed.region_code
    values["address_check"] = parsed.verdict
    values["address_reason"] = parsed.reason
    phone = _phone(values["recipient_phone"], values["country"])
    values["phone_kind"] = phone.kind if phone else None
    values["phone_valid"] = phone.valid if phone else None


def address_key(values: dict[str, Any], tenant_id: int) -> str | None:
    """The same address gives the same key, whether its region stands in columns of its own or in
    the text.
    """
    street = _squeezed(values["address"])
    if not street:
        return None
    region = "".join(
        part
        for name in ("province", "city", "district", "town")
        if (part := _squeezed(values[name])) and part not in street
    )
    return key_of(tenant_id, region + street)


def key_of(tenant_id: int, text: str) -> str:
    """A key that finds equal values of one tenant without showing them."""
    return hashlib.sha256(f"{tenant_id}:{text}".encode()).hexdigest()


def account_key(tenant_id: int, channel: str, buyer: str | None) -> str | None:
    """A mark of the account that ordered: equal for two orders of one buyer on one channel."""
    return key_of(tenant_id, f"{channel}:{buyer}")[:MARK] if buyer else None


def _squeezed(text: str | None) -> str:
    wide = unicodedata.normalize("NFKC", text or "")
    return "".join(c for c in wide if c.isalnum()).casefold()


@lru_cache(maxsize=REMEMBERED)
def _parse(
    address: str,
    province: str | None,
    city: str | None,
    district: str | None,
    town: str | None,
    country: str | None,
) -> ParsedAddress:
    return parse_address(
        address, province=province, city=city, district=district, town=town, country=country
    )


def _phone(text: str | None, country: str | None) -> Phone | None:
    return _checked_phone(text, country or "CN") if text else None


@lru_cache(maxsize=REMEMBERED)
def _checked_phone(text: str, country: str) -> Phone:
    return check_phone(text, country)
