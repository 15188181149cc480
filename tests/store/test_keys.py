"""Rows of one flush are one statement on SQLite, with the keys the database would have given; the same on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import delete, event, insert, select

from tidegate.store.tables import Shop, Tenant
from tidegate.store.unit_of_work import Store, UnitOfWork

NOW = datetime(2026, 11, 11, tzinfo=UTC)


def test_rows_of_a_flush_get_keys_in_their_order_whoever_else_writes(both: Store) -> None:
    with both.begin(1) as work:
        for number in range(3):
            work.add(Shop(channel="a", name=f"{number}"))
        work.session.flush()
        work.session.execute(insert(Shop).values(tenant_id=1, channel="core", name="3"))
        more = [Shop(channel="a", name=f"{number}") for number in (4, 5)]
        for shop in more:
            work.add(shop)
        work.session.flush()
        assert more[0].id < more[1].id
        work.commit()
    assert named(both) == [str(number) for number in range(6)]
    with both.begin(1) as work:
        work.session.execute(delete(Shop).where(Shop.name.in_(["4", "5"])))
        work.session.add_all([Shop(channel="b", name="6"), Shop(channel="b", name="7")])
        work.commit()
    assert named(both) == ["0", "1", "2", "3", "6", "7"]
    with both.begin(2) as work:
        work.session.add_all([Shop(channel="c", name="undone"), Shop(channel="c", name="too")])
        work.session.flush()
        work.session.rollback()
    made = both.group(2, add_two)
    with both.begin(2, readonly=True) as work:
        assert list(work.session.scalars(select(Shop.id).order_by(Shop.id))) == made


def add_two(work: UnitOfWork) -> list[int]:
    shops = [Shop(channel="group", name=name) for name in "xy"]
    work.session.add_all(shops)
    work.session.flush()
    return [shop.id for shop in shops]


def test_many_rows_of_one_table_are_one_statement_on_sqlite(lite: Store) -> None:
    said: list[tuple[str, bool]] = []

    @event.listens_for(lite.engine, "before_cursor_execute")
    def _note(_c: object, _k: object, text: str, _p: object, _x: object, many: bool) -> None:
        if text.startswith("INSERT"):
            said.append((text.split()[2], many))

    with lite.begin(1) as work:
        for number in range(20):
            work.add(Shop(channel="a", name=f"{number}"))
        work.session.add_all(
            [Tenant(code=code, name=code, created_at=NOW) for code in ("x", "y", "z")]
        )
        work.commit()
    assert sorted(said) == [("shop", True), ("tenant", True)]


def named(store: Store) -> list[str]:
    with store.begin(1, readonly=True) as work:
        return list(work.session.scalars(select(Shop.name).order_by(Shop.id)))
