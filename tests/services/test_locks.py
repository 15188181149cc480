"""On PostgreSQL whoever holds rows for a while keeps others from changing them, not from adding rows that point at them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text

from tidegate.errors import Unavailable
from tidegate.services import intake_changes, labels, states
from tidegate.services.chain import advance
from tidegate.store.tables import Event, Order, Parcel, Tenant
from tidegate.store.unit_of_work import UnitOfWork

pytestmark = pytest.mark.postgres
AT_ONCE = text("SET LOCAL lock_timeout = '500ms'")


def printing(work: UnitOfWork) -> Any:
    labels._one_at_a_time(work)
    return select(Tenant.id).where(Tenant.id == work.tenant_id)


def importing(work: UnitOfWork) -> Any:
    intake_changes._rows(work, [1, 2])
    return select(Order.id).where(Order.id == 1)


def judging(work: UnitOfWork) -> Any:
    states.take(work, work.session.scalars(select(Order)).all(), [])
    return select(Order.id).where(Order.id == 1)


def answering(work: UnitOfWork) -> Any:
    states.take(work, [], work.session.scalars(select(Parcel)).all())
    return select(Parcel.id).where(Parcel.id == 1)


@pytest.mark.parametrize("act", [printing, importing, judging, answering])
def test_events_are_added_meanwhile_and_the_rows_are_kept(
    open_world: Any, postgres_tables_url: str, act: Callable[[UnitOfWork], Any]
) -> None:
    world = open_world(postgres_tables_url)
    world.stock("KETTLE", 5)
    for _ in range(2):
        advance(world.context, world.order(), "received")
    with world.context.store.begin(1) as holder:
        kept = act(holder)
        with world.context.store.begin(1) as other:
            other.session.execute(AT_ONCE)
            other.add(
                Event(
                    order_id=1, parcel_id=1, at=world.now, kind="note", actor_kind="person",
                    actor="li", data={},
                )
            )  # fmt: skip
            other.commit()
        with (
            world.context.store.begin(1) as second,
            pytest.raises(Unavailable),
        ):
            second.session.execute(kept.with_for_update(key_share=True, nowait=True))
