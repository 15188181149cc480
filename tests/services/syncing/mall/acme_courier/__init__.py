"""A connector for a made-up courier that tells scans by cursor, as a third party would ship it."""

from __future__ import annotations

from datetime import UTC, datetime

from tidegate.sdk.account import Account
from tidegate.sdk.carrier import CarrierScan, ScanPage
from tidegate.sdk.http.messages import json_post


class Courier:
    name = "acme_courier"

    def __init__(self, account: Account) -> None:
        self._account = account

    def scans_since(self, cursor: str) -> ScanPage:
        url = f"{self._account.settings['url']}/scans.list"
        request = json_post(url, "scans.list", {"cursor": cursor}, idempotent=True)
        found = self._account.http.send(request).json()
        scans = [
            CarrierScan(
                one["id"], one["number"], datetime.fromtimestamp(float(one["at"]), UTC), one["code"], one["state"],
                "杭州市", "快件",
            )
            for one in found["rows"]
        ]  # fmt: skip
        return ScanPage(scans, found["next"], found["more"])


def connect(account: Account) -> Courier:
    return Courier(account)
