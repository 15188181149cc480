"""On PostgreSQL, where two transactions really run at once: one founder, every try counted, a link used once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tidegate.bootstrap import open_context
from tidegate.errors import TidegateError
from tidegate.services.accounts import founding, invitations, people, sessions, signing_in
from tidegate.settings import Settings
from tidegate.store.people_tables import Membership, Person
from tidegate.store.tables import Order, Parcel, Shop

pytestmark = pytest.mark.postgres
PASSWORD = "潮水退去 才知道 2026"


@pytest.fixture
def context(postgres_url: str, tmp_path: Path) -> Iterator[Any]:
    settings = replace(
        Settings.from_environment(None), data_dir=tmp_path, database_url=postgres_url
    )
    found = open_context(settings, carriers={})
    yield found
    found.store.engine.dispose()


def at_once(*acts: Callable[[], object]) -> list[str]:
    """What became of each: `done` or the code of its error."""
    barrier, said = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        barrier.wait()
        try:
            act()
            said.append("done")
        except TidegateError as error:
            said.append(error.code)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(said)


def count(context: Any, table: Any) -> int:
    with context.store.unscoped(readonly=True) as session:
        return session.scalar(select(func.count()).select_from(table))


def test_two_first_runs_make_one_owner(context: Any) -> None:
    said = at_once(
        *[
            lambda n=n: founding.create_owner(context, f"owner{n}", "x", PASSWORD, "x")
            for n in range(4)
        ]
    )
    assert said == ["done", "setup.done", "setup.done", "setup.done"]
    assert count(context, Person) == 1


def test_twelve_tries_at_once_are_counted_one_by_one(context: Any) -> None:
    founding.create_owner(context, "lin", "Lin", PASSWORD, "x")
    tries = [
        lambda: signing_in.sign_in(
            context, "lin", "wrong password", secret="k", address="192.0.2.1", user_agent="x"
        )
    ] * 12
    said = at_once(*tries)
    assert (said.count("sign_in.wrong"), said.count("sign_in.wait")) == (5, 7)


def test_a_link_used_twice_at_once_makes_one_member(context: Any) -> None:
    founding.create_owner(context, "lin", "Lin", PASSWORD, "x")
    secret = invitations.invite(context, "reader", None, "", "lin")
    said = at_once(
        *[
            lambda n=n: invitations.join(context, secret, f"p{n}", "P", PASSWORD, "x")
            for n in range(3)
        ]
    )
    assert said == ["done", "people.invitation_gone", "people.invitation_gone"]
    assert count(context, Membership) == 2


def test_two_owners_who_remove_each_other_at_once_leave_one(context: Any) -> None:
    people.add(context, "lin", "Lin", PASSWORD, "owner", "cli")
    people.add(context, "wu", "Wu", PASSWORD, "owner", "cli")
    ids = [one.id for one in people.members(context)]
    said = at_once(*[lambda id_=id_: people.remove(context, id_, "x") for id_ in ids])
    assert said == ["done", "people.last_owner"]
    assert count(context, Membership) == 1


def test_signing_in_finding_and_scope_work_alike(context: Any) -> None:
    opened = founding.create_owner(context, "lin", "Lin", PASSWORD, "Mozilla Firefox Windows")
    found = sessions.find(context, opened)
    assert found is not None
    assert (found.login, found.shops, found.may("people.manage")) == ("lin", None, True)
    assert [one.agent for one in sessions.of_person(context, found)] == ["Firefox, Windows"]
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        shops = [Shop(channel="jd", name=name) for name in "ab"]
        work.session.add_all(shops)
        work.session.flush()
        for shop in shops:
            work.add(
                Order(
                    shop_id=shop.id, channel="jd", number="1", state="received", state_since=now,
                    currency="CNY", source_hash="x", imported_at=now, updated_at=now, tags=[],
                    issues=[], extra={}, edited=[],
                )
            )  # fmt: skip
        work.commit()
    narrow = context.store.limited_to(frozenset({shops[0].id}))
    with narrow.begin(context.tenant_id, readonly=True) as work:
        assert [order.shop_id for order in work.session.scalars(select(Order))] == [shops[0].id]
        assert work.session.scalars(select(Parcel)).all() == []
