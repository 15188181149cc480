"""Order documents to drafts by data: paths, units, words, lines; what is strange is flagged, never lost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tidegate.sdk.mapping.orders import OrderMapping

ABOUT: dict[str, Any] = {
    "fields": {
        "order.number": "order_id",
        "order.total": {"path": "pay_amount", "convert": "minor"},
        "order.freight": "post",
        "order.ordered_at": {"path": "create_time", "convert": "unix", "blank": ["0"]},
        "order.paid_at": "paid",
        "order.source_status": {
            "path": "status",
            "values": {"2": "to_ship", "3": "shipped", "CLOSED*": "cancelled"},
        },
        "order.buyer_memo": ["words", "legacy.words"],
        "order.currency": {"path": "money", "default": "CNY"},
        "recipient.name": "to.name",
        "recipient.phone": {"path": ["to.tel", "to.tels.0"]},
        "recipient.province": "to.addr.province.name",
        "recipient.kind": {"constant": "token"},
    },
    "each": "goods",
    "items": {
        "item.sku": "code",
        "item.quantity": "num",
        "item.unit_price": {"path": "price", "convert": "minor"},
        "item.weight_g": {"path": "kg", "convert": "kilograms"},
        "item.sub_number": ["id", "/order_id"],
    },
    "extra": ["tags"],
}
DOCUMENT: dict[str, Any] = {
    "order_id": 6900000000000000001,
    "pay_amount": 26800,
    "post": "12.50",
    "create_time": 1767225600,
    "paid": "2026-01-01 08:00:00",
    "status": 2,
    "words": "",
    "legacy": {"words": "放门口 🙂"},
    "to": {"name": "王*", "tels": ["138****8000"], "addr": {"province": {"name": "浙江省"}}},
    "goods": [
        {"id": "1", "code": "A-1", "num": 2, "price": 6700, "kg": "0.25"},
        {"code": "B-2", "num": 1, "price": 13400},
    ],
    "tags": ["vip"],
}


def read(**changes: Any) -> Any:
    mapping = OrderMapping(
        ABOUT, channel="douyin", shop="旗舰店", timezone="Asia/Shanghai", currency="CNY"
    )
    return mapping.read({**DOCUMENT, **changes}, "page 1", 1)


def test_every_field_finds_its_place_and_unit() -> None:
    draft = read().draft
    assert (draft.channel, draft.shop, draft.number) == ("douyin", "旗舰店", "6900000000000000001")
    assert (draft.total_minor, draft.freight_minor, draft.currency) == (26800, 1250, "CNY")
    assert draft.ordered_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert draft.paid_at == datetime(2026, 1, 1, tzinfo=UTC)  # 08:00 in Shanghai
    assert (draft.source_status, draft.buyer_memo) == ("to_ship", "放门口 🙂")
    assert (draft.recipient.name, draft.recipient.phone) == ("王*", "138****8000")
    assert (draft.recipient.province, draft.recipient.kind) == ("浙江省", "token")
    first, second = draft.lines
    assert (first.sku, first.quantity, first.unit_price_minor, first.weight_g) == (
        "A-1",
        2,
        6700,
        250,
    )
    assert (first.sub_number, second.sub_number) == ("1", "6900000000000000001")
    assert dict(draft.extra) == {"tags": "['vip']"}
    assert draft.issues == ()


def test_hundredths_become_minor_units_of_the_currency() -> None:
    assert read(money="jpy").draft.total_minor == 268
    assert read(money="KWD").draft.total_minor == 268000


def test_a_zero_time_is_no_time() -> None:
    assert read(create_time=0).draft.ordered_at is None
    assert read(create_time=0).draft.issues == ()


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"pay_amount": "many"}, "order.total", "import.not_an_amount"),
        ({"pay_amount": -1}, "order.total", "import.amount_negative"),
        ({"pay_amount": "NaN"}, "order.total", "import.not_an_amount"),
        ({"create_time": "yesterday"}, "order.ordered_at", "import.not_a_time"),
        ({"create_time": 99999999999999}, "order.ordered_at", "import.not_a_time"),
        ({"paid": "2026-13-01"}, "order.paid_at", "import.not_a_time"),
        ({"status": 77}, "order.source_status", "import.unknown_value"),
        ({"legacy": {"words": {"a": 1}}}, "order.buyer_memo", "import.json_field"),
        ({"goods": []}, "item.quantity", "import.no_lines"),
        ({"goods": None}, "item.quantity", "import.no_lines"),
        ({"goods": [{"num": 0}]}, "item.quantity", "import.lines_rejected"),
    ],
)
def test_what_is_strange_is_flagged_and_the_order_stays(
    changes: dict[str, Any], field: str, code: str
) -> None:
    draft = read(**changes).draft
    assert draft.number == "6900000000000000001"
    assert [(one.field, one.code) for one in draft.issues] == [(field, code)]


def test_a_beginning_of_a_word_counts() -> None:
    assert read(status="CLOSED_BY_BUYER").draft.source_status == "cancelled"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({**DOCUMENT, "order_id": None}, "import.missing_number"),
        ({**DOCUMENT, "order_id": "9" * 121}, "import.number_too_long"),
        ("an order", "import.json_broken"),
    ],
)
def test_what_can_be_no_order_is_rejected_by_row(document: Any, code: str) -> None:
    mapping = OrderMapping(ABOUT, channel="d", shop="s", timezone="UTC", currency="CNY")
    mapped = mapping.read(document, "page 3", 7)
    assert mapped.draft is None
    assert (mapped.problem.file, mapped.problem.row, mapped.problem.code) == ("page 3", 7, code)


def test_a_personal_value_that_does_not_fit_is_not_quoted() -> None:
    draft = read(to={"name": "长" * 300, "tel": "13800138000"}).draft
    (issue,) = draft.issues
    assert (issue.field, issue.code) == ("recipient.name", "import.too_long")
    assert "长" not in str(issue.value)
