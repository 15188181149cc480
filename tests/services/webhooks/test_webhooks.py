"""We call others: written with the change, signed, tried again for three days, given up with an alarm."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from listener import Listener
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from tidegate.errors import InputError, NotFound
from tidegate.jobs.runner import drain
from tidegate.services import handover, labels
from tidegate.services.chain import advance
from tidegate.services.states import move_order
from tidegate.services.tracking import pull_scans
from tidegate.services.webhooks import delivering, endpoints, tending
from tidegate.services.webhooks.catalogue import KINDS
from tidegate.services.webhooks.deliveries import deliveries, replay, replay_dead
from tidegate.services.webhooks.guarded import GuardedCaller
from tidegate.store.tables import Alert, Job, Order
from tidegate.store.webhook_tables import WebhookDelivery, WebhookEndpoint, WebhookEvent

PERSONAL = ("张三", "13800002291", "文一西路", "969")


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.stop()


def ready(world: Any, *listeners: Listener) -> Any:
    """The merchant now (signatures carry real time), trusting these listeners."""
    world.times[0] = datetime.now(UTC).replace(microsecond=0)
    trusted = [f"127.0.0.1:{one.port}" for one in listeners]
    caller = GuardedCaller(trusted, connect_s=1, read_s=1, total_s=2)
    world.context = replace(world.context, caller=caller)
    return world


def subscribe(
    world: Any, listener: Listener, *kinds: str, personal: bool = False
) -> tuple[int, str]:
    return endpoints.create(
        world.context, "ERP", listener.url, kinds or tuple(KINDS), "li", personal=personal
    )


def ping(world: Any, endpoint_id: int) -> int:
    """A delivery that waits."""
    return endpoints.send_test(world.context, endpoint_id)


def test_the_chain_is_told_step_by_step_signed_and_numbered(both: Any, listener: Listener) -> None:
    world = ready(both, listener)
    _, secret = subscribe(world, listener)
    world.stock("KETTLE", 5)
    order_id = world.order(("KETTLE", 2))
    advance(world.context, order_id, "received")
    labels.print_labels(world.context, None, "li")
    handover.hand_over(world.context, [world.parcel(order_id).id], "li")
    drain(world.context)
    world.carrier.scan(str(world.parcel(order_id).waybill_no), "picked_up", world.now)
    world.carrier.scan(str(world.parcel(order_id).waybill_no), "delivered", world.now)
    pull_scans(world.context)
    drain(world.context)
    told = listener.bodies(secret)
    steps = [
        "order.approved", "order.allocated", "parcel.routed", "parcel.waybill", "parcel.printed",
        "parcel.shipped", "parcel.tracking", "parcel.delivered", "order.delivered",
    ]  # fmt: skip
    assert [one["type"] for one in told if not one["type"].startswith("alert")] == steps
    assert [one["data"]["sequence"] for one in told] == list(range(1, len(told) + 1))
    assert len(set(listener.ids())) == len(told)
    last = told[-1]["data"]["order"]
    assert (last["state"], last["parcels"][0]["state"]) == ("delivered", "delivered")
    assert (last["lines"][0]["sku"], last["lines"][0]["quantity"]) == ("KETTLE", 2)
    everything = json.dumps(told, ensure_ascii=False)
    assert [word for word in PERSONAL if word in everything] == []
    assert {row.state for row in world.all(WebhookDelivery)} == {"delivered"}


def test_nothing_is_written_when_nobody_subscribes(world: Any, listener: Listener) -> None:
    ready(world, listener)
    subscribe(world, listener, "order.cancelled")
    world.stock("KETTLE", 5)
    order_id = world.order(("KETTLE", 2))
    advance(world.context, order_id, "received")
    assert world.count(WebhookEvent) == 0
    assert world.count(Job, Job.name == "spread_webhooks") == 0


def test_what_is_rolled_back_is_not_told(world: Any, listener: Listener) -> None:
    ready(world, listener)
    subscribe(world, listener)
    order_id = world.order()
    with world.context.store.begin(world.context.tenant_id) as work:
        order = work.session.get_one(Order, order_id)
        assert move_order(work, order, "cancelled", now=world.now)
    assert world.count(WebhookEvent) == 0
    drain(world.context)
    assert listener.heard == []


def test_imported_orders_are_told_as_received(both: Any, listener: Listener) -> None:
    from tidegate.domain.orders import LineDraft, OrderDraft
    from tidegate.services.intake import import_orders

    world = ready(both, listener)
    _, secret = subscribe(world, listener, "order.received")
    drafts = [
        OrderDraft(channel="taobao", shop="旗舰店", number=f"M{n}", source_status="to_ship",
                   lines=(LineDraft(1, sku="KETTLE"),))
        for n in range(3)
    ]  # fmt: skip
    import_orders(world.context, drafts, source="test", run_chain=False)
    drain(world.context)
    told = listener.bodies(secret)
    assert [one["data"]["order"]["number"] for one in told] == ["M0", "M1", "M2"]
    assert [one["data"]["sequence"] for one in told] == [1, 1, 1]


def test_only_an_endpoint_with_the_right_hears_of_the_recipient(world: Any) -> None:
    plain, full = Listener(), Listener()
    ready(world, plain, full)
    subscribe(world, plain, "order.cancelled")
    _, secret = subscribe(world, full, "order.cancelled", personal=True)
    order_id = world.order()
    with world.context.store.begin(world.context.tenant_id) as work:
        move_order(work, work.session.get_one(Order, order_id), "cancelled", now=world.now)
        work.commit()
    drain(world.context)
    plain.stop()
    full.stop()
    (told,) = full.bodies(secret)
    recipient = told["data"]["order"]["recipient"]
    assert (recipient["name"], recipient["phone"]) == ("张三", "13800002291")
    assert "recipient" not in json.loads(plain.heard[0][2])["data"]["order"]
    with world.context.store.unscoped(readonly=True) as session:
        kept = str(session.execute(text("SELECT * FROM webhook_delivery")).all())
        kept += str(session.execute(text("SELECT * FROM webhook_endpoint")).all())
        kept += str(session.execute(text("SELECT * FROM job")).all())
    assert [word for word in (*PERSONAL, secret) if word in kept] == []


def test_ten_attempts_over_three_days_then_dead_with_an_alarm_then_replayed(
    both: Any, listener: Listener
) -> None:
    world = ready(both, listener)
    endpoint_id, _ = subscribe(world, listener)
    listener.otherwise = (500, {}, "服务器 13900001234 错误".encode())
    delivery_id = ping(world, endpoint_id)
    start = world.now
    for _ in range(20):
        drain(world.context)
        (row,) = world.all(WebhookDelivery)
        if row.state == "dead":
            break
        world.times[0] = row.due_at - timedelta(seconds=1)
        drain(world.context)
        world.times[0] = row.due_at
    (seen,) = deliveries(world.context)
    offsets = [round((one.at - start).total_seconds()) for one in seen.tried]
    hours = [0, 2, 7, 17, 31, 51, 75]
    assert offsets == [0, 5, 305, *(2105 + 3600 * hour for hour in hours)]
    assert (seen.state, seen.attempts, seen.status, seen.error) == ("dead", 10, 500, "status")
    assert "13900001234" not in seen.tried[0].answer
    assert len(set(listener.ids())) == 1
    assert [row.kind for row in world.all(Alert)] == ["webhook_dead"]
    listener.otherwise = (204, {}, b"")
    replay(world.context, delivery_id)
    drain(world.context)
    (seen,) = deliveries(world.context)
    assert (seen.state, seen.attempts) == ("delivered", 11)
    assert len(set(listener.ids())) == 1
    assert world.get(Alert).state == "resolved"


@pytest.mark.parametrize(
    ("status", "headers", "wait_s"),
    [
        (302, {"Location": "/elsewhere"}, 5), (400, {}, 5), (503, {"Retry-After": "600"}, 600),
        (429, {"Retry-After": "999999"}, 86400), (429, {"Retry-After": "soon"}, 5),
        (500, {"Retry-After": "600"}, 5),
    ],
)  # fmt: skip
def test_when_it_is_tried_again(
    world: Any, listener: Listener, status: int, headers: dict[str, str], wait_s: int
) -> None:
    ready(world, listener)
    endpoint_id, _ = subscribe(world, listener)
    listener.otherwise = (status, headers, b"no")
    ping(world, endpoint_id)
    drain(world.context)
    (row,) = world.all(WebhookDelivery)
    assert (row.state, row.status) == ("waiting", status)
    assert (row.due_at - world.now).total_seconds() == wait_s
    assert [path for path, _, _ in listener.heard] == ["/in"]  # a redirect is not followed


def test_gone_switches_the_endpoint_off(world: Any, listener: Listener) -> None:
    ready(world, listener)
    endpoint_id, _ = subscribe(world, listener)
    listener.answers = [(410, {}, b"")]
    ping(world, endpoint_id)
    drain(world.context)
    found = endpoints.endpoint(world.context, endpoint_id)
    assert (found.state, found.why, found.dead) == ("disabled", "gone", 1)
    assert {row.kind for row in world.all(Alert)} == {"webhook_disabled", "webhook_dead"}
    with pytest.raises(InputError):
        ping(world, endpoint_id)
    endpoints.resume(world.context, endpoint_id, "li")
    assert replay_dead(world.context, endpoint_id) == 1
    drain(world.context)
    assert world.get(WebhookDelivery).state == "delivered"
    assert {row.state for row in world.all(Alert)} == {"resolved"}


def test_days_of_failure_switch_it_off_and_what_waits_is_kept(
    world: Any, listener: Listener
) -> None:
    ready(world, listener)
    endpoint_id, _ = subscribe(world, listener)
    listener.otherwise = (500, {}, b"")
    ping(world, endpoint_id)
    drain(world.context)
    world.wait(days=5, seconds=-1)
    ping(world, endpoint_id)
    drain(world.context)
    assert endpoints.endpoint(world.context, endpoint_id).state == "active"
    world.wait(minutes=1)
    drain(world.context)
    found = endpoints.endpoint(world.context, endpoint_id)
    assert (found.state, found.why) == ("disabled", "failing")
    heard = len(listener.heard)
    world.wait(days=2)
    drain(world.context)
    assert len(listener.heard) == heard
    listener.otherwise = (200, {}, b"")
    endpoints.resume(world.context, endpoint_id, "li")
    drain(world.context)
    assert {row.state for row in world.all(WebhookDelivery)} == {"delivered"}


def test_after_a_rotation_both_secrets_sign_for_a_day(world: Any, listener: Listener) -> None:
    ready(world, listener)
    endpoint_id, old = subscribe(world, listener)
    new = endpoints.rotate(world.context, endpoint_id, "li")
    assert new.startswith("whsec_")
    assert new != old
    ping(world, endpoint_id)
    drain(world.context)
    for secret in (old, new):
        assert listener.bodies(secret)[0]["type"] == "webhook.test"
    _, headers, body = listener.heard.pop()
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(body.decode() + " ", headers)
    with world.context.store.begin(world.context.tenant_id) as work:  # a day passes
        row = work.session.get_one(WebhookEndpoint, endpoint_id)
        kept = world.context.box.open(row.secrets)
        kept[1][1] = (world.now - timedelta(seconds=1)).isoformat()
        row.secrets = world.context.box.seal(kept)
        work.commit()
    ping(world, endpoint_id)
    drain(world.context)
    assert listener.bodies(new)
    with pytest.raises(WebhookVerificationError):
        listener.bodies(old)


def test_a_paused_endpoint_hears_everything_later(world: Any, listener: Listener) -> None:
    ready(world, listener)
    endpoint_id, secret = subscribe(world, listener, "order.cancelled")
    endpoints.pause(world.context, endpoint_id, "li")
    order_id = world.order()
    with world.context.store.begin(world.context.tenant_id) as work:
        move_order(work, work.session.get_one(Order, order_id), "cancelled", now=world.now)
        work.commit()
    drain(world.context)
    assert listener.heard == []
    endpoints.resume(world.context, endpoint_id, "li")
    drain(world.context)
    assert [one["type"] for one in listener.bodies(secret)] == ["order.cancelled"]


def test_a_removed_endpoint_hears_nothing_more(
    world: Any, listener: Listener, intruder: Any
) -> None:
    ready(world, listener)
    endpoint_id, _ = subscribe(world, listener)
    for act in (endpoints.remove, endpoints.rotate, endpoints.pause, endpoints.resume):
        with pytest.raises(NotFound):
            act(intruder.context, endpoint_id, "them")
    delivery_id = ping(world, endpoint_id)
    with pytest.raises(NotFound):
        replay(intruder.context, delivery_id)
    endpoints.remove(world.context, endpoint_id, "li")
    drain(world.context)
    assert listener.heard == []
    assert world.get(WebhookDelivery).state == "dropped"
    assert endpoints.endpoints(world.context) == ()
    with pytest.raises(NotFound):
        replay(world.context, delivery_id)


def test_a_slow_endpoint_delays_no_other(world: Any) -> None:
    slow, quick = Listener(), Listener()
    ready(world, slow, quick)
    slow.wait_s = 30
    first, _ = subscribe(world, slow)
    second, secret = subscribe(world, quick)
    for _ in range(3):
        ping(world, first)
        ping(world, second)
    begin = time.monotonic()
    drain(world.context)
    took = time.monotonic() - begin
    assert len(quick.bodies(secret)) == 3
    assert len(slow.heard) == 1  # the others stand behind it and are asked again later
    assert took < 60
    states = {(row.endpoint_id, row.state, row.attempts) for row in world.all(WebhookDelivery)}
    assert states == {(second, "delivered", 1), (first, "waiting", 1), (first, "waiting", 0)}
    slow.wait_s = 0
    slow.stopping.set()
    world.wait(seconds=31)
    drain(world.context)
    assert {row.state for row in world.all(WebhookDelivery)} == {"delivered"}
    slow.stop()
    quick.stop()


def test_a_server_that_drips_is_cut_off(world: Any, listener: Listener) -> None:
    ready(world, listener)
    endpoint_id, _ = subscribe(world, listener)
    listener.drip = True
    ping(world, endpoint_id)
    begin = time.monotonic()
    drain(world.context)
    assert time.monotonic() - begin < 60
    (row,) = world.all(WebhookDelivery)
    assert (row.state, row.error) == ("waiting", "timeout")


def test_a_delivery_whose_worker_died_is_sent_again(both: Any, listener: Listener) -> None:
    world = ready(both, listener)
    endpoint_id, _ = subscribe(world, listener)
    delivery_id = ping(world, endpoint_id)
    assert delivering._claim(world.context, delivery_id) is not None  # and then the power went
    assert delivering._claim(world.context, delivery_id) is None  # nobody else takes it meanwhile
    drain(world.context)
    assert listener.heard == []
    world.wait(minutes=4, seconds=1)
    tending.tend(world.context)
    drain(world.context)
    assert len(listener.heard) == 1
    (row,) = world.all(WebhookDelivery)
    assert (row.state, row.attempts) == ("delivered", 2)


def test_old_bodies_are_forgotten(world: Any, listener: Listener) -> None:
    ready(world, listener)
    endpoint_id, _ = subscribe(world, listener)
    ping(world, endpoint_id)
    drain(world.context)
    world.wait(days=30)
    tending.tend(world.context)
    assert world.count(WebhookDelivery) == 1
    world.wait(seconds=1)
    tending.tend(world.context)
    assert world.count(WebhookDelivery) == 0


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("", "https://example.com/x", ["order.held"]), "name"),
        (("x", "https://example.com/x", []), "events"),
        (("x", "https://example.com/x", ["order.held", "nothing"]), "events"),
        (("x", "ftp://example.com/x", ["order.held"]), "url"),
        (("x", "https://" + "a" * 500 + ".example", ["order.held"]), "url"),
    ],
)
def test_wrong_entries_name_their_field(world: Any, arguments: Any, field: str) -> None:
    with pytest.raises(InputError) as wrong:
        endpoints.create(world.context, *arguments, "li")
    assert wrong.value.fields["field"] == field
    assert world.count(WebhookEndpoint) == 0


def test_events_are_forgotten_but_the_last_of_an_order_that_the_next_is_numbered_after(
    both: Any,
) -> None:
    orders = [both.order(), both.order()]
    both.add(
        *(
            WebhookEvent(
                public_id=f"evt_{order_id}_{n}", kind="order.received", order_id=order_id,
                at=both.now, sequence=n, spread_at=both.now,
            )
            for order_id in orders
            for n in (1, 2, 3)
        ),
        WebhookEvent(
            public_id="evt_waits", kind="order.received", order_id=orders[0], at=both.now
        ),
    )  # fmt: skip
    both.wait(days=30)
    tending.tend(both.context)
    assert both.count(WebhookEvent, WebhookEvent.sequence.is_not(None)) == 6
    both.wait(seconds=1)
    tending.tend(both.context)
    left = both.all(WebhookEvent, WebhookEvent.sequence.is_not(None))
    assert [(one.order_id, one.sequence) for one in left] == [(id_, 3) for id_ in orders]
    assert both.count(WebhookEvent) == 3, "what was not spread yet stays"
    both.wait(days=371)
    tending.tend(both.context)
    assert both.count(WebhookEvent) == 1
