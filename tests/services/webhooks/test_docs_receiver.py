"""docs/webhooks.md: its receiver takes our deliveries, and names events that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from listener import Listener

from tidegate.jobs.runner import drain
from tidegate.services.chain import advance
from tidegate.services.webhooks import endpoints
from tidegate.services.webhooks.catalogue import KINDS
from tidegate.services.webhooks.delivering import WAITS_S
from tidegate.services.webhooks.guarded import GuardedCaller

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text("utf-8")


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.stop()


def test_the_receiver_of_the_page_takes_real_deliveries(world: Any, listener: Listener) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    place: dict[str, Any] = {}
    exec(compile(source, "docs/webhooks.md", "exec"), place)
    world.times[0] = datetime.now(UTC)
    caller = GuardedCaller([f"127.0.0.1:{listener.port}"])
    world.context = replace(world.context, caller=caller)
    _, secret = endpoints.create(world.context, "ERP", listener.url, tuple(KINDS), "li")
    world.stock("KETTLE", 5)
    order_id = world.order(("KETTLE", 1))
    advance(world.context, order_id, "received")
    drain(world.context)
    deliveries = [(headers, body) for _, headers, body in listener.heard]
    assert len(deliveries) >= 4
    for headers, body in [*reversed(deliveries), *deliveries]:
        assert place["receive"](headers, body, secret) == 200
    assert place["orders"][order_id]["sequence"] == len(deliveries)
    assert place["orders"][order_id]["order"]["state"] == "waybill"
    headers, body = deliveries[0]
    assert place["receive"](headers, body + b" ", secret) == 401
    assert place["receive"]({**headers, "webhook-timestamp": "1"}, body, secret) == 400


def test_the_page_names_every_event_and_the_times_of_the_attempts() -> None:
    named = set(re.findall(r"`((?:order|parcel|alert)\.[a-z_]+)`", PAGE)) - {
        "order.recipient",
        "order.buyer",
    }
    assert named == set(KINDS)
    assert "75.6 hours in all" in PAGE
    assert round(sum(WAITS_S) / 3600, 1) == 75.6
