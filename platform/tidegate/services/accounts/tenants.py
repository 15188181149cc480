"""The merchants of an installation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from tidegate.errors import Conflict, InputError
from tidegate.services.context import Context
from tidegate.store.people_tables import Membership
from tidegate.store.tables import Tenant

CODE = re.compile(r"[a-z][a-z0-9-]{1,39}")


@dataclass(frozen=True, slots=True)
class TenantInfo:
    id: int
    code: str
    name: str
    timezone: str
    currency: str
    people: int
    created_at: datetime


def tenants(context: Context) -> tuple[TenantInfo, ...]:
    """All of them, oldest first."""
    with context.store.unscoped(readonly=True) as session:
        count = (
            select(func.count())
            .where(Membership.tenant_id == Tenant.id)
            .correlate(Tenant)
            .scalar_subquery()
        )
        rows = session.execute(select(Tenant, count).order_by(Tenant.id))
        return tuple(
            TenantInfo(t.id, t.code, t.name, t.timezone, t.currency, people, t.created_at)
            for t, people in rows
        )


def add_tenant(context: Context, code: str, name: str, timezone: str, currency: str) -> TenantInfo:
    """A new merchant; its people come by invitation (`tidegate people invite --tenant CODE`).

    Raises:
        InputError: the code, the time zone or the currency may not be one.
        Conflict: the code is taken.
    """
    called = " ".join(name.split())[:120] or code
    _check(code, timezone, currency)
    with context.store.unscoped() as session:
        if session.scalar(select(Tenant.id).where(Tenant.code == code)) is not None:
            raise Conflict(
                "tenants.code_taken",
                zh=f"代号 {code} 已被别的商家使用；请换一个。",
                en=f"The code {code} is taken by another merchant; choose another.",
                field="code",
            )
        row = Tenant(
            code=code, name=called, timezone=timezone, currency=currency, created_at=context.clock()
        )
        session.add(row)
        session.commit()
        return TenantInfo(row.id, code, called, timezone, currency, 0, row.created_at)


def _check(code: str, timezone: str, currency: str) -> None:
    if not CODE.fullmatch(code):
        raise InputError(
            "tenants.code_wrong",
            zh=f"代号 {code} 不行：2 到 40 个小写字母、数字、短横，字母开头。",
            en=f"The code {code!r} won't do: 2 to 40 lower-case letters, digits and dashes, a letter first.",
            field="code",
        )
    try:
        ZoneInfo(timezone)
    except (ValueError, KeyError, OSError) as error:
        raise InputError(
            "tenants.timezone_wrong",
            zh=f"没有时区 {timezone}；例如 Asia/Shanghai。",
            en=f"There is no time zone {timezone!r}; an example is Asia/Shanghai.",
            field="timezone",
        ) from error
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise InputError(
            "tenants.currency_wrong",
            zh=f"货币 {currency} 不行：三个大写字母，例如 CNY。",
            en=f"The currency {currency!r} won't do: three capital letters, for example CNY.",
            field="currency",
        )
