"""/jobs and the form that settles an outcome, in Chromium: accessible, inside 390 px, in both languages."""

from __future__ import annotations

from typing import Any

import pytest
from pictures import picture
from sqlalchemy import update

from tidegate.services.work import enqueue
from tidegate.store.tables import Effect, Job, Order, Parcel

pytestmark = pytest.mark.browser


def fill(desk: Any) -> int:
    """Dead jobs of two kinds, one that runs, three outcomes that are open; an order with one of them."""
    now = desk.clock()
    orders = desk.all(Order)
    effects = desk.all(Effect, Effect.kind == "waybill", Effect.state == "confirmed")[:3]
    with desk.context.store.begin(1) as work:
        run = work.session.execute
        run(update(Job).values(state="done"))
        for n, name in enumerate(("advance_order", "advance_order", "write_back", "simulate")):
            enqueue(work, name, {"order_id": orders[n].id}, due_at=now, now=now)
        unknown, refused, void = effects
        parcel = work.session.get_one(Parcel, unknown.parcel_id)
        run(
            update(Effect)
            .where(Effect.id == unknown.id)
            .values(
                state="unknown", answer={"connector": "sandbox", "service": parcel.service_code}
            )
        )
        held = {"state": "on_hold"}
        run(update(Parcel).where(Parcel.id == parcel.id).values(**held, waybill_no=None))
        reason = {"hold_reason": "waybill_unknown"}
        run(update(Order).where(Order.id == parcel.order_id).values(**held, **reason))
        said = {"connector": "jd-main", "waybill_no": "SB7000000021"}
        work.add(
            Effect(
                parcel_id=refused.parcel_id, kind="write_back", generation=1, client_key="k",
                state="rejected", error_code="shop.order_closed", answer=said, updated_at=now,
            )
        )  # fmt: skip
        run(update(Parcel).where(Parcel.id == void.parcel_id).values(generation=2))
        work.commit()
    dead = desk.all(Job, Job.state == "ready")
    with desk.context.store.begin(1) as work:
        for row in dead[:3]:
            found = work.session.get_one(Job, row.id)
            found.state, found.error, found.attempts = "dead", "carrier.unreachable", 10
        leased = work.session.get_one(Job, dead[3].id)
        leased.state, leased.started_at, leased.worker = "leased", now, "web-1:4026531836:12345"
        work.commit()
    return parcel.order_id


@pytest.mark.parametrize(
    ("language", "width"), [("zh", 1280), ("en", 1280), ("zh", 390), ("en", 390)]
)
def test_jobs_and_open_outcomes_are_readable(desk, serve, browser, axe, language, width) -> None:
    order_id = fill(desk)
    base, complaints = serve(desk), []
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.add_cookies([{"name": "tidegate_language", "value": language, "url": base}])
    page = context.new_page()
    page.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for name, address in (("jobs", "/jobs"), ("settle", f"/orders/{order_id}")):
        page.goto(f"{base}{address}")
        page.wait_for_load_state("networkidle")
        picture(page, f"{name}-{language}-{width}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{address} is {wide} px wide"
        assert axe(page) == []
    if name == "settle":
        assert page.locator("form[action*='/waybill']").count() == 1
    page.goto(f"{base}/jobs")
    assert page.locator("section[aria-labelledby=parked] tbody tr").count() == 3
    assert complaints == []
    context.close()
