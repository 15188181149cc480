"""Simulations as pages show them: the form, the runs, one run with its matrix, lanes and dearest changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, select

from tidegate.domain.money import Money
from tidegate.engine.rulesets import RuleSet
from tidegate.services.context import Context
from tidegate.services.view_names import Words, action_title, reason_title, same
from tidegate.services.workshop import drafts, history, simulating
from tidegate.services.workshop.simulation_files import mappings
from tidegate.services.workshop.simulation_shapes import (
    Cell,
    CellView,
    ChangeLine,
    FormView,
    Freight,
    LaneLine,
    Matrix,
    Outcome,
    RuleLine,
    RunLine,
    RunView,
)
from tidegate.services.workshop.simulation_subjects import channels_of
from tidegate.simulation.comparing import RAISE, SERVICE
from tidegate.store.simulation_tables import Simulation, SimulationChange
from tidegate.store.tables import CarrierService, Shop
from tidegate.store.unit_of_work import UnitOfWork

PAGE, RUNS, DEAREST = 50, 20, 10
STOPS = ("hold", "hold_for_stock", "reject", "refused")  # drawn amber in the matrix
OWN_WORDS = {
    "refused": {"zh": "判不了", "en": "Can't be judged"},
    "none": {"zh": "没有动作", "en": "No action"},
}


def form(context: Context, set_id: str) -> FormView:
    """Raises NotFound."""
    info = drafts.info(context, set_id)
    ruleset = drafts.working_set(context, set_id)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        shops = set(work.session.scalars(select(Shop.id)))
        statement = select(Simulation).where(Simulation.set_id == set_id)
        rows = work.session.scalars(statement.order_by(Simulation.id.desc()).limit(RUNS))
        runs = tuple(_line(row, ruleset.hash) for row in rows if set(row.shops) <= shops)
    return FormView(
        info, ruleset.title, history.versions(context, set_id), channels_of(context), mappings(),
        simulating.consumes(ruleset), ruleset.gate == "routing", runs,
    )  # fmt: skip


def opened(context: Context, simulation_id: int) -> RunView:
    """Raises NotFound."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return _opened(context, work, simulating.row_of(work, simulation_id), dearest=True)


def cell(
    context: Context,
    simulation_id: int,
    before: str = "",
    after: str = "",
    rule: str = "",
    page: int = 1,
) -> CellView:
    """The changed subjects of a cell of the matrix, or of a rule. Raises NotFound."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = simulating.row_of(work, simulation_id)
        if row.state != "done":
            raise simulating.unknown(simulation_id)
        run = _opened(context, work, row, dearest=False)
        name = namer(work)
        statement = _narrowed(row.id, before, after, rule)
        total = _total(row.result, before, after, rule)
        pages = max(1, -(-total // PAGE))
        page = min(max(1, page), pages)
        ids = list(work.session.scalars(_slice(statement, page, total)))
        shown = select(SimulationChange).where(SimulationChange.id.in_(ids))
        titles = {one.id: one.title for one in run.rules}
        lines = [
            _change(one, name, titles)
            for one in work.session.scalars(shown.order_by(SimulationChange.id))
        ]
        found = next((one for one in run.rules if one.id == rule), None)
        return CellView(
            run, name(before) if before else None, name(after) if after else None, found,
            tuple(lines), total, page, pages,
        )  # fmt: skip


def changed_rows(context: Context, simulation_id: int) -> Iterator[tuple[str, ...]]:
    """Every changed subject, without personal data: number, channel, instant, outcomes, cost, rules."""
    after = 0
    with context.store.begin(context.tenant_id, readonly=True) as work:
        simulating.row_of(work, simulation_id)
    while True:
        with context.store.begin(context.tenant_id, readonly=True) as work:
            rows = list(
                work.session.scalars(
                    _narrowed_rows(simulation_id)
                    .where(SimulationChange.id > after)
                    .order_by(SimulationChange.id)
                    .limit(2_000)
                )
            )
        for row in rows:
            yield _exported(row)
        if not rows:
            return
        after = rows[-1].id


def line_of(work: UnitOfWork, run: RunView, change: SimulationChange) -> ChangeLine:
    """One changed subject of the run."""
    return _change(change, namer(work), {one.id: one.title for one in run.rules})


def outcome_of(key: str, services: Mapping[str, Words]) -> Outcome:
    """An outcome in words."""
    if key.startswith(SERVICE):
        code = key.removeprefix(SERVICE)
        return Outcome(key, services.get(code, same(code)), False)
    if key.startswith(RAISE):
        return Outcome(key, reason_title(key.removeprefix(RAISE)), True)
    return Outcome(key, OWN_WORDS.get(key) or action_title(key), key in STOPS)


def _opened(context: Context, work: UnitOfWork, row: Simulation, *, dearest: bool) -> RunView:
    info = drafts.info(context, row.set_id)
    line = _line(row, info.draft.hash if info.draft else info.live.hash if info.live else "")
    error = {lang: str(row.error[lang]) for lang in ("zh", "en")} if row.error else None
    stale = row.state == "running" and simulating.is_stale(row, context.clock())
    code = str(row.error["code"]) if row.error else ""
    if row.state != "done":
        return RunView(info, info.title, line, stale, error, code)
    result, name = row.result, namer(work)
    titles = _titles(context, row)
    found = _dearest(work, row.id, name, titles) if dearest else ()
    return RunView(
        info, info.title, line, stale, error, code,
        summary=simulating.summary_of(row),
        matrix=matrix(result["cells"], name),
        freight=tuple(_freight(one) for one in result["freight"]),
        unpriced=result["unpriced"],
        routes=row.gate == "routing",
        rules=tuple(
            RuleLine(r["rule"], titles.get(r["rule"], same(r["rule"])), r["changed"], r["gained"],
                     r["lost"])
            for r in result["rules"]
        ),
        lanes=_lanes(result["lanes"], name),
        lanes_left=result["lanes_left"],
        both_ship=result["both_ship"],
        dearest=found,
        short=tuple(result["short"]),
        short_keys=result["short_keys"],
        in_order=bool(row.options.get("in_order")),
        rejected=result["rejected"],
        rejected_rows=tuple(result["rejected_rows"]),
        refused=sum(result["refused"].values()),
        orders_in_period=result["total"],
    )  # fmt: skip


def matrix(cells: Sequence[Mapping[str, Any]], name: Any) -> Matrix:
    """From × to, the most frequent first; heat by the share of the largest change."""
    weight: dict[str, int] = {}
    for one in cells:
        for side in ("before", "after"):
            weight[one[side]] = weight.get(one[side], 0) + one["n"]
    known = [name(key) for key in sorted(weight, key=lambda key: (-weight[key], key))]
    order = sorted(known, key=lambda one: one.stops)
    by_key = {(one["before"], one["after"]): one for one in cells}
    most = max((one["n"] for one in cells if one["before"] != one["after"]), default=0)
    rows = []
    for left in order:
        row = []
        for top in order:
            one = by_key.get((left.key, top.key), {"n": 0, "changed": 0})
            heat = 0
            if left.key != top.key and one["n"]:
                heat = min(3, 1 + int(3 * one["n"] / (most + 1)))
            row.append(Cell(top.key, one["n"], one["changed"], heat))
        rows.append((left, tuple(row), sum(each.n for each in row)))
    totals = tuple(sum(row[1][n].n for row in rows) for n in range(len(order)))
    return Matrix(tuple(order), tuple(rows), totals)


def namer(work: UnitOfWork) -> Callable[[str], Outcome]:
    """Says outcomes in words."""
    services = {
        row.code: {"zh": row.name_zh, "en": row.name_en}
        for row in work.session.scalars(select(CarrierService))
    }
    return lambda key: outcome_of(key, services)


def _titles(context: Context, row: Simulation) -> dict[str, Words]:
    """Titles of the rules of both versions; the draft's win."""
    found: dict[str, Words] = {"otherwise": {"zh": "否则", "en": "Otherwise"}}
    for text in (row.against_text, row.draft_text):
        found |= {rule.id: rule.title for rule in read(context, text).rules}
    return found


def read(context: Context, text: str) -> RuleSet:
    """A set from its kept text, read once per process."""
    return drafts.read_text(context, text)


def _line(row: Simulation, draft_hash: str) -> RunLine:
    return RunLine(
        row.id, row.state, row.against, row.source, row.period_from, row.period_to,
        tuple(row.channels), str(row.options.get("file", "")), row.asked_at, row.asked_by,
        row.done, row.total, row.result.get("subjects", 0), row.result.get("changed", 0),
        row.draft_hash == draft_hash,
    )  # fmt: skip


def _freight(one: Mapping[str, Any]) -> Freight:
    before, after = one["before"], one["after"]
    share = Decimal(after - before) / before if before else None
    currency = one["currency"]
    return Freight(Money(before, currency), Money(after - before, currency), share, one["n"])


def _lanes(rows: Sequence[Mapping[str, Any]], name: Any) -> tuple[LaneLine, ...]:
    first = [one["delta"][0]["minor"] if one["delta"] else 0 for one in rows]
    most = max((abs(one) for one in first), default=0) or 1
    found = []
    for one, minor in zip(rows, first, strict=True):
        deltas = tuple(Money(d["minor"], d["currency"]) for d in one["delta"])
        each = deltas[0] if deltas and len(deltas) == 1 else None
        found.append(
            LaneLine(
                name(SERVICE + one["service"]).words, one["from"], one["to"], one["n"],
                deltas[0] if deltas else None,
                Money.of(each.amount / one["priced"], each.currency) if each else None,
                deltas[1:], minor / most, _interval(one["on_time"]), _interval(one["damage"]),
                one["history"],
            )
        )  # fmt: skip
    return tuple(found)


def _interval(found: Sequence[float] | None) -> tuple[float, float] | None:
    return (found[0], (found[2] - found[1]) / 2) if found else None


def _dearest(
    work: UnitOfWork, simulation_id: int, name: Any, titles: Mapping[str, Words]
) -> tuple[ChangeLine, ...]:
    statement = (
        _narrowed_rows(simulation_id)
        .where(SimulationChange.delta_minor > 0)
        .order_by(SimulationChange.delta_minor.desc(), SimulationChange.id)
    )
    rows = work.session.scalars(statement.limit(DEAREST))
    return tuple(_change(row, name, titles) for row in rows)


def _change(row: SimulationChange, name: Any, titles: Mapping[str, Words]) -> ChangeLine:
    delta = (
        Money(row.delta_minor, row.currency)
        if row.delta_minor is not None and row.currency
        else None
    )
    rules = [rule for rule in row.rules.split("|") if rule]
    return ChangeLine(
        row.id, row.order_id, row.row_key, row.channel, row.at, name(row.before), name(row.after),
        delta, tuple((rule, titles.get(rule, same(rule))) for rule in rules), row.rebuilt,
    )  # fmt: skip


def _narrowed_rows(simulation_id: int) -> Select[SimulationChange]:
    return select(SimulationChange).where(SimulationChange.simulation_id == simulation_id)


def _narrowed(simulation_id: int, before: str, after: str, rule: str) -> Select[int]:
    statement = select(SimulationChange.id).where(SimulationChange.simulation_id == simulation_id)
    if before:
        statement = statement.where(SimulationChange.before == before)
    if after:
        statement = statement.where(SimulationChange.after == after)
    if rule:
        statement = statement.where(SimulationChange.rules.contains(f"|{rule}|", autoescape=True))
    return statement


def _total(result: Mapping[str, Any], before: str, after: str, rule: str) -> int:
    """How many there are: counted when the run ended, so that no page counts again."""
    if rule:
        return next((one["changed"] for one in result["rules"] if one["rule"] == rule), 0)
    cells = [
        one["changed"]
        for one in result.get("cells", ())
        if before in ("", one["before"]) and after in ("", one["after"])
    ]
    return sum(cells)


def _slice(statement: Select[int], page: int, total: int) -> Select[int]:
    """A page's ids; pages of the second half are counted from the end."""
    start = (page - 1) * PAGE
    size = max(0, min(PAGE, total - start))
    if start <= total // 2:
        return statement.order_by(SimulationChange.id).limit(size).offset(start)
    from_end = total - start - size
    return statement.order_by(SimulationChange.id.desc()).limit(size).offset(from_end)


def _exported(row: SimulationChange) -> tuple[str, ...]:
    def amount(minor: int | None) -> str:
        known = minor is not None and row.currency
        return str(Money(minor or 0, row.currency or "").amount) if known else ""

    return (
        row.row_key, row.channel, row.at.isoformat(), row.before, row.after,
        " ".join(one for one in row.rules.split("|") if one), row.currency or "",
        amount(row.before_minor), amount(row.after_minor), amount(row.delta_minor),
        "rebuilt" if row.rebuilt else "",
    )  # fmt: skip
