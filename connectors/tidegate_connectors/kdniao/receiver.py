"""KDNiao's pushes: 101 and 102 tell scans, 103 (pickup) and 107 (collected money) are kept and not used."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from tidegate.sdk.manifest import load_manifest
from tidegate.sdk.signing import equal
from tidegate.sdk.webhooks import (
    HookAnswer,
    HookContent,
    HookEvent,
    HookRefused,
    HookRequest,
    HookSecret,
)
from tidegate_connectors.kdniao.scans import BEIJING, read_scans, read_time
from tidegate_connectors.kdniao.wire import data_sign

SCANS = ("101", "102")


class KDNiaoReceiver:
    """Implements tidegate.sdk.webhooks.WebhookReceiver. KDNiao signs no time: an old call repeated is only counted."""

    signs = True

    def verify(self, request: HookRequest, secrets: Sequence[HookSecret], now: datetime) -> None:
        form = _form(request)
        data, given = form.get("RequestData", ""), form.get("DataSign", "")
        if not given:
            raise HookRefused("not_signed")
        if not any([equal(given, data_sign(data, one.secret)) for one in secrets]):
            raise HookRefused("bad_signature")

    def events(self, request: HookRequest) -> Sequence[HookEvent]:
        """One for each parcel; the same list told again is the same event, whenever it was sent."""
        form = _form(request)
        told = json.loads(form["RequestData"])
        pushed_at, kind = str(told.get("PushTime") or ""), form.get("RequestType") or "101"
        if not isinstance(told["Data"], list):
            raise TypeError("Data is no list")
        at = read_time(pushed_at) if pushed_at else None
        return [HookEvent("", kind, _payload(one, pushed_at), at) for one in told["Data"]]

    def content(self, event: HookEvent) -> HookContent:
        if event.kind not in SCANS:
            return HookContent()
        states = load_manifest("tidegate_connectors.kdniao").tracking
        return HookContent(scans=tuple(read_scans(event.payload, states)))

    def answer(self, secrets: Sequence[HookSecret], now: datetime) -> HookAnswer:
        return HookAnswer(
            json.dumps(
                {
                    "EBusinessID": next((one.account for one in secrets if one.account), ""),
                    "UpdateTime": now.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
                    "Success": True,
                    "Reason": "",
                }
            )
        )


def make_receiver() -> KDNiaoReceiver:
    return KDNiaoReceiver()


def _form(request: HookRequest) -> dict[str, str]:
    try:
        return dict(parse_qsl(request.body.decode("utf-8"), keep_blank_values=True))
    except ValueError:
        raise HookRefused("not_signed") from None


def _payload(one: dict[str, Any], pushed_at: str) -> dict[str, Any]:
    """A parcel without any trace has nothing but the time of the push to tell when."""
    return one if one.get("Traces") else {**one, "PushTime": pushed_at}
