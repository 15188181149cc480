"""One carrier away: what the others' parcels notice, and how its own catch up when it is back.

    python benchmarks/carrier_down.py [BACKLOG [MINUTES]] [--own-postgres | --scaled]   (3,000, 0; and those minutes)

Embedded, SQLite in a file (or PostgreSQL from its wheel), two sandbox carriers over HTTP in processes of their own, the
runner `tidegate run` has; `--scaled`: PostgreSQL, Redis, a relay and three Celery workers.
First a stream of orders by the carrier that works; then BACKLOG orders by one that nobody listens for, and beside
them the same stream again; then the other listens. Aims (B9): the p95 from due to waybill grows by at most 20 %, the
backlog is through within 60 s, no order has two waybills; away for over half an hour, late waybills ring within 60 s.
"""

from __future__ import annotations

import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select, update

from tidegate.bootstrap import open_context, sandbox_secret
from tidegate.logs import configure_logs
from tidegate.services.context import Context
from tidegate.services.demo import seed_demo
from tidegate.services.demo_orders import demo_orders
from tidegate.services.intake import import_orders
from tidegate.settings import Settings
from tidegate.store.tables import Alert, CarrierService, Effect, Job, Order, Parcel

sys.path.insert(0, str(Path(__file__).parent))
from chain import plenty
from shared.at_work import at_work, sandbox_carriers
from shared.servers import postgres_and_redis, sandbox_carrier

BACKLOG = 3_000
STREAM, PER_S = 400, 20
SEED = 20261111
GROWTH, DRAIN_S, RING_S = 1.2, 60, 60
LATE = timedelta(minutes=30)  # waybill_within of the shipped alerts
WORKS, AWAY = "ZTO.standard", "YTO.standard"
PATIENCE_S = 900
UNDECIDED = {"received", "approved", "allocated"}


def main(backlog: int, minutes: float) -> int:
    scaled = "--scaled" in sys.argv
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as name:
        settings = replace(
            Settings.from_environment(None), data_dir=Path(name), redis_url=None,
            database_url=f"sqlite:///{name}/bench.db",
        )  # fmt: skip
        if not scaled and "--own-postgres" not in sys.argv:
            return on(settings, backlog, minutes, scaled=False)
        with postgres_and_redis(Path(name)) as servers:
            settings = replace(
                settings, database_url=servers["TIDEGATE_DATABASE_URL"],
                redis_url=servers["TIDEGATE_REDIS_URL"] if scaled else None,
            )  # fmt: skip
            return on(settings, backlog, minutes, scaled=scaled)


def on(settings: Settings, backlog: int, minutes: float, *, scaled: bool) -> int:
    there = {name: f"http://127.0.0.1:{free_port()}" for name in ("sandbox", "away")}
    context = open_context(settings, carriers=sandbox_carriers(settings, there))
    site = Site(context, settings, there, scaled)
    with site.listening("sandbox"):
        return measure(site, backlog, minutes)


@dataclass(frozen=True, slots=True)
class Site:
    """Where it happens, and the addresses of its carriers."""

    context: Context
    settings: Settings
    there: Mapping[str, str]
    scaled: bool

    def listening(self, name: str) -> AbstractContextManager[str]:
        """This carrier answers while the block lasts."""
        return sandbox_carrier(
            sandbox_secret(self.settings), int(self.there[name].rpartition(":")[2])
        )


def measure(site: Site, backlog: int, minutes: float) -> int:
    context = site.context
    seed_demo(context)
    plenty(context)
    ids = orders(context, backlog + 2 * STREAM)
    first, second, waiting = ids[:STREAM], ids[STREAM : 2 * STREAM], ids[2 * STREAM :]
    send(context, [*first, *second], WORKS)
    send(context, waiting, AWAY)
    with context.store.begin(context.tenant_id) as work:
        other = CarrierService.code == AWAY
        work.session.execute(update(CarrierService).where(other).values(connector="away"))
        work.commit()
    with at_work(context, site.settings, site.there, scaled=site.scaled):
        alone = latencies(context, first)
        due(context, waiting, 0)
        heals_at = time.monotonic() + minutes * 60
        until(
            lambda: not UNDECIDED & set(states(context, waiting)), "all of the backlog are decided"
        )
        backlog = states(context, waiting)["routed"]
        beside = latencies(context, second)
        time.sleep(max(0.0, heals_at - time.monotonic()))
        alarms(context)
        with site.listening("away"):
            began = time.perf_counter()
            until(lambda: states(context, waiting).get("waybill", 0) > 0, "the first is through")
            found_s = time.perf_counter() - began
            until(
                lambda: states(context, waiting).get("waybill") == len(waiting), "all are through"
            )
            drained_s = time.perf_counter() - began
    return told(context, alone, beside, backlog, found_s, drained_s)


def alarms(context: Context) -> None:
    """How long after its half hour was over each parcel without a waybill rang."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(
            select(Alert.raised_at, Parcel.routed_at)
            .join(Parcel, Parcel.id == Alert.parcel_id)
            .where(Alert.rule_id == "waybill-late")
        ).all()
    if not rows:
        print("nobody waited for half an hour: no alarm")
        return
    late = sorted((row.raised_at - row.routed_at - LATE).total_seconds() for row in rows)
    held = "held" if late[0] <= RING_S else "MISSED"
    print(
        f"{len(late):,} late waybills rang, the first {late[0]:.1f} s after its breach: {held} (aim {RING_S} s);"
        f" the slowest {late[-1]:.1f} s"
    )


def told(
    context: Context,
    alone: Sequence[float],
    beside: Sequence[float],
    backlog: int,
    found_s: float,
    drained_s: float,
) -> int:
    growth = p95(beside) / p95(alone)
    print(f"{STREAM} orders at {PER_S} a second, from due to waybill: {shown(alone)}")
    print(f"beside {backlog:,} of a carrier that is away: {shown(beside)}")
    print(
        f"p95 grows {growth:.2f} times: {'held' if growth <= GROWTH else 'MISSED'} (aim {GROWTH})"
    )
    rate = backlog / max(drained_s - found_s, 0.001)
    print(
        f"back: first waybill after {found_s:.0f} s, all {backlog:,} after {drained_s:.0f} s, {rate:.0f} a second"
    )
    print(f"through in time: {'held' if drained_s <= DRAIN_S else 'MISSED'} (aim {DRAIN_S} s)")
    with context.store.begin(context.tenant_id, readonly=True) as work:
        live = work.session.scalars(
            select(Parcel.waybill_no).where(Parcel.waybill_no.is_not(None))
        ).all()
        parcels = work.session.scalar(
            select(func.count(Parcel.id.distinct())).where(Parcel.waybill_no.is_not(None))
        )
    doubled = len(live) - len(set(live))
    print(f"waybills: {len(live):,} on {parcels:,} parcels, {doubled} twice")
    return 1 if doubled else 0


# orders


def orders(context: Context, count: int) -> list[int]:
    """Plain orders that are here and wait for their first look."""
    drawn = demo_orders(3 * count, SEED, context.clock())
    made = [one.draft for one in drawn if one.trait == "plain"][:count]
    if len(made) < count:
        raise SystemExit(f"only {len(made)} of {count} orders are plain: draw more")
    import_orders(context, made, source="bench")
    with context.store.begin(context.tenant_id) as work:
        work.session.execute(
            update(Job)
            .where(Job.name == "advance_order")
            .values(due_at=context.clock() + timedelta(days=1))
        )
        work.commit()
        return list(work.session.scalars(select(Order.id).order_by(Order.id)))


def send(context: Context, ids: Sequence[int], service: str) -> None:
    """A person chose the service."""
    with context.store.begin(context.tenant_id) as work:
        work.session.execute(update(Order).where(Order.id.in_(ids)).values(manual_service=service))
        work.commit()


def due(context: Context, ids: Sequence[int], per_s: float) -> dict[int, float]:
    """Let them be looked at from now on, so many a second (0: all at once); when each is due, seconds since 1970."""
    start = context.clock()
    at = {id_: start + timedelta(seconds=n / per_s if per_s else 0) for n, id_ in enumerate(ids)}
    with context.store.begin(context.tenant_id) as work:
        for id_, instant in at.items():
            key = Job.key == f"advance:{id_}"
            work.session.execute(
                update(Job).where(key, Job.state == "ready").values(due_at=instant)
            )
        work.commit()
    return {id_: instant.timestamp() for id_, instant in at.items()}


def latencies(context: Context, ids: Sequence[int]) -> list[float]:
    """Seconds from due to a confirmed waybill, of each that gets one."""
    at = due(context, ids, PER_S)
    until(
        lambda: not (UNDECIDED | {"routed"}) & set(states(context, ids)),
        "the stream ends",
    )
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(
            select(Parcel.order_id, Effect.updated_at)
            .join(Effect, Effect.parcel_id == Parcel.id)
            .where(Parcel.order_id.in_(ids), Effect.kind == "waybill", Effect.state == "confirmed")
        ).all()
    return [row.updated_at.timestamp() - at[row.order_id] for row in rows]


def states(context: Context, ids: Sequence[int]) -> dict[str, int]:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        counted = select(Order.state, func.count()).where(Order.id.in_(ids)).group_by(Order.state)
        return {state: count for state, count in work.session.execute(counted)}


def shown(values: Sequence[float]) -> str:
    return f"p50 {statistics.median(values):.2f} s, p95 {p95(values):.2f} s"


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def until(claim: object, what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not claim():  # type: ignore[operator]
        if time.monotonic() > end:
            raise SystemExit(f"not within {PATIENCE_S} s: {what}")
        time.sleep(0.5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    configure_logs("CRITICAL")
    asked = [float(arg) for arg in sys.argv[1:] if not arg.startswith("-")]
    sys.exit(main(int(asked[0]) if asked else BACKLOG, asked[1] if len(asked) > 1 else 0.0))
