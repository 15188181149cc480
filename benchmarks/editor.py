"""How long the rule editor takes at the server, with a thousand rules in the set and 200 orders for its samples."""

from __future__ import annotations

import logging
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import structlog

from tidegate.bootstrap import open_context
from tidegate.services.demo import demo_feed, feed_step, seed_demo
from tidegate.services.workshop import drafts
from tidegate.settings import Settings
from tidegate_web.app import create_app

RULES, ORDERS, ROUNDS = 1_000, 200, 40
AIM_MS = 100.0
RULE = "/rules/review/rules/bench-500"


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


def timed(act: Callable[[], Any]) -> list[float]:
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        found.append((time.perf_counter() - began) * 1000)
    return sorted(found)


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder))


def measure(folder: Path) -> int:
    now = datetime(2026, 11, 17, 22, 10, tzinfo=UTC)
    settings = replace(
        Settings.from_environment(None),
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'bench.db'}",
    )
    context = open_context(settings, carriers={}, clock=lambda: now)
    seed_demo(context)
    feed = demo_feed(context, ORDERS)
    while feed_step(context, feed):
        now += timedelta(minutes=40)
    big_set(context)
    client = create_app(context, secret_key="k" * 32, testing=True).test_client()
    began = time.perf_counter()
    html = client.get(RULE).get_data(as_text=True)
    print(f"first page {(time.perf_counter() - began) * 1000:.0f} ms (samples read, set parsed)")
    fields = posted(html)
    slow = [
        shown("open a rule", lambda: client.get(RULE)),
        shown("a value changed", lambda: client.post(RULE, data=fields, headers=HTMX)),
        shown(
            "add a condition",
            lambda: client.post(RULE, data=fields | {"do": "add:c"}, headers=HTMX),
        ),
        shown(
            "choose a field",
            lambda: client.post(RULE, data=fields | {"do": "pick:c-0:order.freight"}, headers=HTMX),
        ),
        shown("look for a field", lambda: client.get("/rules/review/fields?row=c-0&q=dz")),
        shown("save", lambda: saved(client, fields)),
    ]
    context.store.engine.dispose()
    return 1 if any(slow) else 0


HTMX = {"HX-Request": "true", "HX-Target": "editor-bands"}


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


def saved(client: Any, fields: dict[str, str]) -> None:
    answer = client.post(RULE, data=fields | {"do": "save"})
    if answer.status_code != 303:
        wrong = re.findall(r"tg-ed-wrong.*?</p>", answer.get_data(as_text=True), re.S)
        raise SystemExit(f"not saved: {answer.status_code} {wrong}")
    fields["version"] = str(int(fields["version"]) + 1)
    fields["why"] = f"测速 {fields['version']}"


def shown(what: str, act: Callable[[], Any]) -> bool:
    """Print the figures; True when the 95th percentile misses the aim."""
    found = timed(act)
    p95 = found[int(len(found) * 0.95) - 1]
    print(
        f"{what:18} p50 {statistics.median(found):6.1f} ms  p95 {p95:6.1f} ms  worst {found[-1]:6.1f} ms"
    )
    return p95 > AIM_MS


if __name__ == "__main__":
    sys.exit(main())
