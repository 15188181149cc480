"""One transaction of one tenant.

Every ORM statement on a tenant's table gets `tenant_id = …` added by the session itself, so that a forgotten filter
can't leak another merchant's rows; new objects get the tenant when they are flushed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, Row, event
from sqlalchemy.orm import ORMExecuteState, Session, sessionmaker, with_loader_criteria
from sqlalchemy.orm.interfaces import ORMOption

from tidegate.store import audit_chain, keys, shop_scope, trouble
from tidegate.store.engines import open_engine
from tidegate.store.group_commit import GroupCommit, Wish
from tidegate.store.sqlite import is_busy
from tidegate.store.tables import TenantScoped

GROUP_WAIT_S = 30.0
TENANT = "tenant"  # whose rows a session sees
Item = TypeVar("Item")
Answer = TypeVar("Answer")


class UnitOfWork:
    """A session bound to a tenant. Services take it, change things, and call `commit` once."""

    def __init__(self, session: Session, tenant_id: int) -> None:
        self.session = session
        self.tenant_id = tenant_id
        # (kind, id) of rows that nobody else can change before the commit
        self.taken: set[tuple[str, int]] = set()

    def add(self, row: TenantScoped) -> None:
        """Stage a new row for this tenant."""
        row.tenant_id = self.tenant_id
        self.session.add(row)

    def commit(self) -> None:
        self.session.commit()
        self.taken.clear()

    def every_shop(self) -> AbstractContextManager[None]:
        """What is read inside is read for all shops: facts that rules judge by, never what is shown."""
        return shop_scope.every_shop(self.session)


class Store:
    """Opens units of work on one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._shops: frozenset[int] | None = None
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        self._looking = engine.execution_options(readonly=True)
        self._readers = sessionmaker(self._looking, expire_on_commit=False)
        self._joining = sessionmaker(
            join_transaction_mode="create_savepoint", expire_on_commit=False
        )
        for sessions in (self._sessions, self._readers, self._joining):
            _watch(sessions)
        for sessions in (self._sessions, self._joining):
            audit_chain.watch(sessions)
            keys.watch(sessions)
        self._group = GroupCommit(engine, self._joined)

    @contextmanager
    def begin(self, tenant_id: int, *, readonly: bool = False) -> Iterator[UnitOfWork]:
        """A unit of work; rolled back unless it committed. `readonly` takes no write lock on SQLite."""
        with (self._readers if readonly else self._sessions)() as session:
            session.info[TENANT] = tenant_id
            if self._shops is not None:
                shop_scope.limit(session, self._shops)
            yield UnitOfWork(session, tenant_id)

    def group(self, tenant_id: int, write: Callable[[UnitOfWork], Answer]) -> Answer:
        """Run a small write together with others that wait, in a savepoint of its own, and return what it
        returns once it is on the disk. It must not commit and may be run again when one beside it fails.

        Raises:
            Unavailable: the database can't just now. Whatever `write` raises; its changes are undone.
        """
        found: Answer = self._wait(Wish(tenant_id, self._shops, _alone, write, False, Future()))
        return found

    def gathered(
        self,
        tenant_id: int,
        write: Callable[[UnitOfWork, list[Item]], Sequence[Answer]],
        item: Item,
    ) -> Answer:
        """As `group`, for one of many like it: items of the same function that wait together are one call, which
        answers each. When it raises, each item is tried alone.
        """
        found: Answer = self._wait(Wish(tenant_id, self._shops, write, item, True, Future()))
        return found

    def soon(
        self,
        tenant_id: int,
        write: Callable[[UnitOfWork], object],
        lost: Callable[[BaseException], None],
    ) -> None:
        """As `group`, for a record that nobody waits for: while others write it is left to the next group, and a crash
        may lose it. `lost` is told what went wrong, here or in the writing thread.
        """
        wish = Wish(tenant_id, self._shops, _alone, write, False, Future())
        if is_busy(self.engine):
            wish.done.add_done_callback(lambda done: _tell(done, lost))
            self._group.ask(wish)
            return
        try:
            self._wait(wish)
        except Exception as error:
            lost(error)

    def _wait(self, wish: Wish) -> Any:
        self._group.ask(wish)
        try:
            return wish.done.result(GROUP_WAIT_S)
        except TimeoutError:
            raise trouble.busy() from None

    def look_up(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """Rows of a Core query, whose tenant only it names: for what every request asks before it is known who asks,
        and for what the runner asks all the time.
        """
        with self._looking.connect() as connection:
            return connection.execute(statement, values).all()

    def close(self) -> None:
        """Write what waits in groups and let go of all connections; the store may be used again."""
        self._group.close()
        self.engine.dispose()

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

    @contextmanager
    def _joined(
        self, connection: Connection, tenant_id: int, shops: frozenset[int] | None
    ) -> Iterator[UnitOfWork]:
        """A unit of work inside a transaction that goes on after it; undone unless it committed."""
        with self._joining(bind=connection) as session:
            session.info[TENANT] = tenant_id
            if shops is not None:
                shop_scope.limit(session, shops)
            yield UnitOfWork(session, tenant_id)


def _tell(done: Future[Any], lost: Callable[[BaseException], None]) -> None:
    error = done.exception()
    if error is not None:
        lost(error)


def _alone(work: UnitOfWork, writes: list[Callable[[UnitOfWork], Any]]) -> list[Any]:
    return [write(work) for write in writes]


def _watch(sessions: sessionmaker[Session]) -> None:
    """Sessions made here see and write the rows of the tenant in their `info`; of every tenant if there is none."""
    event.listen(sessions, "do_orm_execute", _only_this_tenant)
    event.listen(sessions, "before_flush", _own_new_rows)


def _only_this_tenant(state: ORMExecuteState) -> None:
    tenant_id = state.session.info.get(TENANT)
    if tenant_id is not None and (state.is_select or state.is_update or state.is_delete):
        state.statement = state.statement.options(_criteria(tenant_id))


@lru_cache(maxsize=1_000)
def _criteria(tenant_id: int) -> ORMOption:
    return with_loader_criteria(
        TenantScoped, lambda table: table.tenant_id == tenant_id, include_aliases=True
    )


def _own_new_rows(session: Session, _context: object, _instances: object) -> None:
    tenant_id = session.info.get(TENANT)
    if tenant_id is not None:
        for row in session.new:
            if isinstance(row, TenantScoped) and row.tenant_id is None:
                row.tenant_id = tenant_id


__all__ = ["Store", "UnitOfWork", "open_engine"]
