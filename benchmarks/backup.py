"""Backup and restore at size: how long a file of ORDERS orders takes to write, to check and to put back.

    python benchmarks/backup.py [ORDERS]          (1,000,000; a tenth of a GB for every ten thousand)
    python benchmarks/backup.py [ORDERS] --own-postgres     (PostgreSQL and pg_dump from its wheel)

The demo's orders go through the real chain once; then every row of theirs is copied by the database until there are
as many as wanted, each copy with ids, numbers and keys of its own. Beside it stands what the disk needs to copy the
same bytes. The aim is five minutes for a million orders, backup and restore together.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Table,
    UniqueConstraint,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.engine import make_url

sys.path.insert(0, str(Path(__file__).parent))
from shared.servers import postgres_and_redis, sandbox_carrier

from tidegate.bootstrap import open_carriers, open_context, sandbox_secret, upgrade_database
from tidegate.jobs.runner import drain
from tidegate.logs import configure_logs
from tidegate.services.backups.restoring import put_back
from tidegate.services.backups.taking import take_backup
from tidegate.services.context import Context
from tidegate.services.demo import seed_demo
from tidegate.services.demo_orders import demo_orders
from tidegate.services.intake import import_orders
from tidegate.settings import Settings
from tidegate.store.schema import Base
from tidegate.store.tables import Order
from tidegate.store.unit_of_work import Store, open_engine

ORDERS = 1_000_000
REAL = 1_000  # that go through the chain
SEED = 20261111
AT_ONCE = 10  # copies per transaction
AIM_S = 300
ROOTS = (Order.__table__.name,)


def main(wanted: int) -> int:
    if "--own-postgres" not in sys.argv:
        return in_a_folder(wanted)
    with (
        tempfile.TemporaryDirectory(prefix="tidegate-bench-") as place,
        postgres_and_redis(Path(place)) as servers,
    ):
        os.environ |= servers
        return in_a_folder(wanted)


def in_a_folder(wanted: int) -> int:
    given = os.environ.get("TIDEGATE_DATABASE_URL", "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = replace(
            Settings.from_environment(None),
            data_dir=folder / "data",
            database_url=given or f"sqlite:///{folder}/bench.db",
        )
        (folder / "data").mkdir()
        context = lived(settings)
        took = timed(lambda: multiply(context.store, wanted))
        print(f"{count(context):,} orders made in {took:.0f} s")
        return measure(context, settings, folder)


def lived(settings: Settings) -> Context:
    """The demo's shop after its orders went through the chain, the sandbox carrier's server beside it."""
    with sandbox_carrier(sandbox_secret(settings)) as url:
        settings = replace(settings, sandbox_url=url)
        context = open_context(settings, carriers=open_carriers(settings))
        seed_demo(context)
        drafts = [one.draft for one in demo_orders(REAL, SEED, context.clock())]
        import_orders(context, drafts, source="bench")
        drain(context, 10**9)
    return context


def measure(context: Context, settings: Settings, folder: Path) -> int:
    file = folder / "backup.tar"
    backing = timed(lambda: take_backup(context, file))
    copying = timed(lambda: shutil.copyfile(file, folder / "copy.tar"))
    (folder / "copy.tar").unlink()
    context.store.close()
    for part in folder.glob("bench.db*"):  # the disk need not hold the old one and the new one
        part.unlink()
    there = empty_place(settings, folder)
    engine = open_engine(there.database_url)
    restoring = timed(lambda: put_back(file, engine, there.data_dir))
    upgrading = timed(lambda: upgrade_database(there))
    with engine.connect() as connection:
        back = connection.scalar(select(func.count()).select_from(Order.__table__))
    engine.dispose()
    whole = backing + restoring + upgrading
    print(f"file: {file.stat().st_size / 1e9:.2f} GB, written in {backing:.0f} s")
    print(
        f"put back, digests and database checked, in {restoring + upgrading:.0f} s: {back:,} orders"
    )
    print(f"the disk copies the same bytes in {copying:.0f} s: {whole / copying:.1f} times that")
    print(f"together {whole:.0f} s; aim for a million: {AIM_S} s")
    return 0 if back else 1


def empty_place(settings: Settings, folder: Path) -> Settings:
    """An empty database of the same kind and an empty folder."""
    there = folder / "there"
    there.mkdir()
    if settings.database_url.startswith("sqlite"):
        return replace(settings, data_dir=there, database_url=f"sqlite:///{folder}/there.db")
    url = make_url(settings.database_url)
    fresh = url.set(database=f"{url.database}_back")
    admin = open_engine(settings.database_url).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{fresh.database}"'))
        connection.execute(text(f'CREATE DATABASE "{fresh.database}"'))
    admin.dispose()
    address = fresh.render_as_string(hide_password=False)
    return replace(settings, data_dir=there, database_url=address)


# copies


def multiply(store: Store, wanted: int) -> None:
    """Copies of all rows that belong to an order, until there are as many orders as wanted."""
    tables = list(belonging())
    with store.engine.connect() as connection:
        here = connection.scalar(select(func.count()).select_from(Order.__table__)) or 1
        step = 1 + max(top(connection, table) for table in tables)
    for start in range(1, wanted // here, AT_ONCE):
        # SQLite's log is looked through for every page: keep it short
        with store.engine.begin() as connection:
            for n in range(start, min(start + AT_ONCE, wanted // here)):
                for table in tables:
                    connection.execute(copied(table, tables, step, n))


def belonging() -> Iterator[Table]:
    """Orders and every table with a foreign key to one of these, in an order that keeps foreign keys."""
    found: list[Table] = []
    for table in Base.metadata.sorted_tables:
        towards = {key.column.table.name for key in table.foreign_keys}
        if table.name in ROOTS or towards & {one.name for one in found}:
            found.append(table)
            yield table


def top(connection: Connection, table: Table) -> int:
    keys = [one for one in table.primary_key if isinstance(one.type, Integer | BigInteger)]
    return max((connection.scalar(select(func.max(one))) or 0 for one in keys), default=0)


def copied(table: Table, tables: list[Table], step: int, n: int) -> object:
    """INSERT … SELECT of the first rows: numbers that point into copied tables moved, texts that must differ marked."""
    names = {one.name for one in tables}
    single = {
        column.name
        for rule in table.constraints | set()
        if isinstance(rule, UniqueConstraint)
        for column in rule.columns
    } | {column.name for index in table.indexes if index.unique for column in index.columns}
    values, moved = [], None
    for column in table.columns:
        own = column.primary_key and isinstance(column.type, Integer | BigInteger)
        points = any(key.column.table.name in names for key in column.foreign_keys)
        if own or points:
            values.append(column + step * n)
            moved = column if own else moved
        elif column.name in single and not column.foreign_keys and is_text(column):
            values.append(column.concat(f"~{n}"))
        else:
            values.append(column)
    first = moved if moved is not None else next(iter(table.primary_key))
    rows = select(*values).where(first < step)
    return insert(table).from_select([column.name for column in table.columns], rows)


def is_text(column: object) -> bool:
    return getattr(getattr(column, "type", None), "python_type", None) is str


def count(context: Context) -> int:
    with context.store.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(Order.__table__)) or 0


def timed(act: Callable[[], object]) -> float:
    """Seconds on the wall."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    configure_logs("ERROR")
    numbers = [int(arg) for arg in sys.argv[1:] if arg.isdigit()]
    sys.exit(main(numbers[0] if numbers else ORDERS))
