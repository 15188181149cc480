"""The merchant of a run: what is set up once, what the people of the warehouse and of customer service do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from work_orders import NORTH, SCARCE, SKUS, SOUTH
from work_world import Platform, Product

from tidegate.bootstrap import open_context
from tidegate.errors import Conflict, TidegateError
from tidegate.sdk.discovery import manifest_of
from tidegate.services import review
from tidegate.services.context import Context
from tidegate.services.handover import hand_over
from tidegate.services.hooks import addresses
from tidegate.services.labels import print_labels
from tidegate.services.remotes import accounts
from tidegate.services.syncing import acts
from tidegate.settings import Settings
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.sync_tables import AccountSync, FollowedParcel
from tidegate.store.tables import (
    Alert,
    CarrierService,
    Effect,
    Job,
    Order,
    Parcel,
    RateCard,
    ServiceZone,
    Shop,
    Stock,
    Warehouse,
)
from tidegate.store.tables import (
    Product as Goods,
)

CHANNELS = {"generic": "mall"}
MORE = {  # settings of accounts besides those a server gives
    "taobao": {"page_size": "100"}, "shopify": {"page_size": "50"}, "woocommerce": {"page_size": "100"},
    "generic": {"page_size": "100", "limits": "*=150/1"}, "jushuitan": {"page_size": "50", "limits": "*=100/1"},
    "kdniao": {"services": "YTO.standard=YTO"}, "sf": {},
}  # fmt: skip
AT_ONCE = 100  # parcels of a batch of labels
CURABLE = ("waybill_refused",)
CALLS = (  # jobs that call somebody
    "request_waybill", "void_waybill", "write_back", "advance_order", "fetch_order", "fetch_label",
    "work_hook_messages",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Courier:
    """A carrier service. `account` makes its waybills, `told_by` knows its scans, in the order of `codes`."""

    service: str
    carrier: str
    account: str
    places: tuple[tuple[str, str, str], ...]
    first_minor: int
    told_by: str
    codes: tuple[str, ...]


COURIERS = (
    Courier("YTO.standard", "YTO", "kdniao", (NORTH,), 800, "kdniao", ("1", "2", "202", "3")),
    Courier("SF.standard", "SF", "sf", (SOUTH,), 800, "sf", ("50", "30", "44", "80")),
    # Taobao's own waybills, made from OAID; dearer, so that nobody else's parcels go by it.
    Courier(
        "ZTO.cainiao", "ZTO", "taobao", (NORTH, SOUTH), 1_800, "kdniao", ("1", "2", "202", "3")
    ),
)


class Merchant:
    """Acts through the services, as pages and commands do, beside the processes that run."""

    def __init__(self, product: Product, platforms: Mapping[str, Platform]) -> None:
        self.platforms = platforms
        settings = replace(
            Settings.from_environment(None), database_url=product.database_url,
            data_dir=product.folder, trusted_hosts=("127.0.0.1",), patterns="own", log_level="ERROR",
        )  # fmt: skip
        self.context: Context = open_context(settings, carriers={})
        self.hooks: dict[str, str] = {}
        self.shops: dict[int, str] = {}
        self._released: set[int] = set()

    def close(self) -> None:
        self.context.store.close()

    # set up

    def furnish(self) -> None:
        goods = [
            Goods(sku=sku, title="手冲壶", weight_g=620, length_mm=200, width_mm=150, height_mm=120)
            for sku in (*SKUS, SCARCE)
        ]
        with self.context.store.begin(self.context.tenant_id) as work:
            work.add(
                Warehouse(
                    code="jiaxing", name="嘉兴仓", contact="发货组", phone="0573-88880001",
                    province="浙江省", city="嘉兴市", district="南湖区", address="物流园 8 号",
                )
            )  # fmt: skip
            for row in goods:
                work.add(row)
            for one in COURIERS:
                work.add(
                    CarrierService(
                        code=one.service, carrier=one.carrier, name_zh=one.carrier,
                        name_en=one.carrier, connector=one.account,
                    )
                )  # fmt: skip
                for province, _city, _district in one.places:
                    work.add(
                        ServiceZone(
                            service_code=one.service, province=province, zone="1", transit_hours=48
                        )
                    )
                work.add(
                    RateCard(
                        service_code=one.service, zone="1", first_g=1000,
                        first_price_minor=one.first_minor, step_g=500, step_price_minor=200,
                    )
                )  # fmt: skip
            work.commit()

    def connect(self) -> None:
        """An account each; whoever pushes gets an address to push to."""
        for name, platform in self.platforms.items():
            self._account(name, platform)
            if name in self.context.receivers and name not in ("taobao", "jushuitan"):
                self._address(name)
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            self.shops = {row.id: row.name for row in work.session.scalars(select(Shop))}

    def _account(self, name: str, platform: Platform) -> None:
        manifest, shop_id = manifest_of(name), None
        if {"shop", "erp"} & set(manifest.kinds):
            with self.context.store.begin(self.context.tenant_id) as work:
                shop = Shop(channel=manifest.channel, name=name)
                work.add(shop)
                work.commit()
                shop_id = shop.id
        hidden = {key for key, one in manifest.settings.items() if one.secret}
        given = {**platform.settings, **MORE[name]}
        accounts.add(
            self.context, name, "li", code=name, shop_id=shop_id,
            settings={key: text for key, text in given.items() if key not in hidden},
            secrets={key: text for key, text in given.items() if key in hidden},
        )  # fmt: skip

    def _address(self, name: str) -> None:
        secrets = {
            "shopify": "demo_shared_secret", "woocommerce": "demo_shared_secret",
            "generic": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "kdniao": self.platforms["kdniao"].settings["api_key"] if name == "kdniao" else "",
        }  # fmt: skip
        who = self.platforms["kdniao"].settings["business_id"] if name == "kdniao" else ""
        id_, _ = addresses.create(
            self.context,
            name,
            name,
            "li",
            account=name,
            secret=secrets.get(name, ""),
            secret_account=who,
        )
        (self.hooks[name],) = [
            one.path for one in addresses.addresses(self.context) if one.id == id_
        ]

    def set_stock(self, name: str, what: str) -> None:
        """Whether an account tells stock, is told it, or neither."""
        accounts.change(self.context, name, "li", settings={"stock": what, "warehouse": "jiaxing"})

    def read_from(self, name: str, minutes: float) -> None:
        acts.replay(self.context, name, self.context.clock() - timedelta(minutes=minutes), "li")

    def pull(self, name: str) -> None:
        """Somebody presses the button; not while the account is stopped."""
        with suppress(Conflict):
            acts.pull_now(self.context, name, "li")

    # a day's work

    def held(self) -> list[int]:
        """Orders held for a reason that a second try may cure, and that nobody let go yet."""
        where = (
            Order.state == "on_hold", Order.hold_reason.in_(CURABLE),
            Order.source_status == "to_ship",
        )  # fmt: skip
        return [id_ for (id_,) in self.rows(Order.id, where=where) if id_ not in self._released]

    def release(self) -> None:
        """The warehouse lets each go once; what is held again stays held."""
        for id_ in self.held():
            self._released.add(id_)
            with suppress(TidegateError):  # it changed meanwhile: cancelled, say
                review.release(self.context, id_, "li", "再取一次")

    def pack(self, most: int) -> int:
        """Print what has its waybill and hand over what is printed; the number handed over."""
        ready = self._parcels("waybill", most)
        for start in range(0, len(ready), AT_ONCE):
            print_labels(self.context, ready[start : start + AT_ONCE], "wang")
        printed = self._parcels("printed", most)
        done = 0
        for start in range(0, len(printed), AT_ONCE):
            done += hand_over(self.context, printed[start : start + AT_ONCE], "wang")
        return done

    def resume(self) -> list[str]:
        """Accounts that stopped, and why; a person looked at the credentials and starts them again."""
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            rows = [
                (row.code, str(row.reason))
                for row in work.session.scalars(select(ConnectorAccount))
                if row.state != "active"
            ]
        for code, _ in rows:
            accounts.resume(self.context, code, "li")
        return [f"{code}: {reason}" for code, reason in rows]

    def _parcels(self, state: str, most: int) -> list[int]:
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            found = select(Parcel.id).where(Parcel.state == state).order_by(Parcel.id).limit(most)
            return list(work.session.scalars(found))

    # looking

    def rows(self, *columns: Any, where: tuple[Any, ...] = ()) -> list[Any]:
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            return list(work.session.execute(select(*columns).where(*where)).all())

    def orders(self) -> list[Any]:
        return self.rows(
            Order.id,
            Order.shop_id,
            Order.number,
            Order.state,
            Order.hold_reason,
            Order.source_status,
        )

    def parcels(self) -> list[Any]:
        return self.rows(
            Parcel.id, Parcel.order_id, Parcel.state, Parcel.carrier, Parcel.waybill_no, Parcel.handed_over_at,
            Parcel.number,
        )  # fmt: skip

    def available(self) -> dict[str, int]:
        return {
            sku: on_hand - reserved
            for sku, on_hand, reserved in self.rows(Stock.sku, Stock.on_hand, Stock.reserved)
        }

    def tally(self, *columns: Any, where: tuple[Any, ...] = ()) -> Counter[str]:
        """How many rows have these values, counted by the database; keys are the values, a space between."""
        counted = select(*columns, func.count()).where(*where).group_by(*columns)
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            return Counter(
                {" ".join(map(str, row[:-1])): row[-1] for row in work.session.execute(counted)}
            )

    def count(self, *where: Any) -> int:
        return int(self.rows(func.count(), where=where)[0][0])

    def states(self) -> Counter[str]:
        return self.tally(Order.state)

    def effects(self) -> Counter[str]:
        return self.tally(Effect.kind, Effect.state)

    def alarms(self) -> Counter[str]:
        return self.tally(Alert.kind, Alert.state)

    def jobs(self) -> Counter[str]:
        return self.tally(Job.name, Job.state, where=(Job.state.in_(("ready", "leased", "dead")),))

    def progress(self) -> dict[str, int]:
        """What only grows while a run gets on."""
        over = Order.source_status.in_(("cancelled", "refunded"))
        done = Effect.state.in_(("confirmed", "voided", "rejected"))
        return {
            "orders": self.count(Order.id > 0),
            "stopped at the shop": self.count(over),
            "effects": self.count(Effect.id > 0),
            "effects done": self.count(done),
            "followed": self.count(FollowedParcel.id > 0),
            **{
                f"parcels {state}": count
                for state, count in self.tally(Parcel.state).items()
                if state in ("printed", "handed_over", "in_transit", "delivered")
            },
        }

    def next_try(self) -> datetime | None:
        """The latest moment that a job or an account which failed waits for."""
        jobs = self.rows(
            func.max(Job.due_at),
            where=(Job.state == "ready", Job.attempts > 0, Job.name.in_(CALLS)),
        )
        syncs = self.rows(func.max(AccountSync.next_at), where=(AccountSync.failures > 0,))
        return max((row[0] for row in (*jobs, *syncs) if row[0] is not None), default=None)

    def tasks(self) -> dict[tuple[str, str], Any]:
        found = self.rows(
            ConnectorAccount.code, AccountSync.task, AccountSync.ok_at, AccountSync.behind, AccountSync.failures,
            AccountSync.code, where=(AccountSync.account_id == ConnectorAccount.id,),
        )  # fmt: skip
        return {(code, task): rest for code, task, *rest in found}
