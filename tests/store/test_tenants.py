"""A unit of work sees and writes the rows of its own tenant only, whatever the query says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import aliased

from tidegate.store.schema import Base
from tidegate.store.tables import Shop, Tenant, TenantScoped
from tidegate.store.unit_of_work import Store, open_engine

NOW = datetime(2026, 11, 11, tzinfo=UTC)


@pytest.fixture
def store(chosen_url: str) -> Iterator[Store]:
    engine = open_engine(chosen_url)
    Base.metadata.create_all(engine)
    found = Store(engine)
    with found.unscoped() as session:
        for code in ("one", "two"):
            session.add(
                Tenant(code=code, name=code, timezone="UTC", currency="CNY", created_at=NOW)
            )
        session.commit()
    for tenant in (1, 2):
        with found.begin(tenant) as work:
            work.add(Shop(channel="taobao", name=f"shop of {tenant}"))
            work.commit()
    yield found
    engine.dispose()


def test_a_select_without_a_filter_sees_own_rows_only(store: Store) -> None:
    with store.begin(1, readonly=True) as work:
        assert [shop.name for shop in work.session.scalars(select(Shop))] == ["shop of 1"]


def test_columns_counts_and_aliases_are_scoped_too(store: Store) -> None:
    other = aliased(Shop)
    with store.begin(2, readonly=True) as work:
        assert work.session.execute(select(Shop.name)).all() == [("shop of 2",)]
        assert work.session.scalar(select(func.count()).select_from(Shop)) == 1
        assert work.session.scalars(select(other.name)).all() == ["shop of 2"]


def test_another_tenants_row_is_not_found_by_its_key(store: Store) -> None:
    with store.unscoped() as session:
        foreign = session.scalar(select(Shop.id).where(Shop.tenant_id == 2))
    with store.begin(1) as work:
        assert work.session.get(Shop, foreign) is None


def test_update_and_delete_reach_own_rows_only(store: Store) -> None:
    with store.begin(1) as work:
        work.session.execute(update(Shop).values(name="renamed"))
        work.commit()
    with store.begin(1) as work:
        work.session.execute(delete(Shop))
        work.commit()
    with store.unscoped() as session:
        assert [shop.name for shop in session.scalars(select(Shop))] == ["shop of 2"]


def test_every_business_table_belongs_to_a_tenant() -> None:
    shared = {  # ruleset_content is addressed by content; a person may belong to many tenants; an instant
        "tenant", "ruleset_content", "person", "person_session", "sign_in_attempt", "write_probe",
        "audit_head",  # a row per tenant, read and written by its key alone
    }  # fmt: skip
    scoped = {found.__tablename__ for found in TenantScoped.__subclasses__()}  # type: ignore[attr-defined]
    assert scoped
    assert set(Base.metadata.tables) - shared == scoped


def test_a_naive_instant_is_refused(store: Store) -> None:
    with store.unscoped() as session, pytest.raises(Exception, match="time zone"):
        session.execute(
            update(Tenant).values(created_at=datetime(2026, 1, 1))  # noqa: DTZ001  (on purpose)
        )
