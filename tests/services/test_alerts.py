"""Alerts ring when they are due, once, and end when their rule no longer fires."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tidegate.errors import InputError, NotFound
from tidegate.jobs.runner import drain
from tidegate.services import alerts, handover, labels
from tidegate.services.chain import advance, decide_many
from tidegate.services.shipping import cancel_order
from tidegate.services.tracking import pull_scans
from tidegate.store.tables import Alert, Decision, Job


def waiting_for_print(world: Any) -> int:
    world.stock("KETTLE", 5)
    order_id = int(world.order())
    advance(world.context, order_id, "received")
    return order_id


def test_the_print_alert_rings_a_moment_after_the_hour_and_not_before(both: Any) -> None:
    waiting_for_print(both)
    job = both.get(Job, Job.name == "alert_wakeup")
    assert job.due_at <= both.now + timedelta(hours=1)
    both.wait(minutes=60)
    drain(both.context)
    assert both.count(Alert) == 0
    both.wait(seconds=1)
    drain(both.context)
    alert = both.get(Alert)
    assert (alert.kind, alert.state, alert.desk) == ("print_late", "open", "warehouse")
    assert both.get(Decision, Decision.id == alert.decision_id).gate == "alert"


def test_a_parcel_that_is_asked_for_is_watched_with_the_answer_or_half_a_minute_later(
    both: Any,
) -> None:
    both.stock("KETTLE", 5)
    order_id = int(both.order())
    decide_many(both.context, [order_id], "received")
    (soon,) = both.all(Job, Job.name == "alert_wakeup")
    assert soon.due_at == both.now + timedelta(seconds=30)
    drain(both.context)
    assert both.state(order_id) == "waybill"
    (wake,) = both.all(Job, Job.name == "alert_wakeup")
    assert wake.id != soon.id
    assert wake.due_at > both.now + timedelta(minutes=30)
    # the second: nobody asked in time
    late = int(both.order())
    decide_many(both.context, [late], "received")
    both.wait(seconds=30)
    alerts.watch(both.context, [both.parcel(late).id], "time")
    keys = {job.key for job in both.all(Job, Job.name == "alert_wakeup", Job.state == "ready")}
    assert keys == {f"alert:{both.parcel(each).id}" for each in (order_id, late)}


def test_an_open_alert_is_not_raised_again_and_ends_with_its_cause(both: Any) -> None:
    order_id = waiting_for_print(both)
    for _ in range(3):
        both.wait(hours=2)
        drain(both.context)
        alerts.watch(both.context, [both.parcel(order_id).id], "time")
    assert [alert.kind for alert in both.all(Alert)] == ["print_late"]
    labels.print_labels(both.context, None, "li")
    drain(both.context)
    ended = both.get(Alert)
    assert (ended.state, ended.resolved_at) == ("resolved", both.now)


def test_cancelling_ends_the_alerts_of_a_parcel(world: Any) -> None:
    order_id = waiting_for_print(world)
    world.wait(hours=2)
    drain(world.context)
    assert world.get(Alert).state == "open"
    cancel_order(world.context, order_id, "li", "买家取消")
    drain(world.context)
    assert world.get(Alert).state == "resolved"


def test_no_pick_up_within_a_day_rings_and_the_scan_ends_it(world: Any) -> None:
    order_id = waiting_for_print(world)
    labels.print_labels(world.context, None, "li")
    handover.hand_over(world.context, [world.parcel(order_id).id], "li")
    drain(world.context)
    world.wait(hours=24)
    drain(world.context)
    assert world.count(Alert) == 0
    world.wait(seconds=1)
    drain(world.context)
    assert [alert.kind for alert in world.all(Alert)] == ["no_pickup"]
    world.carrier.scan(str(world.parcel(order_id).waybill_no), "picked_up", world.now)
    pull_scans(world.context)
    assert world.get(Alert).state == "resolved"


def test_what_a_person_closed_stays_quiet_until_the_rule_has_stopped_once(world: Any) -> None:
    order_id = waiting_for_print(world)
    world.wait(hours=2)
    drain(world.context)
    alerts.acknowledge(world.context, world.get(Alert).id, "li", "在处理")
    assert world.get(Alert).state == "acknowledged"
    alerts.resolve(world.context, world.get(Alert).id, "li", "打印机坏了, 已报修")
    for _ in range(3):
        world.wait(hours=1)
        alerts.watch(world.context, [world.parcel(order_id).id], "time")
    assert [alert.state for alert in world.all(Alert)] == ["closed"]
    acts = [kind for kind in world.events(order_id) if kind.startswith("alert_")]
    assert acts == ["alert_raised", "alert_acknowledged", "alert_closed"]


def test_acts_on_alerts_need_a_reason_and_the_right_tenant(world: Any, intruder: Any) -> None:
    waiting_for_print(world)
    world.wait(hours=2)
    drain(world.context)
    alert_id = world.get(Alert).id
    with pytest.raises(InputError):
        alerts.resolve(world.context, alert_id, "li", " ")
    for act in (alerts.resolve, alerts.acknowledge):
        with pytest.raises(NotFound):
            act(intruder.context, alert_id, "x", "y")
    assert world.get(Alert).state == "open"


def test_a_parcel_without_courier_for_too_long_rings(world: Any) -> None:
    world.stock("KETTLE", 5)
    world.context.carriers.clear()
    order_id = world.order()
    advance(world.context, order_id, "received")
    assert world.state(order_id) == "routed"
    for _ in range(8):
        world.wait(minutes=5)
        drain(world.context)
    assert [alert.kind for alert in world.all(Alert)] == ["waybill_late"]
