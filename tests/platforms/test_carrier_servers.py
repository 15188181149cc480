"""Carriers' protocol servers are found by their entry points and offer what a suite looks for."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import entry_points
from typing import Any

import pytest

from tidegate.sdk import discovery
from tidegate.sdk.stage.protocol import (
    GROUP,
    HasScans,
    HasWaybills,
    OffersSamples,
    ProtocolServer,
    PushesScans,
)
from tidegate.sdk.webhooks import HookRequest

CARRIERS = ("kdniao", "sf")


def server_of(name: str) -> Any:
    (point,) = entry_points(group=GROUP, name=name)
    return point.load()()


@pytest.mark.parametrize("name", CARRIERS)
def test_a_carriers_server_offers_waybills_scans_and_pushes(name: str) -> None:
    with server_of(name) as server:
        for protocol in (HasWaybills, HasScans, PushesScans, OffersSamples):
            assert isinstance(server, protocol)
        typed: ProtocolServer = server
        manifest = discovery.manifest_of(name)
        assert not typed.settings.keys() - manifest.settings.keys()
        needed = {each for each, one in manifest.settings.items() if one.required}
        assert not needed - typed.settings.keys()
        at = datetime(2026, 11, 11, tzinfo=UTC)
        server.add_scan("YTO", "78001", next(iter(manifest.tracking)), at, "已揽收")
        pushed = server.scan_push("YTO", "78001")
        receiver = discovery.module_of(name).make_receiver()
        (event,) = receiver.events(HookRequest(pushed.headers, pushed.body))
        assert receiver.content(event).scans[0].waybill_no == "78001"


@pytest.mark.parametrize("name", CARRIERS)
def test_what_a_carrier_can_not_do_for_sure_is_said_in_both_languages(name: str) -> None:
    manifest = discovery.manifest_of(name)
    assert manifest.verified in ("vectors", "none")
    for word, lang in (("未连过", "zh"), ("not against the live platform", "en")):
        assert word in manifest.verified_note[lang]
    unspoken = [
        code for code, one in manifest.errors.items() if one.kind != "done" and not one.words
    ]
    assert unspoken == []
