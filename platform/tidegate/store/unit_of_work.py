"""One transaction of one tenant.

Every ORM statement on a tenant's table gets `tenant_id = …` added by the session itself, so that a forgotten filter
can't leak another merchant's rows; new objects get the tenant when they are flushed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import ORMExecuteState, Session, sessionmaker, with_loader_criteria

from tidegate.store import shop_scope
from tidegate.store.tables import TenantScoped


def open_engine(url: str) -> Engine:
    """An engine; SQLite gets WAL, FULL sync and foreign keys (docs/promises.md).

    Errors never show parameters: they may be personal.
    """
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    engine = create_engine(url, connect_args={"timeout": 30}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=30000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A deferred transaction that reads first and writes later fails with "database is locked" under load.
        readonly = connection.get_execution_options().get("readonly", False)
        connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")

    return engine


class UnitOfWork:
    """A session bound to a tenant. Services take it, change things, and call `commit` once."""

    def __init__(self, session: Session, tenant_id: int) -> None:
        self.session = session
        self.tenant_id = tenant_id

    def add(self, row: TenantScoped) -> None:
        """Stage a new row for this tenant."""
        row.tenant_id = self.tenant_id
        self.session.add(row)

    def commit(self) -> None:
        self.session.commit()

    def every_shop(self) -> AbstractContextManager[None]:
        """What is read inside is read for all shops: facts that rules judge by, never what is shown."""
        return shop_scope.every_shop(self.session)


class Store:
    """Opens units of work on one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._shops: frozenset[int] | None = None
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        self._readers = sessionmaker(
            engine.execution_options(readonly=True), expire_on_commit=False
        )

    @contextmanager
    def begin(self, tenant_id: int, *, readonly: bool = False) -> Iterator[UnitOfWork]:
        """A unit of work; rolled back unless it committed. `readonly` takes no write lock on SQLite."""
        with (self._readers if readonly else self._sessions)() as session:
            _scope(session, tenant_id)
            if self._shops is not None:
                shop_scope.limit(session, self._shops)
            yield UnitOfWork(session, tenant_id)

    @property
    def shops(self) -> frozenset[int] | None:
        """The shops that are shown; None is every shop. What is kept of an answer is kept by it."""
        return self._shops

    def limited_to(self, shops: frozenset[int] | None) -> Store:
        """The same database for somebody who may see these shops only; None is every shop."""
        limited = copy(self)
        limited._shops = shops
        return limited

    @contextmanager
    def unscoped(self, *, readonly: bool = False) -> Iterator[Session]:
        """A session over all tenants: for set-up, the job runner's claims and `doctor` only."""
        with (self._readers if readonly else self._sessions)() as session:
            yield session


def _scope(session: Session, tenant_id: int) -> None:
    @event.listens_for(session, "do_orm_execute")
    def _only_this_tenant(state: ORMExecuteState) -> None:
        if state.is_select or state.is_update or state.is_delete:
            state.statement = state.statement.options(
                with_loader_criteria(
                    TenantScoped,
                    lambda table: table.tenant_id == tenant_id,
                    include_aliases=True,
                )
            )

    @event.listens_for(session, "before_flush")
    def _own_new_rows(found: Session, _context: object, _instances: object) -> None:
        for row in found.new:
            if isinstance(row, TenantScoped) and row.tenant_id is None:
                row.tenant_id = tenant_id
