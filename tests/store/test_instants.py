"""Instants are kept in UTC, on SQLite as the text that SQLAlchemy writes: old rows and new ones sort together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import DateTime, create_engine, select, text

from tidegate.store.columns import Instant
from tidegate.store.tables import Tenant
from tidegate.store.unit_of_work import Store

AT = datetime(2026, 11, 11, 8, 0, 0, 7, tzinfo=timezone(timedelta(hours=8)))


@pytest.mark.parametrize("at", [AT, AT.replace(microsecond=0), datetime(1, 1, 1, tzinfo=UTC)])
def test_the_text_is_sqlalchemys_own(at: datetime) -> None:
    dialect = create_engine("sqlite://").dialect
    ours, theirs = Instant().bind_processor(dialect), DateTime().dialect_impl(dialect)
    plain = theirs.bind_processor(dialect)
    assert ours is not None
    assert plain is not None
    assert ours(at) == plain(at.astimezone(UTC).replace(tzinfo=None))
    assert ours(None) is None
    with pytest.raises(ValueError, match="time zone"):
        ours(at.replace(tzinfo=None))


def test_an_instant_comes_back_in_utc(both: Store) -> None:
    with both.unscoped() as session:
        session.add(Tenant(code="z", name="z", created_at=AT))
        session.commit()
        found = session.scalar(select(Tenant.created_at).where(Tenant.created_at == AT))
        assert found == AT
        assert found is not None
        assert found.utcoffset() == timedelta(0)
        if both.engine.dialect.name == "sqlite":
            kept = session.scalar(text("SELECT created_at FROM tenant WHERE code = 'z'"))
            assert kept == "2026-11-11 00:00:00.000007"
