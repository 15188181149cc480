"""A file brought, tried, imported, mended; the next one recognised; nobody else's, nothing kept longer than it must."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from tidegate.errors import Conflict, InputError, NotFound
from tidegate.jobs.runner import drain
from tidegate.sdk.sheets import Upload
from tidegate.services.pruning import prune_personal
from tidegate.services.remotes import accounts
from tidegate.services.sheets import bringing, files, mappings, repairs
from tidegate.store.people_tables import SecurityEvent
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.sheet_tables import SheetFile, SheetMapping
from tidegate.store.tables import Event, ImportRun, Order, OrderLine, Shop

sys.path.insert(0, str(Path(__file__).parents[2] / "connectors" / "files" / "sheets"))
from order_books import HEADER, ROWS, text_file, workbook

ACTOR = "lin"


@pytest.fixture
def shop(world: Any) -> Any:
    accounts.add(
        world.context,
        "spreadsheet",
        ACTOR,
        code="tea",
        title="茶铺表格",
        settings={"tool": "other"},
    )
    return world


def brought(world: Any, upload: Upload, code: str = "tea", **change: Any) -> int:
    """Uploaded, corrected by `change`, tried and imported."""
    file_id = files.keep(world.context, code, upload.name, upload.data, ACTOR)
    if change:
        files.correct(world.context, file_id, replace(layout(world, file_id), **change))
    bringing.try_out(world.context, file_id)
    bringing.bring(world.context, file_id, ACTOR)
    return file_id


def row(world: Any, file_id: int) -> SheetFile:
    found: SheetFile = world.get(SheetFile, SheetFile.id == file_id)
    return found


def layout(world: Any, file_id: int) -> Any:
    return files.layout_now(row(world, file_id))


def broken_rows() -> list[list[str]]:
    rows = [list(each) for each in ROWS]
    rows[1][7] = "一件"
    return rows


def test_from_upload_to_orders_with_every_row_accounted_for(shop) -> None:
    upload = text_file(
        [["11月订单"], HEADER, *broken_rows(), ["合计", *[""] * 6, "8"]], encoding="gbk"
    )
    file_id = files.keep(shop.context, "tea", "C:\\x\\订单.csv", upload.data, ACTOR)
    tried = bringing.try_out(shop.context, file_id)
    assert (tried["read"], tried["accepted"], tried["rejected_count"]) == (4, 3, 1)
    assert (tried["created"], shop.count(Order)) == (3, 0)
    assert tried["rejected"] == [
        {
            "row": 4,
            "field": "item.quantity",
            "code": "import.quantity_not_a_number",
            "value": "一件",
        }
    ]
    assert tried["skipped"] == [{"row": 7, "kind": "total"}]
    assert bringing.bring(shop.context, file_id, ACTOR) == "done"
    assert row(shop, file_id).report == {**tried}
    assert (row(shop, file_id).name, shop.count(Order)) == ("订单.csv", 3)
    order = shop.get(Order, Order.number == "DD20261101002")
    assert (order.channel, order.city, order.payment_status) == ("spreadsheet", "南京市", "paid")
    assert (
        shop.get(Event, Event.order_id == order.id, Event.kind == "received").actor
        == "spreadsheet:tea"
    )
    assert shop.all(ImportRun)[-1].mapping == "spreadsheet:tea"
    assert shop.all(SecurityEvent)[-1].kind == "sheet_imported"


def test_bringing_it_again_changes_nothing(shop) -> None:
    brought(shop, text_file([HEADER, *ROWS]))
    again = brought(shop, text_file([HEADER, *ROWS]))
    report = row(shop, again).report
    assert (report["created"], report["updated"], report["unchanged"]) == (0, 0, 3)
    assert files.same_before(shop.context, row(shop, again)) is not None
    assert shop.count(Order) == 3


def test_the_account_belongs_to_the_shop_its_file_made(shop) -> None:
    brought(shop, text_file([HEADER, *ROWS]), shop="茶铺")
    found = shop.get(Shop, Shop.channel == "spreadsheet")
    assert found.name == "茶铺"
    assert shop.get(ConnectorAccount).shop_id == found.id


def test_an_account_of_a_shop_brings_orders_of_that_shop(world) -> None:
    accounts.add(world.context, "spreadsheet", ACTOR, code="mall", shop_id=1)
    brought(world, text_file([HEADER, *ROWS]), "mall", shop="elsewhere")
    assert {(one.channel, one.shop_id) for one in world.all(Order)} == {("taobao", 1)}


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_mended_rows_come_back_without_doubling_and_without_losing_lines(shop, kind) -> None:
    file_id = brought(shop, text_file([HEADER, *broken_rows()]))
    assert shop.count(OrderLine) == 3
    made = repairs.rejected_rows(shop.context, file_id, "zh", kind)
    table = rows_of(made, kind)
    assert [line[0] for line in table] == ["订单号", "DD20261101001", "DD20261101001"]
    assert table[0][-3:] == ["原行号", "出错的列", "原因和办法"]
    assert table[2][-3:-1] == ["3", "数量"]
    assert "不是整数" in table[2][-1]
    table[2][7] = "1"
    mended = workbook({"orders": table}) if kind == "xlsx" else text_file(table)
    again = brought(shop, mended)
    assert row(shop, again).mapping_id == row(shop, file_id).mapping_id
    assert (shop.count(Order), shop.count(OrderLine), shop.count(SheetMapping)) == (3, 4, 1)
    first = shop.get(Order, Order.number == "DD20261101001")
    assert first.issues == []
    kept = mappings.kept(shop.context, "tea")[0]
    assert (list(kept.layout.columns), kept.uses) == (HEADER, 2)


def rows_of(made: bytes, kind: str) -> list[list[str]]:
    if kind == "csv":
        import csv
        import io

        return list(csv.reader(io.StringIO(made.decode("utf-8-sig"))))
    import io

    sheet = CalamineWorkbook.from_filelike(io.BytesIO(made)).get_sheet_by_index(0)
    return [[str(cell) for cell in line] for line in sheet.to_python()]


def test_cells_that_look_like_formulas_are_harmless_and_come_back_as_they_were(shop) -> None:
    rows = broken_rows()
    rows[1][10] = '=HYPERLINK("http://x.example","y")'
    file_id = brought(shop, text_file([HEADER, *rows]))
    table = rows_of(repairs.rejected_rows(shop.context, file_id, "en", "csv"), "csv")
    assert table[2][10].startswith("'=")
    brought(shop, text_file(table))
    memo = shop.get(Order, Order.number == "DD20261101001").seller_memo
    assert not (memo or "").startswith("'")


def test_the_next_file_of_the_shape_is_recognised_in_any_order_of_columns(shop) -> None:
    brought(shop, text_file([HEADER, *ROWS]), fields={**dict.fromkeys(HEADER, ""), "订单号": "order.number", "数量": "item.quantity", "商品名称": "item.title"})  # fmt: skip
    turned = [list(reversed(each)) for each in [HEADER, *ROWS]]
    file_id = files.keep(shop.context, "tea", "next.csv", text_file(turned).data, ACTOR)
    assert row(shop, file_id).mapping_id == shop.get(SheetMapping).id
    assert {name: field for name, field in layout(shop, file_id).fields.items() if field} == {
        "订单号": "order.number", "数量": "item.quantity", "商品名称": "item.title",
    }  # fmt: skip


def test_changed_columns_are_told_and_what_was_said_of_others_stays(shop) -> None:
    brought(shop, text_file([HEADER, *ROWS]))
    header = [name if name != "备注" else "卖家旗帜" for name in HEADER]
    file_id = files.keep(shop.context, "tea", "next.csv", text_file([header, *ROWS]).data, ACTOR)
    kept = mappings.by_id(shop.context, row(shop, file_id).mapping_id or 0)
    assert kept is not None
    told = mappings.changes(kept.layout, layout(shop, file_id).columns)
    assert (told.added, told.gone) == (("卖家旗帜",), ("备注",))
    bringing.try_out(shop.context, file_id)
    bringing.bring(shop.context, file_id, ACTOR)
    assert mappings.kept(shop.context, "tea")[0].layout.fields["备注"] == "order.seller_memo"


def test_another_shape_is_guessed_anew_and_kept_beside_the_first(shop) -> None:
    brought(shop, text_file([HEADER, *ROWS], name="a.csv"))
    brought(shop, text_file([["Order ID", "Qty", "SKU"], ["X-100001", "1", "TEA"]], name="b.csv"))
    assert [one.name for one in mappings.kept(shop.context, "tea")] == ["a", "b"] or [
        one.name for one in mappings.kept(shop.context, "tea")
    ] == ["b", "a"]


def test_a_header_that_a_person_had_to_point_at_is_found_the_next_time(shop) -> None:
    odd = [
        ["甲", "乙", "丙"],
        ["单", "件", "物"],
        ["QX-100001", "2", "TEA-01"],
        ["QX-100002", "1", "CUP-02"],
    ]
    first = files.keep(shop.context, "tea", "odd.csv", text_file(odd).data, ACTOR)
    files.look_again(shop.context, first, replace(layout(shop, first), header_row=2))
    said = {"单": "order.number", "件": "item.quantity", "物": "item.sku"}
    files.correct(shop.context, first, replace(layout(shop, first), fields=said))
    bringing.try_out(shop.context, first)
    bringing.bring(shop.context, first, ACTOR)
    odd[2][0], odd[3][0] = "QX-100003", "QX-100004"
    second = files.keep(shop.context, "tea", "odd2.csv", text_file(odd).data, ACTOR)
    assert layout(shop, second).fields == said
    assert row(shop, second).mapping_id is not None


def test_a_mapping_is_renamed_and_removed(shop) -> None:
    brought(shop, text_file([HEADER, *ROWS], name="a.csv"))
    brought(shop, text_file([["Order ID", "Qty", "SKU"], ["X-100001", "1", "TEA"]], name="b.csv"))
    first, second = sorted(mappings.kept(shop.context, "tea"), key=lambda one: one.name)
    mappings.rename(shop.context, "tea", first.id, " 每日 订单 ", ACTOR)
    assert mappings.one_of(shop.context, "tea", "每日 订单").id == first.id
    with pytest.raises(Conflict):
        mappings.rename(shop.context, "tea", second.id, "每日 订单", ACTOR)
    with pytest.raises(InputError):
        mappings.rename(shop.context, "tea", second.id, "  ", ACTOR)
    mappings.remove(shop.context, "tea", first.id, ACTOR)
    assert [one.id for one in mappings.kept(shop.context, "tea")] == [second.id]
    with pytest.raises(NotFound):
        mappings.remove(shop.context, "tea", first.id, ACTOR)


def test_what_was_changed_since_the_preview_is_not_imported(shop) -> None:
    file_id = files.keep(shop.context, "tea", "a.csv", text_file([HEADER, *ROWS]).data, ACTOR)
    with pytest.raises(Conflict, match="preview"):
        bringing.bring(shop.context, file_id, ACTOR)
    bringing.try_out(shop.context, file_id)
    files.correct(shop.context, file_id, replace(layout(shop, file_id), currency="USD"))
    with pytest.raises(Conflict, match="preview"):
        bringing.bring(shop.context, file_id, ACTOR)
    assert shop.count(Order) == 0


def test_a_large_file_is_imported_by_a_job(shop, monkeypatch) -> None:
    monkeypatch.setattr(bringing, "AT_ONCE_ROWS", 3)
    file_id = files.keep(shop.context, "tea", "a.csv", text_file([HEADER, *ROWS]).data, ACTOR)
    bringing.try_out(shop.context, file_id)
    assert bringing.bring(shop.context, file_id, ACTOR) == "waiting"
    with pytest.raises(Conflict):
        bringing.bring(shop.context, file_id, ACTOR)
    assert (row(shop, file_id).state, shop.count(Order)) == ("waiting", 0)
    drain(shop.context)
    assert (row(shop, file_id).state, shop.count(Order)) == ("done", 3)
    bringing.run(shop.context, file_id)  # a job may run twice
    assert shop.count(Order) == 3


def test_uploads_are_sealed_resealed_and_gone_after_a_week(shop) -> None:
    file_id = brought(shop, text_file([HEADER, *ROWS]))
    kept = row(shop, file_id)
    text = f"{kept.sealed}{kept.report}{kept.tried}{kept.layout}"
    assert "赵敏" not in text
    assert "13812340001" not in text
    assert b"\xe8\xb5\xb5" in files.opened(shop.context, file_id)[2].data
    shop.wait(days=6)
    assert prune_personal(shop.context) == 0
    shop.wait(days=2)
    assert prune_personal(shop.context) == 1
    with pytest.raises(NotFound):
        files.opened(shop.context, file_id)
    assert shop.count(SheetMapping) == 1


def test_another_tenant_sees_nothing_of_it(shop, intruder) -> None:
    file_id = brought(shop, text_file([HEADER, *ROWS]))
    for act in (
        lambda: files.opened(intruder.context, file_id),
        lambda: bringing.try_out(intruder.context, file_id),
        lambda: repairs.rejected_rows(intruder.context, file_id, "zh"),
        lambda: mappings.kept(intruder.context, "tea"),
        lambda: files.keep(intruder.context, "tea", "x.csv", b"a,b", "eve"),
    ):
        with pytest.raises(NotFound):
            act()


def test_somebody_of_other_shops_brings_none_of_these(shop) -> None:
    brought(shop, text_file([HEADER, *ROWS]), shop="茶铺")
    upload = text_file([HEADER, *ROWS])
    other = replace(shop.context, store=shop.context.store.limited_to(frozenset({1})))
    with pytest.raises(NotFound):
        files.keep(other, "tea", "a.csv", upload.data, "guest")


def test_removing_the_account_removes_its_files_and_mappings(shop) -> None:
    brought(shop, text_file([HEADER, *ROWS]))
    accounts.remove(shop.context, "tea", ACTOR)
    assert (shop.count(SheetFile), shop.count(SheetMapping), shop.count(Order)) == (0, 0, 3)


def test_a_tools_preset_comes_before_the_usual_words(world) -> None:
    accounts.add(world.context, "spreadsheet", ACTOR, code="dxm", settings={"tool": "dianxiaomi"})
    rows: Sequence[Sequence[str]] = [
        ["包裹号", "订单号", "SKU", "数量", "拣货备注"],
        ["XM100001", "A-100001", "TEA", "1", "轻放"],
    ]
    file_id = files.keep(world.context, "dxm", "a.csv", text_file(rows).data, ACTOR)
    assert layout(world, file_id).fields["包裹号"] == "keep"
    assert layout(world, file_id).fields["订单号"] == "order.number"
