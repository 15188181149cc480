"""Server time of every editor interaction in a set of 1,000 rules, and against the same call on a set of 10.

python benchmarks/workshop_editing.py [rounds]

Time by the clock on the wall, at the test client: routing, services, database and page. `cpu` is the process's own
time, which another program on the machine does not lengthen. The database is SQLite in a file.
"""

from __future__ import annotations

import json
import logging
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select

from tidegate.bootstrap import open_context
from tidegate.cli import collector
from tidegate.services.demo import demo_feed, feed_step, seed_demo
from tidegate.services.workshop import drafts
from tidegate.settings import Settings
from tidegate.store.tables import Order
from tidegate_web.app import create_app

SIZES, ORDERS, AIM_MS = (1_000, 10), 60, 100.0
PROVINCES = ("江苏", "浙江", "上海", "安徽", "广东", "北京", "四川", "湖北")
BANDS = {"HX-Request": "true", "HX-Target": "editor-bands"}
GRID = {"HX-Request": "true", "HX-Target": "grid-table"}
PANEL = {"HX-Request": "true", "HX-Target": "rule_try-panel"}
STATE = {"HX-Request": "true", "HX-Target": "rule_check-state"}


def a_rule(number: int) -> dict[str, Any]:
    return {
        "id": f"r{number}",
        "title": {"zh": f"规则 {number}", "en": f"Rule {number}"},
        "why": "测速",
        "if": [
            f"order.total > {1_000 + number} CNY",
            'recipient.province = "浙江省"',
            f"some item in items satisfies item.quantity > {number % 7}",
        ],
        "then": [{"hold": {"reason": "high_value", "queue": "manual_review"}}],
    }


def a_row(number: int) -> dict[str, Any]:
    return {
        "id": f"r{number}",
        "when": [f"[{number} CNY..{number + 3} CNY)", f'"{PROVINCES[number % 8]}"', "-"],
        "then": [{"reason": "high_value"}],
    }


def whole(name: str, body: dict[str, Any]) -> str:
    head = {"tidegate": "ruleset/1", "id": name, "gate": "review"}
    return json.dumps(head | {"title": {"zh": name, "en": name}, "policy": "first"} | body)


def make_sets(context: Any, size: int) -> None:
    """A set of rules and a set of one table, both in a draft."""
    rules = {"rules": [a_rule(n) for n in range(1, size + 1)]}
    drafts.import_text(context, whole(f"rules-{size}", rules), "bench")
    table = {
        "id": "big", "inputs": ["order.total", "recipient.province", "order.channel"],
        "outputs": ["hold"], "rows": [a_row(n) for n in range(1, size + 1)],
    }  # fmt: skip
    drafts.import_text(context, whole(f"table-{size}", {"tables": [table]}), "bench")


@dataclass
class Desk:
    """One set of each kind, and somebody who works on both."""

    client: Any
    context: Any
    size: int
    subject: str

    def __post_init__(self) -> None:
        self.rules, self.table = f"/rules/rules-{self.size}", f"/rules/table-{self.size}"
        self.rule = f"{self.rules}/rules/r{self.size // 2}"
        self.grid = f"{self.table}/tables/big"
        html = self.get(self.rule)
        self.fields = posted(html)
        self.token = re.findall(r'name="csrf_token" value="([^"]+)"', html)[0]

    def get(self, address: str, headers: dict[str, str] | None = None) -> str:
        answer = self.client.get(address, headers=headers)
        return expected(answer, 200)

    def post(
        self, address: str, data: dict[str, Any], headers: dict[str, str] | None = None
    ) -> str:
        answer = self.client.post(address, data={"csrf_token": self.token} | data, headers=headers)
        return expected(answer, 200 if headers else 303)

    def version(self, kind: str) -> str:
        found = drafts.draft_of(self.context, f"{kind}-{self.size}")
        assert found is not None
        return str(found.version)

    def row(self, do: str, **more: str) -> str:
        form = {"version": self.version("table"), "do": do, **more}
        return self.post(self.grid, form, GRID)

    def act(self, rule: int, act: str, **more: str) -> str:
        form = {"version": self.version("rules"), **more}
        return self.post(f"{self.rules}/rules/r{rule}/{act}", form)

    def written(self, turn: int) -> dict[str, str]:
        """The rule as somebody has just written it, unlike any round before."""
        return self.fields | {"version": self.version("rules"), "why": f"测速 {turn}"}

    def tried(self, turn: int) -> dict[str, str]:
        rule = a_rule(self.size // 2) | {"if": [f"order.total > {turn} CNY"]}
        document = json.dumps(rule)
        return {"rule_document": document, "rule": str(rule["id"]), "subject": self.subject}


def expected(answer: Any, status: int) -> str:
    text: str = answer.get_data(as_text=True)
    if answer.status_code != status:
        raise SystemExit(
            f"{answer.request.path}: {answer.status_code}, not {status}\n{text[:2000]}"
        )
    return text


def posted(html: str) -> dict[str, str]:
    """The hidden and typed fields of the page; selects keep what is chosen."""
    fields = {}
    for tag in re.findall(r"<input [^>]*>", html):
        name, value = (re.search(rf' {key}="([^"]*)"', tag) for key in ("name", "value"))
        ticked = 'type="checkbox"' not in tag and 'type="radio"' not in tag
        if name and (ticked or " checked" in tag):
            fields[name.group(1)] = value.group(1) if value else ""
    for name, options in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', html, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(
            r'value="([^"]*)"', options
        )
        fields[name] = chosen.group(1) if chosen else ""
    return {name: unescape(value) for name, value in fields.items()}


def interactions(desk: Desk) -> Iterator[tuple[str, Callable[[int], object]]]:
    """Each by name; the number of the round makes it another change every time."""
    rules, rule, last = desk.rules, desk.rule, desk.size
    yield "open the list", lambda n: desk.get(rules)
    yield "last page of the list", lambda n: desk.get(f"{rules}?page={-(-last // 50)}")
    yield "search the list", lambda n: desk.get(f"{rules}?q={n}")
    yield "open a rule", lambda n: desk.get(rule)
    yield "look for a field", lambda n: desk.get(f"{rules}/fields?row=c-0&q=dz")
    yield "live sentence", lambda n: desk.post(rule, desk.written(n), BANDS)
    yield "add a condition", lambda n: desk.post(rule, desk.written(n) | {"do": "add:c"}, BANDS)
    yield (
        "choose a field",
        lambda n: desk.post(rule, desk.written(n) | {"do": "pick:c-0:order.freight"}, BANDS),
    )
    yield "save a rule", lambda n: desk.post(rule, desk.written(n) | {"do": "save"})
    yield "open it again", lambda n: desk.get(rule)
    yield "drag a rule to the top", lambda n: desk.act(last - n % 5, "move", to="1")
    yield "drag it to the end", lambda n: desk.act(last - n % 5, "move", to=str(last))
    yield "switch a rule", lambda n: desk.act(2, "switch", on=str(n % 2))
    yield "copy a rule", lambda n: desk.act(3, "copy", new_id=f"copy-{n}")
    yield "open a table", lambda n: desk.get(desk.grid)
    yield "last page of a table", lambda n: desk.get(f"{desk.grid}?page={-(-last // 100)}")
    yield (
        "save a cell",
        lambda n: desk.row("cell", row="r7", col="when.0", text=f">= {n + 5}"),
    )
    yield "add a row", lambda n: desk.row("add", **{"when.0": f">= {n}", "then.0": "high_value"})
    yield "move a row", lambda n: desk.row("move:r2", to=str(1 + n % 9))
    yield "try an order", lambda n: desk.get(f"{rules}/try?subject={desk.subject}", PANEL)
    yield "try a rule being written", lambda n: desk.post(f"{rules}/try", desk.tried(n), PANEL)
    yield "start the check", lambda n: desk.post(f"{rules}/check", {"act": "again"})
    yield "look at the check", lambda n: desk.get(f"{rules}/check", STATE)


@dataclass(frozen=True)
class Taken:
    """Milliseconds, in order, and those of the processor."""

    wall: list[float]
    cpu: list[float]

    def at(self, share: float) -> float:
        return self.wall[min(len(self.wall) - 1, int(len(self.wall) * share))]


def timed(act: Callable[[int], object], rounds: int, first: int) -> Taken:
    wall, cpu = [], []
    for turn in range(rounds):
        began, worked = time.perf_counter(), time.process_time()
        act(first + turn)
        wall.append((time.perf_counter() - began) * 1_000)
        cpu.append((time.process_time() - worked) * 1_000)
    return Taken(sorted(wall), sorted(cpu))


def a_desk(folder: Path) -> tuple[Any, Any, str]:
    now = datetime(2026, 11, 17, 22, 10, tzinfo=UTC)
    settings = replace(
        Settings.from_environment(None), data_dir=folder, patterns="own",
        database_url=f"sqlite:///{folder / 'bench.db'}",
    )  # fmt: skip
    context = open_context(settings, carriers={}, clock=lambda: now)
    seed_demo(context)
    feed = demo_feed(context, ORDERS)
    while feed_step(context, feed):
        now += timedelta(minutes=40)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        subject = str(work.session.scalars(select(Order.id)).first())
    return context, create_app(context, secret_key="k" * 32, testing=True).test_client(), subject


def measure(folder: Path, rounds: int) -> bool:
    context, client, subject = a_desk(folder)
    for size in SIZES:
        make_sets(context, size)
    large, small = (Desk(client, context, size, subject) for size in SIZES)
    print(f"{'':26} {SIZES[0]:,} rules: p50    p95    p99   cpu p50 | p50 of {SIZES[1]}  ratio")
    slow = False
    pairs = zip(interactions(large), interactions(small), strict=True)
    for (name, act), (_, other) in pairs:
        timed(act, 2, 900)
        timed(other, 2, 900)
        found, few = timed(act, rounds, 0), timed(other, rounds, 0)
        median, against = statistics.median(found.wall), statistics.median(few.wall)
        late = found.at(0.95) > AIM_MS
        slow = slow or late
        print(
            f"{name:26} {median:18.1f} {found.at(0.95):6.1f} {found.at(0.99):6.1f} "
            f"{statistics.median(found.cpu):9.1f} | {against:9.1f} {median / against:6.1f}"
            f"{'  over ' + str(int(AIM_MS)) + ' ms' if late else ''}",
            flush=True,
        )
    context.store.engine.dispose()
    return slow


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    collector.calm()  # as `run` and `serve` do
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as folder:
        return 1 if measure(Path(folder), rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
