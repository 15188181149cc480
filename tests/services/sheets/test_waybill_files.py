"""Waybill numbers as a file: what has left, once, in the tool's columns; again as it was."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tidegate.errors import InputError, NotFound
from tidegate.services.remotes import accounts
from tidegate.services.sheets import waybill_files
from tidegate.store.tables import Effect, Event, Parcel

SETTINGS = {"waybill_format": "csv", "carrier_codes": "SF=顺丰"}


def parcel_left(
    world: Any, number: str = "P-1", waybill: str = "SF1234567890", **order: Any
) -> int:
    order_id = world.order(**order)
    world.add(
        Parcel(
            order_id=order_id, number=number, warehouse_id=1, state="handed_over",
            state_since=world.now, carrier="SF", waybill_no=waybill, handed_over_at=world.now,
        )
    )  # fmt: skip
    return order_id


def read(made: tuple[str, bytes]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(made[1].decode("utf-8-sig"))))


def account(world: Any, **settings: str) -> None:
    accounts.add(
        world.context,
        "spreadsheet",
        "lin",
        code="mall",
        shop_id=1,
        settings={**SETTINGS, **settings},
    )


def test_what_has_left_is_in_one_file_and_no_other(world) -> None:
    account(world)
    order_id = parcel_left(world)
    assert waybill_files.waiting(world.context, "mall") == 1
    first = waybill_files.make(world.context, "mall", "lin")
    assert read(waybill_files.content(world.context, "mall", first)) == [
        ["订单编号", "物流公司", "运单号", "发货时间"],
        ["N0001", "顺丰", "SF1234567890", "2026-11-11 09:00:00"],
    ]
    assert waybill_files.waiting(world.context, "mall") == 0
    with pytest.raises(InputError):
        waybill_files.make(world.context, "mall", "lin")
    parcel_left(world, "P-2", "SF1234567891")
    second = waybill_files.make(world.context, "mall", "lin")
    assert [line[2] for line in read(waybill_files.content(world.context, "mall", second))[1:]] == [
        "SF1234567891"
    ]
    assert len(read(waybill_files.content(world.context, "mall", first))) == 2
    assert [one.parcels for one in waybill_files.made_before(world.context, "mall")] == [1, 1]
    assert world.get(Event, Event.order_id == order_id, Event.kind == "written_back").actor == "lin"


def test_parcels_count_as_told_the_way_a_called_shop_leaves_them(world) -> None:
    account(world)
    parcel_left(world)
    waybill_files.make(world.context, "mall", "lin")
    effect = world.get(Effect, Effect.kind == "write_back")
    assert (effect.state, effect.answer["connector"], effect.answer["waybill_no"]) == (
        "confirmed", "mall", "SF1234567890",
    )  # fmt: skip


def test_orders_of_other_shops_are_not_in_it(world) -> None:
    from tidegate.store.tables import Shop

    (other,) = world.add(Shop(channel="taobao", name="别的店"))
    account(world)
    parcel_left(world, shop_id=other)
    assert waybill_files.waiting(world.context, "mall") == 0


def test_the_columns_are_the_accounts_own(world) -> None:
    account(world, waybill_columns="店铺=shop,单号=order,代码=code,快递单号=waybill,日期=date")
    parcel_left(world)
    made = waybill_files.content(
        world.context, "mall", waybill_files.make(world.context, "mall", "lin")
    )
    assert read(made)[1] == ["北岸器物", "N0001", "SF", "SF1234567890", "2026-11-11"]


def test_wrong_columns_are_refused_before_anything_counts_as_told(world) -> None:
    account(world, waybill_columns="单号=phone")
    parcel_left(world)
    with pytest.raises(InputError) as caught:
        waybill_files.make(world.context, "mall", "lin")
    assert caught.value.code == "sheet.waybill_columns"
    assert world.count(Effect, Effect.kind == "write_back") == 0


@pytest.mark.parametrize(
    ("kind", "start"), [("xlsx", b"PK"), ("csv_gbk", "订单编号".encode("gbk"))]
)
def test_the_format_is_the_one_the_tool_takes(world, kind, start) -> None:
    account(world, waybill_format=kind)
    parcel_left(world)
    name, made = waybill_files.content(
        world.context, "mall", waybill_files.make(world.context, "mall", "lin")
    )
    assert made.startswith(start)
    assert name.endswith(".xlsx" if kind == "xlsx" else ".csv")


def test_a_file_of_another_account_is_not_found(world) -> None:
    account(world)
    accounts.add(world.context, "spreadsheet", "lin", code="tea")
    parcel_left(world)
    made = waybill_files.make(world.context, "mall", "lin")
    with pytest.raises(NotFound):
        waybill_files.content(world.context, "tea", made)
