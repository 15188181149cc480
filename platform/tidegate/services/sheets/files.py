"""Uploaded spreadsheets: checked before anything reads them, kept sealed, forgotten after a week."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import PurePath
from typing import Any

from sqlalchemy import delete, select

from tidegate.errors import InputError, NotFound
from tidegate.interchange.uploads import check_size, safe_workbook
from tidegate.sdk.sheets import Layout, Look, Upload, layout_document, layout_of
from tidegate.services.accounts import events
from tidegate.services.context import Context
from tidegate.services.sheets import mappings
from tidegate.services.sheets.readers import Place, place_in, place_of, sheet_reader
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.sheet_tables import SheetFile
from tidegate.store.unit_of_work import UnitOfWork

KEPT = timedelta(days=7)
MOST_ROWS, MOST_COLUMNS = 50_100, 250  # a few more than are read: title rows, stray cells
MOST_TRIED = 8  # kept mappings whose header row is tried
_ZIP, _PACKED = b"PK\x03\x04", (b"\x1f\x8b", b"\xfd7zXZ\x00")


def keep(
    context: Context, code: str, name: str, data: bytes, actor: str, encoding: str = ""
) -> int:
    """Keep an upload with a first layout: a kept mapping's where its headers are known, else a guess; its id.

    Raises:
        NotFound: no such account. InputError: it is no spreadsheet, or not one that is safe to read.
    """
    place, upload = place_of(context, code), safe(Upload(plain_name(name), data))
    look, mapping_id = first_look(context, place, upload, encoding)
    layout = look.layout
    if not place.shop and not layout.shop:
        layout = replace(layout, shop=place.title)
    row = SheetFile(
        account_id=place.account_id, name=upload.name, digest=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data), sealed=_sealed(context, upload.data), key_id=context.box.key_id,
        layout=layout_document(layout), mapping_id=mapping_id, uploaded_by=actor[:80],
        uploaded_at=context.clock(),
    )  # fmt: skip
    with context.store.begin(context.tenant_id) as work:
        work.add(row)
        work.commit()
        return row.id


def first_look(
    context: Context, place: Place, upload: Upload, encoding: str = ""
) -> tuple[Look, int | None]:
    """What stands in a file, by the kept mapping that fits its headers; the mapping's id.

    Where a header is not what we would take for one, the rows are tried that were headers before.
    """
    start = Layout(0, {}, encoding=encoding) if encoding else None
    tries: list[Layout | None] = [start]
    for one in mappings.candidates(context, place.account_id)[:MOST_TRIED]:
        again = Layout(one.layout.header_row, {}, sheet=one.layout.sheet, encoding=encoding)
        tries.append(replace(again, encoding=encoding or one.layout.encoding))
    first, trouble = None, None
    for layout in tries:
        if first is not None and layout is not None and _same_header(first.layout, layout):
            continue
        try:
            look = sheet_reader().look(upload, layout, place.preset.columns)
        except InputError as error:
            trouble = trouble or error
            continue
        first = first or look
        known = mappings.recognised(context, place.account_id, look.layout.columns)
        if known is not None:
            kept = replace(
                known.layout, sheet=look.layout.sheet, header_row=look.layout.header_row,
                encoding=look.layout.encoding,
            )  # fmt: skip
            ours = {name: "" for name in look.layout.columns if mappings.is_ours(name)}
            kept = replace(kept, fields={**kept.fields, **ours})
            return sheet_reader().look(upload, kept, place.preset.columns), known.id
    if first is None:
        assert trouble is not None  # noqa: S101  (there was at least one try)
        raise trouble
    return first, None


def _same_header(one: Layout, other: Layout) -> bool:
    places = [(each.sheet, each.header_row, each.encoding) for each in (one, other)]
    return places[0] == places[1]


def plain_name(name: str) -> str:
    """A file's name without folders and control characters."""
    last = PurePath(name.replace("\\", "/")).name
    shown = "".join(char for char in last if char.isprintable())[-120:]
    return shown or "orders"


def safe(upload: Upload) -> Upload:
    """The same file, if nothing in it can hurt a reader; a workbook comes back counted and without its pictures.

    Raises:
        InputError: too large, a zip bomb, macros, packed again, or cells far out.
    """
    check_size(upload.name, upload.data)
    if upload.data.startswith(_PACKED):
        raise InputError(
            "sheet.packed",
            zh=f"{upload.name} 是压缩文件；请先解压，再上传里面的表格。",
            en=f"{upload.name} is packed; unpack it and bring the spreadsheet inside.",
            file=upload.name,
        )
    if not upload.data.startswith(_ZIP):
        return upload
    if b"vbaProject.bin" in upload.data:
        raise InputError(
            "sheet.macros",
            zh=f"{upload.name} 带有宏；请在表格软件里另存为不含宏的 .xlsx 再上传。",
            en=f"{upload.name} holds macros; save it as .xlsx without macros and bring that.",
            file=upload.name,
        )
    counted = safe_workbook(upload.name, upload.data, MOST_ROWS, MOST_COLUMNS)
    return Upload(upload.name, counted.getvalue())


def row_of(work: UnitOfWork, context: Context, file_id: int) -> tuple[SheetFile, Place]:
    """A file's row and where its orders go. Raises NotFound."""
    row = work.session.get(SheetFile, file_id)
    if row is None:
        raise NotFound(
            "sheet.unknown",
            zh="没有这份上传的表格，可能已满 7 天自动清除；请重新上传。",
            en="There is no such upload; it may be over seven days old and removed. Bring the file again.",
        )
    account = work.session.get_one(ConnectorAccount, row.account_id)
    return row, place_in(work, context, account)


def opened(context: Context, file_id: int) -> tuple[SheetFile, Place, Upload]:
    """A file with its bytes: personal data. Raises NotFound."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row, place = row_of(work, context, file_id)
    data = zlib.decompress(base64.b64decode(context.box.open(row.sealed)))
    return row, place, Upload(row.name, data)


def correct(context: Context, file_id: int, layout: Layout) -> None:
    """Keep what a person made of the layout.

    Raises:
        NotFound; InputError: it does not hold together, `fields["field"]` names the place.
    """
    _, place, upload = opened(context, file_id)
    sheet_reader().source(upload, layout, channel=place.channel, shop=place.shop)
    _set(context, file_id, {"layout": layout_document(layout)})


def look_again(context: Context, file_id: int, layout: Layout) -> None:
    """Look at another sheet, header row or encoding of the file, and guess its columns anew.

    Raises:
        NotFound; InputError: nothing there names columns.
    """
    _, place, upload = opened(context, file_id)
    fresh = Layout(layout.header_row, {}, sheet=layout.sheet, encoding=layout.encoding)
    look = sheet_reader().look(upload, fresh, place.preset.columns)
    guessed = sheet_reader().look(upload, None, place.preset.columns).layout
    kept = replace(
        look.layout, timezone=layout.timezone, currency=layout.currency, shop=layout.shop,
        rows=guessed.rows, dates=guessed.dates, address=guessed.address, status=guessed.status,
        quantity=guessed.quantity, fill_down=guessed.fill_down,
    )  # fmt: skip
    _set(context, file_id, {"layout": layout_document(kept), "mapping_id": None})


def use(context: Context, file_id: int, known: mappings.Kept) -> None:
    """Read a file by a kept mapping that a person chose.

    Raises:
        NotFound; InputError: its header is not there.
    """
    _, place, upload = opened(context, file_id)
    look = sheet_reader().look(upload, known.layout, place.preset.columns)
    _set(context, file_id, {"layout": layout_document(look.layout), "mapping_id": known.id})


def forget(context: Context, file_id: int, actor: str) -> None:
    """Remove an upload at once; what was imported stays. Raises NotFound."""
    with context.store.begin(context.tenant_id) as work:
        row, _ = row_of(work, context, file_id)
        work.session.execute(delete(SheetFile).where(SheetFile.id == row.id))
        events.note(
            work.session, work.tenant_id, context.clock(), "sheet_forgotten", actor, row.name[:80]
        )
        work.commit()


def same_before(context: Context, row: SheetFile) -> SheetFile | None:
    """The last import of the very same file into this account."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        found: SheetFile | None = work.session.scalar(
            select(SheetFile)
            .where(SheetFile.account_id == row.account_id, SheetFile.digest == row.digest)
            .where(SheetFile.id < row.id, SheetFile.state == "done")
            .order_by(SheetFile.id.desc())
            .limit(1)
        )
        return found


def layout_now(row: SheetFile) -> Layout:
    return layout_of(row.layout)


def _set(context: Context, file_id: int, values: Mapping[str, Any]) -> None:
    with context.store.begin(context.tenant_id) as work:
        row, _ = row_of(work, context, file_id)
        if row.state in ("waiting", "running"):
            raise InputError(
                "sheet.busy",
                zh="这份表格正在导入；请等它完成。",
                en="This file is being imported; wait until it is done.",
            )
        for name, value in values.items():
            setattr(row, name, value)
        work.commit()


def _sealed(context: Context, data: bytes) -> str:
    return context.box.seal(base64.b64encode(zlib.compress(data, 6)).decode("ascii"))
