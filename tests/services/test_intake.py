"""Orders come in: new, changed, unchanged; what a person or the chain did is never lost. On both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from tidegate.domain.orders import Issue, LineDraft, OrderDraft, RecipientDraft
from tidegate.sdk.fields import MAX_LENGTH, order_fields
from tidegate.sdk.source import Batch, RowProblem
from tidegate.services.context import Context
from tidegate.services.intake import Outcome, import_orders, import_source
from tidegate.services.intake_rows import line_values, source_hash
from tidegate.services.intake_states import intake_states
from tidegate.services.rulebook import Rulebook
from tidegate.services.states import moves
from tidegate.store.tables import (
    Base,
    Event,
    ImportRun,
    Job,
    Order,
    OrderLine,
    Parcel,
    Reservation,
    Shop,
    Tenant,
    Warehouse,
)
from tidegate.store.unit_of_work import Store, open_engine

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


_ON_SQLITE = pytest.mark.parametrize("context", ["sqlite"], indirect=True)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def a_context(url: str, folder: Path) -> Context:
    engine = open_engine(url)
    Base.metadata.create_all(engine)
    store = Store(engine)
    with store.unscoped() as session:
        session.add_all([Tenant(id=n, code=f"t{n}", name="Test", created_at=NOW) for n in (1, 2)])
        session.commit()
    return Context(
        store=store, tenant_id=1, rules=Rulebook(None), carriers={}, clock=Clock(), data_dir=folder
    )


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def context(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Context]:
    sqlite = f"sqlite:///{tmp_path / 'test.db'}"
    url = sqlite if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = a_context(url, tmp_path)
    yield made
    made.store.engine.dispose()


def a_draft(number: str = "A1", **changes: Any) -> OrderDraft:
    base = OrderDraft(
        channel="taobao",
        shop="北岸",
        number=number,
        source_status="to_ship",
        total_minor=26800,
        ordered_at=NOW - timedelta(hours=1),
        recipient=RecipientDraft(
            name="张三", phone="13800002291", address="浙江省杭州市余杭区文一西路969号3幢501室"
        ),
        lines=(LineDraft(quantity=1, sku="K-1"), LineDraft(quantity=2, sku="K-2")),
    )
    return replace(base, **changes)


def put(context: Context, *drafts: OrderDraft, **options: Any) -> Outcome:
    return import_orders(context, drafts, source="test", **options)


def the_order(context: Context, number: str = "A1") -> Order:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return work.session.scalars(select(Order).where(Order.number == number)).one()


def lines_of(context: Context, number: str = "A1") -> list[tuple[int, str | None, int]]:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(
            select(OrderLine.position, OrderLine.sku, OrderLine.quantity)
            .join(Order, Order.id == OrderLine.order_id)
            .where(Order.number == number)
            .order_by(OrderLine.position)
        )
        return [tuple(row) for row in rows]


def events_of(context: Context) -> list[tuple[str, dict[str, Any]]]:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return [
            (event.kind, event.data)
            for event in work.session.scalars(select(Event).order_by(Event.id))
        ]


def jobs(context: Context) -> list[Job]:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return list(work.session.scalars(select(Job).order_by(Job.id)))


def change(context: Context, number: str = "A1", **values: Any) -> None:
    with context.store.begin(context.tenant_id) as work:
        work.session.execute(update(Order).where(Order.number == number).values(**values))
        work.commit()


def test_a_new_order_is_stored_with_lines_event_and_job(context: Context) -> None:
    assert put(context, a_draft()) == Outcome(created=1)
    order = the_order(context)
    assert (order.state, order.channel, order.total_minor) == ("received", "taobao", 26800)
    assert order.ordered_at == NOW - timedelta(hours=1)
    assert lines_of(context) == [(1, "K-1", 1), (2, "K-2", 2)]
    assert events_of(context) == [("received", {"state": "received", "lines": 2})]
    (job,) = jobs(context)
    assert (job.name, job.args, job.key) == (
        "advance_order",
        {"order_id": order.id},
        f"advance:{order.id}",
    )
    assert job.due_at == NOW


def test_address_and_phone_are_checked_at_intake(context: Context) -> None:
    put(context, a_draft())
    order = the_order(context)
    assert (order.province, order.city, order.district) == ("浙江省", "杭州市", "余杭区")
    assert order.region_code is not None
    assert order.address_check == "deliverable"
    assert (order.phone_kind, order.phone_valid) == ("mobile", True)
    assert order.address_is_new is True
    assert order.phone_key is not None
    assert "1380000" not in order.phone_key


def test_the_second_order_to_an_address_is_not_new_however_it_is_written(context: Context) -> None:
    put(context, a_draft("A1", source_status="completed"))
    split = RecipientDraft(
        name="李四",
        phone="13900002292",
        province="浙江省",
        city="杭州市",
        district="余杭区",
        address="文一西路 969 号 3 幢 501 室",
    )
    other = replace(split, address="文一西路970号3幢501室")
    put(
        context,
        a_draft("A2", recipient=split),
        a_draft("A3", recipient=other),
        a_draft("A4", recipient=other),
    )
    assert [the_order(context, n).address_is_new for n in ("A2", "A3", "A4")] == [
        False,
        True,
        False,
    ]


def test_masked_recipients_have_no_keys(context: Context) -> None:
    masked = RecipientDraft(
        kind="masked", name="张*", phone="138****2291", address="浙江省杭州市***"
    )
    put(context, a_draft(recipient=masked))
    order = the_order(context)
    assert (order.phone_key, order.address_key, order.address_is_new) == (None, None, None)
    assert order.phone_kind == "masked"


@_ON_SQLITE
@pytest.mark.parametrize(
    ("status", "state"),
    [
        (None, "received"),
        ("unpaid", "received"),
        ("to_ship", "received"),
        ("shipped", "in_transit"),
        ("delivered", "delivered"),
        ("completed", "delivered"),
        ("cancelled", "cancelled"),
        ("refunded", "cancelled"),
    ],
)
def test_history_comes_in_as_history(context: Context, status: str | None, state: str) -> None:
    put(context, a_draft(source_status=status))
    assert the_order(context).state == state
    open_order = state == "received"
    assert len(jobs(context)) == open_order
    assert (the_order(context).address_check is not None) == open_order


def test_every_state_of_the_table_exists_and_every_status_has_one() -> None:
    table = intake_states()
    states = moves()["order"]
    statuses = set(order_fields()["order.source_status"].choices)
    assert set(table.new) == statuses
    used = {*table.new.values(), table.otherwise, *table.follow, *table.open}
    used |= {state for to in table.follow.values() for state in to}
    assert used <= set(states)
    for state in table.follow:
        assert not states[state].get("final")


def test_without_the_chain_no_job_is_made(context: Context) -> None:
    put(context, a_draft(), run_chain=False)
    put(context, a_draft(total_minor=1), run_chain=False)
    assert jobs(context) == []


def test_a_second_import_changes_nothing(context: Context) -> None:
    drafts = [a_draft(str(n)) for n in range(1_200)]
    assert put(context, *drafts) == Outcome(created=1_200)
    context.clock.now = NOW + timedelta(days=1)  # type: ignore[attr-defined]
    assert put(context, *drafts) == Outcome(unchanged=1_200)
    assert the_order(context, "7").updated_at == NOW
    assert len(events_of(context)) == 1_200
    assert len(jobs(context)) == 1_200


def test_a_change_at_the_source_is_taken_over(context: Context) -> None:
    put(context, a_draft())
    changed = a_draft(
        total_minor=30000,
        buyer_memo="请发顺丰",
        lines=(
            LineDraft(quantity=5, sku="K-1"),
            LineDraft(quantity=2, sku="K-2"),
            LineDraft(quantity=1),
        ),
    )
    assert put(context, changed) == Outcome(updated=1)
    order = the_order(context)
    assert (order.total_minor, order.buyer_memo, order.version) == (30000, "请发顺丰", 2)
    assert lines_of(context) == [(1, "K-1", 5), (2, "K-2", 2), (3, None, 1)]
    assert events_of(context)[-1] == (
        "source_changed",
        {"fields": ["items", "order.buyer_memo", "order.total"]},
    )
    assert len(jobs(context)) == 1  # the open job will see the change
    assert put(context, changed) == Outcome(unchanged=1)


def test_lines_that_went_away_are_removed(context: Context) -> None:
    put(context, a_draft())
    put(context, a_draft(lines=(LineDraft(quantity=2, sku="K-2"),)))
    assert lines_of(context) == [(1, "K-2", 2)]


def test_what_a_person_changed_is_kept(context: Context) -> None:
    put(context, a_draft())
    change(
        context,
        address="滨江区江南大道1号2幢301室",
        district="滨江区",
        seller_memo="改过",
        edited=["order.seller_memo", "recipient.address", "recipient.district"],
    )
    put(context, a_draft(seller_memo="来自平台", total_minor=1, recipient=RecipientDraft(
        name="王五", phone="13800002291", address="浙江省杭州市余杭区文一西路1号", district="余杭区")))  # fmt: skip
    order = the_order(context)
    assert (order.seller_memo, order.district) == ("改过", "滨江区")
    assert order.address == "滨江区江南大道1号2幢301室"
    assert (order.recipient_name, order.total_minor) == ("王五", 1)
    assert order.edited == ["order.seller_memo", "recipient.address", "recipient.district"]
    told = events_of(context)[-1][1]["fields"]
    assert "order.total" in told
    assert "recipient.address" not in told


def test_an_edited_sku_is_kept(context: Context) -> None:
    put(context, a_draft())
    with context.store.begin(1) as work:
        work.session.execute(update(OrderLine).where(OrderLine.position == 1).values(sku="FIXED"))
        work.commit()
    change(context, edited=["item.sku"])
    put(
        context, a_draft(lines=(LineDraft(quantity=3, sku="K-1"), LineDraft(quantity=2, sku="K-2")))
    )
    assert lines_of(context) == [(1, "FIXED", 3), (2, "K-2", 2)]


def test_flags_of_rules_survive_and_those_of_the_import_are_renewed(context: Context) -> None:
    put(context, a_draft(issues=(Issue("order.total", "import.not_an_amount", "x"),)))
    kept = {"field": "recipient.phone", "code": "rule.flag_missing"}
    change(context, issues=[*the_order(context).issues, kept])
    put(context, a_draft())
    assert the_order(context).issues == [kept]


def reserve(context: Context, *, with_parcel: bool = False) -> None:
    """Stock is reserved for the first line of A1, and a parcel made if asked for."""
    with context.store.begin(1) as work:
        order = work.session.scalars(select(Order).where(Order.number == "A1")).one()
        line = work.session.scalars(select(OrderLine).where(OrderLine.order_id == order.id)).first()
        assert line is not None
        house = Warehouse(code="w", name="W", tenant_id=1)
        work.session.add(house)
        work.session.flush()
        work.add(Reservation(order_id=order.id, order_line_id=line.id, warehouse_id=house.id,
                             sku="K-1", quantity=1, created_at=NOW))  # fmt: skip
        if with_parcel:
            work.add(Parcel(order_id=order.id, number="P1", warehouse_id=house.id, state_since=NOW))
        order.state = "allocated"
        work.commit()


def test_an_order_in_the_chain_keeps_state_and_lines_and_says_so(context: Context) -> None:
    put(context, a_draft())
    reserve(context)
    put(context, a_draft(source_status="cancelled", lines=(LineDraft(quantity=9, sku="K-9"),)))
    order = the_order(context)
    assert (order.state, order.source_status) == ("allocated", "cancelled")
    assert lines_of(context) == [(1, "K-1", 1), (2, "K-2", 2)]
    assert order.issues == [{"field": "item.quantity", "code": "intake.lines_changed_late"}]
    kind, data = events_of(context)[-1]
    assert (kind, data) == ("source_changed", {"fields": ["items", "order.source_status"]})


def test_a_recipient_changed_after_the_parcel_was_made_is_flagged(context: Context) -> None:
    put(context, a_draft())
    reserve(context, with_parcel=True)
    put(context, a_draft(recipient=replace(a_draft().recipient, name="李四")))
    assert the_order(context).issues == [
        {"field": "recipient.name", "code": "intake.recipient_changed_late"}
    ]


@_ON_SQLITE
@pytest.mark.parametrize(
    ("state", "status", "leads_to"),
    [
        ("received", "shipped", "in_transit"),
        ("received", "cancelled", "cancelled"),
        ("in_transit", "completed", "delivered"),
        ("in_transit", "to_ship", "in_transit"),
        ("on_hold", "cancelled", "on_hold"),
        ("delivered", "cancelled", "delivered"),
    ],
)
def test_an_untouched_order_follows_its_source_where_the_table_says(
    context: Context, state: str, status: str, leads_to: str
) -> None:
    put(context, a_draft(source_status="unpaid"))
    change(context, state=state)
    put(context, a_draft(source_status=status))
    assert the_order(context).state == leads_to
    moved = [data for kind, data in events_of(context) if kind == "order_moved"]
    assert moved == ([{"from": state, "to": leads_to}] if leads_to != state else [])


def test_a_change_while_the_chain_is_at_work_gets_a_job_of_its_own(context: Context) -> None:
    put(context, a_draft())
    with context.store.begin(1) as work:
        work.session.execute(update(Job).values(state="leased"))
        work.commit()
    put(context, a_draft(total_minor=1))
    assert [job.state for job in jobs(context)] == ["leased", "ready"]


def test_the_same_number_in_another_shop_or_tenant_is_another_order(context: Context) -> None:
    put(context, a_draft(), a_draft(shop="南岸"))
    other = replace(context, tenant_id=2)
    assert put(other, a_draft()) == Outcome(created=1)
    with context.store.unscoped(readonly=True) as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 3
        assert session.scalar(select(func.count()).select_from(Shop)) == 3


def test_the_last_of_equal_identities_counts(context: Context) -> None:
    assert put(context, a_draft(total_minor=1), a_draft(total_minor=2)) == Outcome(created=1)
    assert the_order(context).total_minor == 2


def test_a_dry_run_counts_and_writes_nothing(context: Context) -> None:
    put(context, a_draft("A1"), a_draft("A2"))
    done = put(context, a_draft("A1"), a_draft("A2", total_minor=1), a_draft("A3"), dry_run=True)
    assert done == Outcome(created=1, updated=1, unchanged=1)
    assert put(context, a_draft("X", shop="new"), dry_run=True) == Outcome(created=1)
    with context.store.unscoped(readonly=True) as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 2


class FixedSource:
    """A source of two batches, of which the second may fail."""

    name = "fixed"
    origins: Sequence[str] = ("a.csv",)

    def __init__(self, fail: bool = False) -> None:
        self.fail = fail

    def batches(self, listen: Callable[..., None] | None = None) -> Iterator[Batch]:
        flagged = a_draft("A1", issues=(Issue("order.total", "import.not_an_amount", "x"),))
        rejected = RowProblem("a.csv", 3, "item.quantity", "import.quantity_not_positive", "-1")
        yield Batch([flagged], 3, 2, [rejected])
        if self.fail:
            raise RuntimeError("broken")
        yield Batch([a_draft("A2")], 2, 2, [])


def test_the_report_counts_rows_and_orders_and_is_kept(context: Context) -> None:
    report = import_source(context, FixedSource())
    document = report.as_document("en")
    assert {
        key: document[key] for key in ("read", "accepted", "created", "updated", "unchanged")
    } == {
        "read": 5,
        "accepted": 4,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
    }
    assert document["rejected"] == [
        {
            "file": "a.csv",
            "row": 3,
            "field": "item.quantity",
            "code": "import.quantity_not_positive",
            "message": document["rejected"][0]["message"],
        }
    ]
    assert document["flagged"][0]["order"] == "A1"
    assert document["flagged"][0]["message"].startswith("“Total” says x")
    with context.store.begin(1, readonly=True) as work:
        (run,) = work.session.scalars(select(ImportRun)).all()
    assert (run.mapping, run.files, run.report["read"]) == ("fixed", ["a.csv"], 5)
    assert run.finished_at is not None


def test_an_import_that_breaks_off_keeps_its_record(context: Context) -> None:
    with pytest.raises(RuntimeError):
        import_source(context, FixedSource(fail=True))
    with context.store.begin(1, readonly=True) as work:
        (run,) = work.session.scalars(select(ImportRun)).all()
    assert (run.report["read"], run.report["created"]) == (3, 1)


def test_hostile_text_is_stored_as_it_is(context: Context) -> None:
    texts = [
        "Robert'); DROP TABLE sales_order;--",
        "=cmd|' /C calc'!A0",
        "%s %(x)s ? :name",
        "𝕬\u202e\u2028",
    ]
    put(context, *(a_draft(str(n), buyer_memo=text) for n, text in enumerate(texts)))
    assert [the_order(context, str(n)).buyer_memo for n in range(len(texts))] == texts


def test_the_longest_texts_fit(context: Context) -> None:
    """Every text column at the limit that importers cut to; PostgreSQL refuses one character more."""
    long = {key: "长" * limit for key, limit in MAX_LENGTH.items()}
    line = LineDraft(
        quantity=1_000_000,
        **{
            key.removeprefix("item."): text for key, text in long.items() if key.startswith("item.")
        },
    )
    recipient = RecipientDraft(
        **{
            key.removeprefix("recipient."): text
            for key, text in long.items()
            if key.startswith("recipient.")
        }
    )
    order = {
        key.removeprefix("order."): text for key, text in long.items() if key.startswith("order.")
    }
    put(context, OrderDraft(**order, source_status="completed", recipient=recipient, lines=(line,)))
    assert len(the_order(context, order["number"]).number) == 120


def test_two_imports_of_the_same_orders_at_once_store_each_once(context: Context) -> None:
    import threading

    drafts = [a_draft(str(n)) for n in range(300)]
    outcomes: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(put(context, *drafts))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((o.created, o.unchanged) for o in outcomes) == [(0, 300)] * 3 + [(300, 0)]
    assert len(events_of(context)) == 300


# Without a database.


def test_limits_are_those_of_the_columns() -> None:
    tables: dict[str, Any] = {
        "item": OrderLine.__table__,
        "order": Order.__table__,
        "recipient": Order.__table__,
    }
    compared = 0
    for key, field in order_fields().items():
        if key == "order.shop" or field.type != "text":
            continue
        length = getattr(tables[field.part].c[field.column].type, "length", None)
        if key != "order.currency":
            assert MAX_LENGTH.get(key) == length, key
            compared += 1
    assert compared > 20


def test_the_hash_sees_every_field_and_nothing_else() -> None:
    draft = a_draft()
    lines = [line_values(line) for line in draft.lines]
    base = source_hash(draft, lines)
    same_instant = draft.ordered_at.astimezone(  # type: ignore[union-attr]
        datetime.fromisoformat("2026-01-01T00:00:00+08:00").tzinfo
    )
    assert source_hash(replace(draft, ordered_at=same_instant), lines) == base
    others = [
        replace(draft, total_minor=26801),
        replace(draft, recipient=replace(draft.recipient, phone="1")),
        replace(draft, extra={"a": "b"}),
        replace(draft, issues=(Issue("order.total", "import.too_long"),)),
    ]
    found = {source_hash(other, lines) for other in others} | {source_hash(draft, lines[:1]), base}
    assert len(found) == 6
