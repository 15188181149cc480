"""A request whose outcome nobody knows: a person says on the order's page what they found."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from tidegate.store.tables import Effect, Event, Order, Parcel


def parked(desk: Any) -> tuple[Effect, Parcel]:
    """A waybill request of which the answer never came, its order held."""
    effect = desk.all(Effect, Effect.kind == "waybill", Effect.state == "confirmed")[0]
    (parcel,) = desk.all(Parcel, Parcel.id == effect.parcel_id)
    with desk.context.store.begin(desk.context.tenant_id) as work:
        run = work.session.execute
        run(update(Effect).where(Effect.id == effect.id).values(state="unknown", answer={
            "connector": "sandbox", "service": parcel.service_code,
        }))  # fmt: skip
        run(update(Order).where(Order.id == parcel.order_id).values(
            state="on_hold", hold_reason="waybill_unknown"
        ))  # fmt: skip
        run(update(Parcel).where(Parcel.id == parcel.id).values(state="on_hold", waybill_no=None))
        work.commit()
    return effect, parcel


def test_the_page_offers_it_in_both_languages_and_keeps_what_was_typed(desk: Any) -> None:
    _, parcel = parked(desk)
    page = f"/orders/{parcel.order_id}"
    for language, word in (("zh", "取号结果不明"), ("en", "Waybill outcome unknown")):
        assert word in desk.client(language).get(page).get_data(as_text=True)
    address = f"{page}/parcels/{parcel.id}/waybill"
    typed = {"outcome": "exists", "waybill_no": "SB 非法", "reason": "carrier's own page"}
    answer = desk.client().post(address, page, **typed)
    assert answer.status_code == 422
    html = answer.get_data(as_text=True)
    assert "waybill.number" in html
    assert 'value="SB 非法"' in html
    for wrong in ({"outcome": "exists"}, {"outcome": "absent", "waybill_no": "SB1"}, {}):
        assert desk.client().post(address, page, reason="x", **wrong).status_code == 422
    assert desk.client().post(address, page, outcome="absent").status_code == 422  # no reason
    assert desk.all(Event, Event.kind == "waybill_settled") == []


def test_a_number_that_exists_is_used_and_one_that_does_not_may_be_asked_for_again(
    desk: Any,
) -> None:
    effect, parcel = parked(desk)
    page = f"/orders/{parcel.order_id}"
    address = f"{page}/parcels/{parcel.id}/waybill"
    done = desk.client().post(address, page, outcome="exists", waybill_no="sb123", reason="called")
    assert done.status_code == 303
    assert desk.all(Parcel, Parcel.id == parcel.id)[0].waybill_no == "SB123"
    assert desk.all(Effect, Effect.id == effect.id)[0].state == "confirmed"
    (event,) = desk.all(Event, Event.kind == "waybill_settled")
    assert event.actor_kind == "person"
    assert event.data["reason"]
    again = desk.client().post(address, page, outcome="absent", reason="called")
    assert again.status_code == 409
    effect, parcel = parked(desk)
    address = f"/orders/{parcel.order_id}/parcels/{parcel.id}/waybill"
    done = desk.client().post(
        address, f"/orders/{parcel.order_id}", outcome="absent", reason="called"
    )
    assert done.status_code == 303
    assert desk.all(Effect, Effect.id == effect.id)[0].state == "voided"
    assert desk.all(Parcel, Parcel.id == parcel.id)[0].generation == parcel.generation + 1


def test_a_shop_that_was_or_was_not_told(desk: Any) -> None:
    parcel = desk.all(Parcel, Parcel.waybill_no.is_not(None))[0]
    row = Effect(
        parcel_id=parcel.id, kind="write_back", generation=parcel.generation, client_key="S1",
        state="unknown", attempts=1, answer={"waybill_no": parcel.waybill_no},
        updated_at=desk.context.clock(),
    )  # fmt: skip
    with desk.context.store.begin(desk.context.tenant_id) as work:
        work.add(row)
        work.commit()
    page = f"/orders/{parcel.order_id}"
    address = f"{page}/parcels/{parcel.id}/write_back"
    assert "店铺后台" in desk.client().get(page).get_data(as_text=True)
    assert desk.client().post(address, page, outcome="absent", reason="looked").status_code == 303
    assert desk.all(Effect, Effect.kind == "write_back")[0].state == "intent"
    assert desk.client().post(address, page, outcome="exists", reason="looked").status_code == 409
