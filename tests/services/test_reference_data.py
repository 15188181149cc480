"""Reference data from files: what is taken, what is refused and why, and who is woken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar, cast

import pytest
import xlsxwriter
from sqlalchemy import select

from tidegate.errors import InputError
from tidegate.services.context import Context
from tidegate.services.reference_data import (
    import_files,
    import_products,
    import_rates,
    import_services,
    import_stock,
    import_tables,
    import_warehouses,
    import_zones,
)
from tidegate.services.reference_report import ReferenceReport, totals
from tidegate.services.reference_tables import MAX_ROWS, Table, parse_table, read_table, table_of
from tidegate.services.rulebook import Rulebook
from tidegate.store.tables import (
    Base,
    CarrierService,
    Job,
    Order,
    OrderLine,
    Product,
    RateCard,
    ServiceZone,
    Shop,
    Stock,
    Tenant,
    TenantScoped,
    Warehouse,
)
from tidegate.store.unit_of_work import Store, open_engine

R = TypeVar("R", bound=TenantScoped)
NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)


@pytest.fixture
def context(tmp_path: Path, chosen_url: str) -> Iterator[Context]:
    engine = open_engine(chosen_url)
    Base.metadata.create_all(engine)
    store = Store(engine)
    with store.unscoped() as session:
        tenant = Tenant(code="main", name="Test", created_at=NOW)
        session.add(tenant)
        session.commit()
        tenant_id = tenant.id
    no_rules = cast("Rulebook", None)  # reference data asks no rule
    yield Context(store, tenant_id, no_rules, {}, lambda: NOW, tmp_path)
    engine.dispose()


def table(*lines: str, name: str = "t.csv") -> Table:
    return table_of(name, [line.split(",") for line in lines])


def rows(context: Context, model: type[R]) -> Sequence[R]:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return work.session.scalars(select(model).order_by("id")).all()


def codes(report: ReferenceReport) -> list[tuple[int, str, str]]:
    assert report.read == report.accepted + len(report.rejected)
    return [(r.row, r.field, r.code.removeprefix("reference.")) for r in report.rejected]


def two_warehouses(context: Context) -> None:
    lines = ("仓库编码,仓库名称", "jiaxing,嘉兴仓", "dongguan,东莞仓")
    assert import_warehouses(context, [table(*lines)]).created == 2


def test_stock_is_made_changed_and_left_alone(context: Context) -> None:
    two_warehouses(context)
    first = import_stock(
        context, [table("仓库,商家编码,数量,库位", "jiaxing,A,5,L1", "东莞仓,A,7,", "jiaxing,B,0,")]
    )
    assert (first.read, first.created, first.updated, first.unchanged) == (3, 3, 0, 0)
    second = import_stock(
        context, [table("warehouse,sku,on hand", "jiaxing,A,6", "dongguan,A,7", "jiaxing,B,0")]
    )
    assert (second.created, second.updated, second.unchanged) == (0, 1, 2)
    found = {(stock.sku, stock.on_hand, stock.location) for stock in rows(context, Stock)}
    assert found == {("A", 6, "L1"), ("A", 7, None), ("B", 0, None)}


def test_each_bad_stock_row_says_where_and_why_and_the_good_ones_stay(context: Context) -> None:
    two_warehouses(context)
    report = import_stock(
        context,
        [
            table(
                "仓库,商家编码,数量",
                "jiaxing,A,5",
                "shanghai,A,5",
                "jiaxing,B,-1",
                "jiaxing,C,many",
                "jiaxing,D,1.5",
                "jiaxing,A,6",
                "jiaxing,,6",
                ",E,6",
                "jiaxing,F,",
                "dongguan,G,3000000000",
            )
        ],
    )
    assert codes(report) == [
        (3, "warehouse", "unknown_warehouse"),
        (4, "on_hand", "negative"),
        (5, "on_hand", "not_a_number"),
        (6, "on_hand", "not_whole"),
        (7, "sku", "duplicate_row"),
        (8, "sku", "required"),
        (9, "warehouse", "required"),
        (10, "on_hand", "required"),
        (11, "on_hand", "too_large_number"),
    ]
    assert all(
        r.text("zh") != r.text("en") and r.text("zh") and r.text("en") for r in report.rejected
    )
    assert [(stock.sku, stock.on_hand) for stock in rows(context, Stock)] == [("A", 5)]


def test_one_warehouse_need_not_be_named(context: Context) -> None:
    import_warehouses(context, [table("code,name", "only,Only")])
    assert codes(import_stock(context, [table("sku,qty", "A,5")])) == []
    assert [stock.on_hand for stock in rows(context, Stock)] == [5]


@pytest.mark.parametrize(("on_hand", "refused"), [(3, True), (4, False)])
def test_stock_cannot_fall_below_what_is_reserved(
    context: Context, on_hand: int, refused: bool
) -> None:
    import_warehouses(context, [table("code,name", "only,Only")])
    import_stock(context, [table("sku,qty", "A,9")])
    with context.store.begin(context.tenant_id) as work:
        work.session.scalars(select(Stock)).one().reserved = 4
        work.commit()
    report = import_stock(context, [table("sku,qty", f"A,{on_hand}")])
    assert codes(report) == ([(2, "on_hand", "below_reserved")] if refused else [])
    if refused:
        assert "4 units reserved" in report.rejected[0].en
        assert "已占用的 4 件" in report.rejected[0].zh
    assert rows(context, Stock)[0].on_hand == (9 if refused else on_hand)


def waiting_order(context: Context, number: str, sku: str, state: str = "waiting_stock") -> int:
    with context.store.begin(context.tenant_id) as work:
        shop = work.session.scalars(select(Shop)).first()
        if shop is None:
            shop = Shop(channel="tmall", name="S")
            work.add(shop)
            work.session.flush()
        order = Order(
            shop_id=shop.id, channel="tmall", number=number, state=state, state_since=NOW,
            currency="CNY", source_hash="0", imported_at=NOW, updated_at=NOW,
        )  # fmt: skip
        work.add(order)
        work.session.flush()
        work.add(OrderLine(order_id=order.id, position=1, sku=sku, quantity=1))
        work.commit()
        return order.id


def test_orders_that_wait_for_a_sku_are_woken_once_when_it_rises(context: Context) -> None:
    import_warehouses(context, [table("code,name", "only,Only")])
    import_stock(context, [table("sku,qty", "A,1", "B,1")])
    waits = waiting_order(context, "1", "A")
    waiting_order(context, "2", "B")
    waiting_order(context, "3", "A", state="approved")
    assert import_stock(context, [table("sku,qty", "A,1", "B,0")]).woken == 0
    assert rows(context, Job) == []
    assert import_stock(context, [table("sku,qty", "A,2")]).woken == 1
    assert import_stock(context, [table("sku,qty", "A,3")]).woken == 1, "the job it has is kept"
    (job,) = rows(context, Job)
    assert (job.name, job.args, job.key) == (
        "advance_order",
        {"order_id": waits},
        f"advance:{waits}",
    )
    assert (job.state, job.due_at) == ("ready", NOW)


def test_a_new_stock_row_wakes_orders_too(context: Context) -> None:
    import_warehouses(context, [table("code,name", "only,Only")])
    waiting_order(context, "1", "N")
    assert import_stock(context, [table("sku,qty", "N,4")]).woken == 1


def test_products_read_units_from_headers_or_cells(context: Context) -> None:
    heads = "商家编码,名称,重量(kg),长(cm),宽(毫米),易碎"
    assert codes(import_products(context, [table(heads, "A,壶,0.62,24,160,是")])) == []
    (product,) = rows(context, Product)
    assert (product.weight_g, product.length_mm, product.width_mm) == (620, 240, 160)
    assert product.fragile is True
    again = import_products(
        context, [table("sku,重量,易碎", "A,700g,", "B,0.7,否", "C,1公斤,也许")]
    )
    assert codes(again) == [(3, "weight_g", "unit_missing"), (4, "fragile", "not_yes_or_no")]
    (product,) = rows(context, Product)
    assert (product.weight_g, product.fragile, product.title) == (700, True, "壶"), "empty keeps"


def services(context: Context) -> None:
    lines = ("快递产品,快递公司,体积系数,仅同城", "SF.standard,SF,6000,否", "X.instant,X,,是")
    assert codes(import_services(context, [table(*lines)])) == []


def test_services_zones_and_rates(context: Context) -> None:
    services(context)
    sf, instant = rows(context, CarrierService)
    assert (sf.name_zh, sf.connector, sf.volumetric_divisor) == ("SF.standard", "sandbox", 6000)
    assert (instant.volumetric_divisor, instant.same_city_only) == (None, True)
    zones = table(
        "快递产品,始发省,目的省,目的市,分区,时效(小时)",
        "SF.standard,浙江省,广东省,,3,44",
        "SF.standard,,西藏自治区,,5,4天",
        "ZTO.standard,,西藏自治区,,5,96",
        "SF.standard,浙江省,广东省,,2,40",
    )
    report = import_zones(context, [zones])
    assert codes(report) == [(4, "service_code", "unknown_service"), (5, "city", "duplicate_row")]
    assert [(z.zone, z.transit_hours) for z in rows(context, ServiceZone)] == [("3", 44), ("5", 96)]
    rates = table(
        "快递产品,分区,首重(kg),首重价格,续重(g),续重价格",
        "SF.standard,3,1,¥20.00,500,4",
        "SF.standard,4,1,二十,500,4",
        "SF.standard,5,1,20,0,4",
        "SF.standard,6,1,-1,500,4",
    )
    assert codes(import_rates(context, [rates])) == [
        (3, "first_price", "not_a_number"),
        (4, "step_g", "zero"),
        (5, "first_price", "negative"),
    ]
    (card,) = rows(context, RateCard)
    assert (card.first_g, card.first_price_minor, card.step_g, card.step_price_minor) == (
        1000, 2000, 500, 400,
    )  # fmt: skip
    assert (card.currency, card.from_g, card.to_g) == ("CNY", 0, None)


HEADS = "service,zone,from_g,to_g,first_g,first_price,step_g,step_price"


def test_weight_bands_of_one_import_must_not_overlap(context: Context) -> None:
    services(context)
    report = import_rates(
        context,
        [
            table(
                HEADS,
                "SF.standard,1,0,3000,1000,12,500,1",
                "SF.standard,1,3000,,3000,16,500,1",
                "SF.standard,1,2999,4000,3000,16,500,1",
                "SF.standard,2,5,5,1000,12,500,1",
            )
        ],
    )
    assert codes(report) == [(4, "from_g", "band_overlap"), (5, "to_g", "band_empty")]
    assert report.created == 2


def test_a_new_price_list_replaces_the_bands_it_overlaps(context: Context) -> None:
    services(context)
    old = ("SF.standard,1,0,3000,1000,12,500,1", "SF.standard,1,3000,,3000,16,500,1")
    other = "SF.standard,2,0,,1000,15,500,2"
    import_rates(context, [table(HEADS, *old, other)])
    new = ("SF.standard,1,0,2000,1000,11,500,1", "SF.standard,1,2000,,2000,13,500,1")
    assert codes(import_rates(context, [table(HEADS, *new)])) == []
    found = {(c.zone, c.from_g, c.to_g, c.first_price_minor) for c in rows(context, RateCard)}
    assert found == {("1", 0, 2000, 1100), ("1", 2000, None, 1300), ("2", 0, None, 1500)}


def test_files_of_any_mix_are_recognised_and_go_in_order(context: Context, tmp_path: Path) -> None:
    stock = tmp_path / "a-stock.csv"
    stock.write_bytes("﻿仓库编码,商家编码,数量\r\nw1,A,5\r\n".encode())
    products = tmp_path / "b.tsv"
    products.write_bytes("商家编码\t名称\t重量g\nA\t壶\t620\n".encode("gb18030"))
    houses = tmp_path / "c.xlsx"
    with xlsxwriter.Workbook(houses) as book:
        book.add_worksheet("empty")
        sheet = book.add_worksheet("data")
        sheet.write_row(1, 0, ["编码", "仓库名称", "优先级", "备注"])
        sheet.write_row(2, 0, ["w1", "一号仓", 10, "x"])
    reports = import_files(context, [stock, products, houses])
    assert [(r.kind, r.created, codes(r)) for r in reports] == [
        ("warehouses", 1, []), ("products", 1, []), ("stock", 1, []),
    ]  # fmt: skip
    assert reports[0].ignored == ["备注"]
    document = totals(reports, "zh")
    assert (document["read"], document["accepted"], document["rejected"]) == (3, 3, [])
    assert rows(context, Warehouse)[0].priority == 10


def test_an_xlsx_stock_file_with_numbers_dates_and_a_bad_row(
    context: Context, tmp_path: Path
) -> None:
    import_warehouses(context, [table("code,name", "w1,One")])
    path = tmp_path / "stock.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["仓库", "商家编码", "库存数量", "预计到货"])
        sheet.write_row(1, 0, ["w1", 10023, 12])
        sheet.write_datetime(
            1, 3, date(2026, 11, 20), book.add_format({"num_format": "yyyy-mm-dd"})
        )
        sheet.write_row(2, 0, ["w1", "B", 1.5])
    report = import_stock(context, [read_table(path)])
    assert codes(report) == [(3, "on_hand", "not_whole")]
    (stock,) = rows(context, Stock)
    assert (stock.sku, stock.on_hand) == ("10023", 12)
    assert stock.expected_at == datetime(2026, 11, 19, 16, 0, tzinfo=UTC)  # midnight in Shanghai


def test_cells_are_cleaned_before_they_are_read(context: Context) -> None:
    import_warehouses(context, [table("code,name", "w1,One")])
    text = '仓库,商家编码,数量\nw1,"=""0012""",１２件\nw1,\'0034,"1,200"\n'
    report = import_stock(context, [parse_table("s.csv", text.encode())])
    assert codes(report) == []
    assert {(s.sku, s.on_hand) for s in rows(context, Stock)} == {("0012", 12), ("0034", 1200)}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "reference.empty_file"),
        (b"sku,qty\n", "reference.empty_file"),
        (b"%PDF-1.7 ...", "reference.not_a_table"),
        (b"\xd0\xcf\x11\xe0 old excel", "reference.not_a_table"),
        (b"PK\x03\x04 broken", "reference.not_a_table"),
        (b"a\x00b", "reference.not_a_table"),
        (b"\xff\xff\xff\xff", "reference.encoding"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(data: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_table("x.csv", data)
    assert caught.value.code == code
    assert "x.csv" in caught.value.text("zh")
    assert "x.csv" in caught.value.text("en")


def test_tables_too_long_for_a_person_are_refused() -> None:
    lines = [["sku", "qty"], *([f"S{n}", "1"] for n in range(MAX_ROWS + 1))]
    assert len(table_of("fits.csv", lines[:-1]).rows) == MAX_ROWS
    with pytest.raises(InputError, match="too large"):
        table_of("long.csv", lines)


def test_unknown_headers_and_missing_columns_name_the_remedy(
    context: Context, tmp_path: Path
) -> None:
    path = tmp_path / "what.csv"
    path.write_text("colour,shape\nred,round\n", encoding="utf-8")
    with pytest.raises(InputError, match="--kind"):
        import_files(context, [path])
    with pytest.raises(InputError) as caught:
        import_files(context, [path], kind="stock")
    assert caught.value.code == "reference.missing_column"
    with pytest.raises(InputError, match="twice"):
        import_tables(context, "stock", [table("sku,qty,SKU", "A,1,A")])
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        import_files(context, [tmp_path / "nowhere.csv"])


def test_one_bad_file_keeps_all_of_them_out(context: Context, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("code,name\nw1,One\n", encoding="utf-8")
    bad.write_bytes(b"\x00\x01")
    with pytest.raises(InputError):
        import_files(context, [good, bad])
    assert rows(context, Warehouse) == []


def test_another_tenants_warehouse_is_unknown(context: Context) -> None:
    two_warehouses(context)
    with context.store.unscoped() as session:
        other = Tenant(code="other", name="Other", created_at=NOW)
        session.add(other)
        session.commit()
        other_id = other.id
    stranger = Context(context.store, other_id, context.rules, {}, lambda: NOW, context.data_dir)
    report = import_stock(stranger, [table("仓库,商家编码,数量", "jiaxing,A,5")])
    assert codes(report) == [(2, "warehouse", "unknown_warehouse")]


def test_the_command_tells_0_fine_1_rejected_2_unreadable(
    tmp_path: Path, house: dict[str, str]
) -> None:
    env = {**os.environ, "TIDEGATE_DATA_DIR": str(tmp_path / "data"), "TIDEGATE_LANGUAGE": "en"}
    env.pop("TIDEGATE_DATABASE_URL", None)
    env |= house
    examples = Path(__file__).parents[2] / "docs" / "examples"
    bad = tmp_path / "bad.csv"
    bad.write_text("仓库,商家编码,数量\njiaxing,A,-1\n", encoding="utf-8")

    def run(*files: Path) -> tuple[int, dict[str, object]]:
        done = subprocess.run(
            [sys.executable, "-m", "tidegate", "stock", "import", *map(str, files), "--json"],
            env=env, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, json.loads(done.stdout)

    names = ("stock.csv", "products.csv", "warehouses.csv")
    code, first = run(*(examples / name for name in names))
    assert (code, first["rejected"]) == (0, [])
    assert first["created"] == first["read"] != 0
    code, again = run(*(examples / name for name in names))
    assert (code, again["unchanged"]) == (0, first["read"])
    code, refused = run(bad)
    assert code == 1
    (row,) = refused["rejected"]  # type: ignore[misc]
    assert (row["row"], row["field"], row["code"]) == (2, "on_hand", "reference.negative")
    code, unread = run(tmp_path / "nowhere.csv")
    assert code == 2
    assert unread["error"]["code"] == "reference.unreadable"  # type: ignore[index]


@pytest.mark.postgres
def test_the_same_import_works_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    engine = open_engine(postgres_url)
    Base.metadata.create_all(engine)
    store = Store(engine)
    with store.unscoped() as session:
        tenant = Tenant(code="main", name="Test", created_at=NOW)
        session.add(tenant)
        session.commit()
        tenant_id = tenant.id
    context = Context(store, tenant_id, cast("Rulebook", None), {}, lambda: NOW, tmp_path)
    two_warehouses(context)
    import_stock(context, [table("仓库,商家编码,数量", "jiaxing,A,9")])
    waiting_order(context, "1", "A")
    with store.begin(tenant_id) as work:
        work.session.scalars(select(Stock)).one().reserved = 4
        work.commit()
    report = import_stock(context, [table("仓库,商家编码,数量", "jiaxing,A,3", "dongguan,A,1")])
    assert codes(report) == [(2, "on_hand", "below_reserved")]
    assert (report.created, report.woken) == (1, 1)
    engine.dispose()
