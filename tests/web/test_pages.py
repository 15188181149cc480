"""Every page in both languages, without a browser."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tidegate.store.tables import Order

PAGES = (
    "/",
    "/orders",
    "/orders?q=2291&stage=review&only=issues&since=2026-11-01&until=2026-11-30",
    "/orders?only=stuck",
    "/orders/1",
    "/review",
    "/alerts",
    "/labels",
    "/labels?queue=hand_over",
    "/stock",
    "/stock?only=short",
    "/rules",
    "/connections",
    "/connections/new",
    "/jobs",
    "/analysis",
)
CJK = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("address", PAGES)
def test_page_answers_with_unique_ids_in_its_language(shop, address, language) -> None:
    answer = shop.client(language).get(address)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in html
    ids = Counter(re.findall(r'\sid="([^"]+)"', html))
    assert len(ids) > 3
    assert [name for name, times in ids.items() if times > 1] == []
    labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', html))
    assert labelled <= set(ids)


@pytest.mark.parametrize("address", PAGES)
def test_page_works_on_the_first_day(empty_desk, address) -> None:
    expected = 404 if address == "/orders/1" else 200
    assert empty_desk.client().get(address).status_code == expected


@pytest.mark.parametrize("address", PAGES)
def test_no_page_shows_a_phone_or_a_street_before_a_reason_was_given(shop, address) -> None:
    html = shop.client().get(address).get_data(as_text=True)
    orders = [order for order in shop.all(Order) if order.recipient_kind == "plain"]
    assert len(orders) > 20
    for order in orders:
        assert order.recipient_phone not in html
        assert order.recipient_name not in html or len(order.recipient_name) < 2
        assert order.address is None or len(order.address) < 6 or order.address not in html


def test_decisions_show_every_rule_with_the_values_it_saw(shop) -> None:
    (held, *_) = shop.all(
        Order, Order.state == "on_hold", Order.hold_reason == "refund_pending"
    ) or shop.all(Order, Order.state == "on_hold")
    html = shop.client().get(f"/orders/{held.id}").get_data(as_text=True)
    assert html.count('class="tg-rule') > 5
    assert 'class="tg-first"' in html


def test_english_decision_is_told_in_english(shop) -> None:
    html = shop.client("en").get("/orders/1").get_data(as_text=True)
    titles = re.findall(r"<summary>.*?<b>(.*?)</b>", html, re.DOTALL)
    assert len(titles) > 10
    assert [title for title in titles if CJK.search(title)] == []


@pytest.mark.parametrize(
    ("language", "said"), [("zh", "没有编号为 999999 的订单"), ("en", "There is no order 999999")]
)
def test_missing_order_is_a_404_with_remedy_and_code(shop, language, said) -> None:
    answer = shop.client(language).get("/orders/999999")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 404
    assert said in html
    assert "order.not_found" in html


def test_order_of_another_tenant_looks_like_a_missing_one(shop) -> None:
    with shop.context.store.unscoped(readonly=True) as session:
        stranger = session.query(Order).filter_by(number="STRANGER-1").one().id
    assert shop.client().get(f"/orders/{stranger}").status_code == 404
    answer = shop.client().post(f"/orders/{stranger}/release", reason="x")
    assert answer.status_code == 404


def test_no_page_counts_or_names_another_tenants_things(shop) -> None:
    held = len(shop.all(Order, Order.state == "on_hold"))
    for address in ("/", "/review", "/orders", "/connections", "/analysis", "/orders?q=STRANGER-1"):
        html = shop.client().get(address).get_data(as_text=True)
        assert "STRANGERSHOP" not in html
        assert "stranger_reason" not in html
        assert f'待审核<span class="tg-n">{held}</span>' in html


@pytest.mark.parametrize(
    ("status", "address"), [(404, "/nope"), (404, "/labels/none.pdf"), (405, "/orders/act")]
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_http_errors_are_pages_in_both_languages(shop, status, address, language) -> None:
    answer = shop.client(language).get(address)
    html = answer.get_data(as_text=True)
    assert answer.status_code == status
    heading = re.search(r"<h1>(.*?)</h1>", html)
    assert heading
    assert bool(CJK.search(heading.group(1))) == (language == "zh")


def test_unexpected_error_is_a_page_without_its_text(shop) -> None:
    app = shop.app
    app.config["PROPAGATE_EXCEPTIONS"] = False
    from tidegate_web.problems import _unexpected

    with app.test_request_context("/"):
        answer = _unexpected(RuntimeError("secret detail"))
    assert answer.status_code == 500
    assert "secret detail" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "zh-CN"),
        ({"Accept-Language": "en-US,en;q=0.9"}, "en"),
        ({"Accept-Language": "fr,zh;q=0.5"}, "zh-CN"),
        ({"Accept-Language": "fr"}, "zh-CN"),
    ],
)
def test_first_visit_follows_the_browser_else_chinese(shop, headers, expected) -> None:
    html = shop.app.test_client().get("/", headers=headers).get_data(as_text=True)
    assert f'<html lang="{expected}">' in html


def test_language_switch_remembers_and_goes_back_to_the_page(shop) -> None:
    client = shop.app.test_client()
    answer = client.get("/language/en?back=/stock%3Fq%3DBA")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/stock?q=BA"
    assert '<html lang="en">' in client.get("/stock").get_data(as_text=True)


def test_fragment_only_for_its_own_target(shop) -> None:
    visitor = shop.client()
    ask = {"HX_Request": "true", "HX_Target": "orders-list"}
    alone = visitor.get("/orders", **ask).get_data(as_text=True)
    assert alone.lstrip().startswith('<section id="orders-list"')
    for whole in (
        {"HX_Request": "true", "HX_Target": "elsewhere"},
        {**ask, "HX_Boosted": "true"},
        {**ask, "HX_History_Restore_Request": "true"},
    ):
        assert "<!doctype html>" in visitor.get("/orders", **whole).get_data(as_text=True)


@pytest.mark.parametrize("field", ["number", "waybill", "phone"])
def test_order_is_found_by_number_waybill_and_last_four_digits(shop, field) -> None:
    from tidegate.store.tables import Parcel

    parcel = shop.all(Parcel, Parcel.waybill_no.is_not(None))[0]
    (order,) = shop.all(Order, Order.id == parcel.order_id)
    words = {
        "number": order.number,
        "waybill": parcel.waybill_no,
        "phone": order.recipient_phone[-4:],
    }[field]
    html = shop.client().get(f"/orders?q={words}").get_data(as_text=True)
    assert f'href="/orders/{order.id}"' in html
    assert html.count('name="order" value=') < 5


def test_pages_follow_one_another_without_gap_or_repeat(shop) -> None:
    from tidegate.services.view_orders import OrderQuery, search_orders

    seen: list[int] = []
    before = None
    while True:
        page = search_orders(shop.context, OrderQuery(before=before), limit=25)
        seen += [row.id for row in page.rows]
        before = page.next_before
        if before is None:
            break
    assert len(seen) == 60
    assert seen == sorted((order.id for order in shop.all(Order)), reverse=True)


def test_health_check_answers_without_data(shop) -> None:
    answer = shop.app.test_client().get("/healthz")
    assert answer.get_data() == b"ok\n"


@pytest.mark.postgres
def test_every_page_works_on_postgresql(postgres_desk) -> None:
    for address in PAGES:
        found = address if address != "/orders/1" else f"/orders/{postgres_desk.all(Order)[0].id}"
        assert postgres_desk.client().get(found).status_code == 200, address
    assert "L261118" in postgres_desk.client().get("/labels").get_data(as_text=True)
