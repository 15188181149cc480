"""Our own JSON lines: one unified order a line, checked by the SDK's schemas."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

from tidegate.domain.orders import OrderDraft
from tidegate.errors import InputError
from tidegate.sdk.schemas import load_order
from tidegate.sdk.source import Batch, Progress, RowProblem
from tidegate_connectors.files.content import Content, open_content
from tidegate_connectors.files.encoding import read_lines
from tidegate_connectors.files.gather import Gather
from tidegate_connectors.files.mapping import OrderMapping
from tidegate_connectors.files.tables import Broken, json_documents

BATCH_ORDERS = 1_000


class DocumentReader:
    """Reads all lines, then hands out one order per number; an equal repeat is accepted, another
    is rejected.
    """

    def __init__(self, paths: Sequence[str], mapping: OrderMapping, shop: str | None) -> None:
        self._paths = paths
        self._mapping = mapping
        self._shop = shop
        self._labels: list[str] = []
        self._rejected: list[RowProblem] = []
        self._gather = Gather()
        self._rows = 0

    def batches(self, listen: Callable[[Progress], None] | None = None) -> Iterator[Batch]:
        for path in self._paths:
            content = open_content(path)
            with closing(content):
                self._read(content)
            if listen is not None:
                listen(Progress("read", content.position(), content.size))
        yield from self._orders(listen)

    def _read(self, content: Content) -> None:
        self._labels.append(content.name)
        if content.kind != "text":
            raise InputError(
                "import.not_json",
                zh=f"{content.name} 不是 JSON lines；请换用合适的 --mapping。",
                en=f"{content.name} is not JSON lines; use the --mapping that fits.",
                file=content.name,
            )
        lines = read_lines(content.stream, content.name, self._mapping.encodings)
        for row_no, document in json_documents(content.name, lines):
            self._rows += 1
            self._keep(row_no, document)

    def _keep(self, row_no: int, document: dict[str, Any] | Broken) -> None:
        source = len(self._labels) - 1
        if isinstance(document, Broken):
            self._reject(source, row_no, "", document.code, document.value)
            return
        try:
            draft = self._draft(document)
        except InputError as error:
            self._reject(source, row_no, "", error.code, str(error.fields.get("field", "")))
            return
        text = json.dumps(document, ensure_ascii=True, sort_keys=True)
        self._gather.add(
            f"{draft.channel}\x1f{draft.shop}\x1f{draft.number}", (source, row_no, (text,))
        )

    def _draft(self, document: dict[str, Any]) -> OrderDraft:
        about = self._mapping
        shop = about.shop.constant or about.shop.default or about.channel
        order = document.get("order")
        if self._shop is not None and isinstance(order, dict):
            document = {**document, "order": {**order, "shop": self._shop}}
        currency = about.currency.constant or about.currency.default or "CNY"
        return load_order(document, channel=about.channel, shop=shop, currency=currency)

    def _orders(self, listen: Callable[[Progress], None] | None) -> Iterator[Batch]:
        drafts: list[OrderDraft] = []
        rejected, self._rejected = self._rejected, []
        accepted = 0
        for _, entries in self._gather.groups():
            drafts.append(self._draft(json.loads(entries[0][2][0])))
            for source, row_no, cells in entries:
                if cells == entries[0][2]:
                    accepted += 1
                else:
                    number = drafts[-1].number
                    rejected.append(
                        RowProblem(
                            self._labels[source],
                            row_no,
                            "order.number",
                            "import.duplicate_number",
                            number,
                        )
                    )
            if len(drafts) >= BATCH_ORDERS:
                yield Batch(drafts, accepted + len(rejected), accepted, rejected)
                drafts, rejected, accepted = [], [], 0
        if drafts or rejected:
            yield Batch(drafts, accepted + len(rejected), accepted, rejected)
        if listen is not None:
            listen(Progress("save", self._rows, self._rows))

    def _reject(self, source: int, row_no: int, field: str, code: str, value: str | None) -> None:
        self._rejected.append(RowProblem(self._labels[source], row_no, field, code, value))
