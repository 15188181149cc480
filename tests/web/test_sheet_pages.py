"""Spreadsheets on the pages without JavaScript: uploaded, corrected, previewed, imported, mended; by whom it may be."""

from __future__ import annotations

import io
import re
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tidegate.jobs.runner import drain
from tidegate.services import handover
from tidegate.services.accounts import people
from tidegate.services.remotes import accounts
from tidegate.services.sheets import trials
from tidegate.store.people_tables import SecurityEvent
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.sheet_tables import SheetFile, SheetMapping
from tidegate.store.tables import Order, Parcel, Shop

sys.path.insert(0, str(Path(__file__).parents[1] / "connectors" / "files" / "sheets"))
from order_books import HEADER, ROWS, text_file, workbook


def upload(visitor: Any, upload: Any, account: str = "", **fields: str) -> Any:
    file = (io.BytesIO(upload.data), upload.name)
    return visitor.post("/sheets", "/sheets", file=file, account=account, **fields)


def brought(desk: Any, data: Any, **fields: str) -> str:
    """Uploaded; the address of its page."""
    answer = upload(desk.client(), data, **{"shop": "茶铺", "tool": "other", **fields})
    assert answer.status_code == 303, answer.get_data(as_text=True)[:3000]
    return str(answer.headers["Location"])


def form_of(html: str) -> dict[str, str]:
    """What the column form would send as it is."""
    inside = html[html.index('id="sheet-form"') : html.index('id="sheet-preview"')]
    found = dict(re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', inside))
    for name, options in re.findall(
        r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', inside, re.S
    ):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    if 'name="fill_down" value="1" checked' not in inside:
        found.pop("fill_down", None)
    found.pop("csrf_token", None)
    return {unescape(name): unescape(value) for name, value in found.items()}


def text_of(answer: Any) -> str:
    return unescape(answer.get_data(as_text=True))


def test_from_upload_to_import_with_a_correction(desk) -> None:
    rows = [list(row) for row in ROWS]
    rows[1][7] = "一件"
    where = brought(desk, text_file([["11月订单"], HEADER, *rows], encoding="gbk"))
    visitor = desk.client()
    html = text_of(visitor.get(where))
    assert "表头在第 2 行" in html
    assert "列名“收货人”就是它的常见叫法" in html
    assert "赵敏" not in html
    assert "13812340001" not in html
    sent = form_of(html)
    assert sent["field-0"] == "order.number"
    sent["field-10"] = "order.buyer_memo"
    before = len(desk.all(Order))
    html = text_of(visitor.post(where, where, **sent, act="preview"))
    assert "只是预览" in html
    assert "不是整数" in html
    assert "导入 3 张订单" in html
    assert len(desk.all(Order)) == before
    answer = visitor.post(where, where, **sent, act="import", name="每日订单")
    assert answer.status_code == 303
    html = text_of(visitor.get(where))
    assert "下载拒收的行" in html
    assert len(desk.all(Order)) == before + 3
    (kept,) = desk.all(SheetMapping)
    assert (kept.name, kept.layout["fields"]["备注"]) == ("每日订单", "order.buyer_memo")
    made = desk.client("en").get(f"{where}/rejected.csv")
    assert "cause and remedy" in made.get_data().decode("utf-8-sig")
    assert made.headers["Content-Disposition"].startswith("attachment")


def test_the_second_file_is_recognised_and_changes_are_told(desk) -> None:
    where = brought(desk, text_file([HEADER, *ROWS]))
    visitor = desk.client()
    sent = form_of(text_of(visitor.get(where)))
    visitor.post(where, where, **sent, act="preview")
    visitor.post(where, where, **sent, act="import", name="日报")
    (account,) = [one for one in desk.all(ConnectorAccount) if one.connector == "spreadsheet"]
    header = [name if name != "备注" else "旗帜" for name in HEADER]
    again = upload(visitor, text_file([header, *ROWS], name="b.csv"), account.code)
    html = text_of(visitor.get(again.headers["Location"]))
    assert "认得：日报" in html
    assert "新的列：旗帜" in html
    assert "少了：备注" in html


def test_a_change_after_the_preview_is_shown_before_it_is_imported(desk) -> None:
    where = brought(desk, text_file([HEADER, *ROWS]))
    visitor = desk.client("en")
    sent = form_of(text_of(visitor.get(where)))
    visitor.post(where, where, **sent, act="preview")
    before = len(desk.all(Order))
    answer = visitor.post(where, where, **{**sent, "currency": "USD"}, act="import")
    assert answer.status_code == 409
    assert "sheet.not_tried" in text_of(answer)
    assert len(desk.all(Order)) == before
    assert (
        visitor.post(where, where, **{**sent, "currency": "USD"}, act="import").status_code == 303
    )
    assert len(desk.all(Order)) == before + 3


def test_what_cannot_be_is_said_at_its_place_and_what_was_typed_stays(desk) -> None:
    where = brought(desk, text_file([HEADER, *ROWS]))
    visitor = desk.client()
    sent = {
        **form_of(text_of(visitor.get(where))),
        "field-1": "item.quantity",
        "timezone": "Asia/Chongqing2",
    }
    answer = visitor.post(where, where, **sent, act="preview")
    html = text_of(answer)
    assert answer.status_code == 422
    assert "只能留一列" in html
    assert 'value="Asia/Chongqing2"' in html
    assert form_of(html)["field-1"] == "item.quantity"


def test_another_header_row_and_sheet_can_be_chosen(desk) -> None:
    where = brought(
        desk,
        workbook(
            {
                "一": [["订单号", "数量"], ["A-100001", 1]],
                "二": [["x", "y"], ["单号", "件数"], ["B-100001", 2]],
            }
        ),
    )
    visitor = desk.client()
    answer = visitor.post(where, where, act="look", sheet="二", header_row="2")
    assert answer.status_code == 303
    html = text_of(visitor.get(where))
    assert "件数" in html
    assert "表头在第 2 行" in html
    assert visitor.post(where, where, act="look", sheet="二", header_row="99").status_code == 422


def test_words_of_a_status_are_given_a_meaning(desk) -> None:
    where = brought(desk, text_file([["订单号", "订单状态", "数量"], ["A-100001", "等着发", "1"]]))
    visitor = desk.client()
    sent = form_of(text_of(visitor.get(where)))
    assert sent["word|order.source_status|0"] == "等着发"
    sent["meaning|order.source_status|0"] = "to_ship"
    html = text_of(visitor.post(where, where, **sent, act="preview"))
    assert "待发货" in html
    visitor.post(where, where, **sent, act="import")
    assert desk.all(Order, Order.number == "A-100001")[0].source_status == "to_ship"


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n", b"<html></html>", b"1,2\n3,4\n"])
def test_a_file_that_is_no_spreadsheet_is_refused_on_the_form(desk, data) -> None:
    from tidegate.sdk.sheets import Upload

    answer = upload(desk.client(), Upload("x.xlsx", data), shop="茶铺")
    assert answer.status_code == 422
    assert desk.all(SheetFile) == []


def test_hostile_text_is_text(desk) -> None:
    nasty = '"><script>alert(1)</script>'
    where = brought(
        desk, text_file([["订单号", nasty, "数量"], ["A-100001", nasty, "1"]], name="a.csv")
    )
    html = desk.client().get(where).get_data(as_text=True)
    assert "<script>alert" not in html


def test_cells_in_clear_go_on_record(desk) -> None:
    where = brought(desk, text_file([HEADER, *ROWS]))
    visitor = desk.client()
    html = text_of(visitor.post(where, where, act="reveal"))
    assert "13812340001" in html
    assert desk.all(SecurityEvent)[-1].kind == "sheet_revealed"
    assert "13812340001" not in text_of(visitor.get(where))


def test_an_upload_is_removed(desk) -> None:
    where = brought(desk, text_file([HEADER, *ROWS]))
    visitor = desk.client()
    assert visitor.post(where, where, act="forget").status_code == 303
    assert visitor.get(where).status_code == 404


def test_the_account_keeps_mappings_and_makes_waybill_files(desk) -> None:
    shop = desk.all(Shop)[0]
    accounts.add(
        desk.context,
        "spreadsheet",
        "lin",
        code="own",
        shop_id=shop.id,
        settings={"waybill_format": "csv"},
    )
    where = brought(desk, text_file([HEADER, *ROWS]), account="own")
    visitor, page = desk.client(), "/connections/accounts/own/sheets"
    sent = form_of(text_of(visitor.get(where)))
    visitor.post(where, where, **sent, act="preview")
    visitor.post(where, where, **sent, act="import", name="日报")
    (kept,) = desk.all(SheetMapping)
    visitor.post(f"{page}/mappings/{kept.id}", page, act="rename", name="每日")
    assert "每日" in text_of(visitor.get(page))
    assert (
        visitor.post(f"{page}/mappings/{kept.id}", page, act="rename", name=" ").status_code == 422
    )
    assert visitor.post("/connections/accounts/own/waybills", page).status_code in (303, 422)
    left = [p for p in desk.all(Parcel, Parcel.state == "printed")]
    handover.hand_over(desk.context, [one.id for one in left[:3]], "lin")
    mine = {one.id for one in desk.all(Order, Order.shop_id == shop.id)}
    told = [p for p in desk.all(Parcel, Parcel.handed_over_at.is_not(None)) if p.order_id in mine]
    html = text_of(visitor.get(page))
    if told and "waybills/1" not in html:
        visitor.post("/connections/accounts/own/waybills", page)
        html = text_of(visitor.get(page))
    found = re.search(r"/connections/accounts/own/waybills/(\d+)", html)
    assert told
    assert found
    made = visitor.get(found[0])
    assert made.get_data().decode("utf-8-sig").startswith("订单编号,物流公司,运单号,发货时间")
    visitor.post(f"{page}/mappings/{kept.id}", page, act="remove")
    assert desk.all(SheetMapping) == []


def test_the_gallery_says_that_presets_were_not_verified(desk) -> None:
    html = text_of(desk.client().get("/connections/gallery?q=店小秘"))
    assert "未用真实导出文件核对" in html
    assert "未在真实平台验证" in html


def test_only_those_who_bring_orders_see_the_pages(desk) -> None:
    people.add(desk.context, "boss", "负责人", "a long enough secret", "owner", "cli")
    people.add(desk.context, "pack", "打包", "a long enough secret", "operator", "cli")
    client = desk.client()
    client.post("/sign-in", "/sign-in", login="pack", password="a long enough secret")
    assert client.get("/orders").status_code == 200
    assert client.get("/sheets").status_code == 403
    assert "/sheets" not in text_of(client.get("/orders"))
    boss = desk.client()
    boss.post("/sign-in", "/sign-in", login="boss", password="a long enough secret")
    assert boss.get("/sheets").status_code == 200


def test_a_big_file_is_previewed_in_the_background_and_can_be_stopped(desk) -> None:
    many = [[f"DD{number:08}", *ROWS[0][1:]] for number in range(2_800)]
    file = text_file([HEADER, *many])
    assert trials.BIG_BYTES < len(file.data) < 500_000  # above, the test client leaves a file open
    page = brought(desk, file)
    visitor = desk.client("en")
    html = visitor.get(page).get_data(as_text=True)
    asked = visitor.post(page, page, act="preview", **form_of(html))
    assert "The preview waits its turn" in text_of(asked)
    polled = visitor.get(f"{page}/trial", HX_Request="true", HX_Target="sheet-trial")
    assert "The preview waits its turn" in text_of(polled)
    assert "HX-Refresh" not in polled.headers
    assert visitor.get(f"{page}/trial").status_code == 303  # without JavaScript
    assert visitor.post(f"{page}/stop", page).status_code == 303
    assert "The preview was stopped" in text_of(visitor.get(page))
    ended = visitor.get(f"{page}/trial", HX_Request="true", HX_Target="sheet-trial")
    assert ended.headers["HX-Refresh"] == "true"
    drain(desk.context)  # it does nothing any more
    assert "The preview was stopped" in text_of(visitor.get(page))
    visitor.post(page, page, act="preview", **form_of(html))
    drain(desk.context)
    done = text_of(visitor.get(page))
    assert "2,800" in done
    assert "The preview" not in done
    assert desk.all(Order, Order.number == "DD00000001") == []
