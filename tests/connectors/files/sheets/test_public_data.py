"""Public order files, read by nothing but the guess: what a person would have had to correct is named here."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from tidegate.sdk.sheets import Upload
from tidegate_connectors.files.sheets import reader

pytestmark = pytest.mark.shared_data
ROWS = 3_000


def beginning(path: Path, encoding: str = "utf-8") -> Upload:
    """The first rows of a file; how many orders it holds does not matter here."""
    with lzma.open(path, "rt", encoding=encoding, newline="") as lines:
        text = "".join(line for _, line in zip(range(ROWS + 1), lines, strict=False))
    return Upload(path.name.removesuffix(".xz"), text.encode(encoding))


def guessed(upload: Upload) -> dict[str, str]:
    return {name: field for name, field in reader().look(upload).layout.fields.items() if field}


def test_online_retail_is_understood_without_a_correction(shared_data) -> None:
    upload = beginning(shared_data / "online_retail" / "online_retail_2_2009-12_2010-12.csv.xz")
    found = guessed(upload)
    wanted = {
        "order.number",
        "item.sku",
        "item.title",
        "item.quantity",
        "order.ordered_at",
        "item.unit_price",
    }
    assert wanted <= set(found.values()), found
    layout = reader().look(upload).layout
    source = reader().source(upload, layout, channel="spreadsheet", shop="retail")
    batches = list(source.batches())
    read = sum(batch.rows_read for batch in batches)
    accepted = sum(batch.rows_accepted for batch in batches)
    assert read == ROWS
    assert accepted > 0.9 * read  # the rest are returns: negative quantities
    rejected = {row.code for batch in batches for row in batch.rejected}
    assert rejected <= {"import.quantity_not_positive"}


def test_the_tmall_report_is_understood(shared_data) -> None:
    upload = beginning(shared_data / "tmall_orders" / "tmall_order_report.csv.xz")
    assert set(guessed(upload).values()) == {
        "order.number", "order.total", "payment.paid_total", "recipient.address", "order.ordered_at",
        "order.paid_at", "payment.refund_total",
    }  # fmt: skip
    assert reader().look(upload).layout.rows == "order"
