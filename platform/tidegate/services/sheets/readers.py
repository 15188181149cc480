"""The connectors that spreadsheets need, found by looking, and the account that a file belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy import select

from tidegate.errors import InputError, NotFound
from tidegate.sdk.discovery import module_of
from tidegate.sdk.sheets import Preset, SheetReader
from tidegate.services.context import Context
from tidegate.services.ingest import open_shops
from tidegate.services.remotes.accounts import account_row
from tidegate.services.remotes.connected import manifest_for
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.tables import Shop
from tidegate.store.unit_of_work import UnitOfWork

CONNECTOR = "spreadsheet"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the orders of an account's files go. `shop` "": the layout says, or a column."""

    account_id: int
    code: str
    title: str
    channel: str
    shop: str
    settings: Mapping[str, str]
    preset: Preset

    @property
    def source(self) -> str:
        """Who brought an order, on its time line."""
        return f"{CONNECTOR}:{self.code}"


def sheet_reader() -> SheetReader:
    return cast(SheetReader, module_of("files").sheet_reader())


def presets() -> Mapping[str, Preset]:
    """What is assumed of each tool, by the setting `tool`."""
    return cast(Mapping[str, Preset], module_of(CONNECTOR).presets())


def place_of(context: Context, code: str) -> Place:
    """Raises NotFound: no such account, or not of the asker's shops. InputError: it takes no spreadsheets."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        return place_in(work, context, account_row(work, code))


def place_in(work: UnitOfWork, context: Context, row: ConnectorAccount) -> Place:
    """As `place_of`, within a transaction."""
    if row.connector != CONNECTOR:
        raise InputError(
            "sheet.other_account",
            zh=f"账号 {row.code} 不是表格店铺；请在“可连接的平台”里添加一个表格店铺，再上传。",
            en=f"The account {row.code} is no spreadsheet shop; add one in the gallery and bring the file there.",
            field="account",
        )
    settings = {str(name): str(value) for name, value in row.settings.items()}
    channel = settings.get("channel") or manifest_for(row).channel
    shop = work.session.get(Shop, row.shop_id) if row.shop_id else None
    if context.store.shops is not None and shop is None:
        raise _not_yours(row.code)
    if shop is not None:
        channel = shop.channel
    tool = settings.get("tool", "other")
    known = presets()
    return Place(
        row.id, row.code, row.title, channel, shop.name if shop else "", settings,
        known.get(tool, known["other"]),
    )  # fmt: skip


def places(context: Context) -> list[Place]:
    """The spreadsheet shops that whoever asks may bring orders of."""
    found = []
    with context.store.begin(context.tenant_id, readonly=True) as work:
        wanted = select(ConnectorAccount).where(ConnectorAccount.connector == CONNECTOR)
        for row in work.session.scalars(wanted.order_by(ConnectorAccount.code)).all():
            try:
                found.append(place_in(work, context, row))
            except NotFound:
                continue
    return found


def may_bring(context: Context) -> frozenset[tuple[str, str]] | None:
    """(channel, shop) that whoever asks may bring orders of; None: any."""
    return open_shops(context)


def _not_yours(code: str) -> NotFound:
    return NotFound(
        "account.unknown",
        zh=f"你的店铺里没有账号 {code[:40]}；请让负责人把它绑定到你管的店铺。",
        en=f"There is no account {code[:40]!r} among your shops; ask an owner to tie it to one of them.",
        account=code[:40],
    )
