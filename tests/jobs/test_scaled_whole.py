"""All of a scaled-out installation at once, as real processes: pages, relay and a Celery worker on PostgreSQL and Redis."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest
import requests
from ports import free_port
from sqlalchemy import select

from tidegate.bootstrap import open_context
from tidegate.services.context import Context
from tidegate.services.work import enqueue, enqueue_advance
from tidegate.services.workshop import drafts, lifecycle, simulating
from tidegate.services.workshop.simulating import Request, Upload
from tidegate.settings import Settings
from tidegate.store.simulation_tables import Simulation
from tidegate.store.tables import Alert, Decision, Job, Order, Parcel, Scan, Shop, Warehouse

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
SEEN_WITHIN = timedelta(seconds=2)
HOLD = {
    "id": "expensive",
    "title": {"zh": "贵的转人工", "en": "Expensive orders wait"},
    "why": "试点",
    "if": ["order.total > 100 CNY"],
    "then": [{"hold": {"reason": "high_value", "queue": "manual_review"}}],
}
CASES = [
    {"name": "over", "given": {"order": {"total": "100.01 CNY"}}, "expect": {"actions": ["hold"]}},
    {"name": "at", "given": {"order": {"total": "100 CNY"}}, "expect": {"actions": []}},
]


@pytest.fixture
def context(site: Any) -> Iterator[Context]:
    """The same installation, seen from this process."""
    url = site.store.engine.url.render_as_string(hide_password=False)
    settings = replace(Settings.from_environment(None), database_url=url, data_dir=site.folder)
    found = open_context(settings, carriers={}, migrate=False)
    yield found
    found.store.close()


def add(context: Context, *rows: Any) -> list[Any]:
    with context.store.begin(context.tenant_id) as work:
        for row in rows:
            work.add(row)
        work.commit()
    return list(rows)


def order(context: Context, number: int, **fields: Any) -> Order:
    now = context.clock()
    given: dict[str, Any] = {
        "shop_id": 1, "channel": "taobao", "number": f"N{number:04d}", "state": "received",
        "state_since": now, "currency": "CNY", "total_minor": 12900, "goods_total_minor": 12900,
        "payment_status": "paid", "payment_method": "online", "ordered_at": now, "paid_at": now,
        "source_status": "to_ship", "refund_status": "none", "country": "CN",
        "province": "浙江省", "city": "杭州市", "region_code": "330110",
        "address_check": "deliverable", "address_reason": "ok", "address_is_new": False,
        "source_hash": f"h{number}", "imported_at": now, "updated_at": now, "cod_minor": 0,
        "refund_total_minor": 0, "paid_total_minor": 12900,
    }  # fmt: skip
    (made,) = add(context, Order(**{**given, **fields}))
    return made  # type: ignore[no-any-return]


def figure(text: str, line: str) -> float:
    """The value of the figure whose name and labels are `line`; 0 when it is not there."""
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def test_a_published_version_is_everywhere_within_two_seconds_and_figures_add_up(
    site: Any, context: Context
) -> None:
    port = free_port()
    site.start("serve", "--port", str(port), "--processes", "1", "--drain", "0")
    site.start("worker", "--processes", "2")
    site.start("relay")
    url = f"http://127.0.0.1:{port}/metrics"
    add(context, Shop(channel="taobao", name="北岸器物"))
    draft = drafts.create(
        context, "pilot", "review", {"zh": "试点", "en": "Pilot"}, "collect", "li"
    )
    draft = drafts.save_rule(context, "pilot", draft.version, "expensive", HOLD, "li", new=True)
    draft = drafts.save_cases(context, "pilot", draft.version, CASES, "li")

    def decide(numbers: range) -> None:
        """An order every so often, so that both children have looked at the rules a moment ago."""
        for number in numbers:
            made = order(context, number)
            with context.store.begin(1) as work:
                enqueue_advance(work, made.id, context.clock())
                work.commit()
            time.sleep(0.2)

    decide(range(10))
    site.until(lambda: site.count(Job.name == "advance_order", Job.state == "done") == 10)
    assert 'set="pilot"' not in requests.get(url, timeout=30).text
    made = lifecycle.publish(context, "pilot", draft.version, "li", note="go")
    published = datetime.now(UTC)
    decide(range(10, 30))
    said = requests.get(url, timeout=30).text
    assert f'set="pilot",version="{made.hash[:12]}"' in said, "the pages know it"
    site.until(lambda: site.count(Job.name == "advance_order", Job.state == "done") == 30)

    with context.store.begin(1, readonly=True) as work:
        reviews = work.session.scalars(select(Decision).where(Decision.gate == "review")).all()
    by_order: dict[int, set[str]] = {}
    for one in reviews:
        if one.decided_at >= published + SEEN_WITHIN:
            by_order.setdefault(one.order_id or 0, set()).add(one.ruleset_id)
    assert len(by_order) >= 5
    assert all("pilot" in sets for sets in by_order.values()), by_order

    pids = {int(child.pid) for p in site.started for child in psutil.Process(p.pid).children()}
    assert len(pids) >= 3, "one of the pages and two of the worker"
    requests.get(url.replace("metrics", "orders"), timeout=30)
    text = requests.get(url, timeout=30).text
    done = 'tidegate_job_runs_total{kind="advance_order",outcome="done"}'
    assert figure(text, done) == 30, "counted by the worker's children, told by the pages"
    assert 'tidegate_request_seconds_count{endpoint="orders.' in text, "counted by the pages"
    psutil.Process(site.started[1].pid).children()[0].kill()
    decide(range(30, 34))
    site.until(lambda: site.count(Job.name == "advance_order", Job.state == "done") == 34, 120)
    assert figure(requests.get(url, timeout=30).text, done) >= 33, "the dead still count"


def test_a_worker_simulates_in_processes_and_asks_durable_rules(
    site: Any, context: Context
) -> None:
    """Both start processes of their own out of a Celery child."""
    worker = site.start("worker", "--processes", "1", TIDEGATE_PATTERNS="durable")
    site.start("relay")
    add(context, Shop(channel="taobao", name="北岸器物"))
    add(context, Warehouse(code="jx", name="嘉兴仓", priority=10))
    draft = drafts.create(
        context, "pilot", "review", {"zh": "试点", "en": "Pilot"}, "collect", "li"
    )
    draft = drafts.save_rule(context, "pilot", draft.version, "expensive", HOLD, "li", new=True)
    draft = drafts.save_cases(context, "pilot", draft.version, CASES, "li")
    lifecycle.publish(context, "pilot", draft.version, "li", note="go")
    draft = drafts.start(context, "pilot", "li")
    text = draft.text.replace("100 CNY", "130 CNY")
    assert text != draft.text
    drafts.save_text(context, "pilot", draft.version, text, "li")
    line = {
        "order": {"channel": "jd", "shop": "京东店", "total": "129.00", "currency": "CNY",
                  "ordered_at": "2026-11-01T10:00:00+08:00"},
        "payment": {"status": "paid"},
        "recipient": {"province": "浙江省", "city": "杭州市", "address": "文一西路 1 号"},
        "items": [{"sku": "KETTLE", "quantity": 1}],
    }  # fmt: skip
    lines = []
    for n in range(50):
        line["order"]["number"] = f"X{n}"  # type: ignore[index]
        lines.append(json.dumps(line, ensure_ascii=False).ljust(30_000))
    upload = Upload("orders.jsonl", "\n".join(lines).encode(), "tidegate")
    asked = simulating.start(context, "pilot", Request(upload=upload), "li")

    def simulation() -> Simulation:
        with context.store.begin(1, readonly=True) as work:
            return work.session.get_one(Simulation, asked)

    site.until(lambda: simulation().state in ("done", "failed"), 120)
    found = simulation()
    assert (found.state, found.error) == ("done", None), site.logs()
    assert [(one["before"], one["after"], one["n"]) for one in found.result["cells"]] != []

    now = context.clock()
    made = order(context, 1, state="in_transit")
    (parcel,) = add(
        context,
        Parcel(
            order_id=made.id, number="P1", warehouse_id=1, state="in_transit", state_since=now,
            waybill_no="SB1", carrier="SF", handed_over_at=now - timedelta(days=1),
        ),
    )  # fmt: skip
    add(
        context,
        *(
            Scan(
                parcel_id=parcel.id, source="sf", event_id=f"e{n}", state=state, received_at=now,
                at=now - timedelta(hours=3 - n),
            )
            for n, state in enumerate(("in_transit", "delivered", "in_transit"))
        ),
    )  # fmt: skip
    with context.store.begin(1) as work:
        args = {"parcel_ids": [parcel.id], "trigger": "test"}
        enqueue(work, "watch_parcels", args, due_at=now, now=now)
        work.commit()
    site.until(lambda: site.count(Job.name == "watch_parcels", Job.state == "done") == 1, 120)
    with context.store.begin(1, readonly=True) as work:
        kinds = set(work.session.scalars(select(Alert.kind)))
    assert "false_signature" in kinds

    def searching() -> list[str]:
        children = psutil.Process(worker.pid).children(recursive=True)
        lines = [" ".join(child.cmdline()) for child in children]
        return [line for line in lines if "tidegate.correlation.child" in line]

    site.until(lambda: len(searching()) == 1, 30)
    assert "patterns.alarm" not in site.logs()
