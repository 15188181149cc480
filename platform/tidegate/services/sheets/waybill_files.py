"""Waybill numbers taken back as a file in the layout of the shop's tool: the telling of a shop that cannot be called.

A parcel is in the next file once it has left, and in no other; each file can be had again as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError

from tidegate.errors import Conflict, InputError, NotFound
from tidegate.sdk.carrier_codes import codes_of
from tidegate.services.accounts import events
from tidegate.services.context import Context
from tidegate.services.effect_rows import WRITE_BACK
from tidegate.services.remotes.accounts import account_row
from tidegate.services.remotes.connected import manifest_called
from tidegate.services.sheets import repairs
from tidegate.services.sheets.readers import CONNECTOR, Place, place_in
from tidegate.services.states import record
from tidegate.store.sheet_tables import WaybillFile
from tidegate.store.tables import Effect, Order, Parcel, Shop
from tidegate.store.unit_of_work import UnitOfWork

CONTENTS = ("order", "parcel", "carrier", "code", "waybill", "time", "date", "shop")
FORMATS = {"xlsx": "xlsx", "csv": "csv", "csv_gbk": "csv"}  # setting -> ending
MOST = 20_000  # parcels of one file
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Made:
    """A waybill file: how many parcels, by whom and when."""

    id: int
    parcels: int
    made_by: str
    made_at: datetime


def waiting(context: Context, code: str) -> int:
    """Parcels that have left and are in no file yet. Raises NotFound."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        place = place_in(work, context, account_row(work, code))
        return len(_untold(work, place))


def made_before(context: Context, code: str) -> list[Made]:
    """The newest files first. Raises NotFound."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        place = place_in(work, context, account_row(work, code))
        mine = select(WaybillFile).where(WaybillFile.account_id == place.account_id)
        rows = work.session.scalars(mine.order_by(WaybillFile.id.desc()).limit(SHOWN))
        return [Made(row.id, len(row.parcels), row.made_by, row.made_at) for row in rows]


def make(context: Context, code: str, actor: str) -> int:
    """Put what has left since the last file into a new one; its id.

    The parcels count as told, in the same transaction. Two people at once get two files without a parcel in both.

    Raises:
        NotFound; InputError: nothing has left since, or the columns are not set well.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        account = account_row(work, code)
        place = place_in(work, context, account)
        columns_of(place)
        found = _untold(work, place)
        if not found:
            raise InputError(
                "sheet.no_waybills",
                zh="上次导出之后没有新交接的包裹；交接后再来导出，以前的文件可以在下面重新下载。",
                en="No parcel has left since the last file; come back after a hand-over. Earlier files are below.",
            )
        row = WaybillFile(
            account_id=place.account_id, parcels=[one.id for one in found], made_by=actor[:80],
            made_at=now,
        )  # fmt: skip
        work.add(row)
        work.session.flush()
        for parcel in found:
            _tell(work, place, parcel, row.id, actor, now)
        events.note(
            work.session, work.tenant_id, now, "waybills_exported", actor, code, parcels=len(found)
        )
        try:
            work.commit()
        except IntegrityError:
            raise Conflict(
                "sheet.waybills_taken",
                zh="另一个人刚刚导出了这些运单；请刷新，下载他的那一份。",
                en="Somebody else has just made a file of these numbers; reload, and download that one.",
            ) from None
        return row.id


def content(context: Context, code: str, file_id: int) -> tuple[str, bytes]:
    """(name, bytes) of a waybill file, with the numbers as they are now. Raises NotFound, InputError."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        place = place_in(work, context, account_row(work, code))
        row = work.session.get(WaybillFile, file_id)
        if row is None or row.account_id != place.account_id:
            raise NotFound(
                "sheet.no_waybill_file",
                zh="这个账号没有这份运单表；请刷新。",
                en="This account has no such waybill file; reload the page.",
            )
        table = _table(work, context, place, [int(one) for one in row.parcels])
    kind = place.settings.get("waybill_format") or "xlsx"
    name = f"waybills-{place.code}-{row.id}.{FORMATS.get(kind, 'xlsx')}"
    if kind == "csv":
        return name, repairs.text(table)
    return name, repairs.text(table, "gb18030") if kind == "csv_gbk" else repairs.workbook(table)


def columns_of(place: Place) -> list[tuple[str, str]]:
    """(header, content) of each column, by the account's setting or the tool's preset.

    Raises:
        InputError: the setting names a content that does not exist.
    """
    said = place.settings.get("waybill_columns") or place.preset.waybill
    pairs = [part.partition("=") for part in said.replace("，", ",").split(",") if part.strip()]
    found = [(header.strip(), what.strip()) for header, _, what in pairs]
    wrong = [header or what for header, what in found if not header or what not in CONTENTS]
    if wrong or not found or len(found) > 30:
        raise InputError(
            "sheet.waybill_columns",
            zh=f"账号设置“运单表的列”写得不对（{'、'.join(wrong) or said[:40]}）；应写成 订单号=order,运单号=waybill，"
            f"内容只能是 {', '.join(CONTENTS)}。",
            en=f"The account's columns of the waybill file are not right ({', '.join(wrong) or said[:40]}); write "
            f"them as 订单号=order,运单号=waybill with contents out of {', '.join(CONTENTS)}.",
            field="waybill_columns",
        )
    return found


def _untold(work: UnitOfWork, place: Place) -> Sequence[Parcel]:
    told = exists().where(
        Effect.parcel_id == Parcel.id,
        Effect.kind == WRITE_BACK,
        Effect.generation == Parcel.generation,
        Effect.tenant_id == work.tenant_id,
    )
    wanted = (
        select(Parcel)
        .join(Order, Order.id == Parcel.order_id)
        .join(Shop, Shop.id == Order.shop_id)
        .where(Shop.channel == place.channel, Parcel.waybill_no.is_not(None))
        .where(Parcel.handed_over_at.is_not(None), Parcel.state != "cancelled", ~told)
    )
    if place.shop:
        wanted = wanted.where(Shop.name == place.shop)
    return work.session.scalars(wanted.order_by(Parcel.handed_over_at, Parcel.id).limit(MOST)).all()


def _tell(
    work: UnitOfWork, place: Place, parcel: Parcel, file_id: int, actor: str, now: datetime
) -> None:
    """The same record that a shop with an API leaves; a second file at the same time meets the unique key."""
    said = {"connector": place.code, "waybill_no": parcel.waybill_no, "file": file_id}
    work.add(
        Effect(
            parcel_id=parcel.id, kind=WRITE_BACK, generation=parcel.generation,
            client_key=f"file:{parcel.id}:{parcel.generation}", state="confirmed", attempts=1,
            answer=said, updated_at=now,
        )
    )  # fmt: skip
    record(
        work, "written_back", order_id=parcel.order_id, parcel_id=parcel.id, now=now,
        actor_kind="person", actor=actor, data={"waybill_no": parcel.waybill_no},
    )  # fmt: skip


def _table(
    work: UnitOfWork, context: Context, place: Place, parcel_ids: Sequence[int]
) -> list[list[str]]:
    rows = work.session.execute(
        select(Parcel, Order.number, Shop.name)
        .join(Order, Order.id == Parcel.order_id)
        .join(Shop, Shop.id == Order.shop_id)
        .where(Parcel.id.in_(parcel_ids))
        .order_by(Parcel.handed_over_at, Parcel.id)
    )
    zone = ZoneInfo(place.settings.get("timezone") or context.timezone)
    names = codes_of(manifest_called(CONNECTOR), place.settings)
    columns = columns_of(place)
    table = [[header for header, _ in columns]]
    for parcel, number, shop in rows:
        at = parcel.handed_over_at.astimezone(zone) if parcel.handed_over_at else None
        said = {
            "order": number, "parcel": parcel.number, "shop": shop, "code": parcel.carrier or "",
            "carrier": names.get(parcel.carrier or "", parcel.carrier or ""),
            "waybill": parcel.waybill_no or "",
            "time": at.strftime("%Y-%m-%d %H:%M:%S") if at else "",
            "date": at.strftime("%Y-%m-%d") if at else "",
        }  # fmt: skip
        table.append([said[what] for _, what in columns])
    return table
