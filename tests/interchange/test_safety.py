"""Files from strangers: refused in a sentence and at once, whatever they try."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator

import pytest
import xlsxwriter
from exchanging import brought, definitions

from tidegate.engine.vocabulary import Vocabulary
from tidegate.errors import InputError
from tidegate.interchange.uploads import MAX_BYTES


@pytest.fixture(autouse=True)
def ends_soon() -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < 30


def refused(data: bytes | str, vocabulary: Vocabulary, name: str = "upload") -> str:
    with pytest.raises(InputError) as caught:
        brought(data, vocabulary, name)
    assert name in caught.value.text("zh")
    assert name in caught.value.text("en")
    return caught.value.code.removeprefix("interchange.")


def archive(entries: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return stream.getvalue()


def sheet(*cells: tuple[int, int, str]) -> bytes:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    own = book.add_worksheet()
    for row, column, text in cells:
        own.write_string(row, column, text)
    book.close()
    return stream.getvalue()


def test_a_file_over_the_limit_is_not_looked_at(vocabulary: Vocabulary) -> None:
    assert refused(b"<" + b"x" * MAX_BYTES, vocabulary) == "too_large"


def test_a_zip_bomb_is_not_unpacked(vocabulary: Vocabulary) -> None:
    assert refused(archive({"xl/a.xml": b"0" * (150 << 20)}), vocabulary) == "zip_bomb"


def test_an_archive_of_many_files_is_not_read(vocabulary: Vocabulary) -> None:
    assert refused(archive({f"xl/{n}": b"x" for n in range(201)}), vocabulary) == "zip_entries"
    assert refused(archive({f"xl/{n}": b"x" for n in range(200)}), vocabulary) == "workbook_damaged"


def test_a_directory_that_lies_about_sizes_is_caught(vocabulary: Vocabulary) -> None:
    """The directory says ten bytes, the data unpacks to fifty million."""
    data = bytearray(archive({"xl/worksheets/sheet1.xml": b"0" * 50_000_000}))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")
    assert refused(bytes(data), vocabulary) in ("workbook_damaged", "zip_bomb")


def test_one_cell_far_out_does_not_fill_the_memory(vocabulary: Vocabulary) -> None:
    assert refused(sheet((0, 0, "a"), (1_048_575, 16_383, "b")), vocabulary) == "too_many_rows"
    assert refused(sheet((0, 0, "a"), (20_000, 0, "b")), vocabulary) == "too_many_rows"


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04 and nothing more",
        archive({"mimetype": b"application/epub+zip"}),
        archive({"xl/workbook.xml": b"<broken", "[Content_Types].xml": b""}),
        sheet((0, 0, "a"))[:-200],
    ],
)
def test_a_damaged_archive_is_said_to_be_one(vocabulary: Vocabulary, data: bytes) -> None:
    assert refused(data, vocabulary) == "workbook_damaged"


BILLION = "".join(
    f'<!ENTITY l{n} "{"&l" + str(n - 1) + ";" if n else "lol"}{"&l" + str(n - 1) + ";" if n else ""}">'
    for n in range(30)
)


@pytest.mark.parametrize(
    "text",
    [
        f"<!DOCTYPE x [{BILLION}]><definitions>&l29;</definitions>",
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><definitions>&e;</definitions>',
        '<!DOCTYPE x SYSTEM "http://example.invalid/x.dtd"><definitions/>',
        '<?xml version="1.0"?>\n<!DOCTYPE definitions><definitions/>',
    ],
)
def test_entities_and_dtds_are_refused(vocabulary: Vocabulary, text: str) -> None:
    assert refused(text, vocabulary) == "xml_dtd"


def test_xml_without_end_in_depth_or_number_is_refused(vocabulary: Vocabulary) -> None:
    assert refused("<a>" * 200_000, vocabulary) == "xml_too_large"
    assert refused(f"<a>{'<b/>' * 400_000}</a>", vocabulary) == "xml_too_large"


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02" * 100,
        b"\x89PNG\r\n\x1a\n\x00\x00",
        b"%PDF-1.7\n\x00\x00",
        b"\xd0\xcf\x11\xe0\x00",
    ],
)
def test_other_kinds_of_files_are_refused(vocabulary: Vocabulary, data: bytes) -> None:
    assert refused(data, vocabulary) == "unknown_kind"


def test_hostile_expressions_cost_their_row_only(vocabulary: Vocabulary) -> None:
    cells = ["x" * 19_000, "(" * 1_900, "1" + "+1" * 900, "not(" * 400, '"' * 1_999, "if " * 600]
    rules = "".join(
        f"<rule><inputEntry><text>{cell}</text></inputEntry><outputEntry><text>1</text></outputEntry></rule>"
        for cell in [*cells, "1"]
    )
    table = (
        '<decision id="d" name="T"><decisionTable><input><inputExpression typeRef="number"><text>n</text>'
        f"</inputExpression></input><output/>{rules}</decisionTable></decision>"
    )
    found = brought(definitions(table), vocabulary)
    assert (found.read, found.accepted) == (len(cells) + 1, 1)


def test_cells_that_look_like_formulas_stay_texts(vocabulary: Vocabulary) -> None:
    found = brought(
        "n\t标签\n1\t@SUM(1)\n2\t+1-1\n3\t\"=cmd|' /C calc'!A0\"\n", vocabulary, gate="review"
    )
    texts = [row["then"][0] for row in found.document["tables"][0]["rows"]]
    assert texts[:2] == ["@SUM(1)", "+1-1"]
    assert found.accepted == 2  # what begins with = is an expression here, and this one is none


def test_a_large_honest_table_is_read_in_time(vocabulary: Vocabulary) -> None:
    lines = "\n".join(f"{n}\t>= {n}\ttag {n}" for n in range(2_000))
    found = brought(f"F\tn\t标签\n{lines}\n", vocabulary, "big.tsv", gate="review")
    assert (found.read, found.accepted) == (2_000, 2_000)


def test_a_column_that_is_wrong_throughout_is_one_error(vocabulary: Vocabulary) -> None:
    lines = "\n".join(f'{n}\t"""text {n}"""\ttag {n}' for n in range(1_500))
    text = f"F\t订单金额\t标签\n{lines}\n"
    with pytest.raises(InputError) as caught:
        brought(text, vocabulary, "big.tsv", gate="review")
    assert caught.value.code == "interchange.too_many_problems"
    assert "row 1 " in caught.value.text("en")
