"""SF's pushes, in three forms with a reply each. They carry no signature: the address is the only secret."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]  # ships no types

from tidegate.sdk.manifest import load_manifest
from tidegate.sdk.webhooks import HookAnswer, HookContent, HookEvent, HookRequest, HookSecret
from tidegate_connectors.sf.scans import read_order_state, read_route

ROUTE, ORDER_STATE = "route", "order_state"
ROUTES_TAKEN = '{"return_code":"0000","return_msg":"成功"}'
STATES_TAKEN = '{"success":"true","code":"0","msg":""}'
XML_TAKEN = '<Response service="RoutePushService"><Head>OK</Head></Response>'


class SFReceiver:
    """Implements tidegate.sdk.webhooks.WebhookReceiver and AnswersByBody."""

    signs = False

    def verify(self, request: HookRequest, secrets: Sequence[HookSecret], now: datetime) -> None:
        """Nothing to check: whoever knows the address is believed."""

    def events(self, request: HookRequest) -> Sequence[HookEvent]:
        """One per route; three in four are repeats, known by number, code, time and text."""
        text = _text_of(request)
        if text.startswith("<"):
            return [_route(one) for one in _xml_routes(text)]
        told = json.loads(text)
        if "orderState" in told:
            return [HookEvent("", ORDER_STATE, one) for one in _listed(told["orderState"])]
        return [_route(one) for one in _listed(told["Body"]["WaybillRoute"])]

    def content(self, event: HookEvent) -> HookContent:
        states, told = _states(), event.payload
        if event.kind == ORDER_STATE:
            scan = read_order_state(told, states)
            return HookContent(scans=(scan,) if scan else ())
        return HookContent(scans=(read_route(told, str(told["mailno"]), states),))

    def answer(self, secrets: Sequence[HookSecret], now: datetime) -> HookAnswer:
        return HookAnswer(ROUTES_TAKEN)

    def answer_to(
        self, request: HookRequest, secrets: Sequence[HookSecret], now: datetime
    ) -> HookAnswer:
        text = _text_of(request)
        if text.startswith("<"):
            return HookAnswer(XML_TAKEN, "text/xml")
        return HookAnswer(STATES_TAKEN if '"orderState"' in text else ROUTES_TAKEN)


def make_receiver() -> SFReceiver:
    return SFReceiver()


def _states() -> Mapping[str, str]:
    return load_manifest("tidegate_connectors.sf").tracking


def _text_of(request: HookRequest) -> str:
    """The document, out of the form field `content` where it comes in one."""
    text = request.body.decode("utf-8", "replace").strip()
    if text.startswith(("{", "<")):
        return text
    return dict(parse_qsl(text)).get("content", "").strip()


def _listed(found: Any) -> list[dict[str, Any]]:
    rows = found if isinstance(found, list) else [found]
    if not all(isinstance(row, dict) for row in rows):
        raise TypeError("a route is no object")
    return rows


def _xml_routes(text: str) -> list[dict[str, Any]]:
    try:
        root = fromstring(text)
    except SyntaxError as error:  # what the parser calls a broken document
        raise ValueError("no XML") from error
    return [dict(found.attrib) for found in root.iter("WaybillRoute")]


def _route(told: dict[str, Any]) -> HookEvent:
    scan = read_route(told, str(told["mailno"]), _states())
    return HookEvent(scan.event_id, ROUTE, told, scan.at)
