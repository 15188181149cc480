"""One robot of one group. A text that may be shown twice is better than one that is lost: repeats are allowed."""

from __future__ import annotations

from tidegate.sdk.account import Account
from tidegate.sdk.http.messages import json_post
from tidegate.sdk.notices import API, as_text, settle
from tidegate.sdk.values import Notice
from tidegate_connectors.dingtalk.signing import signature

MOST_BYTES = 18_000
PATH = "/robot/send"


class DingTalkRobot:
    """Safe to share between threads."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def send_notice(self, notice: Notice) -> None:
        """Raises as `tidegate.sdk.notices.settle`."""
        account = self._account
        everybody = notice.urgent and account.settings["mention_all"] == "yes"
        keyword = account.settings.get("keyword", "")
        text = as_text(notice, most_bytes=MOST_BYTES, first=keyword)
        document = {
            "msgtype": "text", "text": {"content": text}, "at": {"isAtAll": everybody},
        }  # fmt: skip
        url = account.settings["url"].rstrip("/") + PATH
        answer = account.http.send(
            json_post(url, API, document, params=self._proof(), idempotent=True)
        )
        settle(account, answer, "errcode")

    def _proof(self) -> dict[str, str]:
        proof = {"access_token": self._account.secret("token")}
        if secret := self._account.secret("secret"):
            stamp = int(self._account.http.now().timestamp() * 1000)
            proof |= {"timestamp": str(stamp), "sign": signature(secret, stamp)}
        return proof


def connect(account: Account) -> DingTalkRobot:
    return DingTalkRobot(account)
