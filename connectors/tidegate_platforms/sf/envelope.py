"""The outer form, its digest worked out by means of its own, and the two layers of an answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.*")
SERVICES: Mapping[str, str] = {
    "EXP_RECE_CREATE_ORDER": "waybill.create",
    "EXP_RECE_SEARCH_ORDER_RESP": "waybill.query",
    "EXP_RECE_UPDATE_ORDER": "waybill.cancel",
    "EXP_RECE_SEARCH_ROUTES": "track.query",
    "EXP_RECE_REGISTER_ROUTE": "track.subscribe",
    "COM_RECE_CLOUD_PRINT_WAYBILLS": "label.print",
}


class Refusal(Exception):
    """A code of the outer layer (A1006) or the inner one (8016)."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(code)
        self.code = code
        self.said = said


def digest(text: str, timestamp: str, check_word: str) -> str:
    """Bytes that Java's URLEncoder keeps stay, a blank becomes a plus, all others %XX."""
    written = []
    for byte in (text + timestamp + check_word).encode("utf-8"):
        kept = chr(byte) if byte in PLAIN else f"%{byte:02X}"
        written.append("+" if byte == 0x20 else kept)
    raw = hashlib.new("md5", "".join(written).encode(), usedforsecurity=False).digest()
    return base64.standard_b64encode(raw).decode("ascii")


def is_signed(form: Mapping[str, str], check_word: str) -> bool:
    wanted = digest(form.get("msgData", ""), form.get("timestamp", ""), check_word)
    return hmac.compare_digest(wanted.encode(), form.get("msgDigest", "").encode())


def outer(code: str, said: str = "", data: Mapping[str, Any] | None = None) -> dict[str, Any]:
    text = json.dumps(data, ensure_ascii=False) if data is not None else None
    return {
        "apiErrorMsg": said, "apiResponseID": "000178E5", "apiResultCode": code,
        "apiResultData": text,
    }  # fmt: skip


def inner(found: Mapping[str, Any]) -> dict[str, Any]:
    return {"success": True, "errorCode": "S0000", "errorMsg": None, "msgData": found}


def refused(code: str, said: str) -> dict[str, Any]:
    return {"success": False, "errorCode": code, "errorMsg": said, "msgData": None}
