"""How long a try takes at the server, with a thousand rules in the set: the result alone, and the whole panel."""

from __future__ import annotations

import json
import logging
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select

from tidegate.bootstrap import open_context
from tidegate.services.demo import demo_feed, feed_step, seed_demo
from tidegate.services.workshop import drafts, trying
from tidegate.settings import Settings
from tidegate.store.tables import Order
from tidegate_web.app import create_app

RULES, ORDERS, ROUNDS = 1_000, 60, 60
AIM_MS = 100.0


def big_set(context: Any) -> None:
    """The shipped review with made-up rules up to a thousand."""
    draft = drafts.start(context, "review", "bench")
    lines = [
        f"  - {{id: bench-{n}, title: {{zh: 规则 {n}, en: Rule {n}}}, why: 测速, "
        f'if: ["order.total > {1000 + n} CNY", "recipient.province = \\"浙江省\\"", '
        f'"some item in items satisfies item.quantity > {n % 7}"], then: [{{tag: t{n % 9}}}]}}\n'
        for n in range(RULES - len(draft.ruleset.rules))
    ]
    before, mark, after = draft.text.partition("\ntests:")
    text = before.rstrip("\n") + "\n" + "".join(lines) + (mark.lstrip("\n") + after if mark else "")
    drafts.save_text(context, "review", draft.version, text, "bench")


def shown(what: str, act: Callable[[int], Any]) -> bool:
    """Print the figures; True when the 95th percentile misses the aim."""
    found = []
    for turn in range(ROUNDS):
        began = time.perf_counter()
        act(turn)
        found.append((time.perf_counter() - began) * 1000)
    found.sort()
    p95 = found[int(len(found) * 0.95) - 1]
    print(
        f"{what:34} p50 {statistics.median(found):6.1f} ms  p95 {p95:6.1f} ms  worst {found[-1]:6.1f} ms"
    )
    return p95 > AIM_MS


def measure(folder: Path) -> int:
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
    big_set(context)
    client = create_app(context, secret_key="k" * 32, testing=True).test_client()
    with context.store.begin(context.tenant_id, readonly=True) as work:
        ids = list(work.session.scalars(select(Order.id)))
    subjects = [trying.order_subject(context, "review", one) for one in ids[:20]]
    unsaved = json.dumps(
        {"id": "bench-500", "if": ["order.total > 9 CNY"], "then": [{"hold": {"reason": "x"}}]}
    )
    address = "/rules/review/try?rule=bench-500&subject="
    html = client.get(address + str(ids[0])).get_data(as_text=True)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', html)[0]
    posted = {"csrf_token": token, "rule_document": unsaved, "rule": "bench-500"}
    began = time.perf_counter()
    client.get(address + str(ids[0]))
    print(f"next panel {(time.perf_counter() - began) * 1000:.0f} ms ")
    slow = [
        shown("result alone", lambda n: trying.run(context, "review", subjects[n % 20])),
        shown("panel, an order", lambda n: client.get(address + str(ids[n % 20]), headers=PANEL)),
        shown("panel, a rule being written", lambda n: client.post(
            address, data={**posted, "subject": str(ids[n % 20])}, headers=PANEL)),
        shown("panel, every time another text", lambda n: client.post(
            address, data={**posted, "rule_document": unsaved.replace("> 9", f"> {n}")}, headers=PANEL)),
    ]  # fmt: skip
    context.store.engine.dispose()
    return 1 if any(slow) else 0


PANEL = {"HX-Request": "true", "HX-Target": "rule_try-panel"}


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder))


if __name__ == "__main__":
    sys.exit(main())
