"""Douyin's signature worked out by means of its own, its envelope and its refusals."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.sdk.stage.server import Asked, Told, told

MOST_APART_S = 300


class Refusal(Exception):
    """A code and sub code with the platform's words."""

    def __init__(self, code: int, sub_code: str, words: str, outcome: str = "refused") -> None:
        super().__init__(sub_code)
        self.code, self.sub_code, self.words, self.outcome = code, sub_code, words, outcome


@dataclass(frozen=True, slots=True)
class Signer:
    app_key: str
    app_secret: str

    def sign(self, query: Mapping[str, str], body: bytes) -> str:
        """Of the four signed fields in alphabetical order, the body standing for param_json."""
        digest = hmac.new(self.app_secret.encode(), digestmod=hashlib.sha256)
        digest.update(self.app_secret.encode())
        for name in ("app_key", "method"):
            digest.update(name.encode() + query.get(name, "").encode())
        digest.update(b"param_json" + body)
        for name in ("timestamp", "v"):
            digest.update(name.encode() + query.get(name, "").encode())
        digest.update(self.app_secret.encode())
        return digest.hexdigest()

    def push_sign(self, body: bytes) -> str:
        around = b"".join((self.app_key.encode(), body, self.app_secret.encode()))
        return hashlib.new("md5", around, usedforsecurity=False).hexdigest()

    def check(self, asked: Asked, now: datetime) -> None:
        """Raises Refusal for a foreign key, a wrong signature, a body that is not canonical, a clock that is off."""
        query = asked.query
        if query.get("app_key") != self.app_key:
            raise Refusal(40003, "isv.app-key-invalid", "app_key不存在", "bad_signature")
        if query.get("v") != "2" or query.get("sign_method") != "hmac-sha256":
            raise Refusal(40001, "isv.missing-parameter", "缺少系统参数")
        if asked.path.strip("/") != query.get("method", "").replace(".", "/"):
            raise Refusal(40003, "isv.method-invalid", "method与路径不一致")
        if not hmac.compare_digest(self.sign(query, asked.body), query.get("sign", "")):
            raise Refusal(40003, "isv.signature-invalid", "签名校验失败", "bad_signature")
        stamp = query.get("timestamp", "")
        if not stamp.isdigit() or abs(now.timestamp() - int(stamp)) > MOST_APART_S:
            raise Refusal(40003, "isv.timestamp-invalid", "timestamp与服务器时间相差过大")


def good(data: Any) -> Told:
    return told(
        {
            "code": 10000,
            "msg": "success",
            "sub_code": "",
            "sub_msg": "",
            "log_id": "1",
            "data": data,
        }
    )


def bad(refusal: Refusal) -> Told:
    document = {
        "code": refusal.code, "msg": refusal.words, "sub_code": refusal.sub_code,
        "sub_msg": refusal.words, "log_id": "1", "data": None,
    }  # fmt: skip
    return told(document, outcome=refusal.outcome)
