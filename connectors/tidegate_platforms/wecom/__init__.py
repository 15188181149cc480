"""A group robot of WeCom: the key is the secret, a text has at most 2048 bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.sdk.stage.protocol import Fault
from tidegate.sdk.stage.server import Asked, StageServer, Told, told

__all__ = ["WeComServer"]
KEY = "wecom-key-canary-9e"
MOST_BYTES = 2048
SAID = {
    Fault.THROTTLED: (45009, "api freq out of limit"),
    Fault.EXPIRED: (93000, "invalid webhook url"),
    Fault.REFUSED: (40058, "invalid Request Parameter"),
    Fault.BUSY: (-1, "system busy"),
}


class WeComServer(StageServer):
    """What was shown is in `shown`: the documents as they came."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = {"*": (20, 60.0)}
        self.shown: list[dict[str, Any]] = []

    @property
    def settings(self) -> Mapping[str, str]:
        return {"url": self.url, "key": KEY}

    def api_of(self, asked: Asked) -> str:
        known = (asked.method, asked.path) == ("POST", "/cgi-bin/webhook/send")
        return "notice.send" if known else "unknown"

    def notices(self) -> Sequence[str]:
        return [one["text"]["content"] for one in self.shown]

    def answer(self, asked: Asked, api: str) -> Told:
        if asked.query.get("key") != KEY:
            return _no(93000, "invalid webhook url", "bad_signature")
        document = asked.json()
        text = str(document["text"]["content"]) if document.get("msgtype") == "text" else ""
        if not text or len(text.encode()) > MOST_BYTES:
            return _no(40058, "content exceed max length", "refused")
        self.shown.append(document)
        return told({"errcode": 0, "errmsg": "ok"})

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        return _no(*SAID[fault], fault)


def _no(code: int, message: str, outcome: str) -> Told:
    return told({"errcode": code, "errmsg": message}, outcome=outcome)
