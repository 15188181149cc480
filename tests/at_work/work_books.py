"""Books compared from outside: what platforms would swear to against what Tidegate says, to the last order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from work_merchant import COURIERS, Merchant
from work_orders import SCARCE, SCARCE_UNITS, SHOPS, Plan

LEFT = frozenset(
    {"handed_over", "in_transit", "out_for_delivery", "delivered", "returning", "returned"}
)
OVER = frozenset({"rejected", "cancelled"})
PUSHED_TO = ("shopify", "woocommerce", "generic")
EXPLAINED = {  # kind of alarm: what makes it ring in a run
    "stock_missing": "more of the scarce goods are promised than the shelf has",
    "waybill_late": "a carrier was away",
    "print_late": "the warehouse began late",
    "no_pickup": "the warehouse began late",
}


@dataclass
class Books:
    """`wrong`: disagreements, none when all is well; `figures`: what was counted."""

    wrong: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def hold(self, what: str, found: Any, wanted: Any) -> None:
        self.figures[what] = found
        if found != wanted:
            self.wrong.append(f"{what}: {found}, expected {wanted}")

    def none(self, what: str, offenders: list[Any]) -> None:
        self.figures[what] = len(offenders)
        if offenders:
            self.wrong.append(f"{what}: {len(offenders)}, such as {offenders[:5]}")


def compare(merchant: Merchant, plan: Plan, told: Mapping[str, Any]) -> Books:
    """`told`: the books of every platform, by name."""
    books = Books()
    orders = {(merchant.shops[row.shop_id], row.number): row for row in merchant.orders()}
    parcels: dict[int, list[Any]] = {}
    for row in merchant.parcels():
        parcels.setdefault(row.order_id, []).append(row)
    _orders(books, plan, orders)
    _waybills(books, orders, parcels, told)
    _closed(books, orders, parcels, told["taobao"])
    _shops(books, orders, parcels, told)
    _ends(books, plan, orders, parcels)
    _stock(books, merchant, told)
    _alarms(books, merchant)
    _quiet(books, merchant)
    return books


def _orders(books: Books, plan: Plan, orders: Mapping[tuple[str, str], Any]) -> None:
    for shop in SHOPS:
        there = {one.number for one in plan.of(shop)}
        here = {number for name, number in orders if name == shop}
        books.hold(f"orders of {shop}", len(here), len(there))
        books.none(f"orders of {shop} that only one side knows", sorted(there ^ here))


def _waybills(
    books: Books, orders: Any, parcels: Mapping[int, list[Any]], told: Mapping[str, Any]
) -> None:
    """Each parcel exactly one live waybill in exactly one ledger; no ledger has one that nobody has here."""
    live = {
        (one.carrier, number)
        for one in COURIERS
        for _key, number, alive in told[one.account]["waybills"]
        if alive
    }
    mine = Counter(
        (one.carrier, one.waybill_no)
        for rows in parcels.values()
        for one in rows
        if one.waybill_no and one.state != "cancelled"
    )
    for one in COURIERS:
        made = [alive for _key, _number, alive in told[one.account]["waybills"]]
        books.figures[f"live waybills of {one.account}"] = made.count(True)
        books.figures[f"waybills voided at {one.account}"] = made.count(False)
    books.none("numbers that two parcels have", [one for one, times in mine.items() if times > 1])
    books.none("numbers of ours that no carrier has alive", sorted(mine.keys() - live))
    books.none("live waybills that no parcel has", sorted(live - mine.keys()))
    several = [
        name
        for name, row in orders.items()
        if len([one for one in parcels.get(row.id, ()) if one.state != "cancelled"]) > 1
    ]
    books.none("orders with more than one parcel", several)


def _closed(
    books: Books, orders: Any, parcels: Mapping[int, list[Any]], taobao: Mapping[str, Any]
) -> None:
    """Taobao's waybills: of its own orders, from their OAID and nothing else; nobody was opened."""
    mine = {
        (one.waybill_no, number)
        for (name, number), row in orders.items()
        if name == "taobao"
        for one in parcels.get(row.id, ())
        if one.carrier == "ZTO" and one.waybill_no and one.state != "cancelled"
    }
    rows = taobao["closed"]
    books.none(
        "told taobao more of a recipient than its OAID",
        [number for number, _order, keys, _oaid, _live in rows if keys != ["oaid", "tid"]],
    )
    books.none(
        "waybills of taobao from another order's OAID",
        [number for number, order, _keys, oaid, _live in rows if oaid != f"oaid-{order}"],
    )
    live = {(number, order) for number, order, _keys, _oaid, alive in rows if alive}
    books.none("live waybills of taobao that are not their order's", sorted(live ^ mine))
    opened = [call for call in taobao["calls"] if call.startswith("taobao.top.oaid.decrypt")]
    books.none("recipients opened at taobao", opened)


def _shops(
    books: Books, orders: Any, parcels: Mapping[int, list[Any]], told: Mapping[str, Any]
) -> None:
    """The number in the shop is the carrier's number, in every shop, for every parcel that left, and for no other."""
    for shop in SHOPS:
        here = {
            (number, one.waybill_no)
            for (name, number), row in orders.items()
            if name == shop
            for one in parcels.get(row.id, ())
            if one.state in LEFT
        }
        there = [(order, number) for order, _carrier, number in told[shop]["shipped"]]
        books.figures[f"numbers in {shop}"] = len(there)
        books.none(f"told {shop} twice", [one for one, n in Counter(there).items() if n > 1])
        books.none(f"left and not told {shop}", sorted(here - set(there)))
        books.none(f"told {shop} and not left", sorted(set(there) - here))


def _ends(
    books: Books,
    plan: Plan,
    orders: Mapping[tuple[str, str], Any],
    parcels: Mapping[int, list[Any]],
) -> None:
    states = {(one.shop, one.number): orders.get((one.shop, one.number)) for one in plan.orders}
    gone = {(one.shop, one.number) for one in plan.ending("cancel", "refund")}
    books.none(
        "cancelled or refunded and not stopped",
        [(key, states[key].state) for key in gone if states[key] and states[key].state not in OVER],
    )
    live = [
        key for key in gone if states[key]
        and any(one.waybill_no and one.state != "cancelled" for one in parcels.get(states[key].id, ()))
    ]  # fmt: skip
    books.none("cancelled or refunded with a parcel", live)
    rare = [states[one.shop, one.number] for one in plan.orders if one.rare]
    left = [row for row in rare if row and row.state in LEFT]
    waiting = [row for row in rare if row and row.state == "waiting_stock"]
    held = [row for row in states.values() if row and row.state == "on_hold"]
    kept = [
        row for row in rare if row and row.state == "on_hold"
    ]  # refused by a carrier: their goods lie ready
    books.figures["scarce goods that left"] = len(left)
    books.hold("scarce goods taken", len(left) + len(kept), min(SCARCE_UNITS, len(rare)))
    books.hold("orders that wait for scarce goods", len(waiting), max(0, len(rare) - SCARCE_UNITS))
    books.figures["held for a person"] = dict(Counter(str(row.hold_reason) for row in held))
    rest = [
        (key, row.state, row.hold_reason)
        for key, row in states.items()
        if row and key not in gone and row.state not in LEFT | {"waiting_stock", "on_hold"}
    ]
    books.none("neither left nor waiting nor held", rest)
    books.figures["states"] = dict(Counter(row.state for row in states.values() if row))


def _stock(books: Books, merchant: Merchant, told: Mapping[str, Any]) -> None:
    free = merchant.available()
    for shop in PUSHED_TO:
        there = told[shop]["stock"]
        books.none(
            f"stock of {shop} that is not ours",
            [
                (sku, there.get(sku), units)
                for sku, units in free.items()
                if there.get(sku) != units
            ],
        )
    books.figures["goods on sale"] = len(free)
    books.figures["scarce goods free"] = free.get(SCARCE)


def _alarms(books: Books, merchant: Merchant) -> None:
    found = merchant.alarms()
    books.figures["alarms"] = dict(found)
    books.none(
        "alarms without an explanation", [one for one in found if one.split()[0] not in EXPLAINED]
    )


def _quiet(books: Books, merchant: Merchant) -> None:
    """Nothing is dead, and no outcome is open."""
    books.none("dead jobs", [one for one in merchant.jobs().items() if one[0].endswith(" dead")])
    open_ = merchant.effects()
    books.figures["effects"] = dict(open_)
    books.none(
        "open outcomes",
        [one for one in open_ if one.split()[1] in ("sending", "unknown", "intent")],
    )
