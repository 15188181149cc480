"""Small files in any encoding, read through a mapping."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tidegate.domain.orders import OrderDraft
from tidegate.sdk.source import RowProblem
from tidegate_connectors.files import open_source

Read = Callable[..., tuple[list[OrderDraft], list[RowProblem], int]]


@pytest.fixture
def a_file(tmp_path: Path) -> Callable[..., str]:
    """Write text or bytes to a file and give its path."""

    def write(content: str | bytes, name: str = "orders.csv", encoding: str = "utf-8") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return str(path)

    return write


@pytest.fixture
def read() -> Read:
    """Import paths with a mapping: (drafts, rejected rows, rows read); checks the sum on the way."""

    def run(
        *paths: str, mapping: str = "generic", shop: str | None = None
    ) -> tuple[list[OrderDraft], list[RowProblem], int]:
        batches = list(open_source(paths, mapping, shop=shop).batches())
        drafts = [draft for batch in batches for draft in batch.drafts]
        rejected = [row for batch in batches for row in batch.rejected]
        rows = sum(batch.rows_read for batch in batches)
        assert rows == sum(batch.rows_accepted for batch in batches) + len(rejected)
        return drafts, rejected, rows

    return run
