"""Backups under load, restored onto an empty machine; the carrier is asked before anything is sent again."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import func, select, update
from sqlalchemy.engine import make_url

from tidegate.bootstrap import alembic_config, open_context, upgrade_database
from tidegate.errors import ConfigError, Conflict, InputError, RemoteRetry, TidegateError
from tidegate.jobs.runner import drain
from tidegate.sdk.carrier import DuplicateClass
from tidegate.services.backups import copies
from tidegate.services.backups.marking import mark_restored, reconciling
from tidegate.services.backups.restoring import put_back
from tidegate.services.backups.taking import take_backup
from tidegate.services.chain import advance as step
from tidegate.services.contexts import Contexts
from tidegate.settings import Settings
from tidegate.store.backup_tables import RestoreMark
from tidegate.store.schema import Base
from tidegate.store.tables import Effect, Event, Order, OrderLine, Parcel
from tidegate.store.unit_of_work import Store, open_engine

FILE = "b.tar"


class House:
    """One merchant whose data is backed up, lost and restored; the carrier lives on."""

    def __init__(self, world: Any, folder: Path, new_url: Callable[[], str]) -> None:
        self.world = world
        self.folder = folder
        self.file = folder / "backups" / FILE
        self._new_url = new_url
        self.opened: list[Any] = []

    def back_up(self) -> Any:
        return take_backup(self.world.context, self.file)

    def restore(self, carrier: Any = None) -> Any:
        """A world on a new machine; opened like `tidegate run` opens it."""
        settings = replace(
            Settings.from_environment(None),
            data_dir=self.folder / "new",
            database_url=self._new_url(),
        )
        engine = open_engine(settings.database_url)
        manifest = put_back(self.file, engine, settings.data_dir)
        upgrade_database(settings)
        mark_restored(Store(engine), manifest.taken_at, self.world.now)
        engine.dispose()
        context = open_context(
            settings,
            carriers={"sandbox": carrier or self.world.carrier},
            clock=lambda: self.world.now,
        )
        self.opened.append(context)
        return replace(self.world, context=context)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def house(
    request: pytest.FixtureRequest, open_world: Any, migrated_url: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[House]:  # fmt: skip
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    if request.param == "sqlite":
        shutil.move(make_url(migrated_url("sqlite")).database or "", old / "tidegate.db")
        url, another = (
            f"sqlite:///{old / 'tidegate.db'}",
            lambda: f"sqlite:///{new / 'tidegate.db'}",
        )
    else:
        databases = request.getfixturevalue("postgres_databases")
        url, another = migrated_url("postgres"), databases.make
        tools = request.getfixturevalue("postgres_tools")
        monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    world = open_world(url)
    object.__setattr__(world.context, "data_dir", old)
    (old / "web.secret").write_text("s" * 64, "ascii")
    (old / "labels").mkdir()
    (old / "labels" / "L1.pdf").write_bytes(b"%PDF-1.7 label")
    made = House(world, tmp_path, another)
    yield made
    for context in made.opened:
        context.store.engine.dispose()


def advance(world: Any) -> None:
    """What the runner does in eight minutes."""
    for order in world.all(Order, Order.state == "received"):
        step(world.context, order.id, "received")
    for _ in range(4):
        for context in Contexts(world.context).every():
            drain(context)
        world.wait(minutes=2)


def routed_order(world: Any) -> int:
    """An order whose parcel has a carrier and no waybill yet."""
    world.stock("KETTLE", 50)
    order_id = world.order()
    world.carrier.trouble.append(("before", RemoteRetry("carrier.busy", zh="忙", en="busy")))
    step(world.context, order_id, "received")
    assert world.state(order_id) == "routed"
    return order_id


def test_everything_comes_back(house: House) -> None:
    world = house.world
    world.stock("KETTLE", 50)
    for _ in range(5):
        world.order()
    advance(world)
    before = dict(world.everything())
    taken = house.back_up()
    assert taken.manifest.orders == world.count(Order)
    assert taken.file.stat().st_mode & 0o077 == 0
    after = house.restore()
    found = dict(after.everything())
    assert set(found) == set(before)
    changed = {name for name in before if found[name] != before[name]}
    assert changed == {"restore_mark"}
    new = house.folder / "new"
    assert (new / "web.secret").read_text("ascii") == "s" * 64
    assert (new / "labels" / "L1.pdf").read_bytes() == b"%PDF-1.7 label"
    assert (new / "web.secret").stat().st_mode & 0o077 == 0


def test_a_backup_under_load_is_one_moment(house: House) -> None:
    """Each order is written with its line in one transaction: the copy never has one without the other."""
    world = house.world
    stop, failed = threading.Event(), []

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                with world.context.store.begin(world.context.tenant_id) as work:
                    order = Order(
                        shop_id=1, channel="taobao", number=f"L{number}", state="on_hold", state_since=world.now,
                        currency="CNY", source_hash="x", imported_at=world.now, updated_at=world.now,
                    )  # fmt: skip
                    work.add(order)
                    work.session.flush()
                    work.add(OrderLine(order_id=order.id, position=1, quantity=1, title="x" * 500))
                    work.commit()
            except Exception as error:
                failed.append(error)
                return

    writer = threading.Thread(target=write)
    writer.start()
    while world.count(Order) < 50:
        assert not failed
    taken = house.back_up()
    after_backup = world.count(Order)
    stop.set()
    writer.join()
    assert failed == []
    assert taken.manifest.orders >= 50
    restored = house.restore()
    with restored.context.store.unscoped(readonly=True) as session:
        orders = session.scalar(select(func.count()).select_from(Order)) or 0
        lines = session.scalar(select(func.count()).select_from(Base.metadata.tables["order_line"]))
    assert 50 <= orders <= after_backup
    assert lines == orders


def test_a_waybill_made_after_the_backup_is_adopted_not_made_again(house: House) -> None:
    world = house.world
    order_id = routed_order(world)
    house.back_up()
    advance(world)
    number = world.parcel(order_id).waybill_no
    assert number
    assert len(world.carrier.made) == 1
    requests = len(world.carrier.requests)
    restored = house.restore()
    assert restored.parcel(order_id).waybill_no is None
    advance(restored)
    assert restored.parcel(order_id).waybill_no == number
    assert len(world.carrier.requests) == requests, "the carrier was asked, nothing was sent"
    (mark,) = restored.all(RestoreMark)
    assert (mark.asked, mark.adopted, mark.parked) == (1, 1, 0)
    assert mark.reconciled_at is not None
    assert "waybill_adopted" in [event.kind for event in restored.all(Event)]


@pytest.mark.parametrize("state", ["sending", "unknown", "intent"])
@pytest.mark.parametrize("accepted", [True, False])
def test_an_open_effect_is_asked_about_first(house: House, state: str, accepted: bool) -> None:
    world = house.world
    order_id = routed_order(world)
    with world.context.store.begin(world.context.tenant_id) as work:
        work.session.execute(update(Effect).values(state=state, updated_at=world.now))
        work.commit()
    (effect,) = world.all(Effect)
    if accepted:
        world.carrier.made[effect.client_key] = "SB777"
    house.back_up()
    sent = len(world.carrier.requests)
    restored = house.restore()
    advance(restored)
    assert len(world.carrier.requests) - sent == (0 if accepted else 1)
    assert list(world.carrier.made) == [effect.client_key]
    assert restored.parcel(order_id).waybill_no == world.carrier.made[effect.client_key]
    assert restored.state(order_id) == "waybill"


def test_nothing_is_sent_while_the_carrier_is_silent(house: House) -> None:
    world = house.world
    order_id = routed_order(world)
    house.back_up()
    sent = len(world.carrier.requests)

    class Silent:
        name, duplicates = "sandbox", DuplicateClass.HONOURS_KEY
        silent = True

        def __getattr__(self, name: str) -> Any:
            return getattr(world.carrier, name)

        def query_waybill(self, key: str) -> Any:
            if self.silent:
                raise RemoteRetry("carrier.down", zh="无响应", en="down")
            return world.carrier.query_waybill(key)

    carrier = Silent()
    restored = house.restore(carrier)
    advance(restored)
    assert reconciling(restored.context.store)
    assert len(world.carrier.requests) == sent
    with pytest.raises(RemoteRetry, match="Nothing was sent"):
        restored.context.carriers["sandbox"].create_waybill(None)
    carrier.silent = False
    advance(restored)
    assert not reconciling(restored.context.store)
    assert restored.state(order_id) == "waybill"
    assert len(world.carrier.requests) == sent + 1


def test_a_waybill_that_was_replaced_after_the_backup_is_replaced_here_too(house: House) -> None:
    world = house.world
    world.stock("KETTLE", 5)
    order_id = world.order()
    advance(world)
    old = world.parcel(order_id)
    house.back_up()
    world.carrier.cancel_waybill(f"T{old.tenant_id}-P{old.id}-G1")
    world.carrier.made[f"T{old.tenant_id}-P{old.id}-G2"] = "SB999"
    restored = house.restore()
    advance(restored)
    parcel = restored.parcel(order_id)
    assert (parcel.waybill_no, parcel.generation) == ("SB999", 2)
    states = {one.generation: one.state for one in restored.all(Effect)}
    assert states == {1: "voided", 2: "confirmed"}


def test_a_number_that_is_no_longer_alive_is_for_a_person(house: House) -> None:
    world = house.world
    world.stock("KETTLE", 5)
    order_id = world.order()
    advance(world)
    parcel = world.parcel(order_id)
    house.back_up()
    world.carrier.cancel_waybill(f"T{parcel.tenant_id}-P{parcel.id}-G1")
    restored = house.restore()
    advance(restored)
    held = restored.get(Order, Order.id == order_id)
    assert (held.state, held.hold_reason) == ("on_hold", "waybill_unknown")


def test_a_carrier_that_cannot_be_asked_leaves_it_to_a_person(house: House) -> None:
    world = house.world
    order_id = routed_order(world)
    house.back_up()
    world.carrier.duplicates = DuplicateClass.NEITHER
    sent = len(world.carrier.requests)
    restored = house.restore()
    advance(restored)
    held = restored.get(Order, Order.id == order_id)
    assert (held.state, held.hold_reason) == ("on_hold", "waybill_unknown")
    assert len(world.carrier.requests) == sent


def test_a_lost_parcels_key_is_never_used_for_another(house: House) -> None:
    """After the backup a parcel was made and shipped; here its id is given to another order's parcel."""
    world = house.world
    house.back_up()
    world.stock("KETTLE", 5)
    world.order(recipient_name="丢失")
    advance(world)
    (lost,) = world.carrier.made
    restored = house.restore()
    restored.stock("KETTLE", 5)
    other = restored.order(recipient_name="李四")
    advance(restored)
    assert restored.parcel(other).id == world.all(Parcel)[0].id, "the id was given out again"
    assert len(world.carrier.made) == 2
    assert restored.parcel(other).waybill_no != world.carrier.made[lost]
    new = next(key for key in world.carrier.made if key != lost)
    assert new.startswith(lost + "-R")


def test_a_restore_overwrites_nothing(house: House) -> None:
    house.back_up()
    restored = house.restore()
    with pytest.raises(Conflict) as caught:
        put_back(house.file, restored.context.store.engine, house.folder / "other")
    assert caught.value.code == "backup.not_empty"
    with pytest.raises(InputError) as exists:
        take_backup(house.world.context, house.file)
    assert exists.value.code == "backup.exists"


def restored_error(file: Path, tmp_path: Path) -> TidegateError:
    target = tmp_path / "empty"
    engine = open_engine(f"sqlite:///{target / 'x.db'}")
    with pytest.raises(TidegateError) as caught:
        put_back(file, engine, target)
    assert not (target / "x.db").exists(), "nothing is left of a backup that is refused"
    assert not list(target.glob("*"))
    return caught.value


@pytest.fixture
def small(open_world: Any, sqlite_url: str, tmp_path: Path) -> Path:
    """A file whatever the session's database is: what is around the copy is the same for both."""
    world = open_world(sqlite_url)
    object.__setattr__(world.context, "data_dir", tmp_path / "none")
    upgrade_mark(world)
    file = tmp_path / "b" / FILE
    take_backup(world.context, file)
    return file


def upgrade_mark(world: Any) -> None:
    """Tables were made without migrations; say which revision they are."""
    url = world.context.store.engine.url.render_as_string(hide_password=False)
    command.stamp(alembic_config(url), "head")


def test_damage_is_noticed_before_anything_is_written(small: Path, tmp_path: Path) -> None:
    whole = small.read_bytes()
    at = whole.index(b"SQLite format 3") + 5000
    small.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    assert restored_error(small, tmp_path).code == "backup.damaged"
    small.write_bytes(whole[: len(whole) // 2])
    assert restored_error(small, tmp_path).code in ("backup.damaged", "backup.not_a_backup")
    small.write_bytes(b"not a tar at all")
    assert restored_error(small, tmp_path).code == "backup.not_a_backup"


def test_a_member_that_would_land_elsewhere_is_refused(small: Path, tmp_path: Path) -> None:
    with tarfile.open(small, "a") as tar:
        bad = tarfile.TarInfo("data/../../evil")
        bad.size = 1
        tar.addfile(bad, io.BytesIO(b"x"))
    assert restored_error(small, tmp_path).code == "backup.damaged"
    assert not (tmp_path / "evil").exists()


def test_a_damaged_database_makes_no_backup(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE a (id INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE b (a_id INTEGER REFERENCES a (id))")
        connection.execute("INSERT INTO b VALUES (7)")
        connection.commit()
    with pytest.raises(InputError) as caught:
        copies.copy_sqlite(path, tmp_path / "copy.db")
    assert caught.value.code == "backup.database_damaged"


def test_without_the_tools_of_postgres_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="postgresql-client"):
        copies.dump_postgres(make_url("postgresql+psycopg://u@h/d"), tmp_path / "x")
    assert shutil.which("pg_dump") is None
