"""What people and programs do while something is broken: orders, pages, rules and simulations over HTTP, and a subscriber."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import structlog
from sqlalchemy import select

from tidegate.jobs import schedules
from tidegate.jobs.runner import drain
from tidegate.logs import configure_logs
from tidegate.services.accounts import tokens
from tidegate.services.accounts.principals import local_principal
from tidegate.services.webhooks import endpoints
from tidegate.services.webhooks.catalogue import KINDS
from tidegate.services.webhooks.guarded import GuardedCaller
from tidegate.store.simulation_tables import Simulation
from tidegate.store.tables import Order, Parcel
from tidegate_web.app import create_app

PAGES = ("/", "/orders", "/labels", "/stock", "/rules/review")
SET = "review"


class Subscriber:
    """Somebody's server that keeps what it was told; `says` is its answer."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []  # webhook id, kind
        self.says = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if outer.says == 200:
                    outer.heard.append((self.headers["webhook-id"], body["type"]))
                self.send_response(outer.says)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}
        )
        self._thread.start()

    def kinds(self) -> list[str]:
        return [kind for _, kind in self.heard]

    def stop(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class Desk:
    """The pages and the API of a merchant, a program with a token, and a subscriber to every event.

    Each use is one call as it comes from outside; its status comes back.
    """

    def __init__(self, merchant: Any, subscriber: Subscriber) -> None:
        caller = GuardedCaller([subscriber.host], connect_s=1, read_s=1, total_s=2)
        merchant.context = replace(merchant.context, caller=caller)
        self.merchant, self.context = merchant, merchant.context
        self.subscriber = subscriber
        self.app = create_app(self.context, secret_key="k" * 32, testing=True)
        self._secret = tokens.create(
            self.context, local_principal(1), "program", "manager", 90, None
        )
        endpoints.create(self.context, "ERP", f"http://{subscriber.host}/", tuple(KINDS), "li")
        self._orders = 0

    def go_on(self, seconds: float) -> None:
        """Time passes: the schedules start what is theirs, and everything that is due is done."""
        self.merchant.times[0] += timedelta(seconds=seconds)
        schedules.tick(self.context)
        drain(self.context)

    def orders_in(self, number: str = "") -> int:
        """A program brings an order; 201 when it was kept."""
        self._orders += 1
        number = number or f"P{self._orders:04d}"
        at = self.context.clock().isoformat()
        return self._api("POST", "/orders", {
            "order": {
                "number": number, "channel": "taobao", "shop": "北岸器物", "total": "129.00 CNY",
                "goods_total": "129.00 CNY", "source_status": "to_ship", "ordered_at": at, "paid_at": at,
            },
            "payment": {"status": "paid", "method": "online", "paid_total": "129.00 CNY"},
            "recipient": {
                "name": "张三", "phone": f"1395711{self._orders:04d}", "province": "浙江省",
                "city": "杭州市", "district": "余杭区", "town": "仓前街道",
                "address": f"文一西路 {self._orders + 900} 号",
            },
            "items": [{"sku": "KETTLE", "title": "手冲壶", "quantity": 1, "line_total": "129.00 CNY"}],
        })[0]  # fmt: skip

    def pages(self) -> dict[str, int]:
        """What people look at, an order among it, each with its status."""
        client = self.app.test_client()
        return {path: client.get(path).status_code for path in (*PAGES, "/orders/1")}

    def edit_rules(self, note: str) -> int:
        """Open the draft of a set and change it."""
        status, opened = self._api("POST", f"/sets/{SET}/draft", {})
        if status != 200:
            return status
        return self._api("PATCH", f"/sets/{SET}/draft", {"note": note}, opened["version"])[0]

    def simulate(self) -> int:
        """Ask for a simulation of the draft; 202 when it was queued."""
        return self._api("POST", f"/sets/{SET}/simulations", {})[0]

    def simulations(self) -> list[str]:
        return self._rows(select(Simulation.state).order_by(Simulation.id))

    def orders(self) -> list[str]:
        return self._rows(select(Order.number).order_by(Order.id))

    def parcels(self) -> list[str]:
        return self._rows(select(Parcel.state).order_by(Parcel.id))

    def uses(self, note: str) -> dict[str, int]:
        """What is asked for over HTTP, one after the other; pages as the worst status among them."""
        return {
            "pages": max(self.pages().values()), "orders in": self.orders_in(),
            "edit rules": self.edit_rules(note), "simulate": self.simulate(),
        }  # fmt: skip

    def _rows(self, statement: Any) -> list[Any]:
        with self.context.store.begin(1, readonly=True) as work:
            return list(work.session.scalars(statement))

    def _api(self, method: str, path: str, body: Any, version: int | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._secret}"}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        answer = self.app.test_client(use_cookies=False).open(
            f"/api/v1{path}", method=method, json=body, headers=headers
        )
        return answer.status_code, answer.get_json()


ALL_WELL = {"pages": 200, "orders in": 201, "edit rules": 200, "simulate": 202}


@pytest.fixture
def quiet_logs() -> Iterator[None]:
    """Failures are wanted here by the dozen: their tracebacks cost more than the tests."""
    before = structlog.get_config()
    configure_logs("CRITICAL")
    yield
    structlog.configure(**before)


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    made = Subscriber()
    yield made
    made.stop()


@pytest.fixture
def open_desk(subscriber: Subscriber, quiet_logs: None) -> Callable[[Any], Desk]:
    """The pages of a merchant, before it took anything in."""
    return lambda merchant: Desk(merchant, subscriber)
