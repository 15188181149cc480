"""Files as they come: encodings, separators, archives, workbooks, and things that are no table."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlsxwriter

from tidegate.errors import InputError
from tidegate_connectors.files import open_source
from tidegate_connectors.files.content import open_content
from tidegate_connectors.files.encoding import read_lines
from tidegate_connectors.files.tables import TextShape, csv_table, read_tables

HEAD = "订单编号,收货人,联系电话,收货地址,商家编码,数量,单价\n"
ROW = "A1,张三,13800002291,浙江省 杭州市 余杭区 文一西路1号,SKU-1,2,¥12.50\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_the_encoding_is_told_from_the_bytes(read, a_file, encoding: str) -> None:
    drafts, rejected, rows = read(a_file(HEAD + ROW, encoding=encoding))
    assert (len(drafts), rejected, rows) == (1, [], 1)
    assert drafts[0].recipient.name == "张三"


def test_chinese_may_begin_after_a_megabyte_of_ascii(read, a_file) -> None:
    head = "order no,name,quantity\n"
    filler = "".join(f"N{i},{'x' * 100},1\n" for i in range(10_000))
    assert len(filler) > 1_000_000
    drafts, _, rows = read(a_file(head + filler + "Z,李四,1\n", encoding="gb18030"))
    assert rows == 10_001
    assert drafts[-1].recipient.name == "李四"


def test_mixed_encodings_are_refused_with_byte_and_line(read, a_file) -> None:
    good = (HEAD + ROW).encode()
    bad = ROW.replace("A1", "A2").replace("张三", "李四").encode("gb18030")
    with pytest.raises(InputError) as caught:
        read(a_file(good + bad))
    assert caught.value.code == "import.encoding"
    assert caught.value.fields["line"] == 3
    first_wrong = len(good) + len(b"A2,")
    assert first_wrong <= int(str(caught.value.fields["byte"])) <= first_wrong + 8


def test_latin_text_that_decodes_as_gb18030_is_not_taken_for_chinese(read, a_file) -> None:
    text = "order no,name,quantity\n1,crées améliorée élèves,1\n"
    with pytest.raises(InputError) as caught:
        read(a_file(text, encoding="latin-1"))
    assert caught.value.code == "import.encoding"


def test_a_mapping_may_name_other_encodings(read, a_file) -> None:
    text = "amazon-order-id\tpurchase-date\tsku\tquantity\trecipient-name\n1\t2026-11-11T00:00:00+00:00\tA\t1\tRenée\n"
    drafts, _, _ = read(a_file(text, encoding="cp1252"), mapping="amazon")
    assert drafts[0].recipient.name == "Renée"


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_the_separator_is_told_from_the_header(read, a_file, separator: str) -> None:
    drafts, _, _ = read(a_file((HEAD + ROW).replace(",", separator)))
    assert drafts[0].lines[0].unit_price_minor == 1250


def test_a_line_that_names_the_separator_is_obeyed(read, a_file) -> None:
    drafts, _, _ = read(a_file("sep=;\n" + (HEAD + ROW).replace(",", ";")))
    assert drafts[0].number == "A1"


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_archives_are_unpacked_whatever_their_name(read, a_file, pack) -> None:
    drafts, _, _ = read(a_file(pack((HEAD + ROW).encode()), name="orders.csv"))
    assert drafts[0].number == "A1"


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_cut_off_archive_is_refused(read, a_file, pack) -> None:
    packed = pack((HEAD + "".join(ROW.replace("A1", f"A{i * 7919}") for i in range(9999))).encode())
    with pytest.raises(InputError) as caught:
        read(a_file(packed[: len(packed) // 2]))
    assert caught.value.code == "import.archive_damaged"


def test_standard_input_is_read(read, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO((HEAD + ROW).encode())

    monkeypatch.setattr("sys.stdin", Stdin)
    drafts, _, _ = read("-")
    assert drafts[0].number == "A1"


def workbook(path: Path, sheets: dict[str, list[list[object]]]) -> str:
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for y, row in enumerate(rows):
                for x, cell in enumerate(row):
                    if isinstance(cell, datetime):
                        sheet.write_datetime(y, x, cell, day)
                    else:
                        sheet.write(y, x, cell)
    return str(path)


def test_workbook_cells_keep_their_meaning(read, tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "orders.csv",  # the name does not matter
        {
            "说明": [["导出说明"], ["请勿修改"]],
            "订单": [
                ["订单编号", "数量", "单价", "下单时间", "需要发票", "商家编码"],
                [20261111.0, 2, 12.5, datetime(2026, 11, 11, 8, 30), True, "007"],  # noqa: DTZ001
            ],
        },
    )
    source = open_source([path], "generic")
    (batch,) = source.batches()
    (draft,) = batch.drafts
    assert draft.number == "20261111"
    assert draft.ordered_at == datetime(2026, 11, 11, 0, 30, tzinfo=UTC)
    assert draft.invoice_wanted is True
    assert (draft.lines[0].quantity, draft.lines[0].unit_price_minor) == (2, 1250)
    assert draft.lines[0].sku == "007"
    assert source.ignored_sheets == ["orders.csv#说明"]


def test_every_fitting_sheet_is_read(read, tmp_path: Path) -> None:
    head = ["订单编号", "数量"]
    path = workbook(tmp_path / "a.xlsx", {"一": [head, ["A", 1]], "二": [head, ["B", 2]]})
    drafts, _, rows = read(path)
    assert ([draft.number for draft in drafts], rows) == (["A", "B"], 2)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "import.file_empty"),
        (b"  \n\n", "import.file_empty"),
        (b"%PDF-1.7 ...", "import.not_a_table"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 100, "import.not_a_table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "import.not_a_table"),
        (b"<html><table><tr><td>x", "import.not_a_table"),
        (b"<?xml version='1.0'?>", "import.not_a_table"),
        (b"abc\x00\x01\x02", "import.not_a_table"),
        (b"PK\x03\x04rest is broken", "import.not_a_table"),
        (b"[{}]", "import.json_array"),
    ],
)
def test_what_is_no_table_is_refused_by_its_content(
    read, a_file, content: bytes, code: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(a_file(content))
    assert caught.value.code == code
    assert caught.value.text("zh") != caught.value.text("en")


def test_an_archive_that_is_no_workbook_is_refused(read, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "x")
    with pytest.raises(InputError) as caught:
        read(str(path))
    assert caught.value.code == "import.not_a_table"


def test_a_workbook_that_unpacks_too_large_is_refused(
    read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate_connectors.files.workbook.MAX_UNPACKED", 100)
    with pytest.raises(InputError) as caught:
        read(workbook(tmp_path / "a.xlsx", {"一": [["订单编号", "数量"]]}))
    assert caught.value.code == "import.workbook_too_large"


def test_a_missing_file_is_said(read, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(str(tmp_path / "nowhere.csv"))
    assert caught.value.code == "import.file_unreadable"


class Endless(io.RawIOBase):
    """A gigabyte of one character, counted."""

    def __init__(self, size: int, character: bytes = b"a") -> None:
        self.left, self.character = size, character

    def read(self, size: int = -1) -> bytes:
        size = min(size, self.left)
        self.left -= size
        return self.character * size


def test_an_endless_line_is_refused_early_and_in_bounded_memory() -> None:
    stream = Endless(1_000_000_000)
    tracemalloc.start()
    with pytest.raises(InputError) as caught:
        list(read_lines(stream, "big.csv"))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == "import.endless_line"
    assert stream.left > 990_000_000
    assert peak < 20_000_000


def test_an_endless_archive_is_refused_early(read, a_file) -> None:
    """60 MB of one character in some kilobytes: refused after the first megabyte of a line."""
    packed = lzma.compress(b"a" * 60_000_000)
    assert len(packed) < 20_000
    with pytest.raises(InputError) as caught:
        read(a_file(packed))
    assert caught.value.code == "import.endless_line"


def test_a_quote_that_never_closes_is_refused_and_swallows_nothing(read, a_file) -> None:
    with pytest.raises(InputError) as caught:
        read(a_file(HEAD + ROW + 'A2,"张三,1,x,y,1,1\n' + ROW * 3))
    assert caught.value.code == "import.quote_never_closed"
    assert caught.value.fields["line"] == 3


def test_a_huge_cell_is_refused(read, a_file) -> None:
    with pytest.raises(InputError) as caught:
        read(a_file(HEAD + 'A1,"' + "x\n" * 70_000 + '",1,x,y,1,1\n'))
    assert caught.value.code == "import.cell_too_long"


def test_a_file_of_unusable_rows_is_given_up(read, a_file, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate_connectors.files.source.MAX_UNUSABLE", 10)
    path = a_file("订单编号,数量\n" + ",x\n" * 10)
    assert len(read(path)[1]) == 10
    with pytest.raises(InputError) as caught:
        read(a_file("订单编号,数量\n" + ",x\n" * 11))
    assert caught.value.code == "import.not_orders"


def test_broken_quotes_cost_one_row_only(read, a_file) -> None:
    drafts, rejected, rows = read(a_file('订单编号,商品,数量\nA,"bad"x,1\nB,good,1\n'))
    assert [draft.number for draft in drafts] == ["B"]
    assert [(row.row, row.code) for row in rejected] == [(2, "import.broken_quotes")]
    assert rows == 2


def spectrum(folder: Path) -> Iterator[tuple[str, list[dict[str, str]], list[dict[str, str]]]]:
    for path in sorted((folder / "csvs").glob("*.csv")):
        (table,) = read_tables(open_content(str(path)), TextShape())
        rows = [
            dict(zip(table.header.cells, row, strict=False))
            for _, row in table.rows
            if isinstance(row, list)
        ]
        text = (folder / "json" / f"{path.stem}.json").read_text("utf-8")
        # In one pair the corpus itself holds two different phone numbers.
        wanted = json.loads(text.replace("1234567890", "2095257564"))
        yield path.stem, rows, wanted if isinstance(wanted, list) else [wanted]


@pytest.mark.shared_data
def test_every_file_of_csv_spectrum_reads_as_its_json_says(shared_data: Path) -> None:
    cases = list(spectrum(shared_data / "security" / "csv_spectrum"))
    assert len(cases) == 12
    for name, rows, wanted in cases:
        # The corpus writes an escaped line end in two files; what counts is the text.
        flat = json.loads(json.dumps(wanted).replace("\\r\\n", "\\n"))
        assert json.loads(json.dumps(rows).replace("\\r\\n", "\\n")) == flat, name


def test_line_ends_of_every_kind_split_rows_and_exotic_ones_do_not() -> None:
    text = "a,b\r\n1,x\u2028y\r2,\x0bz\n"
    table = csv_table("t", text.split("\r\n")[0], iter(read_lines(io.BytesIO(text.encode()), "t")))
    assert [row for _, row in table.rows] == [["1", "x\u2028y"], ["2", "\x0bz"]]


def test_a_carriage_return_at_a_chunk_border_is_one_line_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = b"ab\r\ncd\r\nef\rgh"
    for size in range(1, len(text) + 1):
        monkeypatch.setattr("tidegate_connectors.files.encoding.CHUNK", size)
        assert list(read_lines(io.BytesIO(text), "t")) == ["ab\r\n", "cd\r\n", "ef\r", "gh"]
