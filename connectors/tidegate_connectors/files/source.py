"""Files as a source of orders: every row is read first, then orders are handed out in batches.

Reading to the end first means that a file which turns out unreadable changes nothing, and that
the rows of an order may
stand anywhere, in one file or two, in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from tidegate.errors import InputError
from tidegate.sdk.issues import seen
from tidegate.sdk.sheets import Upload
from tidegate.sdk.source import Batch, Progress, RowProblem
from tidegate_connectors.files.assemble import Assembled, assemble, shop_of
from tidegate_connectors.files.content import Content, name_of, open_content
from tidegate_connectors.files.converters import CellProblem
from tidegate_connectors.files.documents import DocumentReader
from tidegate_connectors.files.gather import Gather
from tidegate_connectors.files.headers import Header
from tidegate_connectors.files.mapping import OrderMapping
from tidegate_connectors.files.plan import Plan, make_plan, missing_columns, recognise
from tidegate_connectors.files.tables import Broken, Row, Table, TextShape, read_tables

BATCH_ORDERS = 1_000
BATCH_ROWS = 20_000
MAX_UNUSABLE = 200_000  # rows without number or shape; more would only fill memory
TOLD_EVERY = 5_000  # rows between two words about progress
Listener = Callable[[Progress], None]
Tables = Callable[[Content, TextShape], Iterator[Table]]


class FileSource:
    """One import of one or more files with one mapping; use it once."""

    def __init__(
        self,
        paths: Sequence[str | Upload],
        mapping: OrderMapping,
        shop: str | None = None,
        tables: Tables = read_tables,
    ) -> None:
        self.mapping = mapping
        self.shop = shop
        self.paths = list(paths)
        self._tables = tables
        self.ignored_sheets: list[str] = []
        self._plans: list[Plan] = []
        self._gather = Gather()
        self._rejected: list[RowProblem] = []
        self._rows = 0

    @property
    def name(self) -> str:
        return self.mapping.id

    @property
    def origins(self) -> Sequence[str]:
        return [name_of(path) for path in self.paths]

    def batches(self, listen: Listener | None = None) -> Iterator[Batch]:
        """All orders; the first batch comes once every file was read to its end.

        Raises:
            InputError: a file cannot be read, or columns are missing.
        """
        if self.mapping.document:
            paths = [path for path in self.paths if isinstance(path, str)]
            yield from DocumentReader(paths, self.mapping, self.shop).batches(listen)
            return
        with ExitStack() as closing:
            closing.callback(self._gather.close)
            contents = []
            for path in self.paths:
                contents.append(open_content(path))
                closing.callback(contents[-1].close)
            for content in contents:
                self._read(content, listen)
            self._both_reports()
            yield from self._assembled(listen)

    # Reading.

    def _read(self, content: Content, listen: Listener | None) -> None:
        shape = TextShape(self.mapping.encodings, self.mapping.quotes)
        refused: InputError | None = None
        used = 0
        for table in self._tables(content, shape):
            try:
                file = recognise(self.mapping, table.header, table.label)
            except InputError as error:
                refused = refused or error
                self.ignored_sheets.append(table.label)
                continue
            used += 1
            self._plans.append(make_plan(self.mapping, file, table.header, table.label))
            self._read_table(table, len(self._plans) - 1, content, listen)
        if not used and refused is not None:
            raise refused
        content.close()

    def _read_table(
        self, table: Table, source: int, content: Content, listen: Listener | None
    ) -> None:
        plan = self._plans[source]
        pick, numbers, width, add = plan.pick, plan.number, plan.width, self._gather.add
        by_shop = self.shop is None and plan.shop_at is not None and len(self.mapping.files) == 1
        count = 0
        for row_no, row in table.rows:
            count += 1
            if listen is not None and not count % TOLD_EVERY:
                listen(Progress("read", content.position(), content.size))
            if type(row) is not list or len(row) != width:
                fitted = self._fitted(row, plan, row_no)
                if fitted is None:
                    continue
                row = fitted
            cells = pick(row)
            try:
                number = numbers[cells[0]]
            except CellProblem as problem:
                self._damaged(plan, row_no, cells[0], problem.code)
                continue
            if number is None:
                self._reject(plan, row_no, "order.number", "import.missing_number", None)
                continue
            key = f"{shop_of(plan, cells)}\x1f{number}" if by_shop else str(number)
            add(key, (source, row_no, cells))
        self._rows += count
        if listen is not None:
            listen(Progress("read", content.position(), content.size))

    def _fitted(self, row: Row, plan: Plan, row_no: int) -> list[str] | None:
        """A row as wide as the header, or None when it was rejected."""
        if isinstance(row, Broken):
            self._reject(plan, row_no, "", row.code, row.value)
            return None
        if len(row) > plan.width and any(cell.strip() for cell in row[plan.width :]):
            self._reject(plan, row_no, "", "import.too_many_cells", str(len(row)))
            return None
        if len(row) < plan.needed:
            self._reject(plan, row_no, "", "import.too_few_cells", str(len(row)))
            return None
        return row[: plan.width] + [""] * (plan.width - len(row))

    def _damaged(self, plan: Plan, row_no: int, cell: str, code: str) -> None:
        told = {
            "import.too_long": ("import.number_too_long", f"{len(cell.strip())}"),
            "import.code_damaged": ("import.number_damaged", seen("order.number", cell.strip())),
        }
        known, value = told.get(code, (code, seen("order.number", cell.strip())))
        self._reject(plan, row_no, "order.number", known, value)

    def _reject(self, plan: Plan, row_no: int, field: str, code: str, value: str | None) -> None:
        self._rejected.append(RowProblem(plan.label, row_no, field, code, value))
        if len(self._rejected) > MAX_UNUSABLE:
            raise InputError(
                "import.not_orders",
                zh=f"{plan.label} 到第 {row_no} 行已有超过 {MAX_UNUSABLE} 行不可用，这份文件不像订单；"
                "请检查 --mapping 和分隔符。没有导入任何订单。",
                en=f"{plan.label}: by row {row_no} more than {MAX_UNUSABLE} rows are unusable, so this "
                "looks like no order file; check --mapping and separators. No order was imported.",
                file=plan.label,
                row=row_no,
            )

    def _both_reports(self) -> None:
        """An item report alone has no recipients and no totals: ask for its order report."""
        if any(plan.file.role == "orders" for plan in self._plans):
            return
        file = self.mapping.files["orders"]
        lacking = missing_columns(file, Header([]))
        names = [" / ".join([*column.names, *column.join][:2]) for column in lacking.values()]
        raise InputError(
            "import.orders_file_missing",
            zh=f"只有商品报表，没有订单报表（列：{'、'.join(names)}）；请把两个文件一起写在命令里，先后不限。",
            en="Only the item report was given, not the order report (columns "
            f"{', '.join(names)}); name both files, in any order.",
            missing=", ".join(names),
        )

    # Handing out.

    def _assembled(self, listen: Listener | None) -> Iterator[Batch]:
        done = len(self._rejected)
        if self._rejected:
            yield Batch((), done, 0, tuple(self._rejected))
        pending = _Pending()
        for _, entries in self._gather.groups():
            pending.take(assemble(entries, self._plans, shop=self.shop))
            if pending.full():
                done += pending.rows
                yield pending.batch()
                pending = _Pending()
                if listen is not None:
                    listen(Progress("save", done, self._rows))
        if pending.rows:
            yield pending.batch()
        if listen is not None:
            listen(Progress("save", self._rows, self._rows))


class _Pending:
    """A batch being filled."""

    def __init__(self) -> None:
        self._made: list[Assembled] = []
        self.rows = 0
        self._orders = 0

    def take(self, made: Assembled) -> None:
        self._made.append(made)
        self.rows += made.accepted + len(made.rejected)
        self._orders += made.draft is not None

    def full(self) -> bool:
        return self._orders >= BATCH_ORDERS or self.rows >= BATCH_ROWS

    def batch(self) -> Batch:
        return Batch(
            [made.draft for made in self._made if made.draft is not None],
            self.rows,
            sum(made.accepted for made in self._made),
            [problem for made in self._made for problem in made.rejected],
        )
