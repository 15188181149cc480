"""One robot of one group. A text that may be shown twice is better than one that is lost: repeats are allowed."""

from __future__ import annotations

from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.http.messages import json_post
from tidegate.sdk.notices import API, as_text, settle
from tidegate.sdk.values import Notice
from tidegate_connectors.feishu.signing import signature

MOST_BYTES = 18_000  # of 20 KB with everything around it
PATH = "/open-apis/bot/v2/hook/"
EVERYBODY = '<at user_id="all">所有人</at>\n'


class FeishuRobot:
    """Safe to share between threads."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def send_notice(self, notice: Notice) -> None:
        """Raises as `tidegate.sdk.notices.settle`."""
        account = self._account
        url = account.settings["url"].rstrip("/") + PATH + account.secret("token")
        document = {
            **self._proof(), "msg_type": "text", "content": {"text": self._text(notice)},
        }  # fmt: skip
        answer = account.http.send(json_post(url, API, document, idempotent=True))
        settle(account, answer, "code")

    def _text(self, notice: Notice) -> str:
        """Tags in the text would call people: only ours does."""
        settings = self._account.settings
        plain = as_text(notice, most_bytes=MOST_BYTES, first=settings.get("keyword", ""))
        everybody = notice.urgent and settings["mention_all"] == "yes"
        return (EVERYBODY if everybody else "") + plain.replace("<", "＜")

    def _proof(self) -> dict[str, Any]:
        secret = self._account.secret("secret")
        if not secret:
            return {}
        stamp = int(self._account.http.now().timestamp())
        return {"timestamp": str(stamp), "sign": signature(secret, stamp)}


def connect(account: Account) -> FeishuRobot:
    return FeishuRobot(account)
