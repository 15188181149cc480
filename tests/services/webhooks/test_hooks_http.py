"""Platforms call over HTTP: who is let in without a session, what is answered, and B4's shuffled repeats."""

from __future__ import annotations

import http.client
import random
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from hook_calls import scan, scans_body, signed, with_sandbox
from werkzeug.serving import make_server

from tidegate.jobs.runner import drain
from tidegate.services import labels
from tidegate.services.chain import advance
from tidegate.services.hooks import addresses
from tidegate.store.tables import Scan
from tidegate.store.webhook_tables import HookMessage
from tidegate_web.app import create_app

WAY = ("GOT", "ARRIVAL", "DEPARTURE", "SENT", "FAILED", "SENT", "SIGNED")


@pytest.fixture
def platform(both: Any) -> Iterator[Any]:
    """The merchant's site on a port, and the platform's own way to call it."""
    both.context = with_sandbox(both.context)
    _, secret = addresses.create(both.context, "sandbox", "主账号", "li")
    app = create_app(both.context, secret_key="k" * 32, testing=True)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Platform(both, server.server_port, addresses.addresses(both.context)[0].path, secret)
    server.shutdown()
    thread.join()
    server.server_close()


class Platform:
    def __init__(self, world: Any, port: int, path: str, secret: str) -> None:
        self.world, self.port, self.path, self.secret = world, port, path, secret

    def send(
        self, body: bytes, headers: dict[str, str], path: str = "", method: str = "POST"
    ) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(
            method, path or self.path, body, {"Content-Type": "application/json", **headers}
        )
        answer = connection.getresponse()
        found = (answer.status, answer.read().decode())
        connection.close()
        return found

    def tell(self, *scans: dict[str, Any]) -> Any:
        body = scans_body(scans)
        return self.send(body, signed(self.secret, body, self.world.now))

    def parcel(self) -> tuple[int, str]:
        self.world.stock("KETTLE", 5)
        order_id = self.world.order(("KETTLE", 1))
        advance(self.world.context, order_id, "received")
        labels.print_labels(self.world.context, None, "li")
        return order_id, str(self.world.parcel(order_id).waybill_no)


def test_every_push_ten_times_shuffled_over_http_has_one_effect(platform: Any) -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    world = platform.world
    order_id, number = platform.parcel()
    start = world.now
    told = [
        scan(f"e{n}", number, code, start + timedelta(hours=n)) for n, code in enumerate(WAY)
    ] * 10
    chance.shuffle(told)
    for one in told:
        if chance.random() < 0.2:
            world.wait(hours=1)
            drain(world.context)
        assert platform.tell(one) == (200, '{"success": true}'), f"seed {seed}"
    drain(world.context)
    parcel = world.parcel(order_id)
    hours = [
        (at - start) / timedelta(hours=1)
        for at in (parcel.picked_up_at, parcel.handed_over_at, parcel.out_for_delivery_at,
                   parcel.delivered_at, parcel.last_scan_at)
    ]  # fmt: skip
    assert hours == [0, 0, 3, 6, 6], f"seed {seed}"
    assert (parcel.state, world.state(order_id)) == ("delivered", "delivered"), f"seed {seed}"
    assert parcel.failed_deliveries == 1, f"seed {seed}"
    assert [row.repeats for row in world.all(HookMessage)] == [9] * 7
    assert world.count(Scan) == 7


def test_what_each_wrong_call_is_answered(platform: Any) -> None:
    body = scans_body([scan("e1", "SB1", "GOT", platform.world.now)])
    good = signed(platform.secret, body, platform.world.now)
    token = platform.path.rpartition("/")[2]
    assert platform.send(body + b" ", good) == (401, "bad_signature\n")
    assert platform.send(body, {}) == (401, "not_signed\n")
    assert platform.send(body, good, "/hooks/sandbox/nobody") == (404, "unknown_address\n")
    assert platform.send(body, good, f"/hooks/files/{token}") == (404, "unknown_address\n")
    assert platform.send(body, good, method="GET")[0] == 405
    assert platform.world.count(HookMessage) == 0
    assert platform.send(body, good) == (200, '{"success": true}')
    # Neither another site's origin nor a missing form token matters: the signature is the proof.
    elsewhere = {**good, "Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert platform.send(body, elsewhere)[0] == 200
    assert platform.world.count(HookMessage) == 1


def test_a_body_may_have_a_mebibyte_and_no_byte_more(platform: Any) -> None:
    for size, status in ((1 << 20, 200), ((1 << 20) + 1, 413), (20 << 20, 413)):
        body = b'{"scans": []' + b" " * (size - 13) + b"}"
        assert len(body) == size
        try:
            found = platform.send(body, signed(platform.secret, body, platform.world.now))[0]
        except (BrokenPipeError, ConnectionResetError):
            found = 413  # refused by its length, before all of it was read
        assert found == status


def test_a_refusal_is_logged_without_the_body(platform: Any) -> None:
    body = scans_body(
        [scan("e1", "SB1", "GOT", platform.world.now, description="13900001234 张三丰")]
    )
    with structlog.testing.capture_logs() as logs:
        platform.send(body, signed("wrong secret", body, platform.world.now))
    (told,) = [one for one in logs if one["event"] == "hooks.refused"]
    assert told["code"] == "bad_signature"
    assert "13900001234" not in str(logs)
    assert platform.path.rpartition("/")[2] not in str(logs)
