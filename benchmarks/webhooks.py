"""What webhooks cost: `python benchmarks/webhooks.py [orders]`.

Answers of POST /hooks over HTTP (SQLite, fsync), the chain with nobody listening, with one endpoint that wants
nothing of it and with one that wants everything, and deliveries to a server on this machine. One run, ratios last.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update
from werkzeug.serving import WSGIRequestHandler, make_server

from tidegate.bootstrap import connector, open_context
from tidegate.jobs.runner import drain
from tidegate.services.chain import advance_many
from tidegate.services.context import Context
from tidegate.services.demo import demo_feed, feed_step, seed_demo
from tidegate.services.hooks import addresses
from tidegate.services.webhooks import delivering, endpoints, spreading
from tidegate.services.webhooks.catalogue import KINDS
from tidegate.services.webhooks.guarded import GuardedCaller
from tidegate.settings import Settings
from tidegate.store.tables import Job, Order
from tidegate.store.webhook_tables import WebhookDelivery
from tidegate_web.app import create_app

CALLS = 400


class Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """No lines between the figures."""


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Silent."""


def shop(folder: Path, carrier: Any, caller: GuardedCaller) -> Context:
    settings = replace(
        Settings.from_environment(None), data_dir=folder, patterns="own",
        database_url=f"sqlite:///{folder / 'tidegate.db'}", log_level="ERROR",
    )  # fmt: skip
    return replace(open_context(settings, carriers={"sandbox": carrier}), caller=caller)


def answers(context: Context) -> None:
    _, secret = addresses.create(context, "sandbox", "bench", "bench")
    path = addresses.addresses(context)[0].path
    app = create_app(context, secret_key="k" * 32)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def calls(first: int, many: int, took: list[float]) -> None:
        for n in range(first, first + many):
            scan = {
                "event_id": f"e{n}",
                "waybill_no": "SB1",
                "code": "GOT",
                "at": "2026-11-11T01:00:00+00:00",
            }
            body = json.dumps({"scans": [scan]}).encode()
            stamp = str(int(time.time()))
            digest = hmac.new(
                secret.encode(), stamp.encode() + b"." + body, hashlib.sha256
            ).hexdigest()
            headers = {"X-Sandbox-Timestamp": stamp, "X-Sandbox-Signature": digest}
            start = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            took.append((time.perf_counter() - start) * 1000)
            assert answer.status == 200, answer.status
            connection.close()

    calls(1_000_000, 20, [])
    for side_by_side in (1, 8):
        took: list[float] = []
        threads = [
            threading.Thread(target=calls, args=(side_by_side * 10_000 + t * 1_000, CALLS // side_by_side, took))
            for t in range(side_by_side)
        ]  # fmt: skip
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rate = len(took) / (time.perf_counter() - begin)
        cuts = statistics.quantiles(took, n=100)
        print(
            f"in, {side_by_side} caller(s): {rate:.0f}/s, p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, "
            f"p99 {cuts[98]:.1f} ms, worst {max(took):.1f} ms"
        )
    server.shutdown()


def chain(context: Context, orders: int) -> float:
    feed = demo_feed(context, orders)
    while feed_step(context, feed):
        pass
    with context.store.begin(context.tenant_id) as work:
        ids = list(work.session.scalars(select(Order.id).where(Order.state == "received")))
        work.session.execute(update(Job).values(state="done"))
        work.commit()
    begin = time.perf_counter()
    advance_many(context, ids, "received")
    return len(ids) / (time.perf_counter() - begin)


def main() -> None:
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{receiver.server_port}/in"
    caller = GuardedCaller([f"127.0.0.1:{receiver.server_port}"])
    rates: dict[str, list[float]] = {"nobody": [], "wants other": [], "wants all": []}
    module = connector("sandbox").load()
    with tempfile.TemporaryDirectory() as folder, module.start_server(secret="s") as sandbox:
        carrier = module.make_carrier({"url": sandbox.url, "secret": "s"})
        answers(shop(Path(folder) / "in", carrier, caller))
        for turn in range(3):
            for name, kinds in (
                ("nobody", ()),
                ("wants other", ("order.returned",)),
                ("wants all", tuple(KINDS)),
            ):
                own = module.start_server(secret="s")
                mine = module.make_carrier({"url": own.url, "secret": "s"})
                context = shop(Path(folder) / f"{name}{turn}", mine, caller)
                seed_demo(context)
                if kinds:
                    endpoints.create(context, "bench", url, kinds, "bench")
                rates[name].append(chain(context, orders))
                own.stop()
        begin = time.perf_counter()
        events = spreading.spread(context)
        spread = time.perf_counter() - begin
        with context.store.begin(context.tenant_id, readonly=True) as work:
            ids = list(work.session.scalars(select(WebhookDelivery.id)))
        begin = time.perf_counter()
        delivering.deliver(context, ids[:500])
        took = time.perf_counter() - begin
        drain(context, 0)
        with context.store.begin(context.tenant_id, readonly=True) as work:
            done = work.session.scalar(
                select(func.count())
                .select_from(WebhookDelivery)
                .where(WebhookDelivery.state == "delivered")
            )
    for name, found in rates.items():
        print(
            f"chain, {name}: {statistics.median(found):.0f} orders/s of {[round(r) for r in found]}"
        )
    print(
        f"out, spread: {events / spread:.0f} events/s; one endpoint: {(done or 0) / took:.0f} deliveries/s"
    )
    base = statistics.median(rates["nobody"])
    for name in ("wants other", "wants all"):
        print(f"ratio to nobody listening, {name}: {statistics.median(rates[name]) / base:.2f}")


if __name__ == "__main__":
    main()
