"""Guessing slows down: after some failures in a row every further try has to wait, twice as long each time.

Counted per login (whether it exists or not) and per network (/24 or /64), under a keyed hash. A try is counted
before the password is looked at, so that many at once gain nothing; success forgets the login's failures and
takes back the network's.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tidegate.errors import InputError
from tidegate.services.context import Context
from tidegate.store.dialects import insert_of
from tidegate.store.people_tables import SignInAttempt

LONGEST = timedelta(minutes=15)
FIRST = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Counter:
    """`free` failures cost nothing; after `quiet` without one everything is forgotten."""

    key: str
    free: int
    quiet: timedelta


class TooMany(InputError):
    """Wait before the next try; `fields["seconds"]` says how long."""


def counters(secret: str, login: str, address: str) -> tuple[Counter, Counter]:
    """The login's and the network's."""
    return (
        Counter(_key(secret, "login", login), 4, timedelta(hours=24)),
        Counter(_key(secret, "network", network_of(address)), 20, timedelta(hours=1)),
    )


def take(context: Context, counting: Sequence[Counter]) -> None:
    """Count one try as a failure until `give_back`.

    Raises:
        TooMany: it is too early; nothing was counted.
    """
    with context.store.unscoped() as session:
        for counter in counting:
            _lock(session, counter.key, context.clock())
        now = context.clock()  # after whoever held the rows: their failure is not in our future
        wait = max(_wait(session, counter, now) for counter in counting)
        if wait > timedelta(0):
            raise _too_many(wait)
        for counter in counting:
            _count(session, counter, now)
        session.commit()


def give_back(context: Context, login: Counter, network: Counter) -> None:
    """The try was right after all."""
    with context.store.unscoped() as session:
        session.execute(delete(SignInAttempt).where(SignInAttempt.key == login.key))
        row = session.get(SignInAttempt, network.key, with_for_update=True)
        if row is not None:
            row.failures = max(row.failures - 1, 0)
        session.commit()


def forget_old(context: Context) -> None:
    """Rows nobody needs any more; called when somebody signs in."""
    with context.store.unscoped() as session:
        old = context.clock() - timedelta(hours=24)
        session.execute(delete(SignInAttempt).where(SignInAttempt.failed_at < old))
        session.commit()


def delay(failures: int, free: int) -> timedelta:
    """15 s after the first failure over the free ones, doubling, never over 15 minutes."""
    over = failures - free
    return timedelta(0) if over <= 0 else min(FIRST * 2 ** min(over - 1, 10), LONGEST)


def network_of(address: str) -> str:
    """The /24 or /64 an address is in."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    size = 24 if found.version == 4 else 64
    return str(ipaddress.ip_network(f"{found}/{size}", strict=False))


def _lock(session: Session, key: str, now: datetime) -> None:
    """The row exists and is ours until the end; two tries at once count one after the other."""
    insert = insert_of(session.get_bind().dialect)
    fresh = insert(SignInAttempt).values(key=key, failures=0, failed_at=now)
    session.execute(fresh.on_conflict_do_nothing())
    session.execute(select(SignInAttempt.key).where(SignInAttempt.key == key).with_for_update())


def _wait(session: Session, counter: Counter, now: datetime) -> timedelta:
    row = session.get_one(SignInAttempt, counter.key)
    if now - row.failed_at >= counter.quiet:
        row.failures = 0
    pause = delay(row.failures, counter.free)
    return row.failed_at + pause - now if pause else pause


def _count(session: Session, counter: Counter, now: datetime) -> None:
    row = session.get_one(SignInAttempt, counter.key)
    row.failures, row.failed_at = row.failures + 1, now


def _key(secret: str, kind: str, value: str) -> str:
    text = f"{kind}\n{value}".encode()
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def _too_many(wait: timedelta) -> TooMany:
    seconds = math.ceil(wait.total_seconds())
    minutes, rest = divmod(seconds, 60)
    zh = f"{minutes} 分 {rest} 秒" if minutes else f"{rest} 秒"
    en = f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return TooMany(
        "sign_in.wait",
        zh=f"连续输错太多次；请 {zh}后再试。忘了密码请找负责人重设。",
        en=f"Too many failures in a row; try again in {en}. If you forgot it, ask an owner to reset it.",
        seconds=seconds,
        field="password",
    )
