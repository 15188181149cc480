"""The sandbox carrier as a platform: its pushes reach our site over HTTP and move parcels, outages included."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from hook_calls import with_sandbox
from listener import until
from werkzeug.serving import make_server

from tidegate.jobs.runner import drain
from tidegate.services import labels
from tidegate.services.chain import advance
from tidegate.services.hooks import addresses
from tidegate.services.tracking import pull_scans
from tidegate.store.tables import Scan
from tidegate.store.webhook_tables import HookMessage
from tidegate_connectors.sandbox import make_carrier, start_server
from tidegate_web.app import create_app


def test_pushed_by_the_sandbox_with_an_outage_and_pulled_beside(world: Any) -> None:
    world.times[0] = datetime.now(UTC)
    with start_server(secret="s" * 8, pickup_after_h=None, outcomes={"delivered": 1}) as sandbox:
        carrier = make_carrier({"url": sandbox.url, "secret": "s" * 8})
        world.context.carriers["sandbox"] = carrier  # type: ignore[index]
        world.context = with_sandbox(world.context)
        _, secret = addresses.create(world.context, "sandbox", "主账号", "li")
        app = create_app(world.context, secret_key="k" * 32, testing=True)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        path = addresses.addresses(world.context)[0].path
        told = requests.post(
            f"{sandbox.url}/control",
            json={"push_url": f"http://127.0.0.1:{server.server_port}{path}", "push_secret": secret},
            headers={"Authorization": "Bearer " + "s" * 8}, timeout=5,
        )  # fmt: skip
        assert told.ok, told.text
        world.stock("KETTLE", 5)
        order_id = world.order(("KETTLE", 1))
        advance(world.context, order_id, "received")
        labels.print_labels(world.context, None, "li")
        carrier.request_pickup([str(world.parcel(order_id).waybill_no)])
        sandbox.clock.advance(timedelta(minutes=5))
        time.sleep(0.6)  # the site does not answer yet
        assert world.count(HookMessage) == 0
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        until(lambda: world.count(HookMessage) > 0)
        half = pull_scans(world.context)
        sandbox.clock.advance(timedelta(hours=200))
        until(lambda: world.count(HookMessage, HookMessage.kind == "scan") > half)
        drain(world.context)
        parcel = world.parcel(order_id)
        assert (parcel.state, world.state(order_id)) == ("delivered", "delivered")
        assert world.count(Scan) == world.count(HookMessage)
        assert addresses.addresses(world.context)[0].refused == 0
        carrier.close()
    server.shutdown()
    thread.join()
    server.server_close()
