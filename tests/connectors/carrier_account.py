"""An account on a protocol server without a database: real HTTP, nothing between connector and server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tidegate.sdk import discovery
from tidegate.sdk.account import Account
from tidegate.sdk.carrier import Contact, ParcelItem, WaybillRequest
from tidegate.sdk.http.messages import Request, Response
from tidegate.sdk.http.sending import Sender, Times

SENDER = Contact("潮闸仓", "057188880000", "浙江省", "嘉兴市", "南湖区", "城南路 8 号")
WHO = Contact("欧阳娜娜", "13800138000", "浙江省", "杭州市", "西湖区", "文三路 1 号", "310012")


class Straight:
    """tidegate.sdk.http.client.Http, without limits and records."""

    def __init__(self, host: str) -> None:
        self.sender = Sender((host,), times=Times(1.0, 1.0, 2.0))
        self.slowed: list[str] = []

    def send(self, request: Request) -> Response:
        return self.sender.send(request)

    def throttled(self, api: str, wait_s: float | None = None) -> None:
        self.slowed.append(api)

    def now(self) -> datetime:
        return datetime.now(UTC)


def connected(name: str, server: Any, **more: str) -> Any:
    """The connector at work with the server's own settings and `more`."""
    manifest = discovery.manifest_of(name)
    defaults = {each: one.default for each, one in manifest.settings.items()}
    given: Mapping[str, str] = {**defaults, **server.settings, **more}
    secrets = {each: value for each, value in given.items() if each in manifest.secrets}
    account = Account(
        id=1, shop="", manifest=manifest,
        settings={each: value for each, value in given.items() if each not in secrets},
        http=Straight(server.url.partition("//")[2]), secret=lambda each: secrets.get(each, ""),
    )  # fmt: skip
    return discovery.connect(account)


def request(key: str, **more: Any) -> WaybillRequest:
    made = WaybillRequest(
        key, "YTO.standard", "T-1001", "T-1001-1", SENDER, WHO,
        (ParcelItem("KETTLE", "电热水壶 1.7L", 2),), 1500,
    )  # fmt: skip
    return replace(made, **more)
