"""Simulations in Chromium: accessible, inside their width, watched without a reload."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pictures import picture

from tidegate.services.workshop import drafts, simulating, simulation_run
from tidegate.services.workshop.simulating import Request
from tidegate.store.simulation_tables import SimulationChange
from tidegate.store.tables import Order, Parcel

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[3]
SERVICES = ("SF.standard", "SF.express", "ZTO.standard", "YTO.standard", "YUNDA.standard")


def with_history(desk: Any) -> None:
    """Sixty parcels by each of five services from the first warehouse to Guangdong have arrived."""
    now = desk.clock()
    with desk.context.store.begin(desk.context.tenant_id) as work:
        parcel = desk.all(Parcel)[0]
        for order in desk.all(Order)[:20]:
            work.session.get(Order, order.id).province = "广东省"
        first = desk.all(Order)[0]
        old = work.session.get(Order, first.id)
        old.deliver_by, old.ordered_at = now, now - timedelta(days=60)
        for n in range(300):
            late = n % (12 if n < 120 else 4) == 0
            work.add(
                Parcel(
                    order_id=first.id, number=f"H{n}", warehouse_id=parcel.warehouse_id,
                    state="delivered", state_since=now, currency="CNY",
                    service_code=SERVICES[n // 60], carrier="SF",
                    delivered_at=now + timedelta(hours=1 if late else -1), label_notes=[],
                )
            )  # fmt: skip
        work.commit()


@pytest.fixture
def routed(desk: Any) -> tuple[Any, int]:
    """The routing set with a draft that was simulated over the demo shop."""
    found = drafts.start(desk.context, "routing", "mei")
    text = found.text.replace("cheapest_meeting_promise", "fastest")
    text = text.replace("value: 2000 CNY", "value: 150 CNY")
    drafts.save_text(desk.context, "routing", found.version, text, "mei")
    made = simulating.start(desk.context, "routing", Request(), "mei")
    with_history(desk)
    simulation_run.run(desk.context, made)
    return desk, made


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_are_accessible_and_inside_their_width(
    routed: tuple[Any, int], open_page: Callable[..., Any], axe: Any, language: str, width: int
) -> None:
    desk, made = routed
    change = desk.all(SimulationChange)[0]
    page = open_page(desk, language, width)
    looks = {
        "simulate": "/rules/routing/simulate",
        "simulation": f"/rules/simulations/{made}",
        "simulation-cell": f"/rules/simulations/{made}/cell",
        "simulation-order": f"/rules/simulations/{made}/order/{change.id}",
    }
    for name, path in looks.items():
        page.goto(page.address + path)
        picture(page, f"{name}-{language}-{width}")
        assert axe(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        if width == 390:
            low = page.evaluate(
                """() => [...document.querySelectorAll(
                    'main .tg-btn, main select, main input:not([type=checkbox]):not([type=radio]):not([type=hidden])')]
                  .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5)
                  .map(e => e.outerHTML.slice(0, 120))"""
            )
            assert low == [], name
    assert page.complaints == []


def test_dark_mode_is_accessible(
    routed: tuple[Any, int], open_page: Callable[..., Any], axe: Any
) -> None:
    desk, made = routed
    page = open_page(desk, color_scheme="dark")
    for name, path in (
        ("simulate", "/rules/routing/simulate"),
        ("simulation", f"/rules/simulations/{made}"),
    ):
        page.goto(page.address + path)
        assert axe(page) == [], name
        picture(page, f"{name}-dark-1280")


def test_the_result_appears_without_a_reload(desk: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(desk)
    page.goto(page.address + "/rules/routing/simulate")
    page.fill("#days", "60")
    page.locator(".tg-si-do .tg-pri").click()
    page.wait_for_selector("progress")
    picture(page, "simulation-waiting-zh-1280")
    page.evaluate("window.kept = true")
    found = int(page.url.rsplit("/", 1)[1])
    simulation_run.run(desk.context, found)
    page.wait_for_selector(".tg-si-mx", timeout=8000)
    assert page.evaluate("window.kept") is True
    assert page.complaints == []
