"""One parcel, one waybill: whatever the carrier answers, and whenever we die."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tidegate.errors import Conflict, RemoteCredentials, RemoteRetry, RemoteUnknown, RemoteWait
from tidegate.jobs.runner import drain
from tidegate.sdk.carrier import DuplicateClass
from tidegate.services import review, settling, shipping
from tidegate.services.chain import advance
from tidegate.services.view_jobs import jobs_page
from tidegate.store.tables import Effect, Order, Parcel

A, B, C = (
    DuplicateClass.HONOURS_KEY,
    DuplicateClass.REFUSES_AND_QUERIES,
    DuplicateClass.NEITHER,
)


def no_answer() -> RemoteUnknown:
    return RemoteUnknown("carrier.no_answer", zh="没有答复。", en="No answer.")


def try_later(**fields: object) -> RemoteRetry:
    return RemoteRetry("carrier.throttled", zh="稍后再试。", en="Later.", **fields)


def shipped(world: Any, duplicates: DuplicateClass = A) -> int:
    """An order with stock; the carrier treats repeats as `duplicates`."""
    world.carrier.duplicates = duplicates
    world.stock("KETTLE", 5)
    return int(world.order())


@pytest.mark.parametrize("duplicates", [A, B])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_unknown_outcome_ends_with_one_waybill(
    both: Any, duplicates: DuplicateClass, when: str
) -> None:
    order_id = shipped(both, duplicates)
    both.carrier.trouble = [(when, no_answer())]
    advance(both.context, order_id, "received")
    assert both.get(Effect).state == "unknown"
    assert both.state(order_id) == "routed"
    drain(both.context)
    assert both.state(order_id) == "routed"  # not asked again at once
    both.wait(seconds=21)
    drain(both.context)
    assert both.state(order_id) == "waybill"
    assert both.carrier.live() == {"T1-P1-G1": both.parcel(order_id).waybill_no}
    assert len({request.client_key for request in both.carrier.requests}) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_carrier_that_cannot_be_asked_is_never_asked_twice(both: Any, when: str) -> None:
    order_id = shipped(both, C)
    both.carrier.trouble = [(when, no_answer())]
    advance(both.context, order_id, "received")
    held = both.get(Order)
    assert (held.state, held.hold_reason) == ("on_hold", "waybill_unknown")
    for _ in range(3):
        both.wait(minutes=10)
        advance(both.context, order_id)
        drain(both.context)
    review.release(both.context, order_id, "li", "再试")
    drain(both.context)
    assert len(both.carrier.requests) == 1
    assert both.get(Order).hold_reason == "waybill_unknown"
    assert [one.what for one in jobs_page(both.context).parked] == ["waybill_unknown"]
    parcel = both.parcel(order_id)
    number = next(iter(both.carrier.made.values()), None)
    settling.settle_waybill(both.context, parcel.id, number, "li", "已电话核实")
    review.release(both.context, order_id, "li", "已核实")
    drain(both.context)
    assert both.state(order_id) == "waybill"
    assert list(both.carrier.live().values()) == [both.parcel(order_id).waybill_no]
    assert both.parcel(order_id).generation == (1 if number else 2)
    with pytest.raises(Conflict):
        settling.settle_waybill(both.context, parcel.id, None, "li", "重复")


@pytest.mark.parametrize("duplicates", [A, B, C])
def test_a_process_that_dies_between_sending_and_answer_leaves_one_waybill(
    both: Any, duplicates: DuplicateClass
) -> None:
    order_id = shipped(both, duplicates)

    class Died(BaseException):
        """Nothing catches this, like SIGKILL."""

    create = both.carrier.create_waybill

    def die(request: Any) -> Any:
        create(request)
        raise Died

    both.carrier.create_waybill = die
    with pytest.raises(Died):
        advance(both.context, order_id, "received")
    both.carrier.create_waybill = create
    assert both.get(Effect).state == "sending"
    advance(both.context, order_id)  # too fresh: the answer might still come
    assert both.get(Effect).state == "sending"
    both.wait(seconds=61)
    advance(both.context, order_id)
    assert len(both.carrier.live()) == 1
    state = {A: "waybill", B: "waybill", C: "on_hold"}[duplicates]
    assert both.state(order_id) == state


def test_an_answer_that_comes_after_a_newer_attempt_is_dropped(world: Any) -> None:
    order_id = shipped(world)
    slow, asked = threading.Event(), threading.Event()
    create = world.carrier.create_waybill

    def hang(request: Any) -> Any:
        if not asked.is_set():
            asked.set()
            assert slow.wait(20)
        return create(request)

    world.carrier.create_waybill = hang
    zombie = threading.Thread(target=advance, args=(world.context, order_id, "received"))
    zombie.start()
    assert asked.wait(20)
    world.wait(seconds=61)
    advance(world.context, order_id)
    done = world.everything()
    slow.set()
    zombie.join()
    effects = dict(world.everything())["effect"]
    assert effects == dict(done)["effect"]
    assert world.carrier.live() == {"T1-P1-G1": world.parcel(order_id).waybill_no}


@pytest.mark.parametrize("duplicates", [A, B, C])
def test_what_was_not_sent_is_sent_later_with_the_same_key(
    both: Any, duplicates: DuplicateClass
) -> None:
    order_id = shipped(both, duplicates)
    both.carrier.trouble = [("before", try_later(retry_after_s=90)), ("before", try_later())]
    advance(both.context, order_id, "received")
    assert (both.get(Effect).state, both.state(order_id)) == ("intent", "routed")
    both.wait(seconds=89)
    drain(both.context)
    assert len(both.carrier.requests) == 1
    both.wait(seconds=1)
    drain(both.context)
    assert len(both.carrier.requests) == 2
    both.wait(seconds=40)
    drain(both.context)
    assert both.state(order_id) == "waybill"
    assert len({request.client_key for request in both.carrier.requests}) == 1


@pytest.mark.parametrize("kind", [RemoteWait, RemoteCredentials])
def test_refused_credentials_and_our_own_limits_leave_nothing_unclear(
    both: Any, kind: type[RemoteRetry]
) -> None:
    order_id = shipped(both, C)  # one that cannot be asked: what is unclear there is a person's
    both.carrier.trouble = [("before", kind("carrier.not_sent", zh="没有发出。", en="Not sent."))]
    advance(both.context, order_id, "received")
    assert (both.get(Effect).state, both.state(order_id)) == ("intent", "routed")
    both.wait(seconds=60)
    drain(both.context)
    assert (both.get(Effect).state, both.state(order_id)) == ("confirmed", "waybill")


@pytest.mark.parametrize("duplicates", [A, B])
def test_not_now_after_unknown_is_still_unknown(world: Any, duplicates: DuplicateClass) -> None:
    order_id = shipped(world, duplicates)
    world.carrier.trouble = [("after", no_answer())]
    advance(world.context, order_id, "received")
    create, query = world.carrier.create_waybill, world.carrier.query_waybill

    def down(_: Any) -> Any:
        raise try_later()

    world.carrier.create_waybill = world.carrier.query_waybill = down
    world.wait(seconds=30)
    advance(world.context, order_id)
    assert world.get(Effect).state == "unknown"
    world.carrier.create_waybill, world.carrier.query_waybill = create, query
    shipping.cancel_order(world.context, order_id, "li", "买家取消")
    world.wait(seconds=61)
    drain(world.context)
    assert world.carrier.live() == {}
    assert world.get(Effect).state == "voided"


def test_a_refusal_holds_for_a_person_and_the_next_request_has_a_new_key(both: Any) -> None:
    from tidegate.errors import RemoteRefused

    order_id = shipped(both)
    no = RemoteRefused("carrier.address_not_served", zh="不送。", en="Not served.")
    both.carrier.trouble = [("before", no)]
    advance(both.context, order_id, "received")
    held = both.get(Order)
    assert (held.state, held.hold_reason) == ("on_hold", "waybill_refused")
    assert both.get(Effect).error_code == "carrier.address_not_served"
    review.release(both.context, order_id, "li", "已与网点确认")
    drain(both.context)
    assert both.state(order_id) == "waybill"
    assert [r.client_key for r in both.carrier.requests] == ["T1-P1-G1", "T1-P1-G2"]
    assert list(both.carrier.live()) == ["T1-P1-G2"]


def test_an_order_released_after_a_refusal_is_stopped_when_its_shop_cancels_it(world: Any) -> None:
    from tidegate.errors import RemoteRefused

    order_id = shipped(world)
    no = RemoteRefused("carrier.address_not_served", zh="不送。", en="Not served.")
    world.carrier.trouble = [("before", no)]
    advance(world.context, order_id, "received")
    review.release(world.context, order_id, "li", "已与网点确认")
    drain(world.context)
    assert (world.state(order_id), world.get(Order).manual_review) == ("waybill", "none")
    with world.context.store.begin(world.context.tenant_id) as work:
        work.session.get(Order, order_id).source_status = "cancelled"
        work.commit()
    advance(world.context, order_id, "changed")
    drain(world.context)
    assert world.state(order_id) == "rejected"
    world.wait(seconds=61)
    drain(world.context)
    assert world.carrier.live() == {}


def test_a_cancel_while_the_carrier_answers_leaves_no_waybill_alive(world: Any) -> None:
    order_id = shipped(world)
    create = world.carrier.create_waybill

    def cancelled_meanwhile(request: Any) -> Any:
        made = create(request)
        shipping.cancel_order(world.context, order_id, "li", "买家取消")
        return made

    world.carrier.create_waybill = cancelled_meanwhile
    advance(world.context, order_id, "received")
    assert world.state(order_id) == "cancelled"
    drain(world.context)
    assert list(world.carrier.live()) == ["T1-P1-G1"]  # a call under way may still land: wait
    world.wait(seconds=61)
    drain(world.context)
    assert world.carrier.live() == {}


def test_a_new_waybill_waits_until_the_old_one_is_gone(world: Any) -> None:
    from tidegate.services.routing import change_service

    order_id = shipped(world)
    advance(world.context, order_id, "received")
    world.carrier.cancel_trouble = [try_later(), no_answer()]
    change_service(world.context, order_id, "SF.standard", "li", "换快递")
    drain(world.context)
    assert world.state(order_id) == "routed"
    assert len(world.carrier.requests) == 1
    for _ in range(4):
        world.wait(minutes=10)
        drain(world.context)
    assert world.state(order_id) == "waybill"
    assert list(world.carrier.live()) == ["T1-P1-G2"]


def test_a_carrier_that_will_not_cancel_gets_no_second_parcel(world: Any) -> None:
    from tidegate.errors import RemoteRefused
    from tidegate.services.routing import change_service

    order_id = shipped(world)
    advance(world.context, order_id, "received")
    no = RemoteRefused("carrier.already_picked_up", zh="已揽收。", en="Picked up.")
    world.carrier.cancel_trouble = [no]
    change_service(world.context, order_id, "SF.standard", "li", "换快递")
    drain(world.context)
    world.wait(minutes=10)
    advance(world.context, order_id)
    assert world.state(order_id) == "on_hold"
    assert world.get(Order).hold_reason == "waybill_not_voided"
    assert "void_refused" in world.events(order_id)
    assert len(world.carrier.requests) == 1
    settling.settle_waybill(
        world.context, world.parcel(order_id).id, "SB00000001", "li", "按原运单走"
    )
    review.release(world.context, order_id, "li", "按原运单走")
    drain(world.context)
    assert (world.state(order_id), world.parcel(order_id).waybill_no) == ("waybill", "SB00000001")


def test_a_connector_that_breaks_does_not_lose_what_it_sent(world: Any) -> None:
    order_id = shipped(world)
    create = world.carrier.create_waybill

    def broken(request: Any) -> Any:
        create(request)
        raise ValueError("bug in the connector")

    world.carrier.create_waybill = broken
    advance(world.context, order_id, "received")
    assert world.get(Effect).error_code == "carrier.broken"
    world.carrier.create_waybill = create
    world.wait(seconds=21)
    drain(world.context)
    assert list(world.carrier.live()) == ["T1-P1-G1"]
    assert world.state(order_id) == "waybill"


def test_without_an_account_the_parcel_waits(world: Any) -> None:
    order_id = shipped(world)
    carriers = dict(world.context.carriers)
    world.context.carriers.clear()
    advance(world.context, order_id, "received")
    assert (world.state(order_id), world.count(Effect)) == ("routed", 0)
    world.context.carriers.update(carriers)
    world.wait(minutes=5)
    drain(world.context)
    assert world.state(order_id) == "waybill"


def test_calls_that_would_begin_too_late_are_not_begun(world: Any) -> None:
    world.stock("KETTLE", 9)
    ids = [world.order() for _ in range(6)]
    create = world.carrier.create_waybill

    def slow(request: Any) -> Any:
        world.wait(seconds=31)
        return create(request)

    world.carrier.create_waybill = slow
    from tidegate.services.chain import advance_many

    advance_many(world.context, ids, "received")
    states = [effect.state for effect in world.all(Effect)]
    assert states.count("confirmed") == len(world.carrier.made) <= 4
    assert set(states) == {"confirmed", "intent"}
    world.carrier.create_waybill = create
    world.wait(minutes=6)
    drain(world.context)
    assert [world.state(id_) for id_ in ids] == ["waybill"] * 6
    assert world.count(Parcel) == len(world.carrier.live()) == 6
