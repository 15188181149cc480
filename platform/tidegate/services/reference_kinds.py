"""The kinds of reference tables, their columns, and how a table is recognised by its headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.errors import InputError
from tidegate.services.reference_cells import (
    GRAMS,
    HOURS,
    MILLIMETRES,
    Column,
    Reader,
    count,
    flag,
    fold_header,
    grams,
    hours,
    instant_in,
    millimetres,
    price,
    words,
)
from tidegate.services.reference_tables import Table
from tidegate.store.tables import (
    CarrierService,
    Product,
    RateCard,
    ServiceZone,
    Stock,
    TenantScoped,
    Warehouse,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """`key` are the fields that say which row of `model` is meant."""

    id: str
    zh: str
    en: str
    model: type[TenantScoped]
    key: tuple[str, ...]
    columns: tuple[Column, ...]


def kinds(timezone: str) -> Mapping[str, Kind]:
    """Every kind by its id, in the order in which they build on one another."""
    found = (
        Kind("warehouses", "仓库", "warehouses", Warehouse, ("code",), _warehouses()),
        Kind("products", "商品", "products", Product, ("sku",), _products()),
        Kind("services", "快递产品", "services", CarrierService, ("code",), _services()),
        Kind("zones", "分区", "zones", ServiceZone, ZONE_KEY, _zones()),
        Kind("rates", "价目", "rates", RateCard, RATE_KEY, _rates()),
        Kind("stock", "库存", "stock", Stock, ("warehouse", "sku"), _stock(timezone)),
    )
    return {kind.id: kind for kind in found}


KIND_IDS = ("warehouses", "products", "services", "zones", "rates", "stock")
ZONE_KEY = ("service_code", "origin_province", "province", "city")
RATE_KEY = ("service_code", "zone", "currency", "from_g")


def recognise(table: Table, known: Mapping[str, Kind]) -> Kind:
    """The kind whose required columns are all there and that uses the most columns.

    Raises:
        InputError: no kind fits.
    """
    folded = {fold_header(header) for header in table.headers}

    def used(kind: Kind) -> int:
        if any(c.required and not folded & set(c.headers) for c in kind.columns):
            return 0
        return sum(bool(folded & set(column.headers)) for column in kind.columns)

    best = max(known.values(), key=used)
    if used(best):
        return best
    seen = "、".join(table.headers[:12])
    raise InputError(
        "reference.unknown_kind",
        zh=f"看不出 {table.name} 是哪种资料(表头: {seen}); 请用 --kind 指明。",
        en=f"Cannot tell what {table.name} holds (headers: {seen}); say so with --kind.",
        file=table.name,
    )


def place_columns(table: Table, kind: Kind) -> dict[int, tuple[Column, str]]:
    """Which column of the file is which of ours, with the unit its header names.

    Raises:
        InputError: a required column is missing or a header stands twice.
    """
    placed: dict[int, tuple[Column, str]] = {}
    seen: set[str] = set()
    for index, header in enumerate(table.headers):
        folded = fold_header(header)
        if folded and folded in seen:
            raise _twice(table, header)
        seen.add(folded)
        for column in kind.columns:
            taken = any(column is other for other, _ in placed.values())
            if (
                folded in column.headers and not taken
            ):  # of two names for one thing the first counts
                placed[index] = (column, column.headers[folded])
                break
    fields = {column.field for column, _ in placed.values()}
    for column in kind.columns:
        if column.required and column.field not in fields:
            raise _missing(table, kind, column)
    return placed


def _missing(table: Table, kind: Kind, column: Column) -> InputError:
    names = " / ".join(column.headers)
    return InputError(
        "reference.missing_column",
        zh=f"{table.name} 作为{kind.zh}表缺少 {column.field} 列; 表头可写: {names}。",
        en=f"{table.name} as {kind.en} lacks the column {column.field}; headers known: {names}.",
        file=table.name,
        field=column.field,
    )


def _twice(table: Table, header: str) -> InputError:
    return InputError(
        "reference.header_twice",
        zh=f"{table.name} 有两列表头都是“{header}”; 请删去一列。",
        en=f"{table.name} has the header {header!r} twice; remove one column.",
        file=table.name,
    )


def _named(field: str, read: Reader, *headers: str, required: bool = False) -> Column:
    return Column(field, read, {fold_header(h): "" for h in (field, *headers)}, required)


def _measured(
    field: str,
    read: Callable[[str, str], Any],
    units: Mapping[str, int],
    *headers: str,
    required: bool = False,
) -> Column:
    """Headers with and without a unit, 重量 and 重量(kg); our own field name ends in its unit."""
    own = field.rpartition("_")[2]
    known = {fold_header(field): "h" if own == "hours" else own}
    for header in headers:
        known[fold_header(header)] = ""
        known.update({fold_header(header + unit): unit for unit in units})
    return Column(field, read, known, required)


def _warehouses() -> tuple[Column, ...]:
    return (
        _named("code", words(40), "仓库编码", "仓库代码", "编码", "warehouse_code", required=True),
        _named("name", words(120), "仓库名称", "仓库", "名称", "warehouse_name", required=True),
        _named("contact", words(120), "联系人", "发件人"),
        _named("phone", words(60), "电话", "联系电话", "手机"),
        _named("province", words(60), "省", "省份"),
        _named("city", words(60), "市", "城市"),
        _named("district", words(60), "区", "区县"),
        _named("address", words(500), "地址", "详细地址"),
        _named("priority", count, "优先级"),
    )


SKU_HEADERS = ("商家编码", "货号", "SKU编码", "商品编码", "seller_sku", "item_code")


def _products() -> tuple[Column, ...]:
    return (
        _named("sku", words(120), *SKU_HEADERS, required=True),
        _named("title", words(500), "名称", "商品名称", "品名", "name", "product_name"),
        _named("category", words(120), "类目", "分类"),
        _measured("weight_g", grams, GRAMS, "重量", "毛重", "weight"),
        _measured("length_mm", millimetres, MILLIMETRES, "长", "长度", "length"),
        _measured("width_mm", millimetres, MILLIMETRES, "宽", "宽度", "width"),
        _measured("height_mm", millimetres, MILLIMETRES, "高", "高度", "height"),
        _named("fragile", flag, "易碎"),
        _named("hazardous", flag, "限运", "危险品"),
        _named("safety_stock", count, "安全库存"),
    )


def _services() -> tuple[Column, ...]:
    return (
        _named("code", words(40), "快递产品", "产品编码", "service", "service_code", required=True),
        _named("carrier", words(40), "快递公司", "快递公司编码", required=True),
        _named("name_zh", words(120), "中文名", "名称", "name"),
        _named("name_en", words(120), "英文名"),
        _named("connector", words(40), "连接器"),
        _named("volumetric_divisor", count, "体积系数", "抛重系数"),
        _named("same_city_only", flag, "仅同城", "同城"),
        _named("active", flag, "启用"),
    )


SERVICE_HEADERS = ("service", "快递产品", "产品编码")


def _zones() -> tuple[Column, ...]:
    return (
        _named("service_code", words(40), *SERVICE_HEADERS, required=True),
        _named("origin_province", words(60), "始发省", "发货省份", "origin"),
        _named("province", words(60), "目的省", "省份", "省", "destination", required=True),
        _named("city", words(60), "目的市", "城市", "市"),
        _named("zone", words(20), "分区", "区域", required=True),
        _measured("transit_hours", hours, HOURS, "时效", "transit", required=True),
    )


def _rates() -> tuple[Column, ...]:
    return (
        _named("service_code", words(40), *SERVICE_HEADERS, required=True),
        _named("zone", words(20), "分区", "区域", required=True),
        _named("currency", words(3), "币种"),
        _measured("from_g", grams, GRAMS, "起重", "重量起", "from"),
        _measured("to_g", grams, GRAMS, "止重", "重量止", "to"),
        _measured("first_g", grams, GRAMS, "首重", "first_weight", required=True),
        _named("first_price", price, "首重价格", "首重价", "首重元", "首重费", required=True),
        _measured("step_g", grams, GRAMS, "续重", "step_weight", required=True),
        _named("step_price", price, "续重价格", "续重价", "续重元", "续重费", required=True),
    )


def _stock(timezone: str) -> tuple[Column, ...]:
    on_hand = (
        "数量",
        "库存",
        "在库",
        "在库数量",
        "库存数量",
        "实物库存",
        "quantity",
        "qty",
        "stock",
    )
    return (
        _named("warehouse", words(120), "仓库", "仓库编码", "仓库名称", "warehouse_code"),
        _named("sku", words(120), *SKU_HEADERS, required=True),
        _named("on_hand", count, *on_hand, required=True),
        _named("location", words(60), "库位", "货位"),
        _named("expected_at", instant_in(timezone), "预计到货", "到货时间", "预计到货时间"),
        _named("expected_units", count, "在途数量", "预计到货数量"),
    )


def quiet_headers(table: Table, placed: Mapping[int, object]) -> Sequence[str]:
    """Headers that were not used, so that a report can say so."""
    return [h for index, h in enumerate(table.headers) if index not in placed and h]
