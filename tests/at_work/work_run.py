"""Connectors at work: `python tests/at_work/work_run.py [--orders 20000] [--seed 1] [--scaled]`.

Four shops, an ERP and two carriers, each a protocol server in a process of its own with its faults on; Tidegate as
real processes; at the end the books of all are compared. Prints what was seen; exits with 1 if anything disagrees.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from work_books import LEFT, Books, compare
from work_merchant import CALLS, COURIERS, Merchant
from work_orders import SCARCE, SCARCE_UNITS, SHOPS, SKUS, STATE_AT_END, Plan, changed, plan
from work_watch import STILL_S, Stillness
from work_world import Platform, Product, until

from tidegate.store.tables import Order, Parcel

NAMES = (*SHOPS, "kdniao", "sf")
PUSHING = ("shopify", "woocommerce", "generic")
WITH_TOKENS = ("taobao", "jushuitan")


@dataclass(frozen=True, slots=True)
class Day:
    """What goes wrong: shares of calls, how long a session lives (0: for ever), how long a shop and a carrier are away."""

    shops: Mapping[str, float]
    carriers: Mapping[str, float]
    expire_s: float
    outage_s: float
    slow_s: float = 14.0  # longer than we wait between two reads
    clears: bool = False  # once the waybills are there


BAD_DAY = Day(
    {"down": 0.02, "cut": 0.02, "garbage": 0.01, "throttled": 0.01, "busy": 0.02, "slow": 0.002},
    {"down": 0.02, "cut": 0.02, "garbage": 0.01, "busy": 0.01, "slow": 0.002, "refused": 0.002},
    expire_s=20,
    outage_s=40,
)
# a number that a shop may not have got is told again after a minute: by then the weather is good
MILD_DAY = Day(
    {"down": 0.02, "throttled": 0.01}, {"down": 0.02}, expire_s=5, outage_s=0, clears=True
)
BATCH = 500
UNITS = 500_000
WAIT_S = 7200.0
LOOK_S = 60.0
CHECK_S = 10.0
LEAST_POLL_S, MOST_POLL_S, POLL_S_PER_ORDER = 0.5, 5.0, 0.0005


@dataclass
class Run:
    """One run: its processes, what is planned, and what was seen on the way."""

    plan: Plan
    product: Product
    platforms: dict[str, Platform]
    merchant: Merchant
    say: Callable[[str], None]
    day: Day = BAD_DAY
    wait_s: float = WAIT_S
    hurry_s: float = 0.0  # somebody presses "pull now" so often; 0: nobody does
    still_s: float = STILL_S
    hurried: float = 0.0
    began: float = field(default_factory=time.monotonic)
    resumed: Counter[str] = field(default_factory=Counter)
    pushed: dict[str, Counter[str]] = field(default_factory=dict)
    most_mib: int = 0

    def tell(self, words: str) -> None:
        self.most_mib = max(self.most_mib, self.product.memory_mib())
        self.say(f"{time.monotonic() - self.began:7.1f} s  {words}")

    # the acts, in order

    def open(self) -> None:
        self.merchant.furnish()
        for name in (*PUSHING, "jushuitan"):
            stock = dict.fromkeys(SKUS, UNITS) | {SCARCE: SCARCE_UNITS}
            here = stock if name == "jushuitan" else dict.fromkeys(stock, 0)
            self.platforms[name].ask("stock", levels=here)
        self.merchant.connect()
        for name in SHOPS:
            self.merchant.read_from(name, 30)
        self.merchant.set_stock("jushuitan", "pull")
        self.merchant.pull("jushuitan")
        self.product.start()
        self._until(
            lambda: len(self.merchant.available()) == len(SKUS) + 1, "the ERP's stock is there"
        )
        self.merchant.set_stock("jushuitan", "")
        self.tell("stock of the ERP taken over")

    def storm(self) -> None:
        for n, (name, platform) in enumerate(self.platforms.items()):
            carrier = name in ("kdniao", "sf")
            rates = dict(self.day.carriers if carrier else self.day.shops)
            sparing = ["oauth.token", "oauth.access_token", "openWeb.auth.refreshToken"]
            platform.ask(
                "weather", seed=self.plan.seed + n, rates=rates, slow_s=self.day.slow_s,
                sparing=sparing,
            )  # fmt: skip
            if name in WITH_TOKENS:
                platform.ask("expire_every", seconds=self.day.expire_s)

    def orders_come(self) -> None:
        """In waves, while everything works; a shop and a carrier are away for a while in the middle."""
        with ThreadPoolExecutor(len(SHOPS)) as pool:
            selling = [pool.submit(self._sell, shop) for shop in SHOPS]
            while wait(selling, LOOK_S).not_done:
                self._help()  # people of the shop are at work too
        for one in selling:
            one.result()
        self.tell(f"{len(self.plan.orders)} orders placed, the changes of mind included")

    def _sell(self, shop: str) -> None:
        mine, platform = self.plan.of(shop), self.platforms[shop]
        for n, start in enumerate(range(0, len(mine), BATCH)):
            some = mine[start : start + BATCH]
            platform.ask("place", orders=[dict(one.document) for one in some])
            self._push(shop, [one.number for one in some], n)
            time.sleep(1)
            again = [changed(one, STATE_AT_END[one.end]) for one in some if one.end != "ship"]
            again += [changed(one, "to_ship", "请尽快") for one in some if one.memo]
            platform.ask("place", orders=again)
            self._push(shop, [one["number"] for one in again], n + 1)

    def _push(self, name: str, numbers: list[str], n: int) -> None:
        if name in PUSHING and numbers:
            to = self.product.url + self.merchant.hooks[name]
            told = self.platforms[name].ask(
                "push_orders", to=to, numbers=numbers, seed=self.plan.seed + n, twice=0.3
            )
            self.pushed.setdefault(name, Counter()).update(told)

    def outage(self) -> None:
        """One shop and one carrier answer nothing but 500."""
        if not self.day.outage_s:
            return
        for name in ("shopify", "sf"):
            self.platforms[name].ask(
                "weather", seed=self.plan.seed, rates={"down": 1.0}, slow_s=1, sparing=[]
            )
        self.tell("shopify and sf are away")
        time.sleep(self.day.outage_s)
        self.storm()
        self.tell("shopify and sf are back")

    def people_work(self) -> None:
        """Until every order is stopped, waits, is held, or has its waybill."""
        self._until(self._all_known, "every order and its change of mind is here")
        self.tell(f"every order is here: {dict(self.merchant.states())}")
        self._until(self._all_settled, "every order has its waybill or its reason")
        self.tell(f"waybills are there: {dict(self.merchant.states())}")

    def _all_known(self) -> bool:
        self._help()
        here = self.merchant.tally(Order.source_status)
        ends = Counter(STATE_AT_END.get(one.end, "to_ship") for one in self.plan.orders)
        return sum(here.values()) == len(self.plan.orders) and all(
            here[end] == count for end, count in ends.items() if end != "to_ship"
        )

    def _help(self, *also: str) -> None:
        self.resumed.update(self.merchant.resume())
        self.merchant.release()
        if self.hurry_s and time.monotonic() - self.hurried > self.hurry_s:
            self.hurried = time.monotonic()
            for name in (*SHOPS, *also):
                self.merchant.pull(name)

    def _all_settled(self) -> bool:
        self._help()
        open_ = ("received", "approved", "allocated", "routed")
        return not self.merchant.count(Order.state.in_(open_)) and not self.merchant.held()

    def warehouse_works(self) -> None:
        if self.day.clears:
            self.heal()
        while self.merchant.pack(1_000):
            self.tell(f"packed: {dict(self.merchant.states())}")
        self._until(self._all_told, "every shop knows its numbers")
        self.tell("shops know their numbers")

    def _all_told(self) -> bool:
        self._help()
        self.merchant.pack(1_000)
        told = self.merchant.effects()["write_back confirmed"]
        return told == self.merchant.count(Parcel.handed_over_at.is_not(None))

    def parcels_travel(self) -> None:
        """Scans come as pushes, doubled and out of order; an aggregator pushes what it was asked to follow."""
        left = [row for row in self.merchant.parcels() if row.state in LEFT]
        for one in COURIERS:
            mine = [(row.carrier, row.waybill_no) for row in left if row.carrier == one.carrier]
            platform = self.platforms[one.told_by]
            if one.told_by != one.account:
                numbers = [number for _, number in mine]
                self._until(
                    lambda p=platform, n=numbers: self._followed(p, n),
                    f"{one.told_by} was asked to follow {one.carrier}",
                )
            scans = [(*each, code, float(n)) for each in mine for n, code in enumerate(one.codes)]
            platform.ask("scans", told=scans)
            to = self.product.url + self.merchant.hooks[one.told_by]
            told = platform.ask("push_scans", to=to, parcels=mine, seed=self.plan.seed, twice=0.5)
            self.pushed.setdefault(one.told_by, Counter()).update(told)
            self.tell(f"{one.told_by} pushed scans of {len(mine)} parcels of {one.carrier}: {told}")
        self._until(self._all_delivered, "every parcel is delivered")
        self.tell("parcels are delivered")

    def _followed(self, platform: Platform, numbers: list[str]) -> bool:
        self._help(platform.name)
        found: list[str] = platform.ask("following", numbers=numbers)
        return len(found) == len(set(numbers))

    def _all_delivered(self) -> bool:
        self._help()
        return not self.merchant.count(Parcel.state.in_(LEFT - {"delivered"}))

    def heal(self) -> None:
        for name, platform in self.platforms.items():
            platform.ask("weather", seed=0, rates={}, slow_s=1, sparing=[])
            if name in WITH_TOKENS:
                platform.ask("expire_every", seconds=0)

    def settle(self) -> None:
        """Good weather: whatever is still open ends, stock is told once more."""
        self.heal()
        for name in PUSHING:
            self.merchant.set_stock(name, "push")
        self._until(self._stock_told, "stock is told to shops")
        self._until(self._quiet, "nothing is under way")
        self.tell("nothing is under way")

    def _stock_told(self) -> bool:
        self._help()
        free = self.merchant.available()
        for name in PUSHING:
            there = self.platforms[name].ask("books")["stock"]
            if any(there.get(sku) != units for sku, units in free.items()):
                self.merchant.pull(name)
                return False
        return True

    def _quiet(self) -> bool:
        self._help()
        return not [
            one for one in self.merchant.jobs() if one.startswith(CALLS) and "dead" not in one
        ]

    def books(self) -> Books:
        told = {name: platform.ask("books") for name, platform in self.platforms.items()}
        found = compare(self.merchant, self.plan, told)
        for name, one in told.items():
            calls: Counter[str] = Counter()
            for words, count in one["calls"].items():
                calls[words.split()[-1]] += count
            found.figures[f"calls of {name}"] = dict(calls)
            found.none(f"refused signatures at {name}", ["bad_signature"] * calls["bad_signature"])
        found.figures["messages left at taobao"] = told["taobao"]["messages"]
        found.figures["pushes"] = {name: dict(one) for name, one in self.pushed.items()}
        found.figures["accounts a person started again"] = dict(self.resumed)
        found.figures["memory of the product, MiB"] = self.most_mib
        cpu_s = self.product.cpu_s()
        found.figures["CPU seconds of the product"] = round(cpu_s, 1)
        found.figures["of them an order"] = round(cpu_s / len(self.plan.orders), 3)
        found.figures["CPU seconds of the merchant's side"] = round(time.process_time(), 1)
        found.figures["seconds"] = round(time.monotonic() - self.began)
        return found

    def _until(self, claim: Callable[[], bool], what: str) -> None:
        """Raises AssertionError when its time is over, and much sooner when nothing moves any more."""
        looked = checked = time.monotonic()
        still = Stillness(self.merchant, self.still_s)
        look_s = min(MOST_POLL_S, max(LEAST_POLL_S, len(self.plan.orders) * POLL_S_PER_ORDER))

        def look() -> bool:
            nonlocal looked, checked
            if claim():
                return True
            if time.monotonic() - looked > LOOK_S:
                looked = time.monotonic()
                self.tell(f"waiting: {what}\n{self.where()}")
            if time.monotonic() - checked > CHECK_S:
                checked = time.monotonic()
                still.check(what)
            return False

        try:
            until(look, self.wait_s, what, look_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.where()}\n{self.product.logs()}") from None

    def where(self) -> str:
        merchant = self.merchant
        held = merchant.tally(Order.hold_reason, where=(Order.state == "on_hold",))
        effects = merchant.effects()
        return (
            f"orders {dict(merchant.states())}\nheld {dict(held)}\neffects {dict(effects)}\n"
            f"jobs {dict(merchant.jobs())}\ntasks {merchant.tasks()}\nalarms {dict(merchant.alarms())}"
        )


def play(
    folder: Path, count: int, seed: int, database_url: str, redis_url: str | None = None,
    *, day: Day = BAD_DAY, wait_s: float = WAIT_S, hurry_s: float = 0.0, say: Callable[[str], None] = print,
) -> Books:  # fmt: skip
    """A whole run; the books at its end."""
    platforms: dict[str, Platform] = {}
    product = Product(folder, database_url, redis_url)
    merchant = None
    try:
        with ThreadPoolExecutor(len(NAMES)) as pool:
            platforms = dict(zip(NAMES, pool.map(Platform, NAMES), strict=True))
        merchant = Merchant(product, platforms)
        run = Run(plan(count, seed), product, platforms, merchant, say, day, wait_s, hurry_s)
        run.open()
        run.storm()
        away = threading.Thread(target=run.outage)
        away.start()
        run.orders_come()
        away.join()
        run.people_work()
        run.warehouse_works()
        run.parcels_travel()
        run.settle()
        return run.books()
    finally:
        product.stop()
        if merchant is not None:
            merchant.close()
        for platform in platforms.values():
            platform.close()


def report(found: Books, about: Mapping[str, Any]) -> str:
    lines = [", ".join(f"{name} {what}" for name, what in about.items())]
    lines += [f"{what}: {figure}" for what, figure in found.figures.items()]
    lines += [f"WRONG {one}" for one in found.wrong] or ["the books agree"]
    return "\n".join(lines)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--orders", type=int, default=20_000)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument(
        "--database", default="", help="SQLAlchemy address; empty: SQLite in a new folder"
    )
    words.add_argument(
        "--redis", default=None, help="with it pages, relay and workers are processes of their own"
    )
    asked = words.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # what was started is ended
    folder = Path(tempfile.mkdtemp(prefix="tidegate-at-work-"))
    url = asked.database or f"sqlite:///{folder / 'tidegate.db'}"
    found = play(folder, asked.orders, asked.seed, url, asked.redis)
    about = {"orders": asked.orders, "seed": asked.seed, "database": url.partition(":")[0]}
    print(report(found, about))
    sys.exit(1 if found.wrong else 0)


if __name__ == "__main__":
    main()
