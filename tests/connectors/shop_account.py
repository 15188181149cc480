"""An account at a protocol server, opened as the platform opens it: a real database, real HTTP, real tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tidegate.sdk.discovery import manifest_of
from tidegate.sdk.http.sending import Times
from tidegate.sdk.shop import Shipment
from tidegate.sdk.stage.protocol import SampleLine, SampleOrder
from tidegate.sdk.values import OrderPage, Window
from tidegate.services.context import Context
from tidegate.services.intake import import_orders
from tidegate.services.remotes import accounts
from tidegate.services.remotes.connected import connector_of
from tidegate.services.remotes.reach import Reach
from tidegate.services.rulebook import Rulebook
from tidegate.services.syncing.pulling import Pulled, Source, pull_orders
from tidegate.store.remote_tables import ConnectorAccount, RemoteCall
from tidegate.store.tables import Order, Tenant
from tidegate.store.unit_of_work import Store, open_engine


@dataclass
class ShopAccount:
    context: Context
    connector: Any
    name: str

    def pull(self, window: Window) -> OrderPage:
        """All pages of a window as one."""
        drafts, rejected, read, cursor = [], [], 0, ""
        while True:
            page = self.connector.pull_orders(window, cursor)
            drafts += page.drafts
            rejected += page.rejected
            read += page.read
            if page.cursor is None:
                return OrderPage(drafts, read, rejected)
            cursor = page.cursor

    def sync(self) -> Pulled:
        """The last two hours."""
        sync = replace(manifest_of(self.name).sync, back_s=7_200)
        source = Source(f"{self.name}:1", self.connector, sync)
        return pull_orders(self.context, source)

    def store(self, page: OrderPage) -> None:
        import_orders(self.context, page.drafts, source=self.name)

    def keeps_the_newer_copy(self, server: Any, at: datetime) -> bool:
        """Whether an order that comes once more as it was before stays as it is."""
        server.place(an_order("880011", at, state="to_ship"))
        older = self.connector.fetch_order("880011")
        server.place(
            an_order("880011", at, state="cancelled", modified_at=at + timedelta(minutes=1))
        )
        self.store(self.connector.fetch_order("880011"))
        self.store(older)
        return [one.source_status for one in self.orders()] == ["cancelled"]

    def numbers(self) -> list[str]:
        with self.context.store.begin(1, readonly=True) as work:
            return sorted(work.session.scalars(select(Order.number)))

    def orders(self) -> list[Order]:
        with self.context.store.begin(1, readonly=True) as work:
            return list(work.session.scalars(select(Order).order_by(Order.number)))

    def recorded(self) -> str:
        """Everything that the record of calls kept, as one text."""
        with self.context.store.begin(1, readonly=True) as work:
            calls = work.session.scalars(select(RemoteCall)).all()
        return " ".join(f"{one.request}{one.answer}{one.code}" for one in calls)


def open_account(
    name: str,
    server: Any,
    url: str,
    folder: Path,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    **more: str,
) -> ShopAccount:
    """`more` are settings (and secrets) on top of the server's own."""
    store = Store(open_engine(url))
    with store.unscoped() as session:
        session.add(Tenant(code="a", name="a", created_at=clock()))
        session.commit()
    host = server.url.partition("//")[2]
    reach = Reach(trusted=(host,), times=Times(1.0, 0.6, 2.0))
    context = Context(store, 1, Rulebook(None), {}, clock, folder, reach=reach)
    given: Mapping[str, str] = {**server.settings, **more}
    secrets = manifest_of(name).secrets
    accounts.add(
        context, name, "test",
        settings={key: value for key, value in given.items() if key not in secrets},
        secrets={key: value for key, value in given.items() if key in secrets},
    )  # fmt: skip
    with store.begin(1, readonly=True) as work:
        row = work.session.scalars(select(ConnectorAccount)).one()
        work.session.expunge(row)
    made, _ = connector_of(context, row, "旗舰店")
    return ShopAccount(context, made, name)


def an_order(number: str, at: datetime, **changed: Any) -> SampleOrder:
    usual: dict[str, Any] = {
        "created_at": at, "modified_at": at, "total": Decimal("25.80"),
        "lines": (SampleLine("CUP-1", "马克杯 ☕", 2, Decimal("12.90")),),
    }  # fmt: skip
    return SampleOrder(number, **{**usual, **changed})


def a_shipment(number: str, waybill_no: str = "SF1234567890123", **changed: Any) -> Shipment:
    usual: dict[str, Any] = {
        "client_key": f"{number}-1", "parcel_number": f"{number}-P1", "carrier": "SF",
        "shipped_at": datetime(2026, 11, 11, 8, tzinfo=UTC),
    }  # fmt: skip
    return Shipment(order_number=number, waybill_no=waybill_no, **{**usual, **changed})
