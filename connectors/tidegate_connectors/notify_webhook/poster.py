"""One address. `webhook-id` is the same in every attempt, so that a receiver knows repeats."""

from __future__ import annotations

import json
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.answers import error_of
from tidegate.sdk.http.messages import JSON, Request
from tidegate.sdk.notices import API
from tidegate.sdk.signing import standard_webhook
from tidegate.sdk.values import Notice


class NoticePoster:
    """Safe to share between threads."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def send_notice(self, notice: Notice) -> None:
        """Any answer below 300 is a success.

        Raises:
            RemoteRetry, RemoteRefused, RemoteCredentials: by the manifest's `errors`.
        """
        account, now = self._account, self._account.http.now()
        document = {
            "type": "notice", "timestamp": now.isoformat().replace("+00:00", "Z"),
            "data": _data(notice),
        }  # fmt: skip
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        stamp, secret = str(int(now.timestamp())), account.secret("secret")
        headers = {"Content-Type": JSON, "webhook-id": notice.key, "webhook-timestamp": stamp}
        if secret:
            headers["webhook-signature"] = standard_webhook(secret, notice.key, stamp, body)
        url = account.settings["url"]
        answer = account.http.send(Request("POST", url, API, {}, headers, body, idempotent=True))
        if answer.status >= 300:
            raise error_of(account.manifest, str(answer.status))


def _data(notice: Notice) -> dict[str, Any]:
    return {
        "key": notice.key, "title": notice.title, "lines": list(notice.lines),
        "link": notice.link, "urgent": notice.urgent,
    }  # fmt: skip


def connect(account: Account) -> NoticePoster:
    return NoticePoster(account)
