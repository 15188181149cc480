"""A merchant brings a spreadsheet with mouse and keys in Chromium; the pages are accessible at both widths and languages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from pictures import picture

from tidegate.services.remotes import accounts
from tidegate.services.sheets import bringing, files
from tidegate.store.sheet_tables import SheetMapping
from tidegate.store.tables import Order

sys.path.insert(0, str(Path(__file__).parents[1] / "connectors" / "files" / "sheets"))
from order_books import HEADER, ROWS, text_file, workbook

pytestmark = pytest.mark.browser


def broken() -> list[list[str]]:
    rows = [list(row) for row in ROWS]
    rows[1][7] = "一件"
    return rows


def a_page(browser: Any, base: str, language: str, width: int) -> Any:
    context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
    context.add_cookies([{"name": "tidegate_language", "value": language, "url": base}])
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda m: m.type in ("error", "warning") and page.complaints.append(m.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


def test_from_upload_to_import_and_the_second_file_is_recognised(
    desk, serve, browser, tmp_path
) -> None:
    rows = [["11月订单"], HEADER, *broken(), ["合计", *[""] * 6, "8"]]
    (tmp_path / "a.xlsx").write_bytes(workbook({"订单": rows}).data)
    (tmp_path / "b.csv").write_bytes(text_file([HEADER, *ROWS], encoding="gbk").data)
    base = serve(desk)
    page = a_page(browser, base, "zh", 1280)
    page.goto(f"{base}/orders")
    page.get_by_role("link", name="导入表格").click()
    page.get_by_label("表格文件").set_input_files(tmp_path / "a.xlsx")
    page.get_by_label("店铺名称").fill("茶铺")
    page.get_by_role("button", name="上传并识别").click()
    page.get_by_text("表头在第 2 行").wait_for()
    page.get_by_label("K 备注").select_option("order.buyer_memo")
    page.get_by_role("button", name="预览整个文件").focus()
    page.keyboard.press("Enter")
    page.get_by_text("只是预览").wait_for()
    assert page.locator("#sheet-preview").get_by_text("不是整数").count() == 1
    before = len(desk.all(Order))
    page.get_by_label("列对应保存为").fill("茶铺日报")
    page.get_by_role("button", name="导入 3 张订单").click()
    page.get_by_role("heading", name="已导入").wait_for()
    assert len(desk.all(Order)) == before + 3
    with page.expect_download() as saved:
        page.get_by_role("link", name="下载拒收的行（.xlsx）").click()
    assert Path(saved.value.path()).read_bytes().startswith(b"PK")
    page.goto(f"{base}/sheets")
    page.get_by_label("表格文件").set_input_files(tmp_path / "b.csv")
    page.get_by_role("button", name="上传并识别").click()
    page.get_by_text("认得：茶铺日报").wait_for()
    assert page.get_by_label("K 备注").input_value() == "order.buyer_memo"
    page.get_by_role("button", name="预览整个文件").click()
    page.get_by_role("button", name="导入 3 张订单").click()
    page.get_by_role("heading", name="已导入").wait_for()
    assert (len(desk.all(Order)), len(desk.all(SheetMapping))) == (before + 3, 1)
    assert page.complaints == []
    page.context.close()


@pytest.mark.parametrize(
    ("language", "width"), [("zh", 1280), ("en", 1280), ("zh", 390), ("en", 390)]
)
def test_the_pages_are_readable(desk, serve, browser, axe, language, width) -> None:
    accounts.add(
        desk.context, "spreadsheet", "lin", code="tea", title="茶铺", settings={"tool": "qinsi"}
    )
    ids = []
    for name in ("上月订单.csv", "本月订单.csv"):
        data = text_file([["订单导出"], HEADER, *broken(), ["合计", *[""] * 6, "8"]]).data
        ids.append(files.keep(desk.context, "tea", name, data, "lin"))
        bringing.try_out(desk.context, ids[-1])
        if len(ids) == 1:
            bringing.bring(desk.context, ids[0], "lin")
    base = serve(desk)
    page = a_page(browser, base, language, width)
    for name, address in (
        ("sheets", "/sheets"), ("sheet-done", f"/sheets/{ids[0]}"), ("sheet", f"/sheets/{ids[1]}"),
        ("sheet-account", "/connections/accounts/tea/sheets"), ("account-sheet", "/connections/accounts/tea"),
    ):  # fmt: skip
        page.goto(f"{base}{address}")
        page.wait_for_load_state("networkidle")
        for each in (
            page.locator("details:not([open]) > summary").all()[:3] if name == "sheet" else ()
        ):
            if each.is_visible():
                each.click()
        picture(page, f"{name}-{language}-{width}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{address} is {wide} px wide"
        assert axe(page) == [], name
    assert page.complaints == []
    page.context.close()
