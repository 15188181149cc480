"""Access tokens of an account: of all threads and processes one asks for the next pair, the others wait for it.

The right to ask is a lease in the row, taken by one conditional UPDATE that also names the version that is to be
replaced; the call is made outside any transaction, and the new pair is stored in one statement that only the holder
of the lease can do. So a refresh token that is good for one use is used once.
"""

from __future__ import annotations

import secrets as random_words
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import CursorResult, or_, select, update

from tidegate.errors import RemoteCredentials, RemoteRetry, TidegateError, Unavailable
from tidegate.sdk.values import Tokens
from tidegate.services.context import Context
from tidegate.services.remotes.unasked import before_a_call
from tidegate.store.dialects import insert_of
from tidegate.store.remote_tables import AccountToken
from tidegate.store.unit_of_work import UnitOfWork

LEASE = timedelta(seconds=60)  # longer than a call may take
WAIT_S = 35.0
LOOK_S = 0.05
STORE_S, STORE_AGAIN_S = 40.0, 0.5  # with the call before it, less than the lease
EARLIEST, SPREAD = 0.7, 0.1  # of a token's life: when the next one is asked for
Refresh = Callable[[Tokens | None], Tokens]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Held:
    version: int
    tokens: Tokens
    issued_at: datetime

    def due(self, account_id: int, now: datetime) -> bool:
        """Whether it is time for the next; spread, so that many accounts don't ask in one second."""
        if self.tokens.expires_at is None:
            return False
        part = zlib.crc32(f"{account_id}:{self.version}".encode()) / 2**32
        life = self.tokens.expires_at - self.issued_at
        return now >= self.issued_at + life * (EARLIEST + SPREAD * part)

    def over(self, now: datetime) -> bool:
        return self.tokens.expires_at is not None and now >= self.tokens.expires_at


class TokenBook:
    """tidegate.sdk.account.TokenKeeper. `refresh` is the connector's; it is set once the connector is made."""

    def __init__(
        self,
        context: Context,
        account_id: int,
        broken: Callable[[str], object] = lambda _code: None,
    ) -> None:
        self._context = context
        self._account_id = account_id
        self._broken = broken
        self._kept: Held | None = None
        self.refresh: Refresh | None = None

    def access(self) -> str:
        """Raises RemoteCredentials, and what the connector's refresh raises once the token is over."""
        with before_a_call("token"):
            return self._access()

    def renewed(self, stale: str) -> str:
        """Raises as `access`."""
        with before_a_call("token"):
            held = self._kept = self._load()
            if held is not None and held.tokens.access != stale:
                return held.tokens.access
            return self._next(held, must=True)

    def _access(self) -> str:
        now = self._context.clock()
        held = self._kept
        if held is None or held.due(self._account_id, now):
            held = self._kept = self._load()
        if held is not None and not held.due(self._account_id, now):
            return held.tokens.access
        return self._next(held, must=held is None or held.over(now))

    def put(self, work: UnitOfWork, tokens: Tokens) -> None:
        """Stage tokens that the platform's page gave us: they take the place of all others, also of those that
        somebody is asking for just now.
        """
        row = self._row(work)
        version = row.version if row is not None else 0
        self._ensure(work)
        self._write(work, AccountToken.version == version, tokens, version + 1)
        self._kept = None

    def _next(self, held: Held | None, *, must: bool) -> str:
        version = held.version if held else 0
        until = time.monotonic() + WAIT_S
        while True:
            lease = self._claim(version)
            if lease:
                return self._ask(lease, version, must=must)
            now_held = self._load()
            if now_held is not None and now_held.version != version:
                self._kept = now_held
                return now_held.tokens.access
            if not must and held is not None:
                return held.tokens.access  # somebody is about it, and the old one still holds
            if time.monotonic() > until:
                raise _busy()
            time.sleep(LOOK_S)

    def _claim(self, version: int) -> str:
        """The lease's name, or "" while somebody else has it or the version has moved on."""
        lease, now = random_words.token_hex(16), self._context.clock()
        with self._context.store.begin(self._context.tenant_id) as work:
            self._ensure(work)
            free = or_(AccountToken.lease == "", AccountToken.lease_until <= now)
            taken = _changed(
                work,
                self._mine().where(AccountToken.version == version, free),
                lease=lease, lease_until=now + LEASE,
            )  # fmt: skip
            work.commit()
        return lease if taken else ""

    def _ask(self, lease: str, version: int, *, must: bool) -> str:
        held = self._load()  # read again under the lease
        try:
            if self.refresh is None:
                raise _none()
            made = self.refresh(held.tokens if held else None)
        except TidegateError as error:
            self._release(lease)
            return self._after_failure(error, held, version, must=must)
        except BaseException:
            self._release(lease)
            raise
        if not self._store(lease, made, version + 1):
            log.error("token.lease_lost", account_id=self._account_id)
        self._kept = self._load()
        return self._kept.tokens.access if self._kept else made.access

    def _store(self, lease: str, made: Tokens, version: int) -> bool:
        """Whether the pair is kept. The platform took the old one back: while our own database is away this waits for
        it, as long as nobody else may ask.
        """
        until = time.monotonic() + STORE_S
        while True:
            try:
                with self._context.store.begin(self._context.tenant_id) as work:
                    stored = self._write(work, AccountToken.lease == lease, made, version)
                    work.commit()
            except Unavailable:
                if time.monotonic() > until:
                    log.error("token.not_stored", account_id=self._account_id)
                    raise
                time.sleep(STORE_AGAIN_S)
            else:
                return stored

    def _after_failure(
        self, error: TidegateError, held: Held | None, version: int, *, must: bool
    ) -> str:
        again = self._load()  # once more: another process may have been given the pair
        if again is not None and again.version != version:
            self._kept = again
            return again.tokens.access
        if isinstance(error, RemoteCredentials):
            self._broken(error.code)
            raise error
        if must or held is None:
            raise error
        log.warning("token.not_renewed", account_id=self._account_id, code=error.code)
        return held.tokens.access

    def _release(self, lease: str) -> None:
        with self._context.store.begin(self._context.tenant_id) as work:
            mine = self._mine().where(AccountToken.lease == lease)
            _changed(work, mine, lease="", lease_until=None)
            work.commit()

    def _write(self, work: UnitOfWork, condition: Any, tokens: Tokens, version: int) -> bool:
        document = {"access": tokens.access, "refresh": tokens.refresh}
        return _changed(
            work, self._mine().where(condition),
            sealed=self._context.box.seal(document), key_id=self._context.box.key_id,
            version=version, issued_at=self._context.clock(), expires_at=tokens.expires_at,
            authorised_until=tokens.authorised_until,
            lease="", lease_until=None,
        )  # fmt: skip

    def _load(self) -> Held | None:
        with self._context.store.begin(self._context.tenant_id, readonly=True) as work:
            row = self._row(work)
        if row is None or row.version == 0:
            return None
        found = self._context.box.open(row.sealed)
        tokens = Tokens(
            str(found["access"]), str(found["refresh"]), row.expires_at, row.authorised_until
        )
        return Held(row.version, tokens, row.issued_at)

    def _row(self, work: UnitOfWork) -> AccountToken | None:
        return work.session.scalar(
            select(AccountToken).where(AccountToken.account_id == self._account_id)
        )

    def _ensure(self, work: UnitOfWork) -> None:
        work.session.execute(
            insert_of(work.session.connection().dialect)(AccountToken)
            .values(
                tenant_id=work.tenant_id, account_id=self._account_id, sealed="", key_id="",
                version=0, issued_at=self._context.clock(), lease="",
            )
            .on_conflict_do_nothing()
        )  # fmt: skip

    def _mine(self) -> Any:
        return update(AccountToken).where(AccountToken.account_id == self._account_id)


def _changed(work: UnitOfWork, statement: Any, **values: Any) -> bool:
    done: CursorResult[Any] = work.session.execute(  # type: ignore[assignment]
        statement.values(**values).execution_options(synchronize_session=False)
    )
    return done.rowcount == 1


def _busy() -> RemoteRetry:
    return RemoteRetry(
        "account.token_busy",
        zh="另一个进程正在换取这个账号的令牌, 稍后再试; 什么都没有发出。",
        en="Another process is asking for the account's next token; it is tried again, nothing was sent.",
        retry_after_s=5,
    )


def _none() -> RemoteCredentials:
    return RemoteCredentials(
        "account.no_token",
        zh="这个账号还没有授权; 请到连接页填写令牌。",
        en="The account has no token yet; enter it on the connections page.",
    )
