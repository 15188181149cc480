"""A group robot of DingTalk: token, signature, keyword, text."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.sdk.stage.protocol import Fault
from tidegate.sdk.stage.server import Asked, StageServer, Told, told

__all__ = ["DingTalkServer"]
TOKEN, SECRET, KEYWORD = "ding-token-canary-7a", "SECding-canary-7b", "仓库喊话"
HOUR_MS = 3_600_000
SAID = {
    Fault.THROTTLED: (130101, "send too fast"),
    Fault.EXPIRED: (300001, "token is not exist"),
    Fault.REFUSED: (40035, "wrong parameters"),
    Fault.BUSY: (-1, "system busy"),
}


class DingTalkServer(StageServer):
    """What was shown is in `shown`: the documents as they came."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = {"*": (20, 60.0)}
        self.shown: list[dict[str, Any]] = []

    @property
    def settings(self) -> Mapping[str, str]:
        return {"url": self.url, "token": TOKEN, "secret": SECRET, "keyword": KEYWORD}

    def api_of(self, asked: Asked) -> str:
        return "notice.send" if (asked.method, asked.path) == ("POST", "/robot/send") else "unknown"

    def notices(self) -> Sequence[str]:
        return [one["text"]["content"] for one in self.shown]

    def answer(self, asked: Asked, api: str) -> Told:
        if asked.query.get("access_token") != TOKEN:
            return _no(300001, "token is not exist", "bad_signature")
        if not self._signed(asked.query):
            return _no(310000, "sign not match", "bad_signature")
        document = asked.json()
        text = str(document["text"]["content"]) if document.get("msgtype") == "text" else ""
        if KEYWORD not in text:
            return _no(310000, "keywords not in content", "refused")
        self.shown.append(document)
        return told({"errcode": 0, "errmsg": "ok"})

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        return _no(*SAID[fault], fault)

    def _signed(self, query: Mapping[str, str]) -> bool:
        stamp = query.get("timestamp", "")
        if not stamp.isdigit() or abs(self.now().timestamp() * 1000 - int(stamp)) > HOUR_MS:
            return False
        digest = hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256).digest()
        return hmac.compare_digest(base64.b64encode(digest).decode(), query.get("sign", ""))


def _no(code: int, message: str, outcome: str) -> Told:
    return told({"errcode": code, "errmsg": message}, outcome=outcome)
