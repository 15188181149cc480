"""Two merchants in one installation: one asks for everything of the other, by every address and every table."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Date, String, Text, func, select

from tidegate.services.accounts import invitations, people
from tidegate.services.contexts import Contexts
from tidegate.store.columns import Instant
from tidegate.store.people_tables import Membership
from tidegate.store.schema import Base
from tidegate.store.tables import LabelBatch, Order, Parcel, Shop, TenantScoped

MARK = "LEAKMARK"


def scoped_tables() -> list[type[Any]]:
    found = [m.class_ for m in Base.registry.mappers if issubclass(m.class_, TenantScoped)]
    order = [table.name for table in Base.metadata.sorted_tables]  # what others point at first
    return sorted(found, key=lambda table: order.index(table.__tablename__))


def sample(table: type[Any], column: Any, now: datetime) -> Any:
    if isinstance(column.type, Instant):
        return now
    if isinstance(column.type, Date):
        return now.date()
    if isinstance(column.type, JSON):
        return [] if "list" in str(table.__annotations__[column.name]) else {}
    if isinstance(column.type, (String, Text)):
        return f"{MARK}{table.__tablename__}"[: column.type.length or 60]
    return False if isinstance(column.type, Boolean) else 1


def filled(table: type[Any], tenant_id: int, now: datetime, session: Any) -> Any:
    """A row with something in every column that needs something; texts carry the mark."""
    values: dict[str, Any] = {}
    for column in table.__table__.columns:
        if column.primary_key and not (isinstance(column.type, String) or column.foreign_keys):
            continue
        if column.name == "tenant_id":
            values["tenant_id"] = tenant_id
        elif column.foreign_keys:
            target = next(iter(column.foreign_keys)).column
            statement = select(target)
            if "tenant_id" in target.table.c:
                statement = statement.where(target.table.c.tenant_id == tenant_id)
            values[column.name] = session.scalar(statement.limit(1))
        elif column.nullable or column.default is not None:
            continue
        else:
            values[column.name] = sample(table, column, now)
    return table(**values)


@pytest.fixture
def two(site):
    """Merchant one with rows in every table, and the owner of merchant two, signed in."""
    desk = site.desk
    first, now = desk.context.tenant_id, desk.clock()
    with desk.context.store.unscoped() as session:
        for table in scoped_tables():
            here = select(func.count()).select_from(table).where(table.tenant_id == first)
            if not session.scalar(here):
                session.add(filled(table, first, now, session))
                session.commit()
    stranger = Contexts(desk.context).by_code("stranger")
    people.add(stranger, "stranger@example.com", "Stranger", "潮水退去 才知道 2026", "owner", "cli")
    somebody = site.somebody()
    assert somebody.sign_in("stranger@example.com").status_code == 303
    return site, stranger, somebody


def test_every_table_is_empty_for_the_other_merchant(two) -> None:
    site, stranger, _ = two
    own = {"shop", "sales_order", "membership", "security_event", "audit_link"}
    seen = 0
    for table in scoped_tables():
        with site.desk.context.store.begin(stranger.tenant_id, readonly=True) as work:
            theirs = work.session.scalars(select(table)).all()
            assert {row.tenant_id for row in theirs} <= {stranger.tenant_id}, table
            assert bool(theirs) is (table.__tablename__ in own), table
        with site.desk.context.store.begin(1, readonly=True) as work:
            assert work.session.scalars(select(table)).first() is not None, table
        seen += 1
    assert seen > 25


def secrets_of_the_first(site) -> set[str]:
    """What a page could only know from merchant one."""
    with site.desk.context.store.begin(1, readonly=True) as work:
        found = set(work.session.scalars(select(Order.number)))
        found |= set(work.session.scalars(select(Parcel.number)))
        found |= {no for no in work.session.scalars(select(Parcel.waybill_no)) if no}
        found |= set(work.session.scalars(select(LabelBatch.number)))
        found |= set(work.session.scalars(select(Shop.name)))
    assert len(found) > 100
    return {*found, MARK, "owner@example.com"}


def addresses(site) -> list[tuple[str, str, str]]:
    """Every endpoint, its variables filled with what belongs to merchant one."""
    with site.desk.context.store.begin(1, readonly=True) as work:
        batch = work.session.scalar(
            select(LabelBatch.number).where(LabelBatch.file_name.contains(".pdf"))
        )
        order = work.session.scalar(select(Order.id).where(Order.state == "on_hold"))
    values = {"order_id": str(order), "number": batch}
    found = []
    for rule in site.desk.app.url_map.iter_rules():
        if (
            rule.endpoint in ("static", "sign_in.sign_out", "site.choose_language")
            or "<token>" in rule.rule
        ):
            continue
        address = re.sub(
            r"<(?:any\((\w+)[^)]*\):)?(?:\w+:)?(\w+)>",
            lambda m: (
                m.group(1)
                or values.get(m.group(2))
                or ("review" if m.group(2) == "set_id" else "1")
            ),
            rule.rule,
        )
        found += [(m, rule.endpoint, address) for m in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return found


def state_of_the_first(site) -> dict[str, list[Any]]:
    with site.desk.context.store.unscoped(readonly=True) as session:
        return {
            table.__tablename__: [
                tuple(row) for row in session.execute(
                    select(table.__table__).where(table.__table__.c.tenant_id == 1).order_by(*table.__table__.primary_key.columns)
                )
            ]
            for table in scoped_tables()
        }  # fmt: skip


def test_no_address_shows_anything_of_the_other_merchant(two) -> None:
    site, _, somebody = two
    secrets = secrets_of_the_first(site)
    tried = 0
    for method, endpoint, address in addresses(site):
        if method != "GET" or endpoint == "health.figures":  # of the installation, for who runs it
            continue
        for language in ("zh", "en"):
            somebody.client.set_cookie("tidegate_language", language)
            answer = somebody.get(address)
            text = answer.get_data(as_text=True)
            assert [one for one in secrets if one in text and one not in address] == [], address
            if "<" in endpoint or endpoint in (
                "order.show",
                "labels.batch_pdf",
                "labels.pick_list",
            ):
                assert answer.status_code == 404, endpoint
            tried += 1
    assert tried > 50


@pytest.mark.parametrize(
    "parameter", ["q", "order", "shop", "warehouse", "subject", "batch", "parcel"]
)
def test_no_query_reaches_over(two, parameter) -> None:
    site, _, somebody = two
    secrets = secrets_of_the_first(site)
    with site.desk.context.store.begin(1, readonly=True) as work:
        order = work.session.scalars(select(Order).where(Order.state == "on_hold")).first()
        asked = [str(order.id), order.number, str(order.shop_id)]
    for address in (
        "/orders",
        "/review",
        "/labels",
        "/alerts",
        "/stock",
        "/stock.csv",
        "/analysis",
    ):
        for value in asked:
            text = somebody.get(f"{address}?{parameter}={value}").get_data(as_text=True)
            assert [secret for secret in secrets - {value} if secret in text] == [], address


def test_no_post_changes_anything_of_the_other_merchant(two) -> None:
    site, _, somebody = two
    before = state_of_the_first(site)
    assert sum(len(rows) for rows in before.values()) > 500
    token = somebody.token("/account")
    with site.desk.context.store.begin(1, readonly=True) as work:
        orders = list(work.session.scalars(select(Order.id).limit(5)))
        parcels = list(work.session.scalars(select(Parcel.id).limit(5)))
    tried = 0
    for method, endpoint, address in addresses(site):
        if method == "GET" or endpoint.startswith(("sign_in.", "account.", "people.invite")):
            continue
        for act in ("release", "print", "ask_again", "acknowledge", "withdraw", ""):
            answer = somebody.client.open(
                address, method=method,
                data={
                    "csrf_token": token, "act": act, "order": orders, "parcel": parcels, "alert": [1, 2, 3],
                    "reason": "x", "version": "0", "role": "reader", "sku": "x", "name": "x",
                },
            )  # fmt: skip
            assert answer.status_code != 403, endpoint
            tried += 1
    assert tried > 60
    after = state_of_the_first(site)
    assert {name for name in before if before[name] != after[name]} == set()


def test_somebody_in_two_merchants_sees_one_at_a_time(two) -> None:
    site, stranger, _ = two
    owner = site.owner()
    secret = invitations.invite(stranger, "reader", None, "", "stranger@example.com")
    answer = owner.post(f"/join/{secret}", f"/join/{secret}", act="as_me")
    assert (answer.status_code, answer.location) == (303, "/")
    assert "STRANGER-1" in owner.get("/orders").get_data(as_text=True)
    assert owner.get("/people").status_code == 403  # only a reader there
    owner.post("/account/tenant", "/account", tenant=1)
    html = owner.get("/orders").get_data(as_text=True)
    assert "STRANGER-1" not in html
    assert owner.get("/people").status_code == 200
    assert owner.post("/account/tenant", "/account", tenant=99).status_code == 404
    with site.desk.context.store.unscoped(readonly=True) as session:
        assert session.scalar(select(func.count()).select_from(Membership)) == 3 + 1 - 1


def test_each_merchant_has_a_folder_time_zone_and_rulebook_of_its_own(two) -> None:
    site, stranger, _ = two
    contexts = Contexts(site.desk.context)
    other = contexts.of(stranger.tenant_id)
    assert other is contexts.by_code("stranger")
    assert other.data_dir == site.desk.folder / "tenants" / "stranger"
    assert other.rules is not site.desk.context.rules
    assert {one.tenant_id for one in contexts.every()} == {1, stranger.tenant_id}
