"""What people did is sealed in a chain per tenant: writers keep it in one line, and whatever is changed is seen."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from tidegate.services.accounts.events import note
from tidegate.services.invariants.checks import check
from tidegate.services.states import record
from tidegate.store.audit_tables import AuditHead, AuditLink
from tidegate.store.people_tables import SecurityEvent
from tidegate.store.tables import Event


def act(world: Any, kind: str = "note", actor_kind: str = "person", tenant: int = 1) -> None:
    with world.context.store.begin(tenant) as work:
        record(
            work, kind, order_id=None, now=world.now, actor_kind=actor_kind, actor="li",
            data={"why": "试", "n": 1, "more": [1, {"b": None}]},
        )  # fmt: skip
        note(work.session, tenant, world.now + timedelta(microseconds=7), "signed_in", "li")
        work.commit()


def broken(world: Any) -> tuple[str, ...]:
    return next(one.offenders for one in check(world.context) if one.id == "I10")


def test_what_people_do_is_linked_and_what_rules_do_is_not(both: Any) -> None:
    for _ in range(3):
        act(both)
    act(both, actor_kind="rule")
    links = both.all(AuditLink)
    assert [link.number for link in links] == [1, 2, 3, 4, 5, 6, 7]
    assert sorted(link.source for link in links) == ["event"] * 3 + ["security_event"] * 4
    assert broken(both) == ()


CRIMES: dict[str, tuple[Any, str]] = {
    "a changed reason": (update(Event).where(Event.id == 2).values(data={"why": "x"}), "event 2"),
    "another actor": (update(SecurityEvent).values(actor="wu"), "security_event 1"),
    "a row that is gone": (delete(Event).where(Event.id == 2), "event 2"),
    "a link that is gone": (delete(AuditLink).where(AuditLink.number == 3), "audit_link 4"),
    "the end cut off": (delete(AuditLink).where(AuditLink.number > 4), "audit_head 1"),
    "a changed link": (
        update(AuditLink).where(AuditLink.number == 2).values(digest="0" * 64), "audit_link 2",
    ),
    "another end": (update(AuditHead).values(number=9), "audit_head 1"),
}  # fmt: skip


@pytest.mark.parametrize("crime", CRIMES)
def test_whatever_is_changed_behind_our_back_is_named(world: Any, crime: str) -> None:
    for _ in range(3):
        act(world)
    statement, offender = CRIMES[crime]
    with world.context.store.unscoped() as session:
        session.connection().execute(statement)
        session.commit()
    assert offender in broken(world)


def test_an_act_put_in_past_the_chain_is_named(world: Any) -> None:
    act(world)
    row = {
        "tenant_id": 1, "at": world.now, "kind": "note", "actor_kind": "person", "actor": "li",
        "data": {},
    }  # fmt: skip
    with world.context.store.unscoped() as session:
        session.connection().execute(insert(Event), [row])
        session.commit()
    assert broken(world) == ("event 2",)


def test_each_tenant_has_a_chain_of_its_own(both: Any, open_world: Any) -> None:
    act(both)
    act(both, tenant=2)
    with both.context.store.unscoped() as session:
        numbers = session.execute(
            select(AuditLink.tenant_id, func.max(AuditLink.number)).group_by(AuditLink.tenant_id)
        )
        assert sorted(map(tuple, numbers)) == [(1, 2), (2, 2)]
    assert broken(both) == ()


def test_many_writers_make_one_line(both: Any) -> None:
    failed: list[BaseException] = []

    def write() -> None:
        try:
            for _ in range(10):
                act(both)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [link.number for link in both.all(AuditLink)] == list(range(1, 161))
    assert broken(both) == ()


def test_what_was_undone_leaves_no_link(both: Any) -> None:
    act(both)
    with both.context.store.begin(1) as work:
        record(work, "note", order_id=None, now=both.now, actor_kind="person", actor="li")
        work.session.flush()
        savepoint = work.session.begin_nested()
        note(work.session, 1, both.now, "signed_in", "wu")
        work.session.flush()
        savepoint.rollback()
        work.commit()
    with both.context.store.begin(1) as work:
        record(work, "note", order_id=None, now=both.now, actor_kind="person", actor="li")
        work.session.flush()
    assert both.count(AuditLink) == 3

    def fails(work: Any) -> None:
        record(work, "note", order_id=None, now=both.now, actor_kind="person", actor="li")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        both.context.store.group(1, fails)
    both.context.store.group(1, lambda work: note(work.session, 1, both.now, "signed_in", "li"))
    both.context.store.close()
    assert both.count(AuditLink) == 4
    assert broken(both) == ()
