"""One robot of one group. A text that may be shown twice is better than one that is lost: repeats are allowed."""

from __future__ import annotations

from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.http.messages import json_post
from tidegate.sdk.notices import API, as_text, settle
from tidegate.sdk.values import Notice

MOST_BYTES = 2048
PATH = "/cgi-bin/webhook/send"


class WeComRobot:
    """Safe to share between threads."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def send_notice(self, notice: Notice) -> None:
        """Raises as `tidegate.sdk.notices.settle`."""
        account = self._account
        text: dict[str, Any] = {"content": as_text(notice, most_bytes=MOST_BYTES)}
        if notice.urgent and account.settings["mention_all"] == "yes":
            text["mentioned_list"] = ["@all"]
        url = account.settings["url"].rstrip("/") + PATH
        answer = account.http.send(
            json_post(
                url, API, {"msgtype": "text", "text": text},
                params={"key": account.secret("key")}, idempotent=True,
            )
        )  # fmt: skip
        settle(account, answer, "errcode")


def connect(account: Account) -> WeComRobot:
    return WeComRobot(account)
