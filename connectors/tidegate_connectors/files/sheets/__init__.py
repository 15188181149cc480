"""Spreadsheets that nobody described: header search, guesses, layouts. The way in is `reader`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tidegate.sdk.sheets import Layout, Look, RepairRow, SheetReader, SheetSource, Upload
from tidegate_connectors.files.sheets import layouts, looking, reading


class _Reader:
    """tidegate.sdk.sheets.SheetReader over the file reader."""

    def look(
        self,
        upload: Upload,
        layout: Layout | None = None,
        hints: Mapping[str, str] | None = None,
    ) -> Look:
        return looking.look(upload, layout, hints or {})

    def source(self, upload: Upload, layout: Layout, *, channel: str, shop: str) -> SheetSource:
        return reading.LayoutSource(upload, layout, channel, shop)

    def repair(
        self, upload: Upload, layout: Layout, *, channel: str, shop: str
    ) -> tuple[Sequence[str], Sequence[RepairRow]]:
        return reading.repair(upload, layout, channel, shop)

    def meanings(self, field: str, layout: Layout) -> Callable[[str], str]:
        return layouts.meanings(field, layout)

    def choices(self) -> Sequence[str]:
        return layouts.choices()


def reader() -> SheetReader:
    return _Reader()
