"""A custom robot of Feishu: token in the path, signature in the body, at most 20 KB."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.sdk.stage.protocol import Fault
from tidegate.sdk.stage.server import Asked, StageServer, Told, told

__all__ = ["FeishuServer"]
TOKEN, SECRET = "feishu-token-canary-3c", "feishu-secret-canary-3d"
HOUR_S, MOST_BYTES = 3600, 20_480
SAID = {
    Fault.THROTTLED: (11232, "frequency limited"),
    Fault.EXPIRED: (19001, "param invalid"),
    Fault.REFUSED: (9499, "Bad Request"),
    Fault.BUSY: (11232, "frequency limited"),
}


class FeishuServer(StageServer):
    """What was shown is in `shown`: the documents as they came."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = {"*": (100, 60.0)}
        self.shown: list[dict[str, Any]] = []

    @property
    def settings(self) -> Mapping[str, str]:
        return {"url": self.url, "token": TOKEN, "secret": SECRET}

    def api_of(self, asked: Asked) -> str:
        return "notice.send" if asked.path.startswith("/open-apis/bot/v2/hook/") else "unknown"

    def notices(self) -> Sequence[str]:
        return [one["content"]["text"] for one in self.shown]

    def answer(self, asked: Asked, api: str) -> Told:
        if asked.path != f"/open-apis/bot/v2/hook/{TOKEN}":
            return _no(19001, "param invalid", "bad_signature")
        document = asked.json()
        if not self._signed(document):
            return _no(
                19021, "sign match fail or timestamp is not within one hour", "bad_signature"
            )
        if len(asked.body) > MOST_BYTES or document.get("msg_type") != "text":
            return _no(9499, "Bad Request", "refused")
        self.shown.append(document)
        return told({"code": 0, "msg": "success", "data": {}})

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        return _no(*SAID[fault], fault)

    def _signed(self, document: Mapping[str, Any]) -> bool:
        stamp = str(document.get("timestamp", ""))
        if not stamp.isdigit() or abs(self.now().timestamp() - int(stamp)) > HOUR_S:
            return False
        digest = hmac.new(f"{stamp}\n{SECRET}".encode(), b"", hashlib.sha256).digest()
        said = str(document.get("sign", ""))
        return hmac.compare_digest(base64.b64encode(digest).decode(), said)


def _no(code: int, message: str, outcome: str) -> Told:
    return told({"code": code, "msg": message, "data": {}}, outcome=outcome)
