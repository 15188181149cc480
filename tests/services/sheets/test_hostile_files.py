"""Uploads from strangers: refused before anything reads them, with what to do, and nothing is kept."""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tidegate.errors import InputError
from tidegate.services.remotes import accounts
from tidegate.services.sheets import files
from tidegate.store.sheet_tables import SheetFile

sys.path.insert(0, str(Path(__file__).parents[2] / "connectors" / "files" / "sheets"))
from order_books import HEADER, ROWS, text_file, workbook

GOOD = workbook({"Sheet1": [HEADER, *ROWS]}).data


def with_entry(name: str, content: bytes) -> bytes:
    """The good workbook with one entry replaced or added."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(GOOD)) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.namelist():
            if entry != name:
                new.writestr(entry, old.read(entry))
        new.writestr(name, content)
    return made.getvalue()


def far_out() -> bytes:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    cell = (
        b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    )
    return with_entry("xl/worksheets/sheet1.xml", sheet.replace(b"</sheetData>", cell))


HOSTILE = {
    "a bomb": (with_entry("xl/sharedStrings.xml", b"0" * 60_000_000), "interchange.zip_bomb"),
    "a cell far out": (far_out(), "interchange.too_many_rows"),
    "macros": (with_entry("xl/vbaProject.bin", b"x"), "sheet.macros"),
    "packed": (gzip.compress(b"a,b\n1,2\n"), "sheet.packed"),
    "too large": (b"a,b\n" * 6_000_000, "interchange.too_large"),
    "an image": (b"\x89PNG\r\n", "import.not_a_table"),
    "old Excel": (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "import.not_a_table"),
    "a web page": (b"<html><table><tr><td>1</td></tr></table>", "import.not_a_table"),
    "nothing": (b"", "import.file_empty"),
    "zip of something else": (b"PK\x03\x04" + b"\0" * 40, "interchange.workbook_damaged"),
    "a million columns": (
        ",".join(f"c{n}" for n in range(100_000)).encode(),
        "sheet.too_many_columns",
    ),
    "a quote that never closes": (b'order id,qty\n"A1,1\n' * 3, "import.quote_never_closed"),
    "two encodings": ("订单号,数量\n".encode() + "订单号,数量\n".encode("gbk"), "import.encoding"),
    "no header": (b"1,2\n3,4\n", "sheet.no_header"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_it_is_refused_and_not_kept(world: Any, what: str) -> None:
    accounts.add(world.context, "spreadsheet", "lin", code="tea")
    data, code = HOSTILE[what]
    with pytest.raises(InputError) as caught:
        files.keep(world.context, "tea", "orders.xlsx", data, "lin")
    assert caught.value.code == code
    assert caught.value.text("zh") != caught.value.text("en")
    assert world.count(SheetFile) == 0


def test_formulas_are_their_last_values_and_never_run(world: Any) -> None:
    accounts.add(world.context, "spreadsheet", "lin", code="tea")
    data = text_file([["订单号", "数量", "备注"], ["A-100001", "=1+1", "=cmd|'/c calc'!A1"]]).data
    file_id = files.keep(world.context, "tea", "a.csv", data, "lin")
    found = world.get(SheetFile, SheetFile.id == file_id)
    assert files.layout_now(found).fields["订单号"] == "order.number"


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\temp\\a\x00b.csv", "x" * 500, ""])
def test_a_files_name_is_only_a_name(name: str) -> None:
    plain = files.plain_name(name)
    assert 0 < len(plain) <= 120
    assert not set(plain) & set("/\\\x00")
