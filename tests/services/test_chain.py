"""The whole chain on the shipped rules: an order goes as far as it can, and running twice changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from tidegate.errors import Conflict, InputError, NotFound
from tidegate.jobs.runner import drain
from tidegate.services import (
    alerts,
    chain,
    handover,
    labels,
    review,
    routing,
    settling,
    shipping,
    stock_levels,
)
from tidegate.services.chain import advance, advance_many, decide_many
from tidegate.services.sweeping import sweep
from tidegate.services.work import enqueue_advance
from tidegate.store.tables import (
    Alert,
    Decision,
    Effect,
    Event,
    Job,
    Order,
    Parcel,
    Replenishment,
    Reservation,
    RulesetContent,
    Stock,
)


def reserved(world: Any, sku: str = "KETTLE") -> list[tuple[int, int]]:
    return [(row.on_hand, row.reserved) for row in world.all(Stock, Stock.sku == sku)]


def test_a_paid_order_in_stock_gets_a_waybill_by_itself(both: Any) -> None:
    both.stock("KETTLE", 5)
    order_id = both.order(("KETTLE", 2))
    advance(both.context, order_id, "received")
    assert both.state(order_id) == "waybill"
    parcel = both.parcel(order_id)
    assert (parcel.state, parcel.waybill_no, parcel.number) == (
        "waybill",
        "SB00000001",
        "P00000001-1",
    )
    assert (parcel.service_code, parcel.cost_minor, parcel.weight_g) == ("ZTO.standard", 790, 1240)
    assert reserved(both) == [(5, 2)]
    gates = [row.gate for row in both.all(Decision)]
    assert gates == ["intake", "review", "inventory", "routing"]
    for row in both.all(Decision):
        assert both.count(RulesetContent, RulesetContent.hash == row.ruleset_hash) == 1
    moves = [e.data["to"] for e in both.all(Event, Event.kind == "order_moved")]
    assert moves == ["approved", "allocated", "routed", "waybill"]


def test_slow_rules_keep_others_from_writing_for_one_order_only(
    both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no time at all each order is a transaction of its own, and all go as far as in one."""
    both.stock("KETTLE", 3)
    both.stock("CUP", 1)
    ids = [
        both.order(("KETTLE", 1)),
        both.order(("CUP", 2)),
        both.order(payment_status="unpaid"),
        both.order(("KETTLE", 1)),
    ]
    commits: list[int] = []
    event.listen(both.context.store.engine, "commit", lambda _connection: commits.append(1))
    monkeypatch.setattr(chain, "HOLD_S", 0.0)
    decide_many(both.context, ids)
    in_turn = len(commits)
    assert [both.state(id_) for id_ in ids] == ["routed", "waiting_stock", "on_hold", "routed"]
    assert reserved(both) == [(3, 2)]
    before = both.everything()
    decide_many(both.context, ids)
    assert both.everything() == before
    monkeypatch.setattr(chain, "HOLD_S", 60.0)
    more = [both.order(("KETTLE", 1)) for _ in ids]
    commits.clear()
    decide_many(both.context, more)
    assert in_turn >= 2 * len(commits)


def test_a_second_run_changes_nothing(both: Any) -> None:
    both.stock("KETTLE", 5)
    both.stock("CUP", 1)
    ids = [both.order(("KETTLE", 1)), both.order(("CUP", 2)), both.order(payment_status="unpaid")]
    advance_many(both.context, ids, "received")
    assert [both.state(id_) for id_ in ids] == ["waybill", "waiting_stock", "on_hold"]
    before = both.everything()
    advance_many(both.context, ids)
    advance_many(both.context, ids, "stock_changed")
    assert both.everything() == before
    assert len(both.carrier.requests) == 1


def test_what_was_said_about_a_group_of_orders_is_read_once_a_gate(world: Any) -> None:
    ids = [world.order(payment_status="unpaid") for _ in range(7)]
    decide_many(world.context, ids, "received")
    stored = world.count(Decision)
    with world.context.store.begin(world.context.tenant_id) as work:
        engine = work.session.get_bind()
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(str(args[2])))
    decide_many(world.context, ids, "advance")
    assert world.count(Decision) == stored
    read = [one for one in asked if "decision.packed_facts" in one and one.startswith("SELECT")]
    assert len(read) == 1  # review is the only gate that held orders are asked again at


def test_an_unpaid_order_is_held_and_goes_on_once_it_is_paid(world: Any) -> None:
    world.stock("KETTLE", 5)
    order_id = world.order(payment_status="unpaid", paid_at=None)
    advance(world.context, order_id, "received")
    held = world.get(Order)
    assert (held.state, held.hold_reason) == ("on_hold", "unpaid")
    with world.context.store.begin(world.context.tenant_id) as work:
        work.session.get(Order, order_id).payment_status = "paid"
        work.commit()
    advance(world.context, order_id, "paid")
    assert world.state(order_id) == "waybill"


def test_a_refund_that_begins_before_the_hand_over_stops_the_parcel(world: Any) -> None:
    world.stock("KETTLE", 5)
    order_id = world.order()
    advance(world.context, order_id, "received")
    with world.context.store.begin(world.context.tenant_id) as work:
        work.session.get(Order, order_id).refund_status = "requested"
        work.commit()
    advance(world.context, order_id, "changed")
    assert (world.state(order_id), world.parcel(order_id).state) == ("on_hold", "on_hold")
    batch = labels.print_labels(world.context, [world.parcel(order_id).id], actor="li")
    assert [p.error.code for p in batch.problems] == ["labels.no_waybill"]
    review.release(world.context, order_id, "li", "买家撤回退款")
    drain(world.context)
    assert world.state(order_id) == "waybill"
    assert world.carrier.live() == {"T1-P1-G1": "SB00000001"}


def test_an_order_without_stock_waits_and_asks_for_goods_once_per_sku(both: Any) -> None:
    both.stock("KETTLE", 3)
    ids = [both.order(("KETTLE", 4)), both.order(("KETTLE", 5))]
    advance_many(both.context, ids, "received")
    assert [both.state(id_) for id_ in ids] == ["waiting_stock", "waiting_stock"]
    wish = both.get(Replenishment)
    assert (wish.sku, wish.units_short, wish.state) == (
        "KETTLE",
        6,
        "open",
    )  # 4 + 5 wanted, 3 there
    assert reserved(both) == [(3, 0)]


def test_new_stock_goes_to_the_order_that_waited_longest(both: Any) -> None:
    both.stock("KETTLE", 0)
    first = both.order(("KETTLE", 2))
    advance(both.context, first, "received")
    both.wait(hours=1)
    second = both.order(("KETTLE", 2))
    advance(both.context, second, "received")
    both.wait(hours=1)
    stock_levels.adjust(both.context, "KETTLE", "jiaxing", 2, "li", "到货")
    drain(both.context)
    assert (both.state(first), both.state(second)) == ("waybill", "waiting_stock")


def test_rejecting_or_cancelling_gives_the_stock_to_who_waits(both: Any) -> None:
    both.stock("KETTLE", 2)
    first, second = both.order(("KETTLE", 2)), both.order(("KETTLE", 2))
    advance_many(both.context, [first, second], "received")
    assert (both.state(first), both.state(second)) == ("waybill", "waiting_stock")
    shipping.cancel_order(both.context, first, "li", "买家取消")
    drain(both.context)
    assert (both.state(first), both.state(second)) == ("cancelled", "waybill")
    assert reserved(both) == [(2, 2)]
    assert both.carrier.cancelled == {"T1-P1-G1"}
    assert [row.state for row in both.all(Reservation)] == ["released", "active"]


def test_all_lines_or_none_are_reserved(both: Any) -> None:
    both.stock("KETTLE", 5)
    both.stock("CUP", 1)
    order_id = both.order(("KETTLE", 2), ("CUP", 2))
    advance(both.context, order_id, "received")
    assert both.state(order_id) == "waiting_stock"
    assert reserved(both) + reserved(both, "CUP") == [(5, 0), (1, 0)]
    assert both.count(Reservation) == 0


def test_the_nearest_warehouse_that_has_everything_ships(world: Any) -> None:
    world.stock("KETTLE", 5, warehouse=1)
    world.stock("KETTLE", 5, warehouse=2)
    world.stock("CUP", 5, warehouse=2)
    near, far = world.order(("KETTLE", 1)), world.order(("KETTLE", 1), ("CUP", 1))
    north = world.order(("KETTLE", 1), province="北京市", city="北京市", district="朝阳区")
    advance_many(world.context, [near, far, north], "received")
    assert [world.parcel(id_).warehouse_id for id_ in (near, far, north)] == [1, 2, 2]


# people above rules


def test_a_release_beats_the_rules_and_a_later_run_only_proposes(world: Any) -> None:
    world.stock("KETTLE", 5)
    order_id = world.order(buyer_memo="先别发")
    advance(world.context, order_id, "received")
    assert world.get(Order).hold_reason == "risky_memo"
    review.release(world.context, order_id, "li", "已电话确认")
    drain(world.context)
    assert world.state(order_id) == "waybill"
    review.ask_again(world.context, order_id, "wang")
    proposal = world.decisions(order_id, "review")[-1]
    assert (proposal.verdict, proposal.applied) == ("hold", False)
    assert (world.state(order_id), world.get(Order).manual_review) == ("waybill", "released")
    acts = [(e.actor_kind, e.actor) for e in world.all(Event) if e.kind == "released_by_hand"]
    assert acts == [("person", "li")]


def test_rules_that_ignore_the_person_still_cannot_overrule_a_release(
    open_world: Any, chosen_url: str, stubborn_rules: Any
) -> None:
    world = open_world(chosen_url, rules=stubborn_rules("hold: {reason: never}"))
    world.stock("KETTLE", 5)
    order_id = world.order()
    advance(world.context, order_id, "received")
    assert world.get(Order).hold_reason == "never"
    review.release(world.context, order_id, "li", "已确认")
    drain(world.context)
    assert world.state(order_id) == "waybill"
    assert [d.applied for d in world.decisions(order_id, "review")][-1] is False


def test_a_rejection_the_person_has_not_seen_asks_the_person_again(world: Any) -> None:
    world.stock("KETTLE", 5)
    order_id = world.order(buyer_memo="先别发")
    advance(world.context, order_id, "received")
    review.release(world.context, order_id, "li", "已电话确认")
    drain(world.context)
    with world.context.store.begin(world.context.tenant_id) as work:
        work.session.get(Order, order_id).source_status = "cancelled"
        work.commit()
    advance(world.context, order_id, "changed")
    held = world.get(Order)
    assert (held.state, held.hold_reason) == ("on_hold", "cancelled_at_source")
    assert held.manual_review == "released"


def test_a_reject_by_hand_is_final_and_frees_the_stock(world: Any) -> None:
    world.stock("KETTLE", 2)
    order_id = world.order(("KETTLE", 2))
    advance(world.context, order_id, "received")
    review.reject(world.context, order_id, "li", "疑似欺诈")
    drain(world.context)
    assert (world.state(order_id), reserved(world)) == ("rejected", [(2, 0)])
    assert world.carrier.live() == {}
    with pytest.raises(Conflict):
        review.release(world.context, order_id, "li", "改主意")


def test_a_persons_courier_wins_and_the_rules_only_propose(world: Any) -> None:
    world.stock("KETTLE", 5)
    order_id = world.order()
    advance(world.context, order_id, "received")
    assert world.parcel(order_id).service_code == "ZTO.standard"
    routing.change_service(world.context, order_id, "SF.standard", "li", "买家加钱")
    drain(world.context)
    parcel = world.parcel(order_id)
    assert (parcel.service_code, parcel.cost_minor, parcel.generation) == ("SF.standard", 1200, 2)
    assert (parcel.state, world.state(order_id)) == ("waybill", "waybill")
    assert world.decisions(order_id, "routing")[-1].applied is False
    assert world.carrier.live() == {"T1-P1-G2": "SB00000002"}


def test_changing_the_courier_of_a_held_order_does_not_release_it(world: Any) -> None:
    world.stock("KETTLE", 5)
    order_id = world.order()
    advance(world.context, order_id, "received")
    with world.context.store.begin(world.context.tenant_id) as work:
        work.session.get(Order, order_id).refund_status = "requested"
        work.commit()
    advance(world.context, order_id, "changed")
    routing.change_service(world.context, order_id, "SF.standard", "li", "换快递")
    drain(world.context)
    held = world.get(Order)
    assert (held.state, held.hold_reason) == ("on_hold", "refund_in_progress")


def test_an_edit_asks_the_gates_again_and_drops_the_waybill_with_the_old_address(
    world: Any,
) -> None:
    world.stock("KETTLE", 5)
    order_id = world.order()
    advance(world.context, order_id, "received")
    version = world.get(Order).version
    review.edit_order(
        world.context,
        order_id,
        version,
        {"recipient.address": "文一西路 970 号"},
        "li",
        "买家改地址",
    )
    drain(world.context)
    parcel = world.parcel(order_id)
    assert (world.state(order_id), parcel.generation, parcel.waybill_no) == (
        "waybill",
        2,
        "SB00000002",
    )
    assert world.carrier.requests[-1].recipient.address.endswith("970 号")
    assert world.carrier.live() == {"T1-P1-G2": "SB00000002"}
    assert "recipient.address" in world.get(Order).edited


def test_an_edit_of_an_old_page_is_refused(both: Any) -> None:
    order_id = both.order(state="on_hold")
    change = {"recipient.phone": "13900001111"}
    review.edit_order(both.context, order_id, 1, change, "li", "买家来电")
    with pytest.raises(Conflict):
        review.edit_order(both.context, order_id, 1, change, "wang", "买家来电")
    with pytest.raises(InputError, match="editable"):
        review.edit_order(both.context, order_id, 3, {"order.total": "1"}, "li", "x")


ACTS = {
    "release": lambda c, o, r: review.release(c, o, "li", r),
    "reject": lambda c, o, r: review.reject(c, o, "li", r),
    "edit": lambda c, o, r: review.edit_order(c, o, 1, {"order.seller_memo": "x"}, "li", r),
    "change_service": lambda c, o, r: routing.change_service(c, o, "SF.standard", "li", r),
    "cancel": lambda c, o, r: shipping.cancel_order(c, o, "li", r),
}


@pytest.mark.parametrize("name", ACTS)
def test_an_act_without_a_reason_is_refused_and_changes_nothing(world: Any, name: str) -> None:
    order_id = world.order(state="on_hold")
    before = world.everything()
    for reason in ("", "   "):
        with pytest.raises(InputError) as caught:
            ACTS[name](world.context, order_id, reason)
        assert caught.value.code == "reason.required"
    assert world.everything() == before


@pytest.mark.parametrize("name", ACTS)
def test_another_tenant_can_do_nothing_to_an_order(world: Any, intruder: Any, name: str) -> None:
    order_id = world.order(state="on_hold")
    before = world.everything()
    with pytest.raises((NotFound, InputError)) as caught:
        ACTS[name](intruder.context, order_id, "because")
    assert caught.value.code in ("order.not_found", "service.unknown")
    assert world.everything() == before


def test_another_tenant_sees_and_moves_nothing_of_the_chain(world: Any, intruder: Any) -> None:
    world.stock("KETTLE", 5)
    order_id = world.order()
    before = world.everything()
    advance(intruder.context, order_id)
    assert world.everything() == before
    advance(world.context, order_id, "received")
    parcel = world.parcel(order_id)
    before = world.everything()
    with pytest.raises(NotFound):
        review.ask_again(intruder.context, order_id, "x")
    with pytest.raises(NotFound):
        handover.hand_over(intruder.context, [parcel.id], "x")
    with pytest.raises(NotFound):
        stock_levels.adjust(intruder.context, "KETTLE", "jiaxing", 1, "x", "y")
    with pytest.raises(NotFound):
        settling.settle_waybill(intruder.context, parcel.id, None, "x", "y")
    with pytest.raises(NotFound):
        alerts.resolve(intruder.context, 1, "x", "y")
    assert sweep(intruder.context) == 0
    printed = labels.print_labels(intruder.context, [parcel.id], "x")
    assert (printed.printed, [p.error.code for p in printed.problems]) == (0, ["parcel.not_found"])
    assert labels.print_labels(intruder.context, None, "x").printed == 0
    assert world.everything() == before


def test_no_courier_at_all_is_for_a_person(world: Any) -> None:
    world.stock("KETTLE", 5)
    order_id = world.order(province="西藏自治区", city="拉萨市", district="城关区")
    advance(world.context, order_id, "received")
    held = world.get(Order)
    assert (held.state, held.hold_reason) == ("on_hold", "no_service")
    assert world.parcel(order_id).state == "on_hold"
    routing.change_service(world.context, order_id, "SF.standard", "li", "已问网点, 可达")
    drain(world.context)
    assert (world.state(order_id), world.parcel(order_id).cost_minor) == ("waybill", None)
    assert reserved(world) == [(5, 1)]


def test_a_rule_set_that_says_nothing_holds(
    open_world: Any, chosen_url: str, stubborn_rules: Any
) -> None:
    world = open_world(chosen_url, rules=stubborn_rules(None))
    world.stock("KETTLE", 5)
    order_id = world.order()
    advance(world.context, order_id, "received")
    held = world.get(Order)
    assert (held.state, held.hold_reason) == ("on_hold", "no_rule_decided")


def test_a_changed_threshold_changes_the_decision(
    open_world: Any, new_database: Any, stubborn_rules: Any
) -> None:
    for limit, state in (("100 CNY", "on_hold"), ("200 CNY", "waybill")):
        rules = stubborn_rules("hold: {reason: high}", f"order.total > {limit}", "approve")
        world = open_world(new_database(), rules=rules)
        world.stock("KETTLE", 5)
        order_id = world.order(total_minor=12900)
        advance(world.context, order_id, "received")
        assert world.state(order_id) == state


def test_a_lost_job_is_found_by_the_sweep(world: Any) -> None:
    world.stock("KETTLE", 5)
    order_id = world.order()
    assert sweep(world.context) == 0  # just received: its job may be on the way
    world.wait(minutes=3)
    assert sweep(world.context) == 1
    assert sweep(world.context) == 0
    assert world.count(Job) == 1
    drain(world.context)
    assert world.state(order_id) == "waybill"


def test_one_bad_order_does_not_stop_the_others(world: Any) -> None:
    world.stock("KETTLE", 5)
    good, bad = world.order(), world.order(issues=["not a mapping"])
    for order_id in (bad, good):
        with world.context.store.begin(world.context.tenant_id) as work:
            enqueue_advance(work, order_id, world.now)
            work.commit()
    drain(world.context)
    assert (world.state(good), world.state(bad)) == ("waybill", "received")
    (job,) = world.all(Job, Job.state == "ready", Job.name == "advance_order")
    assert (job.args["order_id"], job.attempts, job.error) == (bad, 1, "TypeError")


def test_hand_over_takes_goods_and_promise_together(both: Any) -> None:
    both.stock("KETTLE", 5)
    order_id = both.order(("KETTLE", 2))
    advance(both.context, order_id, "received")
    parcel = both.parcel(order_id)
    with pytest.raises(Conflict):
        handover.hand_over(both.context, [parcel.id], "li")
    labels.print_labels(both.context, None, "li")
    assert handover.hand_over(both.context, [parcel.id], "li") == 1
    assert handover.hand_over(both.context, [parcel.id], "li") == 0
    assert reserved(both) == [(3, 0)]
    assert (both.state(order_id), both.parcel(order_id).state) == ("handed_over", "handed_over")
    assert both.get(Reservation).state == "consumed"
    with pytest.raises(Conflict):
        shipping.cancel_order(both.context, order_id, "li", "太晚")


def test_effects_keys_are_the_same_in_every_attempt_of_a_generation(world: Any) -> None:
    world.stock("KETTLE", 5)
    order_id = world.order()
    advance(world.context, order_id, "received")
    (effect,) = world.all(Effect)
    assert effect.client_key == f"T1-P{world.parcel(order_id).id}-G1"
    assert effect.answer == {
        "connector": "sandbox",
        "service": "ZTO.standard",
        "waybill_no": "SB00000001",
        "sort_code": "330-A01-02",
    }
    assert world.count(Alert) == 0
    assert world.count(Parcel) == 1
