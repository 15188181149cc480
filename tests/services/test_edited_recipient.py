"""An edited recipient is worked out exactly as intake works it out: same region, same keys."""

from __future__ import annotations

from typing import Any

from tidegate.services.intake_checks import address_key
from tidegate.services.review import edit_order
from tidegate.store.tables import Order

NEW = {
    "recipient.province": "广东省",
    "recipient.city": "深圳市",
    "recipient.district": "南山区",
    "recipient.town": "",
    "recipient.address": "科技南路 18 号 5 栋 808 室",
    "recipient.phone": "13900007715",
}


def test_an_edit_renews_the_keys_that_find_repeats(world: Any) -> None:
    first, second = world.order(), world.order()
    before = world.get(Order, Order.id == first)
    edit_order(world.context, first, before.version, NEW, "li", "买家改地址")
    after = world.get(Order, Order.id == first)
    assert after.region_code == "440305"
    assert after.address_check == "deliverable"
    assert after.address_key == address_key(
        {"address": NEW["recipient.address"], "province": "广东省", "city": "深圳市",
         "district": "南山区", "town": None},
        world.context.tenant_id,
    )  # fmt: skip
    assert (after.phone_key, after.address_key) != (before.phone_key, before.address_key)

    other = world.get(Order, Order.id == second)
    edit_order(world.context, second, other.version, NEW, "li", "买家改地址")
    twin = world.get(Order, Order.id == second)
    assert (twin.phone_key, twin.address_key) == (after.phone_key, after.address_key)


def test_an_edit_that_leaves_no_phone_knows_no_phone(world: Any) -> None:
    order_id = world.order()
    before = world.get(Order, Order.id == order_id)
    changes = {"recipient.phone": ""}
    edit_order(world.context, order_id, before.version, changes, "li", "号码有误")
    after = world.get(Order, Order.id == order_id)
    assert (after.recipient_phone, after.phone_valid, after.phone_key) == (None, None, None)
