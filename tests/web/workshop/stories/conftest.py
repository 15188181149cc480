"""A shop with an owner and a manager, three real orders to try on, and windows in which people sign in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tidegate.domain.orders import OrderDraft
from tidegate.services import review
from tidegate.services.accounts import founding, invitations
from tidegate.services.chain import advance_many
from tidegate.services.demo_orders import demo_orders
from tidegate.services.intake import import_orders
from tidegate.store.tables import Decision, Order

sys.path.insert(0, str(Path(__file__).parent))  # so that the stories can import their steps
PASSWORD = "潮水退去 才知道 2026"
OWNER, MANAGER = "owner@example.com", "manager@example.com"
COFFEE_MACHINE = "BA-E01-CM"  # fragile in the demo's goods


@dataclass
class Crew:
    """A desk and its people; orders of the kinds the story is about."""

    desk: Any
    window: Callable[..., Any]

    def imported(self, number: str, **more: Any) -> int:
        """An order for a fragile coffee machine of 2,680 yuan to Xinjiang, through the chain; its id."""
        context, clock = self.desk.context, self.desk.clock
        import_orders(context, [draft(number, clock.now, **more)], source="story")
        (order,) = self.desk.all(Order, Order.number == number)
        clock.now += timedelta(minutes=1)
        advance_many(context, [order.id], "received")
        return int(order.id)

    def released(self, order_id: int) -> None:
        """The owner looked at the dear order and let it go on; it is routed."""
        review.release(self.desk.context, order_id, OWNER, "verified")
        advance_many(self.desk.context, [order_id], "released")

    def decisions(self, order_id: int, set_id: str) -> list[Any]:
        return self.desk.all(Decision, Decision.order_id == order_id, Decision.ruleset_id == set_id)


def draft(number: str, now: Any, phone: str = "13800001234", minor: int = 268_000) -> OrderDraft:
    """One machine for `minor` fen, paid."""
    plain = demo_orders(1, 3, now)[0].draft
    recipient = replace(
        plain.recipient, name="孟远", phone=phone, province="新疆维吾尔自治区", city="乌鲁木齐市",
        district="天山区", town="解放南路街道", address="解放南路 18 号",
    )  # fmt: skip
    line = replace(
        plain.lines[0], sku=COFFEE_MACHINE, title="全自动咖啡机", category="电器",
        quantity=1, unit_price_minor=minor, line_total_minor=minor,
    )  # fmt: skip
    return replace(
        plain, number=number, lines=(line,), recipient=recipient, total_minor=minor,
        goods_total_minor=minor, paid_total_minor=minor, ordered_at=now, paid_at=now,
        ship_by=now + timedelta(hours=48), buyer=f"buyer-{number}",
    )  # fmt: skip


@pytest.fixture
def crew(desk: Any, browser: Any, serve: Callable[[Any], str]) -> Iterator[Crew]:
    founding.create_owner(desk.context, OWNER, "Lin Yue", PASSWORD, "test")
    secret = invitations.invite(desk.context, "manager", None, "", OWNER)
    invitations.join(desk.context, secret, MANAGER, "Mei", PASSWORD, "test")
    address, contexts = serve(desk), []

    def window(login: str, language: str, **options: Any) -> Any:
        """A browser context of its own with the sign-in page open."""
        context = browser.new_context(viewport={"width": 1280, "height": 1000}, **options)
        context.add_cookies([{"name": "tidegate_language", "value": language, "url": address}])
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.address, page.login, page.password = address, login, PASSWORD
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(address + "/sign-in")
        return page

    yield Crew(desk, window)
    for context in contexts:
        context.close()
