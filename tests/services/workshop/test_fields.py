"""Finding fields by what people type, and what the shop's own orders say about them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tidegate.services.workshop.fields import find
from tidegate.services.workshop.operators import example, offer, offers
from tidegate.services.workshop.pinyin import match
from tidegate.services.workshop.rule_page import names_of
from tidegate.services.workshop.samples import samples
from tidegate.services.workshop.set_names import SetNames
from tidegate.store.tables import Order


def names(world: Any) -> SetNames:
    (ruleset,) = world.context.rules.for_gate("review")
    return names_of(ruleset)


def found(world: Any, query: str, over: str | None = None) -> dict[str, Any]:
    groups = find(world.context, names(world), query, over).groups
    return {one.id: one for group in groups for one in group.fields}


@pytest.mark.parametrize(
    ("text", "query", "span"),
    [
        ("地址类型", "dz", (0, 2)),
        ("地址类型", "dizhi", (0, 2)),
        ("地址类型", "dizh", (0, 2)),
        ("地址类型", "dzlx", (0, 4)),
        ("地址类型", "dizhilx", (0, 4)),
        ("同地址订单数", "dz", (1, 3)),
        ("地址类型", "类型", (2, 4)),
        ("地址类型", "DZ", (0, 2)),
        ("重量", "zl", (0, 2)),
        ("重量", "chong", (0, 1)),
        ("SKU 编码", "sku", (0, 3)),
        ("地址类型", "dx", None),
        ("地址类型", "", None),
        ("地址类型", "zd", None),
    ],
)
def test_chinese_is_found_by_characters_syllables_and_first_letters(
    text: str, query: str, span: tuple[int, int] | None
) -> None:
    assert match(text, query) == span


def test_fields_are_found_in_three_ways(world: Any) -> None:
    for query in ("地址核查", "dzhc", "dizhihecha", "address check"):
        assert "recipient.address_check" in found(world, query), query
    for query in ("ddje", "order total", "Order: total", "total order"):
        assert "order.total" in found(world, query), query
    assert found(world, "xyzzy") == {}


def test_the_best_match_comes_first_and_is_marked(world: Any) -> None:
    first = next(iter(found(world, "dzhc").values()))
    assert first.id == "recipient.address_check"
    assert first.title["zh"] == "地址核查"
    assert first.mark["zh"] == (0, 4)


def test_without_a_word_every_field_of_the_gate_is_there_by_group(world: Any) -> None:
    everything = find(world.context, names(world), "")
    assert everything.shown == everything.total > 90
    assert [group.id for group in everything.groups] == [
        "order", "lines", "address", "history", "time", "derive",
    ]  # fmt: skip
    assert "parcel.carrier" not in found(world, ""), "the review gate knows no parcel"


def test_only_fields_of_the_same_line_where_one_line_is_asked_about(world: Any) -> None:
    assert set(found(world, "数量", "items")) == {"item.quantity"}


def test_samples_and_missing_share_come_from_the_latest_orders(world: Any) -> None:
    for n in range(8):
        world.order(("KETTLE", 1), province="浙江省" if n < 6 else "广东省", buyer_memo="请加急")
    world.order(("CUP", 2), province=None, seller_flag="red")
    world.order(("CUP", 2), province=None)
    province = found(world, "省份")["recipient.province"]
    assert list(province.samples) == ["浙江省", "广东省"]
    assert province.missing == Decimal("0.2")
    assert samples(world.context).of("recipient.province").values == (("浙江省", 6), ("广东省", 2))
    assert samples(world.context).orders == 10


def test_values_of_personal_fields_are_never_shown_or_kept(world: Any) -> None:
    world.order(("KETTLE", 1), recipient_name="欧阳明月", buyer_memo="门禁 7788", buyer="tb_secret")
    personal = [name for name in names(world).subjects if name.personal]
    assert len(personal) > 6
    kept = samples(world.context)
    shown = found(world, "")
    for name in personal:
        assert kept.of(name.id).values == ()
        assert list(shown[name.id].samples) == []
    text = repr(kept)
    assert not any(secret in text for secret in ("欧阳明月", "7788", "tb_secret", "13800002291"))


def test_samples_are_kept_five_minutes_and_per_tenant(world: Any, intruder: Any) -> None:
    world.order()
    assert samples(world.context).orders == 1
    world.order()
    assert samples(world.context).orders == 1
    world.wait(minutes=5)
    assert samples(world.context).orders == 2
    assert samples(intruder.context).orders == 0


def test_only_the_latest_two_hundred_orders_are_looked_at(world: Any) -> None:
    for _ in range(205):
        world.order()
    assert world.count(Order) == 205
    assert samples(world.context).orders == 200


def test_examples_stand_on_both_sides_of_the_limit(world: Any) -> None:
    total = names(world).all["order.total"].type
    at_least, below = offer(total, ">="), offer(total, "<")
    assert at_least is not None and below is not None  # noqa: PT018  (for the types)
    assert example(at_least, "2,000") == ("2,000.00", "1,999.99")
    assert example(below, "2000") == ("1,999.99", "2,000.00")
    assert example(below, "two") is None


def test_every_offer_has_an_id_of_its_own(world: Any) -> None:
    for name in names(world).subjects:
        ids = [one.id for one in offers(name.type)]
        assert len(ids) == len(set(ids)), name.id
        assert all(set(one.title) == {"zh", "en"} for one in offers(name.type))


def test_a_span_of_time_is_typed_with_its_unit(world: Any) -> None:
    world.order(ordered_at=world.now - timedelta(hours=30))
    assert offers(names(world).all["order.ordered_at"].type)[0].id == "since:>="
