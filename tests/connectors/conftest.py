"""An account at a protocol server, on a real database: the way that orders really take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tidegate.sdk.discovery import manifest_of
from tidegate.sdk.http.sending import Times
from tidegate.sdk.manifest import Sync
from tidegate.sdk.stage.protocol import SampleLine, SampleOrder
from tidegate.services.context import Context
from tidegate.services.remotes import accounts
from tidegate.services.remotes.connected import connector_of
from tidegate.services.remotes.reach import Reach
from tidegate.services.rulebook import Rulebook
from tidegate.services.syncing.pulling import Pulled, Source, pull_orders
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.schema import Base
from tidegate.store.tables import Order, OrderLine, Shop, Tenant
from tidegate.store.unit_of_work import Store, open_engine

SHOP = "北岸器物旗舰店"


@dataclass
class Desk:
    """One account of one connector. `source` is what its orders come from."""

    context: Context
    server: Any
    made: Any  # the connector at work
    name: str
    sync: Sync

    @property
    def source(self) -> Source:
        sync = replace(self.sync, lag_s=0, back_s=86_400)
        return Source(f"{self.name}:1", self.made, sync)

    def pull(self) -> Pulled:
        return pull_orders(self.context, self.source)

    def orders(self) -> list[Order]:
        with self.context.store.begin(1, readonly=True) as work:
            found = list(work.session.scalars(select(Order).order_by(Order.number)))
            work.session.expunge_all()
            return found

    def order(self, number: str) -> Order:
        return next(one for one in self.orders() if one.number == number)

    def lines(self, number: str) -> list[OrderLine]:
        order_id = self.order(number).id
        with self.context.store.begin(1, readonly=True) as work:
            wanted = select(OrderLine).where(OrderLine.order_id == order_id)
            found = list(work.session.scalars(wanted.order_by(OrderLine.position)))
            work.session.expunge_all()
            return found


@pytest.fixture
def desk_of(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Opens a desk: `desk_of("taobao", server, page_size="3")`."""
    engines = []

    def opened(name: str, server: Any, **own: str) -> Desk:
        engine = open_engine(f"sqlite:///{tmp_path / name}.db")
        engines.append(engine)
        Base.metadata.create_all(engine)
        now = datetime.now(UTC)
        with Store(engine).unscoped() as session:
            session.add(Tenant(code="a", name="a", created_at=now))
            session.flush()
            session.add(
                Shop(tenant_id=1, channel=name, name=SHOP, timezone="Asia/Shanghai", currency="CNY")
            )
            session.commit()
        reach = Reach(trusted=(server.url.partition("//")[2],), times=Times(2.0, 5.0, 10.0))
        context = Context(
            Store(engine), 1, Rulebook(None), {}, lambda: datetime.now(UTC), tmp_path, reach=reach
        )
        return _at(context, name, server, own)

    yield opened
    for engine in engines:
        engine.dispose()


def _at(context: Context, name: str, server: Any, own: dict[str, str]) -> Desk:
    manifest = manifest_of(name)
    given = {**server.settings, **own}
    accounts.add(
        context, name, "lin", code="a", shop_id=1,
        settings={key: value for key, value in given.items() if key not in manifest.secrets},
        secrets={key: value for key, value in given.items() if key in manifest.secrets},
    )  # fmt: skip
    with context.store.begin(1, readonly=True) as work:
        row = work.session.scalars(select(ConnectorAccount)).one()
        work.session.expunge(row)
    made, _ = connector_of(context, row, SHOP)
    return Desk(context, server, made, name, manifest.sync)


def sample(number: str, *, ago_s: float = 3600, **fields: Any) -> SampleOrder:
    """A paid order of one line, changed so many seconds ago."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=ago_s)
    line = SampleLine("KETTLE-BK", "手冲壶 1.2 L", 2, Decimal("129.10"))
    made = SampleOrder(number, at - timedelta(hours=1), at, (line,), Decimal("258.20"))
    return replace(made, **fields)
