"""Somebody's own system that takes notices: it checks Standard Webhooks by its own means and knows repeats."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.sdk.stage.protocol import Fault
from tidegate.sdk.stage.server import Asked, StageServer, Told, told

__all__ = ["NoticeReceiver"]
SECRET = "whsec_bm90aWNlLXdlYmhvb2stY2FuYXJ5LTVmLTVmLTVm"  # noqa: S105
MOST_APART_S = 300
STATUS = {Fault.THROTTLED: 429, Fault.EXPIRED: 401, Fault.REFUSED: 410, Fault.BUSY: 503}


class NoticeReceiver(StageServer):
    """What was told is in `shown`, once per webhook-id."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[str, dict[str, Any]] = {}

    @property
    def settings(self) -> Mapping[str, str]:
        return {"url": self.url + "/notices", "secret": SECRET}

    @property
    def samples(self) -> Mapping[str, str]:
        return {"secret": "secret", "answers": "status"}

    def api_of(self, asked: Asked) -> str:
        return "notice.send" if (asked.method, asked.path) == ("POST", "/notices") else "unknown"

    def notices(self) -> Sequence[str]:
        return ["\n".join([one["title"], *one["lines"]]) for one in self.shown.values()]

    def answer(self, asked: Asked, api: str) -> Told:
        if not self._signed(asked):
            return told({"error": "bad signature"}, 401, "bad_signature")
        document = asked.json()
        self.shown.setdefault(asked.headers["webhook-id"], document["data"])
        return Told(204, b"")

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        return told({"error": fault}, STATUS[fault], fault)

    def _signed(self, asked: Asked) -> bool:
        name, stamp = (asked.headers.get(f"webhook-{one}", "") for one in ("id", "timestamp"))
        if not stamp.isdigit() or abs(self.now().timestamp() - int(stamp)) > MOST_APART_S:
            return False
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        digest = hmac.new(key, f"{name}.{stamp}.".encode() + asked.body, hashlib.sha256).digest()
        wanted = "v1," + base64.b64encode(digest).decode()
        return hmac.compare_digest(wanted, asked.headers.get("webhook-signature", ""))
