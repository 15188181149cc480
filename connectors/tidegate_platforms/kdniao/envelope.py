"""KDNiao's form, its signature worked out by means of its own, and its answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GATEWAY = "/kdniaosandbox/gateway/exterfaceInvoke.json"
# RequestType -> what we call it, and where it is taken
COMMANDS: Mapping[str, tuple[str, str]] = {
    "1007": ("waybill.create", "/api/EOrderService"),
    "1147": ("waybill.cancel", "/api/EOrderService"),
    "1801": ("pickup.book", "/api/OOrderService"),
    "1815": ("freight.estimate", "/api/OOrderService"),
    "2002": ("number.recognise", "/api/dist"),
    "6001": ("address.split", "/api/dist"),
    "8001": ("track.query", "/api/dist"),
    "8002": ("track.detect", "/api/dist"),
    "1002": ("track.free", "/Ebusiness/EbusinessOrderHandle.aspx"),
    "8008": ("track.subscribe", "/api/dist"),
    "1008": ("track.subscribe", "/api/dist"),
}


class Refusal(Exception):
    """A ResultCode with its reason."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Signer:
    """What is signed is the text as it is sent, with the key behind it."""

    api_key: str

    def sign(self, text: str) -> str:
        digest = hashlib.new("md5", usedforsecurity=False)
        digest.update(text.encode("utf-8"))
        digest.update(self.api_key.encode("utf-8"))
        letters = "".join(f"{byte:02x}" for byte in digest.digest())
        return base64.standard_b64encode(letters.encode("ascii")).decode("ascii")

    def signed(self, text: str, given: str) -> bool:
        return hmac.compare_digest(self.sign(text).encode(), given.encode())


def read_data(text: str) -> dict[str, Any]:
    """RequestData. Raises Refusal 401."""
    try:
        found = json.loads(text)
    except ValueError:
        raise Refusal("401", "RequestData格式有误") from None
    if not isinstance(found, dict):
        raise Refusal("401", "RequestData格式有误")
    return found


def need(document: Mapping[str, Any], *names: str) -> None:
    """Raises Refusal 101 with the first that is missing; `a.b` lies inside `a`, `a|b` is either."""
    for name in names:
        if not any(_found(document, one) for one in name.split("|")):
            raise Refusal("101", f"缺少必要参数:{name}")


def _found(document: Mapping[str, Any], path: str) -> bool:
    value: Any = document
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value not in (None, "", [])
