"""Writes that wait together are on the disk together, and an error undoes its own only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, func, select, text

from tidegate.errors import Conflict, Unavailable
from tidegate.store.tables import Shop
from tidegate.store.unit_of_work import Store, UnitOfWork

NOW = datetime(2026, 11, 11, tzinfo=UTC)
HANDS = 16


def add(work: UnitOfWork, name: str) -> int:
    shop = Shop(channel="x", name=name)
    work.add(shop)
    work.session.flush()
    return shop.id


def refuse(_work: UnitOfWork) -> int:
    raise Conflict("test.no", zh="不行", en="no")


def many(work: UnitOfWork, names: list[str]) -> list[int]:
    return [add(work, name) for name in names]


def names(store: Store, tenant: int = 1) -> set[str]:
    with store.begin(tenant, readonly=True) as work:
        return set(work.session.scalars(select(Shop.name)))


def in_threads(count: int, act: Callable[[int], Any]) -> list[Any]:
    """What `act(n)` gave or raised, by n."""
    found: list[Any] = [None] * count
    start = threading.Barrier(count)

    def run(n: int) -> None:
        start.wait()
        try:
            found[n] = act(n)
        except Exception as error:
            found[n] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def commits(store: Store) -> list[int]:
    """Grows by one with each commit of the engine."""
    seen: list[int] = []
    event.listen(store.engine, "commit", lambda _connection: seen.append(1))
    return seen


def held_up(store: Store, asks: Callable[[], None]) -> None:
    """Let `asks` fill the queue while the writer thread is kept busy by one write."""
    going, go_on = threading.Event(), threading.Event()

    def wait(_work: UnitOfWork) -> None:
        going.set()
        assert go_on.wait(20)

    first = threading.Thread(target=store.group, args=(1, wait))
    first.start()
    assert going.wait(20)
    others = threading.Thread(target=asks)
    others.start()
    deadline = threading.Event()
    while store._group._queue.qsize() < HANDS and not deadline.wait(0.01):
        pass
    go_on.set()
    first.join()
    others.join()


def test_what_is_answered_is_seen_by_everybody(both: Store) -> None:
    number = both.group(1, lambda work: add(work, "north"))
    with both.begin(1, readonly=True) as work:
        assert work.session.get_one(Shop, number).name == "north"
    assert names(both, 2) == set()


def test_writes_that_wait_together_are_one_commit(both: Store) -> None:
    found: list[Any] = []
    seen = commits(both)
    held_up(
        both,
        lambda: found.extend(
            in_threads(HANDS, lambda n: both.group(1, lambda work: add(work, f"s{n}")))
        ),
    )
    assert len(set(found)) == HANDS
    assert names(both) == {f"s{n}" for n in range(HANDS)}
    assert len(seen) == 2  # the one that kept the thread busy, and all others


def test_an_error_undoes_its_own_write_only(both: Store) -> None:
    found: list[Any] = []

    def act(n: int) -> int:
        if n % 4 == 0:
            return both.group(1, lambda work: add(work, f"lost{n}") and refuse(work))
        return both.group(1, lambda work: add(work, f"s{n}"))

    held_up(both, lambda: found.extend(in_threads(HANDS, act)))
    refused = [n for n in range(HANDS) if isinstance(found[n], Conflict)]
    assert refused == [0, 4, 8, 12]
    assert names(both) == {f"s{n}" for n in range(HANDS) if n % 4}


def test_a_broken_constraint_is_the_writers_own(both: Store) -> None:
    both.group(1, lambda work: add(work, "north"))
    found: list[Any] = []
    held_up(
        both,
        lambda: found.extend(
            in_threads(
                HANDS,
                lambda n: both.group(1, lambda work: add(work, "north" if n == 3 else f"{n}")),
            )
        ),
    )
    assert [n for n, one in enumerate(found) if isinstance(one, Exception)] == [3]
    assert len(names(both)) == HANDS


def test_items_of_one_kind_are_one_call_and_each_gets_its_answer(both: Store) -> None:
    calls: list[int] = []

    def counted(work: UnitOfWork, given: list[str]) -> list[int]:
        calls.append(len(given))
        return many(work, given)

    found: list[Any] = []
    held_up(
        both,
        lambda: found.extend(in_threads(HANDS, lambda n: both.gathered(1, counted, f"s{n}"))),
    )
    assert calls == [HANDS]
    with both.begin(1, readonly=True) as work:
        rows = {shop.name: shop.id for shop in work.session.scalars(select(Shop))}
    assert rows == {f"s{n}": found[n] for n in range(HANDS)}


def test_a_call_that_fails_is_tried_item_by_item(both: Store) -> None:
    def strict(work: UnitOfWork, given: list[str]) -> list[int]:
        made = many(work, given)
        return [refuse(work)] if "bad" in given else made

    found: list[Any] = []
    held_up(
        both,
        lambda: found.extend(
            in_threads(HANDS, lambda n: both.gathered(1, strict, "bad" if n == 5 else f"s{n}"))
        ),
    )
    assert [n for n, one in enumerate(found) if isinstance(one, Conflict)] == [5]
    assert names(both) == {f"s{n}" for n in range(HANDS) if n != 5}


def test_tenants_and_shops_are_kept_apart_within_one_commit(both: Store) -> None:
    (shop, _) = many_of(both, 1, "mine", "hidden")
    many_of(both, 2, "theirs")
    limited = both.limited_to(frozenset({shop}))

    def seen(work: UnitOfWork) -> set[str]:
        return set(work.session.scalars(select(Shop.name)))

    asked = [(both, 1), (both, 2), (limited, 1)] * 6
    found: list[Any] = []
    held_up(
        both,
        lambda: found.extend(
            in_threads(len(asked), lambda n: asked[n][0].group(asked[n][1], seen))
        ),
    )
    assert found == [{"mine", "hidden"}, {"theirs"}, {"mine"}] * 6


def many_of(store: Store, tenant: int, *given: str) -> list[int]:
    return [store.group(tenant, lambda work, name=name: add(work, name)) for name in given]


def test_when_the_commit_fails_nobody_is_told_yes(both: Store) -> None:
    found: list[Any] = []
    broken = [True]

    @event.listens_for(both.engine, "commit")
    def _fail(_connection: object) -> None:
        if broken and both._group._queue.qsize() == 0 and broken.pop():
            raise Unavailable("test.disk", zh="坏", en="broken")

    found = in_threads(4, lambda n: both.group(1, lambda work: add(work, f"s{n}")))
    refused = {n for n, one in enumerate(found) if isinstance(one, Unavailable)}
    assert refused
    assert names(both) == {f"s{n}" for n in range(4) if n not in refused}


@pytest.mark.postgres
@pytest.mark.parametrize("cut_at", [0, 5, HANDS - 1])
def test_a_connection_lost_half_way_is_told_to_all_as_away(
    open_store: Callable[[str], Store], postgres_tables_url: str, cut_at: int
) -> None:
    store = open_store(postgres_tables_url)

    def cut(work: UnitOfWork, given: list[str]) -> list[int]:
        if f"s{cut_at}" in given:
            work.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return many(work, given)

    found: list[Any] = []
    held_up(
        store,
        lambda: found.extend(in_threads(HANDS, lambda n: store.gathered(1, cut, f"s{n}"))),
    )
    assert [getattr(one, "code", one) for one in found] == ["store.away"] * HANDS
    assert names(store) == set()
    assert store.gathered(1, many, "later") > 0


def test_a_write_may_not_wait_for_another_group(both: Store) -> None:
    with pytest.raises(RuntimeError, match="another group"):
        both.group(1, lambda _work: both.group(1, lambda work: add(work, "inner")))


def test_closing_writes_what_waits_and_a_later_write_starts_again(both: Store) -> None:
    found: list[Any] = []

    def close_too(n: int) -> Any:
        return both._group.close() if n == 0 else both.group(1, lambda work: add(work, f"s{n}"))

    found = in_threads(8, close_too)
    assert not [one for one in found if isinstance(one, Exception)]
    both.group(1, lambda work: add(work, "after"))
    with both.begin(1, readonly=True) as work:
        assert work.session.scalar(select(func.count()).select_from(Shop)) == 8


def test_a_record_is_there_at_once_where_nobody_else_writes(both: Store) -> None:
    lost: list[BaseException] = []
    both.soon(1, lambda work: add(work, "north"), lost.append)
    assert names(both) == {"north"}
    both.soon(1, refuse, lost.append)
    assert [type(one) for one in lost] == [Conflict]


def test_a_record_waits_for_nobody_who_writes_and_is_not_lost(lite: Store) -> None:
    lost: list[BaseException] = []
    with lite.begin(1) as work:
        add(work, "south")
        lite.soon(1, lambda work: add(work, "north"), lost.append)  # would wait for us
        lite.soon(1, refuse, lost.append)
        assert names(lite) == set()
        work.commit()
    lite.close()  # writes what waits
    assert names(lite) == {"south", "north"}
    assert [type(one) for one in lost] == [Conflict]
