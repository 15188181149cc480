"""The work of a simulation: read in chunks, judge, keep what changed, tell how far it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import func, insert, select, update

from tidegate.engine.compiled import compile_set
from tidegate.engine.ledgers import Ledger, ledger_of
from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import plain
from tidegate.errors import TidegateError
from tidegate.services.context import Context
from tidegate.services.rulebook import VOCABULARY, companion
from tidegate.services.workshop import simulating
from tidegate.services.workshop.simulation_files import Rejected
from tidegate.services.workshop.simulation_files import subjects as file_subjects
from tidegate.services.workshop.simulation_history import lanes_seen
from tidegate.services.workshop.simulation_subjects import Past, Reader, Wanted, in_chunks, keys
from tidegate.services.workshop.simulation_tally import Tally, delta_of, minor
from tidegate.simulation.comparing import Asked, Compared, Terms, compare_all
from tidegate.simulation.pool import Versions
from tidegate.simulation.world import renew_stock, service_chosen
from tidegate.store.simulation_tables import Simulation, SimulationChange
from tidegate.store.tables import Stock

log = structlog.get_logger()
ATTEMPTS = 3
IN_TURN, LOOK_AGAIN = timedelta(seconds=3), timedelta(seconds=60)
SMALL = 4_000  # subjects below which a process of its own costs more than it gives
ROW_BYTES = 300  # of an order in a file, about
FACTS_KEPT = 2_000  # changed rows of a file whose facts are kept for the traces


class _Cancelled(Exception):
    pass


class _Lost(Exception):
    """Somebody else runs it, or it was ended."""


def run(context: Context, simulation_id: int) -> None:
    """Do it, if nobody else does. Whatever goes wrong ends up in the row, in words."""
    if _busy(context, simulation_id):
        simulating.again_later(context, simulation_id, IN_TURN)
        return
    row = simulating.take(context, simulation_id)
    if row is None:  # somebody works on it; should they be lost, a later look takes it over
        simulating.again_later(context, simulation_id, LOOK_AGAIN)
        return
    try:
        if row.attempts > ATTEMPTS:
            _fail(context, row, _gave_up())
            return
        _Run(context, row).go()
    except _Cancelled:
        _end(context, row, "cancelled")
    except _Lost:
        return
    except TidegateError as error:
        told = {"code": error.code, "zh": error.text("zh"), "en": error.text("en")}
        _fail(context, row, told)
    except Exception as error:
        log.exception("simulation.failed", simulation_id=simulation_id)
        _fail(context, row, _broke(type(error).__name__))


class _Run:
    """One run, from its row to its result."""

    def __init__(self, context: Context, row: Simulation) -> None:
        self.context, self.row = context, row
        vocabulary = context.rules.vocabulary
        self.draft = read_ruleset(row.draft_text + "\n", vocabulary)
        self.against = read_ruleset(row.against_text + "\n", vocabulary)
        self.sets = (self.against, self.draft)
        self.terms = Terms(row.gate, context.timezone, context.currency)
        self.tally, self.rejected = Tally(), Rejected()
        self.total = 0  # subjects of the period, sampled or not
        self.size = 0  # about how many are judged
        self.kept = 0
        self.seen: tuple[datetime, datetime] | None = None

    def go(self) -> None:
        chunks = self._from_file() if self.row.source == "file" else self._from_orders()
        asked = ((chunk, [Asked(one.facts, one.at) for one in chunk]) for chunk in chunks)
        apart = self.size > SMALL
        for chunk, found in compare_all(
            self._versions(), asked, self.terms, ledgers=self._ledgers(), apart=apart
        ):
            self._take(chunk, found)
        self._finish()

    def _from_orders(self) -> Iterator[list[Past]]:
        row = self.row
        assert row.period_from is not None  # noqa: S101  set where orders are judged
        assert row.period_to is not None  # noqa: S101
        wanted = Wanted(row.period_from, row.period_to, tuple(row.channels), tuple(row.shops))
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            found = keys(work, row.gate, wanted)
        self.total = len(found)
        if row.sample is not None and row.sample < len(found):
            found = sorted(Random(row.id).sample(found, row.sample))  # noqa: S311  not a secret
        self.size = len(found)
        self._tell(self.size)
        reader = Reader(self.context, row.set_id, self.sets)
        return (reader.read(chunk) for chunk in in_chunks(found))

    def _from_file(self) -> Iterator[list[Past]]:
        row = self.row
        file = simulating.file_of(self.context, row.id, row.options["file"])
        self.size = min(file.stat().st_size // ROW_BYTES, row.sample or SMALL * 100)
        return file_subjects(
            self.context, file, row.options["mapping"], self.sets, self.rejected, row.sample
        )

    def _versions(self) -> Versions:
        source = companion(self.context.rules.directory, VOCABULARY).read_text("utf-8-sig")
        texts = (self.row.against_text, self.row.draft_text)
        return Versions(compile_set(self.against), compile_set(self.draft), texts, (source, source))

    def _ledgers(self) -> tuple[Ledger, Ledger] | None:
        """What there is to use up, once for each version."""
        if not self.row.options.get("in_order"):
            return None
        amounts: dict[str, Mapping[str, object]] = {}
        if any(_uses(one, "item.available") for one in self.sets):
            amounts["item.available"] = self._stock()
        capacity = self.row.options.get("capacity") or {}
        if capacity:
            amounts["quote.capacity_left"] = capacity
        ways = {"choose": service_chosen}
        one, other = (ledger_of(each.vocabulary, amounts, renew_stock, ways) for each in self.sets)
        return one, other

    def _stock(self) -> dict[str, object]:
        free = func.sum(Stock.on_hand - Stock.reserved)
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            rows = work.session.execute(select(Stock.sku, free).group_by(Stock.sku))
            return {sku: int(units) for sku, units in rows}

    def _take(self, chunk: list[Past], found: list[Compared]) -> None:
        changed = []
        for past, one in zip(chunk, found, strict=True):
            self.tally.see(past, one)
            self._span(past.at)
            if one.changed:
                changed.append(self._change(past, one))
        with self.context.store.begin(self.context.tenant_id) as work:
            if changed:
                work.session.execute(insert(SimulationChange), changed)
            alive = work.session.execute(
                update(Simulation)
                .where(
                    Simulation.id == self.row.id,
                    Simulation.state == "running",
                    Simulation.attempts == self.row.attempts,
                )
                .values(done=self.tally.subjects, beat_at=self.context.clock())
                .returning(Simulation.cancel_asked)
                .execution_options(synchronize_session=False)
            ).first()
            if alive is None:
                raise _Lost
            if alive[0]:
                raise _Cancelled
            work.commit()

    def _change(self, past: Past, found: Compared) -> dict[str, Any]:
        costs = minor(found.before), minor(found.after)
        delta = delta_of(*costs)
        facts = None
        if past.order_id is None and self.kept < FACTS_KEPT:
            self.kept += 1
            facts = plain(impersonal(past.facts, self.sets))
        return {
            "tenant_id": self.context.tenant_id,
            "simulation_id": self.row.id,
            "order_id": past.order_id,
            "parcel_id": past.parcel_id,
            "decision_id": past.decision_id,
            "row_key": past.key[:120],
            "channel": past.channel,
            "at": past.at,
            "before": found.before.outcome[:80],
            "after": found.after.outcome[:80],
            "rules": f"|{'|'.join(found.rules)}|" if found.rules else "",
            "currency": next((cost.currency for cost in costs if cost), None),
            "before_minor": costs[0].minor if costs[0] else None,
            "after_minor": costs[1].minor if costs[1] else None,
            "delta_minor": delta[1] if delta else None,
            "rebuilt": past.rebuilt,
            "facts": facts,
        }

    def _span(self, at: datetime) -> None:
        low, high = self.seen or (at, at)
        self.seen = min(low, at), max(high, at)

    def _days(self) -> int:
        """Days of the period; of a file, those between its first and last order."""
        if self.row.source == "orders":
            return int(self.row.options["days"])
        if self.seen is None:
            return 1
        zone = ZoneInfo(self.context.timezone)
        first, last = (at.astimezone(zone).date() for at in self.seen)
        return (last - first).days + 1

    def _finish(self) -> None:
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            seen = lanes_seen(work, self.context.clock()) if self.tally.lanes else {}
        total = self.total or self.tally.subjects
        result = self.tally.as_document(seen) | {
            "days": self._days(), "total": total, "rejected": self.rejected.count,
            "rejected_rows": self.rejected.rows, "facts_kept": self.kept,
        }  # fmt: skip
        _end(self.context, self.row, "done", result=result, done=self.tally.subjects)

    def _tell(self, total: int) -> None:
        with self.context.store.begin(self.context.tenant_id) as work:
            work.session.execute(
                update(Simulation).where(Simulation.id == self.row.id).values(total=total)
                .execution_options(synchronize_session=False)
            )  # fmt: skip
            work.commit()


def impersonal(facts: Mapping[str, Any], sets: tuple[RuleSet, RuleSet]) -> dict[str, Any]:
    """Only what one of the versions reads, and of that nothing personal."""
    known = sets[0].vocabulary
    read = {name.partition("(")[0] for one in sets for name in one.facts_read} | {"order.number"}
    wanted = {n for n in read if n in known.facts and not known.facts[n].personal}
    each = {group.id: group.each for group in known.groups.values() if group.each}
    made: dict[str, Any] = {}
    for group, value in facts.items():
        if isinstance(value, Mapping):
            part = {k: v for k, v in value.items() if f"{group}.{k}" in wanted}
        elif group in each and isinstance(value, list | tuple):
            name = each[group]
            part = [{k: v for k, v in row.items() if f"{name}.{k}" in wanted} for row in value]  # type: ignore[assignment]
        else:
            continue
        if part:
            made[group] = part
    return made


def _uses(ruleset: RuleSet, what: str) -> bool:
    actions = ruleset.vocabulary.actions.values()
    return any(one.consumes and one.consumes.what == what for one in actions)


def _busy(context: Context, simulation_id: int) -> bool:
    """Whether another run of the tenant shows signs of life: one at a time, so that orders go on."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        other = work.session.scalar(
            select(Simulation.id).where(
                Simulation.id != simulation_id,
                Simulation.state == "running",
                Simulation.beat_at >= context.clock() - simulating.STALE,
            )
        )
    return other is not None


def _end(context: Context, row: Simulation, state: str, **values: Any) -> None:
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        ended = work.session.execute(
            update(Simulation)
            .where(Simulation.id == row.id, Simulation.state == "running",
                   Simulation.attempts == row.attempts)
            .values(state=state, finished_at=now, beat_at=now, **values)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
        if ended.rowcount:  # type: ignore[attr-defined]
            if state == "done":
                simulating.drop_file(context, row)
            else:
                simulating.clear(context, work, row)
        work.commit()


def _fail(context: Context, row: Simulation, told: dict[str, str]) -> None:
    _end(context, row, "failed", error=told)


def _gave_up() -> dict[str, str]:
    return {
        "code": "simulation.gave_up",
        "zh": f"这次模拟中断了 {ATTEMPTS} 次，已停止；请减少天数或抽样后再试，或查看服务器日志。",
        "en": f"This simulation broke off {ATTEMPTS} times and was stopped; try fewer days or a "
        "sample, or look into the server's log.",
    }


def _broke(kind: str) -> dict[str, str]:
    return {
        "code": "simulation.broke",
        "zh": f"模拟时程序出错（{kind}），没有改动任何订单；请重试，仍出错就把日志发给我们。",
        "en": f"The simulation broke ({kind}); no order was touched. Try again; if it breaks "
        "again, send us the log.",
    }
