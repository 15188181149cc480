"""Import of what an order is judged against: warehouses, products, services, zones, rates, stock.

Each row is found by its key and made or changed; an empty cell leaves what is there. Only a weight
band that a newer one overlaps is replaced; nothing else is ever deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tidegate.errors import Conflict
from tidegate.services.context import Context
from tidegate.services.reference_cells import CellProblem, problem_of
from tidegate.services.reference_kinds import Kind, kinds, place_columns, quiet_headers, recognise
from tidegate.services.reference_rates import overlapping, price_band
from tidegate.services.reference_report import ReferenceReport, Rejection
from tidegate.services.reference_stock import FILE, change_stock, wake_waiting
from tidegate.services.reference_tables import Row, Table, read_table
from tidegate.services.reserving import record_moves
from tidegate.store.tables import (
    CarrierService,
    RateCard,
    Stock,
    TenantScoped,
    Warehouse,
)
from tidegate.store.unit_of_work import UnitOfWork

CHUNK = 500  # SKUs per IN list


def import_files(
    context: Context, paths: Sequence[Path], kind: str | None = None
) -> list[ReferenceReport]:
    """Import files of one kind or of any mix; kinds that others build on go first.

    Raises:
        InputError: a file is no table, or its columns do not fit. Nothing was imported then.
    """
    known = kinds(context.timezone)
    sorted_tables: dict[str, list[Table]] = {found: [] for found in known}
    for path in paths:
        table = read_table(path)
        found = known[kind] if kind else recognise(table, known)
        place_columns(table, found)
        sorted_tables[found.id].append(table)
    return [import_tables(context, each, some) for each, some in sorted_tables.items() if some]


def import_warehouses(context: Context, tables: Iterable[Table]) -> ReferenceReport:
    return import_tables(context, "warehouses", tables)


def import_products(context: Context, tables: Iterable[Table]) -> ReferenceReport:
    return import_tables(context, "products", tables)


def import_services(context: Context, tables: Iterable[Table]) -> ReferenceReport:
    return import_tables(context, "services", tables)


def import_zones(context: Context, tables: Iterable[Table]) -> ReferenceReport:
    return import_tables(context, "zones", tables)


def import_rates(context: Context, tables: Iterable[Table]) -> ReferenceReport:
    return import_tables(context, "rates", tables)


def import_stock(context: Context, tables: Iterable[Table]) -> ReferenceReport:
    """As the others; orders that wait for a SKU whose units rose are asked again."""
    return import_tables(context, "stock", tables)


def import_tables(context: Context, kind: str, tables: Iterable[Table]) -> ReferenceReport:
    """All tables in one transaction; bad rows are reported and left out.

    Raises:
        InputError: a required column is missing.
        Conflict: somebody changed the same rows meanwhile; nothing was imported.
    """
    described = kinds(context.timezone)[kind]
    report = ReferenceReport(kind)
    with context.store.begin(context.tenant_id) as work:
        try:
            writer = _Writer(context, work, described, report)
            for table in tables:
                writer.take(table)
            work.session.flush()
            report.woken = wake_waiting(work, writer.raised, context.clock())
            work.commit()
        except IntegrityError as error:
            raise Conflict(
                "reference.changed_meanwhile",
                zh=f"导入{described.zh}时有人改了同样的数据, 什么都没有写入; 请再导入一次。",
                en=f"Somebody changed the same {described.en} meanwhile; nothing was written."
                " Import again.",
            ) from error
    return report


@dataclass(frozen=True, slots=True)
class _Found:
    """A row that was read: its key and the values its cells gave."""

    table: Table
    row: Row
    key: tuple[Any, ...]
    values: dict[str, Any]


class _Writer:
    """Upserts rows of one kind; a second row for one key is refused."""

    def __init__(
        self, context: Context, work: UnitOfWork, kind: Kind, report: ReferenceReport
    ) -> None:
        self._context = context
        self._work = work
        session = self._session = work.session
        self._kind = kind
        self._report = report
        self._seen: dict[tuple[Any, ...], tuple[str, int]] = {}
        self._warehouses = _warehouse_ids(session)
        self._services = set(session.scalars(select(CarrierService.code)))
        self._known = self._load()
        self.raised: set[str] = set()

    def take(self, table: Table) -> None:
        placed = place_columns(table, self._kind)
        self._report.files.append(table.name)
        self._report.ignored += quiet_headers(table, placed)
        for row in table.rows:
            self._report.read += 1
            values: dict[str, Any] = {}
            field = ""
            try:
                for index, (column, unit) in placed.items():
                    field = column.field
                    if row.cells[index]:
                        values[field] = column.read(row.cells[index], unit)
                    elif column.required:
                        raise _empty()
                field = self._kind.key[-1]
                self._upsert(self._complete(table, row, values))
            except CellProblem as problem:
                self._reject(table, row, problem.field or field, problem)

    def _load(self) -> dict[tuple[Any, ...], TenantScoped]:
        names = ["warehouse_id" if name == "warehouse" else name for name in self._kind.key]
        return {
            tuple(getattr(found, name) for name in names): found
            for found in self._session.scalars(select(self._kind.model))
        }

    def _complete(self, table: Table, row: Row, values: dict[str, Any]) -> _Found:
        """Resolve references, fill defaults, and refuse a key that was in an earlier row."""
        if self._kind.id == "stock":
            values["warehouse_id"] = self._warehouse(values.pop("warehouse", None))
        if self._kind.id in ("zones", "rates") and values["service_code"] not in self._services:
            raise problem_of(
                "service_code",
                "unknown_service",
                f"没有快递产品 {values['service_code']}; 请先导入快递产品。",
                f"There is no service {values['service_code']!r}; import services first.",
            )
        if self._kind.id == "rates":
            price_band(values, self._context.currency)
        if self._kind.id == "zones":
            values.setdefault("origin_province", "")
            values.setdefault("city", "")
        names = ["warehouse_id" if name == "warehouse" else name for name in self._kind.key]
        key = tuple(values[name] for name in names)
        if key in self._seen:
            file, number = self._seen[key]
            raise problem_of(
                self._kind.key[-1],
                "duplicate_row",
                f"与 {file} 第 {number} 行重复; 请只保留一行。",
                f"repeats row {number} of {file}; keep one of them.",
            )
        self._seen[key] = (table.name, row.number)
        return _Found(table, row, key, values)

    def _upsert(self, found: _Found) -> None:
        row = self._known.get(found.key)
        if row is None:
            self._make(found)
            return
        changed = {n: v for n, v in found.values.items() if getattr(row, n) != v}
        if not changed:
            self._report.unchanged += 1
            return
        if isinstance(row, Stock):
            if change_stock(self._work, row, changed, self._context.clock()):
                self.raised.add(row.sku)
        else:
            if isinstance(row, RateCard):
                self._give_room(found, row)
            for name, value in changed.items():
                setattr(row, name, value)
        self._report.updated += 1

    def _make(self, found: _Found) -> None:
        values = dict(found.values)
        if self._kind.id == "rates":
            self._give_room(found, None)
        if self._kind.id == "services":
            for name in ("name_zh", "name_en"):
                values.setdefault(name, values["code"])
        if self._kind.id == "stock":
            values["updated_at"] = self._context.clock()
            if values["on_hand"] > 0:
                self.raised.add(values["sku"])
            level = (values["sku"], values["warehouse_id"])
            opening = [(level, values["on_hand"], None)]
            record_moves(self._work, "opening", opening, values["updated_at"], FILE)
        made = self._kind.model(**values)
        self._session.add(made)  # the unit of work adds the tenant
        self._known[found.key] = made
        self._report.created += 1

    def _warehouse(self, given: str | None) -> int:
        if given is None and len(set(self._warehouses.values())) == 1:
            return next(iter(self._warehouses.values()))
        if given is None:
            raise problem_of(
                "warehouse", "required", "没有写仓库; 请补上。", "names no warehouse; add it."
            )
        if given not in self._warehouses:
            raise problem_of(
                "warehouse",
                "unknown_warehouse",
                f"没有仓库 {given}; 请先导入仓库, 或更正编码。",
                f"There is no warehouse {given!r}; import warehouses first, or correct the code.",
            )
        return self._warehouses[given]

    def _give_room(self, found: _Found, itself: RateCard | None) -> None:
        """Bands of this import must not overlap; an older one in the way is replaced."""
        for other in overlapping(self._known.values(), found.values, itself):
            key = (other.service_code, other.zone, other.currency, other.from_g)
            if key in self._seen:
                raise problem_of(
                    "from_g",
                    "band_overlap",
                    f"重量段与 {other.from_g} 克起的另一段重叠; 请改起止重量。",
                    f"overlaps the band that starts at {other.from_g} g; change its limits.",
                )
            self._session.delete(other)
            del self._known[key]

    def _reject(self, table: Table, row: Row, field: str, problem: CellProblem) -> None:
        self._report.rejected.append(
            Rejection(table.name, row.number, field, problem.code, problem.zh, problem.en)
        )


def _warehouse_ids(session: Session) -> dict[str, int]:
    """Warehouse ids by code and, where no code says the same, by name."""
    rows = session.execute(select(Warehouse.id, Warehouse.code, Warehouse.name)).all()
    return {**{row.name: row.id for row in rows}, **{row.code: row.id for row in rows}}


def _empty() -> CellProblem:
    return CellProblem("required", "必填, 但是空的; 请补上。", "is required but empty; fill it in.")
