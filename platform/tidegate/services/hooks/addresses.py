"""Addresses that platforms may call: made, rotated and removed per account or shop.

Whoever knows an address but not its secret can do nothing but be counted. After a rotation the former address and
secret go on for a day, so that the platform's own settings can follow without a gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from tidegate.errors import InputError, NotFound
from tidegate.sdk.webhooks import HookSecret
from tidegate.services.accounts import events
from tidegate.services.accounts.secrets_kept import hash_of, new_secret
from tidegate.services.context import Context
from tidegate.services.people import one_line
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.webhook_tables import HookAddress, HookMessage

GRACE = timedelta(hours=24)
MOST = 100  # addresses per tenant


@dataclass(frozen=True, slots=True)
class Address:
    """One address. `path` is what comes after the site's name; `refused` counts calls without a right signature."""

    id: int
    connector: str
    name: str
    account: str
    path: str
    signs: bool
    created_by: str
    created_at: datetime
    old_until: datetime | None
    received_at: datetime | None
    received: int
    waiting: int
    failed: int
    refused: int
    refused_at: datetime | None
    refused_code: str | None


@dataclass(frozen=True, slots=True)
class Door:
    """What a call needs to be let in; found by its token alone."""

    tenant_id: int
    id: int
    connector: str
    account: str
    secrets: str
    old_until: datetime | None


def connectors(context: Context) -> tuple[str, ...]:
    """Connectors that can be called."""
    return tuple(sorted(context.receivers))


def create(
    context: Context, connector: str, name: str, actor: str, *, account: str = "",
    secret: str = "", secret_account: str = "",
) -> tuple[int, str]:  # fmt: skip
    """A new address: its id and the secret that the platform signs with, ours if none was given.

    `account` is the name under which scans of this account are known, usually the connector's.

    Raises:
        InputError: no such connector, no name, or a secret that can't be one.
    """
    called = _name(name)
    if connector not in context.receivers:
        raise InputError(
            "hooks.connector",
            zh=f"连接器 {connector or '（空）'} 不接收推送；请从列表中选择。",
            en=f"The connector {connector!r} takes no calls; choose one from the list.",
            field="connector",
        )
    kept, token, now = _secret(secret), new_secret(), context.clock()
    with context.store.begin(context.tenant_id) as work:
        live = work.session.scalar(
            select(func.count()).select_from(HookAddress).where(HookAddress.removed_at.is_(None))
        )
        if (live or 0) >= MOST:
            raise InputError(
                "hooks.too_many",
                zh=f"最多 {MOST} 个接收地址；请先删除不用的。",
                en=f"There can be {MOST} addresses at most; remove one that is not used.",
                field="name",
            )
        row = HookAddress(
            connector=connector, name=called, account=(account.strip() or connector)[:40],
            token_hash=hash_of(token), token=context.box.seal(token),
            secrets=context.box.seal([[secret_account.strip()[:120], kept]]),
            created_by=actor, created_at=now,
        )  # fmt: skip
        work.add(row)
        events.note(work.session, context.tenant_id, now, "hook_created", actor, called)
        work.commit()
        return row.id, kept


def rotate(
    context: Context, address_id: int, actor: str, *, secret: str = "", secret_account: str = ""
) -> str:
    """A new path and a new secret; the former ones go on for a day. The new secret.

    Raises:
        NotFound: no such address. InputError: a secret that can't be one.
    """
    kept, token, now = _secret(secret), new_secret(), context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = _row(work, address_id)
        before = context.box.open(row.secrets)[:1]
        account = secret_account.strip()[:120] or str(before[0][0])
        row.secrets = context.box.seal([[account, kept], *before])
        row.old_token_hash, row.old_until = row.token_hash, now + GRACE
        row.token_hash, row.token = hash_of(token), context.box.seal(token)
        events.note(work.session, context.tenant_id, now, "hook_rotated", actor, row.name)
        work.commit()
    return kept


def remove(context: Context, address_id: int, actor: str) -> None:
    """The address answers 404 from now on; what it received stays.

    Raises:
        NotFound: no such address.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        row = _row(work, address_id)
        row.removed_at, row.secrets, row.old_token_hash = now, context.box.seal([]), None
        row.token_hash = hash_of(new_secret())  # nobody knows it
        events.note(work.session, context.tenant_id, now, "hook_removed", actor, row.name)
        work.commit()


def addresses(context: Context) -> tuple[Address, ...]:
    """The tenant's live addresses with what came in, the oldest first."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.scalars(
            select(HookAddress).where(HookAddress.removed_at.is_(None)).order_by(HookAddress.id)
        ).all()
        found = work.session.execute(
            select(
                HookMessage.address_id, HookMessage.state, func.count(),
                func.max(HookMessage.received_at),
            ).group_by(HookMessage.address_id, HookMessage.state)
        ).all()  # fmt: skip
    told: dict[int, dict[str, tuple[int, datetime]]] = {}
    for address_id, state, many, newest in found:
        told.setdefault(address_id, {})[state] = (many, newest)
    return tuple(_shown(context, row, told.get(row.id, {})) for row in rows)


def find_door(context: Context, connector: str, token: str) -> Door | None:
    """The address with this token, of whichever tenant; None when there is none (any more)."""
    hashed, now = hash_of(token), context.clock()
    with context.store.unscoped(readonly=True) as session:
        row = session.scalar(
            select(HookAddress).where(
                HookAddress.connector == connector,
                HookAddress.removed_at.is_(None),
                or_(
                    HookAddress.token_hash == hashed,
                    (HookAddress.old_token_hash == hashed) & (HookAddress.old_until > now),
                ),
            )
        )
    if row is None:
        return None
    return Door(row.tenant_id, row.id, row.connector, row.account, row.secrets, row.old_until)


def secrets_of(context: Context, door: Door) -> Sequence[HookSecret]:
    """What may have signed: the newest first; the former one while its day lasts."""
    pairs = context.box.open(door.secrets)
    over = door.old_until is None or door.old_until <= context.clock()
    return [HookSecret(str(account), str(secret)) for account, secret in pairs[: 1 if over else 2]]


def count_refusal(context: Context, address_id: int, code: str) -> None:
    """Note that somebody called without a right signature."""
    with context.store.begin(context.tenant_id) as work:
        row = _row(work, address_id)
        row.refused = HookAddress.refused + 1
        row.refused_at, row.refused_code = context.clock(), code
        work.commit()


def _shown(context: Context, row: HookAddress, told: Mapping[str, tuple[int, datetime]]) -> Address:
    receiver = context.receivers.get(row.connector)
    return Address(
        id=row.id, connector=row.connector, name=row.name, account=row.account,
        path=f"/hooks/{row.connector}/{context.box.open(row.token)}",
        signs=receiver is None or receiver.signs,
        created_by=row.created_by, created_at=row.created_at,
        old_until=row.old_until if row.old_until and row.old_until > context.clock() else None,
        received_at=max((newest for _, newest in told.values()), default=None),
        received=sum(many for many, _ in told.values()),
        waiting=told.get("waiting", (0, None))[0], failed=told.get("failed", (0, None))[0],
        refused=row.refused, refused_at=row.refused_at, refused_code=row.refused_code,
    )  # fmt: skip


def _row(work: UnitOfWork, address_id: int) -> HookAddress:
    found = work.session.get(HookAddress, address_id)
    if found is None or found.removed_at is not None:
        raise NotFound(
            "hooks.not_found",
            zh="这里没有这个接收地址；请刷新。",
            en="There is no such address here; reload the page.",
        )
    return found


def _name(name: str) -> str:
    called = one_line(name)
    if not called:
        raise InputError(
            "hooks.name_missing",
            zh="请写明这是哪个账号或店铺，例如“快递鸟 主账号”。",
            en="Say which account or shop this is, for example KDNiao main account.",
            field="name",
        )
    return called


def _secret(given: str) -> str:
    secret = given.strip()
    if not secret:
        return new_secret()
    if not 6 <= len(secret) <= 200:
        raise InputError(
            "hooks.secret_length",
            zh="密钥须有 6 至 200 个字符；留空则由我们生成。",
            en="A secret has 6 to 200 characters; leave it empty and we make one.",
            field="secret",
        )
    return secret
