"""Somebody of one shop sees that shop: in lists, search, counts, pages, CSV, PDF, and changes nothing else."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from tidegate.services.accounts import people
from tidegate.services.labels import print_labels
from tidegate.services.view_analysis import analysis
from tidegate.services.view_board import board, counts
from tidegate.services.view_names import open_states
from tidegate.services.view_orders import OrderQuery, search_orders
from tidegate.store.schema import Base
from tidegate.store.shop_scope import scoped_tables
from tidegate.store.tables import (
    Alert,
    Event,
    LabelBatch,
    Order,
    Parcel,
    PrintRecord,
    Shop,
    TenantScoped,
)
from tidegate_web.access import needed


@pytest.fixture
def parts(site):
    """(shop of the person, ids of its orders, everything a page could only know from other shops)."""
    with site.desk.context.store.begin(1, readonly=True) as work:
        by_shop = {
            shop: set(work.session.scalars(select(Order.id).where(Order.shop_id == shop)))
            for shop in work.session.scalars(select(Shop.id))
        }
        mine = max(by_shop, key=lambda shop: len(by_shop[shop]))
        held = work.session.scalars(
            select(Order).where(Order.state == "on_hold", Order.shop_id != mine)
        ).all()
        others = set(work.session.scalars(select(Order.number).where(Order.shop_id != mine)))
        foreign = select(Order.id).where(Order.shop_id != mine)
        others |= set(
            work.session.scalars(select(Parcel.number).where(Parcel.order_id.in_(foreign)))
        )
        others |= {
            no
            for no in work.session.scalars(
                select(Parcel.waybill_no).where(Parcel.order_id.in_(foreign))
            )
            if no
        }
        others |= set(work.session.scalars(select(Shop.name).where(Shop.id != mine)))
        names = set(work.session.scalars(select(Shop.name).where(Shop.id == mine)))
    assert len(by_shop) > 1
    assert len(others) > 30
    assert held
    return mine, by_shop[mine], others - names, [one.id for one in held]


def test_tables_of_a_shop_are_found_by_their_columns() -> None:
    named = {table.__tablename__ for table in scoped_tables()}
    assert named >= {
        "sales_order",
        "order_line",
        "parcel",
        "effect",
        "scan",
        "alert",
        "event",
        "decision",
        "shop",
        "label_batch",
    }
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, TenantScoped) and {"order_id", "parcel_id", "shop_id"} & set(
            mapper.columns.keys()
        ):
            assert mapper.class_.__tablename__ in named


def test_every_table_of_a_shop_is_filtered_in_every_kind_of_query(site, parts) -> None:
    mine, orders, _, _ = parts
    store = site.desk.context.store.limited_to(frozenset({mine}))
    with (
        store.begin(1, readonly=True) as work,
        site.desk.context.store.begin(1, readonly=True) as whole,
    ):
        session = work.session
        assert set(session.scalars(select(Order.id))) == orders
        assert session.scalar(select(func.count()).select_from(Order)) == len(orders)
        assert set(session.scalars(select(Parcel.order_id))) <= orders
        assert set(session.scalars(select(Event.order_id))) <= orders
        assert {row.id for row in session.scalars(select(Shop))} == {mine}
        other = whole.session.scalar(select(Order.id).where(Order.shop_id != mine))
        assert session.get(Order, other) is None
        narrower = [
            table for table in scoped_tables()
            if session.scalar(select(func.count()).select_from(table))
            < whole.session.scalar(select(func.count()).select_from(table))
        ]  # fmt: skip
        assert len(narrower) > 8
    with store.begin(1) as work:
        work.session.execute(update(Order).values(seller_memo="mine"))
        work.commit()
    touched = site.desk.all(Order, Order.seller_memo == "mine")
    assert {order.id for order in touched} == orders


def test_no_shops_is_nothing_and_not_everything(site) -> None:
    store = site.desk.context.store.limited_to(frozenset())
    with store.begin(1, readonly=True) as work:
        assert work.session.scalar(select(func.count()).select_from(Order)) == 0


def test_facts_for_rules_are_read_beyond_the_shops(site, parts) -> None:
    mine, orders, _, _ = parts
    store = site.desk.context.store.limited_to(frozenset({mine}))
    with store.begin(1, readonly=True) as work:
        with work.every_shop():
            assert work.session.scalar(select(func.count()).select_from(Order)) > len(orders)
        assert work.session.scalar(select(func.count()).select_from(Order)) == len(orders)


@pytest.mark.parametrize("role", ["manager", "service", "operator"])
def test_no_page_shows_another_shop(site, parts, role) -> None:
    mine, orders, others, held = parts
    somebody = site.member(role, [mine])
    tried = 0
    for rule in site.desk.app.url_map.iter_rules():
        if "GET" not in rule.methods or "<token>" in rule.rule or rule.endpoint == "static":
            continue
        address = rule.rule.replace("<int:order_id>", str(held[0])).replace("<set_id>", "review")
        if "<" in address or needed("GET", rule.endpoint) == "public":
            continue
        answer = somebody.get(address)
        text = answer.get_data(as_text=True)
        assert [word for word in others if word in text] == [], address
        if "order_id" in rule.rule:
            assert answer.status_code == 404
        tried += 1
    assert tried > 15
    for order_id in held:
        assert somebody.get(f"/orders/{order_id}").status_code == 404
    assert somebody.get(f"/orders/{min(orders)}").status_code == 200


def test_search_finds_nothing_of_another_shop(site, parts) -> None:
    mine, _, _, _ = parts
    somebody = site.member("service", [mine])
    with site.desk.context.store.begin(1, readonly=True) as work:
        order = work.session.scalars(select(Order).where(Order.shop_id != mine)).first()
        parcel = work.session.scalars(
            select(Parcel).join(Order).where(Order.shop_id != mine, Parcel.waybill_no.is_not(None))
        ).first()
    for text in (order.number, parcel.waybill_no, order.recipient_name, order.recipient_phone[-4:]):
        html = somebody.get(f"/orders?q={text}").get_data(as_text=True)
        assert f'/orders/{order.id}"' not in html
        assert f'/orders/{parcel.order_id}"' not in html


def test_counts_and_totals_are_those_of_the_shop(site, parts) -> None:
    from dataclasses import replace

    mine, _, _, _ = parts
    context = site.desk.context
    narrow = replace(context, store=context.store.limited_to(frozenset({mine})))
    held = len(site.desk.all(Order, Order.state == "on_hold", Order.shop_id == mine))
    assert counts(narrow).review == held < counts(context).review
    assert sum(stage.count for stage in board(narrow).stages) < sum(
        s.count for s in board(context).stages
    )
    under_way = site.desk.all(Order, Order.state.in_(open_states()), Order.shop_id == mine)
    assert sum(search_orders(narrow, OrderQuery()).per_state.values()) == len(under_way) > 0
    assert len(search_orders(narrow, OrderQuery()).shops) == 1
    assert analysis(narrow) != analysis(context)
    mine_open = site.desk.all(Alert, Alert.state == "open")
    assert counts(narrow).alerts <= len(mine_open)


def test_acts_on_another_shop_are_refused_and_change_nothing(site, parts) -> None:
    mine, _, _, held = parts
    somebody = site.member("service", [mine])
    for name in ("release", "reject", "cancel", "ask_again"):
        answer = somebody.post(f"/orders/{held[0]}/{name}", "/account", reason="x")
        assert answer.status_code == 404, name
    somebody.post("/orders/act", "/account", act="release", order=held, reason="x")
    assert somebody.post(f"/orders/{held[0]}/reveal", "/account", reason="x").status_code == 404
    assert (
        somebody.post(f"/review/{held[0]}", "/account", act="release", reason="x").status_code
        == 404
    )
    assert {o.state for o in site.desk.all(Order, Order.id.in_(held))} == {"on_hold"}


def test_a_batch_with_labels_of_two_shops_is_not_theirs(site, parts) -> None:
    mine, _, _, _ = parts
    desk = site.desk
    waiting = desk.all(Parcel, Parcel.state == "waybill")
    own = {o.id for o in desk.all(Order, Order.shop_id == mine)}
    ours = [p.id for p in waiting if p.order_id in own][:2]
    foreign = [p.id for p in waiting if p.order_id not in own][:1]
    assert ours
    assert foreign
    mixed = print_labels(desk.context, [ours[0], *foreign], "local").number
    pure = print_labels(desk.context, ours[1:], "local").number if ours[1:] else None
    somebody = site.member("operator", [mine])
    for ending in (".pdf", "/pick-list.pdf"):
        assert somebody.get(f"/labels/{mixed}{ending}").status_code == 404
        if pure:
            assert somebody.get(f"/labels/{pure}{ending}").status_code == 200
    seen = desk.all(PrintRecord)
    assert seen
    assert desk.all(LabelBatch, LabelBatch.number == mixed)


def test_releasing_as_a_person_of_one_shop_decides_as_for_everybody(site, parts) -> None:
    """The act works: the order moves on, with facts of the whole merchant."""
    mine, _, _, _ = parts
    held = site.desk.all(Order, Order.state == "on_hold", Order.shop_id == mine)
    assert held
    somebody = site.member("service", [mine])
    answer = somebody.post(
        f"/orders/{held[0].id}/release", "/account", reason="verified", reason_code="verified"
    )
    assert answer.status_code == 303
    moved = site.desk.all(Order, Order.id == held[0].id)[0]
    assert moved.state != "on_hold"
    assert moved.manual_review == "released"
    with site.desk.context.store.begin(1, readonly=True) as work:
        last = work.session.scalars(
            select(Event)
            .where(Event.order_id == moved.id, Event.actor_kind == "person")
            .order_by(Event.id.desc())
        ).first()
    assert last.actor == "service-1@example.com"


def test_scope_names_shops_of_the_own_merchant_only(site) -> None:
    with site.desk.context.store.unscoped() as session:
        stranger = session.scalar(select(Shop.id).where(Shop.tenant_id != 1))
    assert stranger is not None
    assert stranger not in {id_ for id_, _ in people.shops(site.desk.context)}
    owner = site.owner()
    answer = owner.post(
        "/people/invite", "/people", role="service", scope="some", shop=str(stranger)
    )
    assert answer.status_code == 422
