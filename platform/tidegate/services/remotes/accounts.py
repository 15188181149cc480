"""Accounts at platforms: added, changed, paused, removed. Credentials go in and never come out of here in clear."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from tidegate.errors import ConfigError, Conflict, InputError, NotFound
from tidegate.sdk.discovery import manifest_of
from tidegate.sdk.http.addresses import Addresses
from tidegate.sdk.manifest import Manifest
from tidegate.services.accounts import events
from tidegate.services.context import Context
from tidegate.services.people import required_reason
from tidegate.services.remotes.windows import LIMITS_SETTING, limits_of
from tidegate.services.ringing import quiet
from tidegate.services.webhooks.resealing import reseal
from tidegate.store.label_tables import KeptLabel
from tidegate.store.remote_tables import (
    AccountGrant,
    AccountToken,
    ConnectorAccount,
    RemoteBreaker,
    RemoteCall,
)
from tidegate.store.sheet_tables import SheetFile, SheetMapping, WaybillFile
from tidegate.store.sync_tables import (
    AccountMapping,
    AccountSample,
    AccountSync,
    FollowedParcel,
    OpenedRecipient,
    SyncRun,
)
from tidegate.store.tables import Shop
from tidegate.store.unit_of_work import UnitOfWork

SYNC_TABLES = (SyncRun, AccountSync, AccountMapping, AccountSample, FollowedParcel)
SHEET_TABLES = (SheetFile, SheetMapping, WaybillFile)
STOCK_WAYS = ("", "pull", "push")
LABELS_OF = ("", "own", "carrier")
QUOTES = ("", "yes")
CODE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}\Z")
OURS = frozenset(
    {LIMITS_SETTING, "timezone", "stock", "warehouse", "labels", "quotes"}
)  # settings of every account, besides the manifest's


@dataclass(frozen=True, slots=True)
class AccountView:
    """What may be seen of an account: which secrets are there, not what they are."""

    id: int
    code: str
    connector: str
    title: str
    shop: str
    settings: Mapping[str, str]
    secrets: Sequence[str]  # names of those that are filled in
    state: str
    reason: str
    clock_offset_s: float | None
    checked_at: datetime | None
    check_code: str
    updated_at: datetime


def accounts(context: Context) -> list[AccountView]:
    """In the order of their codes."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(
            select(ConnectorAccount, Shop.name)
            .outerjoin(Shop, Shop.id == ConnectorAccount.shop_id)
            .order_by(ConnectorAccount.code)
        ).all()
        return [_view(context, row, shop) for row, shop in rows]


def account(context: Context, code: str) -> AccountView:
    """Raises NotFound."""
    for one in accounts(context):
        if one.code == code:
            return one
    raise _unknown(code)


def add(
    context: Context,
    connector: str,
    actor: str,
    *,
    code: str = "",
    title: str = "",
    shop_id: int | None = None,
    settings: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> AccountView:
    """A new account.

    Raises:
        NotFound: no such connector or shop. InputError: a setting is wrong or missing; `fields["field"]` names it.
        Conflict: the code is taken.
    """
    manifest = manifest_of(connector)
    code, now = code.strip() or connector, context.clock()
    if not CODE.match(code):
        raise _wrong(
            "code",
            f"代号 {code[:40]} 只能用小写字母、数字和 . _ -",
            "small letters, digits and . _ - only",
        )
    given, hidden = checked_settings(context, manifest, settings, secrets)
    row = ConnectorAccount(
        code=code, connector=connector, title=(title.strip() or manifest.title["zh"])[:120],
        shop_id=shop_id, settings=given, credentials=context.box.seal(hidden),
        key_id=context.box.key_id, changed_by=actor[:80], created_at=now, updated_at=now,
    )  # fmt: skip
    with context.store.begin(context.tenant_id) as work:
        _known_shop(work, shop_id)
        work.add(row)
        events.note(
            work.session, work.tenant_id, now, "connection_added", actor, code, connector=connector
        )
        try:
            work.commit()
        except IntegrityError:
            raise Conflict(
                "account.taken",
                zh=f"账号代号 {code} 已经有了; 请换一个代号。",
                en=f"There is an account {code} already; choose another code.",
                field="code",
            ) from None
    return account(context, code)


def change(
    context: Context,
    code: str,
    actor: str,
    *,
    title: str | None = None,
    settings: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> AccountView:
    """Change what is given; a setting given as "" falls back to its default, a secret not given stays.

    Raises:
        NotFound, InputError: as `add`.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = account_row(work, code)
        manifest = manifest_of(row.connector)
        given = {**row.settings, **_plain(settings, keep_empty=True)}
        given = {name: value for name, value in given.items() if value}
        hidden = {**_opened(context, row), **_plain(secrets)}
        _check(context, manifest, given, hidden)
        _check_required(manifest, given, hidden)
        row.settings, row.credentials = given, context.box.seal(hidden)
        row.key_id, row.title = context.box.key_id, (title or row.title)[:120]
        row.version += 1
        row.changed_by, row.updated_at = actor[:80], now
        if row.state == "broken":
            row.state, row.reason = "active", ""
        events.note(
            work.session, work.tenant_id, now, "connection_changed", actor, code,
            settings=sorted(settings or ()), secrets=sorted(secrets or ()),
        )  # fmt: skip
        work.commit()
    return account(context, code)


def pause(context: Context, code: str, actor: str, reason: str) -> None:
    """Calls stop until `resume`; what needs them waits.

    Raises:
        NotFound; InputError: no reason.
    """
    _set_state(context, code, actor, "paused", required_reason(reason), "connection_paused")


def resume(context: Context, code: str, actor: str) -> None:
    """Raises NotFound."""
    _set_state(context, code, actor, "active", "", "connection_resumed")


def remove(context: Context, code: str, actor: str) -> None:
    """The account with its credentials, tokens and record of calls.

    Raises:
        NotFound.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = account_row(work, code)
        for table in (
            RemoteCall,
            RemoteBreaker,
            AccountToken,
            AccountGrant,
            *SYNC_TABLES,
            *SHEET_TABLES,
        ):
            work.session.execute(delete(table).where(table.account_id == row.id))
        quiet(work, f"account:{row.id}", now)
        work.session.delete(row)
        events.note(
            work.session, work.tenant_id, now, "connection_removed", actor, code,
            connector=row.connector,
        )  # fmt: skip
        work.commit()


def rotate_keys(context: Context) -> int:
    """Seal everything of this tenant with the newest key; how many it were. Safe to repeat."""
    box, done = context.box, 0
    with context.store.begin(context.tenant_id) as work:
        for row in work.session.scalars(select(ConnectorAccount)):
            if row.credentials and row.key_id != box.key_id:
                row.credentials, row.key_id = box.reseal(row.credentials), box.key_id
                done += 1
        for token in work.session.scalars(select(AccountToken)):
            if token.sealed and token.key_id != box.key_id:
                token.sealed, token.key_id = box.reseal(token.sealed), box.key_id
                done += 1
        kept: list[AccountSample | OpenedRecipient | SheetFile | KeptLabel] = [
            *work.session.scalars(select(SheetFile).where(SheetFile.key_id != box.key_id)),
            *work.session.scalars(select(KeptLabel).where(KeptLabel.key_id != box.key_id)),
            *work.session.scalars(select(AccountSample).where(AccountSample.key_id != box.key_id)),
            *work.session.scalars(
                select(OpenedRecipient).where(OpenedRecipient.key_id != box.key_id)
            ),
        ]
        for one in kept:
            one.sealed, one.key_id = box.reseal(one.sealed), box.key_id
        done += len(kept)
        work.commit()
    return done + reseal(context)  # webhooks seal with the same keys


def checked_settings(
    context: Context,
    manifest: Manifest,
    settings: Mapping[str, str] | None,
    secrets: Mapping[str, str] | None,
) -> tuple[dict[str, str], dict[str, str]]:
    """Settings and secrets of a new account, without empty ones. Raises InputError."""
    given, hidden = _plain(settings), _plain(secrets)
    _check(context, manifest, given, hidden)
    _check_required(manifest, given, hidden)
    return given, hidden


def account_row(work: UnitOfWork, code: str) -> ConnectorAccount:
    """Raises NotFound."""
    row = work.session.scalar(select(ConnectorAccount).where(ConnectorAccount.code == code))
    if row is None:
        raise _unknown(code)
    return row


def _set_state(context: Context, code: str, actor: str, state: str, reason: str, kind: str) -> None:
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = account_row(work, code)
        row.state, row.reason, row.changed_by, row.updated_at = state, reason[:200], actor[:80], now
        events.note(work.session, work.tenant_id, now, kind, actor, code, reason=reason)
        work.commit()


def _check(
    context: Context, manifest: Manifest, given: Mapping[str, str], hidden: Mapping[str, str]
) -> None:
    """What is there is known, is in its place, and can be used."""
    for name in given:
        if name in manifest.secrets:
            raise _wrong(
                name,
                f"{name} 是密钥, 请在密钥处填写",
                f"{name} is a secret and goes with the secrets",
            )
        if name not in manifest.settings and name not in OURS:
            raise _wrong(
                name,
                f"{manifest.title['zh']}没有设置项 {name[:40]}",
                f"there is no setting {name[:40]!r}",
            )
    for name in hidden:
        if name not in manifest.secrets:
            raise _wrong(
                name,
                f"{manifest.title['zh']}没有密钥 {name[:40]}",
                f"there is no secret {name[:40]!r}",
            )
    addresses = Addresses(context.reach.trusted)
    for name, value in given.items():
        about = manifest.settings.get(name)
        if about is not None and about.choices and value not in about.choices:
            many = ", ".join(about.choices)
            raise _wrong(name, f"{about.title['zh']}应为 {many} 之一", f"must be one of {many}")
        if value.startswith(("http://", "https://")) and not addresses.allowed(value):
            raise _wrong(
                name,
                "地址须是公网 https, 端口 443、80 或 8443; 内网系统请管理员写进 TIDEGATE_TRUSTED_HOSTS",
                "must be public https on port 443, 80 or 8443; inner systems are listed in TIDEGATE_TRUSTED_HOSTS",
            )
    if given.get("stock", "") not in STOCK_WAYS:
        raise _wrong("stock", "库存应为 pull、push 或不填", "must be pull, push or empty")
    if given.get("labels", "") not in LABELS_OF:
        raise _wrong(
            "labels",
            "面单应为 own(自己画)、carrier(用快递的)或不填",
            "must be own, carrier or empty",
        )
    if given.get("quotes", "") not in QUOTES:
        raise _wrong("quotes", "实时报价应为 yes 或不填", "must be yes or empty")
    limits_of(manifest.limits, given)


def _check_required(
    manifest: Manifest, given: Mapping[str, str], hidden: Mapping[str, str]
) -> None:
    for name, about in manifest.settings.items():
        if about.required and not about.default and not (given.get(name) or hidden.get(name)):
            raise _wrong(name, f"请填写{about.title['zh']}", f"{about.title['en']} is required")


def _known_shop(work: UnitOfWork, shop_id: int | None) -> None:
    if shop_id is not None and work.session.get(Shop, shop_id) is None:
        raise NotFound(
            "account.no_shop",
            zh=f"没有编号为 {shop_id} 的店铺。",
            en=f"There is no shop {shop_id}.",
            field="shop",
        )


def _plain(given: Mapping[str, str] | None, *, keep_empty: bool = False) -> dict[str, str]:
    found = {name: str(value).strip() for name, value in (given or {}).items()}
    return {name: value for name, value in found.items() if value or keep_empty}


def _opened(context: Context, row: ConnectorAccount) -> dict[str, str]:
    return dict(context.box.open(row.credentials)) if row.credentials else {}


def _view(context: Context, row: ConnectorAccount, shop: str | None) -> AccountView:
    try:
        known = sorted(_opened(context, row))
    except ConfigError:  # the key is gone: shown as such, so that a person can fill it in again
        known = ["?"]
    return AccountView(
        id=row.id, code=row.code, connector=row.connector, title=row.title, shop=shop or "",
        settings=dict(row.settings), secrets=known, state=row.state, reason=row.reason,
        clock_offset_s=None if row.clock_offset_ms is None else row.clock_offset_ms / 1000,
        checked_at=row.checked_at, check_code=row.check_code, updated_at=row.updated_at,
    )  # fmt: skip


def _unknown(code: str) -> NotFound:
    return NotFound(
        "account.unknown",
        zh=f"没有账号 {code[:40]}; 用 tidegate accounts list 查看。",
        en=f"There is no account {code[:40]!r}; see tidegate accounts list.",
        account=code[:40],
    )


def _wrong(field: str, zh: str, en: str) -> InputError:
    return InputError("account.wrong", zh=f"{zh}。", en=f"{field[:40]}: {en}.", field=field[:40])
