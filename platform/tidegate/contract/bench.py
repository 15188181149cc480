"""Where a connector is tried: its protocol server, an account in a database of its own, and the real way of orders."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select

from tidegate.bootstrap import open_context
from tidegate.contract.canaries import Overheard
from tidegate.sdk.carrier import DuplicateClass
from tidegate.sdk.discovery import manifest_of
from tidegate.sdk.http.sending import Times
from tidegate.sdk.manifest import Manifest
from tidegate.sdk.stage.protocol import GROUP, HasLimits
from tidegate.services.context import Context
from tidegate.services.remotes import accounts
from tidegate.services.remotes.carrying import AccountCarrier
from tidegate.services.remotes.connected import connector_of
from tidegate.services.remotes.reach import Reach
from tidegate.settings import Settings
from tidegate.store.remote_tables import ConnectorAccount, RemoteBreaker, RemoteCall
from tidegate.store.schema import Base
from tidegate.store.tables import Order, OrderLine, Shop
from tidegate.store.unit_of_work import open_engine

PAGE = 5  # orders a page where the connector lets it be set
TIMES = Times(connect_s=1.0, read_s=0.6, total_s=2.0)
FREE = "1000000/1"
Own = Mapping[str, str] | Callable[[Any], Mapping[str, str]] | None


@dataclass
class Stand:
    """One account on a server of its own. `context` has a clock that may be set; `made` is the connector."""

    context: Context
    manifest: Manifest
    server: Any
    code: str
    shop: str
    heard: Overheard
    made: Any = None

    @property
    def source(self) -> str:
        return f"{self.manifest.id}:{self.code}"

    @property
    def sample(self) -> Mapping[str, str]:
        return getattr(self.server, "samples", {})

    def renewed(self) -> None:
        """As after a pause: the breaker is closed and no limit is lowered; tokens and position stay."""
        self.context = replace(self.context, reach=_reach(self.server))
        with self.context.store.begin(self.context.tenant_id) as work:
            work.session.execute(delete(RemoteBreaker))
            work.commit()
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            row = work.session.scalars(
                select(ConnectorAccount).where(ConnectorAccount.code == self.code)
            ).one()
            work.session.expunge(row)
        made, line = connector_of(self.context, row, self.shop)
        if "create_waybill" in self.manifest.capabilities:
            kind = DuplicateClass(self.manifest.duplicates)
            made = AccountCarrier(self.context, row.id, row.code, made, kind, row.state, line)
        self.made = made

    def orders(self) -> list[Order]:
        """As they are stored, of this stand's shop, by number."""
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            found = work.session.scalars(
                select(Order)
                .join(Shop, Shop.id == Order.shop_id)
                .where(Shop.name == self.shop)
                .order_by(Order.number)
            ).all()
            work.session.expunge_all()
            return list(found)

    def lines(self, order: Order) -> list[OrderLine]:
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            found = work.session.scalars(select(OrderLine).where(OrderLine.order_id == order.id))
            rows = list(found)
            work.session.expunge_all()
            return rows


@dataclass
class Bench:
    """Opens stands; closed at the end with all that was opened."""

    name: str
    heard: Overheard = field(default_factory=Overheard)
    _opened: ExitStack = field(default_factory=ExitStack)
    _count: int = 0

    @cached_property
    def manifest(self) -> Manifest:
        return manifest_of(self.name)

    @cached_property
    def entry(self) -> EntryPoint | None:
        """The protocol server's."""
        return next((one for one in entry_points(group=GROUP) if one.name == self.name), None)

    @cached_property
    def faces(self) -> Any:
        """A server that is not started, to see what it can do."""
        return self.entry.load()() if self.entry else None

    @cached_property
    def context(self) -> Context:
        folder = Path(self._opened.enter_context(tempfile.TemporaryDirectory()))
        plain = Settings.from_environment(dotenv=None)
        settings = replace(
            plain, data_dir=folder, database_url=f"sqlite:///{folder / 'check.db'}", redis_url=None,
            log_level="DEBUG", log_style="json", patterns="own", traces_url="",
        )  # fmt: skip
        _make_tables(settings.database_url)
        context = open_context(settings, carriers={}, migrate=False)
        self._opened.callback(context.store.engine.dispose)
        return context

    @contextmanager
    def stand(self, own: Own = None, *, limited: bool = False) -> Iterator[Stand]:
        """A new account on a new server with its `own` settings (or made of the server); `limited`: by its limits and
        the server's, else by none.
        """
        assert self.entry is not None  # noqa: S101  the suite has looked
        server = self.entry.load()()
        server.start()
        try:
            if not limited and isinstance(server, HasLimits):
                server.limits = {}
            yield self._account(server, limited, (own(server) if callable(own) else own) or {})
        finally:
            self._note_calls()
            server.stop()

    def close(self) -> None:
        self._opened.close()

    def _account(self, server: Any, limited: bool, own: Mapping[str, str]) -> Stand:
        self._count += 1
        code, shop = f"kit{self._count}", f"kit {self._count}"
        given = {**server.settings, **own}
        if "page_size" in self.manifest.settings:
            given["page_size"] = own.get("page_size", str(PAGE))
        if not limited and self.manifest.limits:
            given["limits"] = " ".join(f"{one.api}={FREE}" for one in self.manifest.limits)
        hidden = {name: value for name, value in given.items() if name in self.manifest.secrets}
        self.heard.keep_secrets(hidden)
        context = replace(self.context, reach=_reach(server))
        accounts.add(
            context, self.name, "contract kit", code=code, shop_id=self._shop(shop), secrets=hidden,
            settings={name: value for name, value in given.items() if name not in hidden},
        )  # fmt: skip
        stand = Stand(context, self.manifest, server, code, shop, self.heard)
        stand.renewed()
        return stand

    def _shop(self, name: str) -> int:
        context = self.context
        with context.store.begin(context.tenant_id) as work:
            shop = Shop(
                channel=self.manifest.channel or self.name, name=name,
                timezone=self.manifest.timezone, currency=self.manifest.currency,
            )  # fmt: skip
            work.add(shop)
            work.session.flush()
            found = shop.id
            work.commit()
        return found

    def _note_calls(self) -> None:
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            for row in work.session.scalars(select(RemoteCall)):
                self.heard.note("record of calls", f"{row.request} {row.answer} {row.code}")


def _make_tables(url: str) -> None:
    """As migrations leave them, in a tenth of the time."""
    engine = open_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()


def _reach(server: Any) -> Reach:
    """Only this server may be called, and nothing waits long."""
    return Reach(trusted=(urlsplit(server.url).netloc,), times=TIMES)
