"""A protocol server as a process of its own: commands come as lines of JSON, answers go the same way."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.metadata import entry_points
from typing import Any

from tidegate.sdk.stage.protocol import GROUP, Fault, SampleLine, SampleOrder, SignedPush
from tidegate.sdk.stage.weather import Weather

PUSHES_AT_ONCE = 4


class Stage:
    """The server of one platform, and what a run does with it."""

    def __init__(self, name: str) -> None:
        (point,) = entry_points(group=GROUP, name=name)
        self.server: Any = point.load()()
        self._expiring: threading.Thread | None = None
        self._clear = threading.Event()

    def start(self) -> Mapping[str, Any]:
        self.server.start()
        samples = getattr(self.server, "samples", {})
        return {"url": self.server.url, "settings": dict(self.server.settings), "samples": samples}

    def place(self, orders: list[dict[str, Any]]) -> int:
        """Orders made or changed now; `ago_s` is how old they are."""
        now = datetime.now(UTC)
        for one in orders:
            made = now - timedelta(seconds=one.pop("ago_s", 0))
            lines = [
                SampleLine(row[0], row[1], row[2], Decimal(row[3])) for row in one.pop("lines")
            ]
            total = sum((line.price * line.quantity for line in lines), Decimal())
            self.server.place(
                SampleOrder(created_at=made, modified_at=now, lines=lines, total=total, **one)
            )
        return len(orders)

    def weather(
        self, seed: int, rates: Mapping[str, float], slow_s: float, sparing: list[str]
    ) -> None:
        kinds = {Fault(name): rate for name, rate in rates.items()}
        self.server.weather = Weather(seed, kinds, slow_s, frozenset(sparing)) if kinds else None

    def expire_every(self, seconds: float) -> None:
        """Tokens stop being good now and then, wherever the client is in its pages; 0: no more."""
        self._clear.set()
        if self._expiring is not None:
            self._expiring.join()
        self._clear = clear = threading.Event()
        if seconds:
            self._expiring = threading.Thread(
                target=self._expire, args=(seconds, clear), daemon=True
            )
            self._expiring.start()

    def _expire(self, seconds: float, clear: threading.Event) -> None:
        while not clear.wait(seconds):
            self.server.expire_tokens()

    def limit(self, limits: Mapping[str, tuple[int, float]]) -> None:
        self.server.limits = {name: tuple(one) for name, one in limits.items()}

    def stock(self, levels: Mapping[str, int]) -> None:
        for sku, units in levels.items():
            self.server.put_stock(sku, units)

    def scans(self, told: list[tuple[str, str, str, float]]) -> None:
        """(carrier, number, code, seconds from now)."""
        now = datetime.now(UTC)
        for carrier, number, code, after_s in told:
            self.server.add_scan(carrier, number, code, now + timedelta(seconds=after_s), "快件")

    def push_orders(
        self, to: str, numbers: list[str], seed: int, twice: float
    ) -> Mapping[str, int]:
        return self._push(to, [self.server.order_push(one) for one in numbers], seed, twice)

    def following(self, numbers: list[str]) -> list[str]:
        """Those of the numbers whose scans this platform was asked to push."""
        return sorted(set(numbers) & set(self.server.subscribed()))

    def push_scans(
        self, to: str, parcels: list[tuple[str, str]], seed: int, twice: float
    ) -> Mapping[str, int]:
        many = getattr(self.server, "push", None)
        if many is not None:  # ten numbers a call
            pushes = [many(parcels[n : n + 10]) for n in range(0, len(parcels), 10)]
        else:
            pushes = [self.server.scan_push(*one) for one in parcels]
        return self._push(to, pushes, seed, twice)

    def _push(
        self, to: str, pushes: list[SignedPush], seed: int, twice: float
    ) -> Mapping[str, int]:
        """Out of order, some twice, some garbage; what is not taken is sent again, as platforms do."""
        rng = random.Random(seed)
        all_of_them = [*pushes, *(one for one in pushes if rng.random() < twice)]
        all_of_them += [
            SignedPush(one.headers, b"\x00{garbage") for one in pushes[: len(pushes) // 50]
        ]
        rng.shuffle(all_of_them)
        with ThreadPoolExecutor(PUSHES_AT_ONCE) as pool:
            return Counter(pool.map(lambda one: _send(to, one), all_of_them))

    def books(self) -> Mapping[str, Any]:
        """What this platform would swear to."""
        server, found = self.server, {}
        for name in ("shipped", "waybills"):
            if hasattr(server, name):
                found[name] = [
                    [getattr(one, slot) for slot in one.__slots__]
                    for one in getattr(server, name)()
                ]
        if hasattr(server, "cainiao"):
            found["closed"] = [
                [one.number, one.order, sorted(one.recipient), one.recipient.get("oaid"), one.live]
                for one in list(server.cainiao.made.values())
            ]
        if hasattr(server, "stock"):
            found["stock"] = dict(server.stock())
        found["messages"] = len(getattr(server, "messages", ()))
        found["calls"] = Counter(f"{call.api} {call.outcome}" for call in list(server.calls))
        return found


def _send(to: str, push: SignedPush) -> str:
    url = f"{to}?{push.query}" if push.query else to
    for _ in range(8):
        request = urllib.request.Request(url, push.body, dict(push.headers))
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return str(answer.status)
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return str(error.code)
        except OSError:
            pass
        time.sleep(0.5)
    return "given up"


def main() -> None:
    stage = Stage(sys.argv[1])
    for line in sys.stdin:
        asked = json.loads(line)
        work: Callable[..., Any] = getattr(stage, asked.pop("do"))
        print(json.dumps(work(**asked), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
