"""The accounts at work: connectors made from what the database says, made anew when it says something else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tidegate.errors import TidegateError
from tidegate.sdk import discovery
from tidegate.sdk.account import Account
from tidegate.sdk.carrier import Carrier, DuplicateClass
from tidegate.sdk.http.client import Http
from tidegate.sdk.http.dialing import Dialer
from tidegate.sdk.http.messages import Request
from tidegate.sdk.http.sending import Sender
from tidegate.sdk.manifest import Manifest
from tidegate.services.context import Context
from tidegate.services.remotes import overlays
from tidegate.services.remotes.carrying import AccountCarrier, mark
from tidegate.services.remotes.line import AccountHttp, Line
from tidegate.services.remotes.tokens import TokenBook
from tidegate.services.remotes.windows import limits_of
from tidegate.services.watched_carriers import RestoreGate, WatchedCarrier
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.tables import Shop

LOOK_EVERY_S = 2.0
log = structlog.get_logger()


class Connected(Mapping[str, Carrier]):
    """Carriers by account code; a change of an account is seen within two seconds.

    `fixed` are carriers whose address and secret come from settings (the sandbox); they get an account row, so that
    breakers and the record of calls have a place.
    """

    def __init__(self, context: Context, fixed: Mapping[str, Carrier] | None = None) -> None:
        self._context = replace(context, carriers={})
        self._fixed = dict(fixed or {})
        self._gate = RestoreGate(context.store)
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._versions: dict[str, tuple[int, int, str]] = {}
        self._made: dict[str, Carrier] = {}
        self._settle()  # here: look-ups happen inside others' transactions and may not write

    def of(self, context: Context) -> Connected:
        """The same for another tenant."""
        return Connected(context, self._fixed)

    def look(self) -> None:
        """See changes now."""
        with self._lock:
            self._looked = float("-inf")

    def __getitem__(self, code: str) -> Carrier:
        return self._current()[code]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._current()))

    def __len__(self) -> int:
        return len(self._current())

    def _current(self) -> dict[str, Carrier]:
        with self._lock:
            if time.monotonic() - self._looked < LOOK_EVERY_S:
                return self._made
            rows = {row.code: (row, shop) for row, shop in self._rows()}
            versions = {code: (row.id, row.version, row.state) for code, (row, _) in rows.items()}
            made = {}
            for code, (row, shop) in rows.items():
                if code in self._made and self._versions.get(code) == versions[code]:
                    made[code] = self._made[code]
                elif carrier := self._carrier(row, shop):
                    made[code] = carrier
            self._made, self._versions, self._looked = made, versions, time.monotonic()
            return self._made

    def _rows(self) -> list[tuple[ConnectorAccount, str]]:
        with self._context.store.begin(self._context.tenant_id, readonly=True) as work:
            found = work.session.execute(
                select(ConnectorAccount, Shop.name).outerjoin(
                    Shop, Shop.id == ConnectorAccount.shop_id
                )
            )
            return [(row, shop or "") for row, shop in found]

    def _settle(self) -> None:
        """Rows for the carriers that settings give us."""
        known = {row.code for row, _ in self._rows()} if self._fixed else set()
        for code in sorted(self._fixed.keys() - known):
            now = self._context.clock()
            row = ConnectorAccount(
                code=code, connector=code, title=discovery.manifest_of(code).title["zh"],
                settings={}, changed_by="settings", created_at=now, updated_at=now,
            )  # fmt: skip
            with self._context.store.begin(self._context.tenant_id) as work:
                work.add(row)
                with suppress(IntegrityError):  # another process was first
                    work.commit()

    def _carrier(self, row: ConnectorAccount, shop: str) -> Carrier | None:
        try:
            if row.code in self._fixed:
                own = Line(self._context, row.id, limits_of((), row.settings))
                fixed = self._fixed[row.code]
                return self._wrapped(row, fixed, fixed.duplicates, own)
            manifest = discovery.manifest_of(row.connector)
            if "create_waybill" not in manifest.capabilities:
                return None
            made, line = connector_of(self._context, row, shop)
            return self._wrapped(
                row,
                WatchedCarrier(made, self._gate.closed, row.code),
                DuplicateClass(manifest.duplicates),
                line,
            )
        except TidegateError as error:
            log.error("account.unusable", account=row.code, code=error.code)
            return None

    def _wrapped(
        self, row: ConnectorAccount, made: Any, duplicates: DuplicateClass, line: Line | None
    ) -> AccountCarrier:
        return AccountCarrier(self._context, row.id, row.code, made, duplicates, row.state, line)


def manifest_called(connector: str) -> Manifest:
    """Raises NotFound, ConfigError."""
    return discovery.manifest_of(connector)


def manifest_for(row: ConnectorAccount) -> Manifest:
    """The manifest of an account's connector, as it ships. Raises NotFound, ConfigError."""
    return discovery.manifest_of(row.connector)


def connector_of(
    context: Context,
    row: ConnectorAccount,
    shop: str = "",
    *,
    paced: Callable[[Http], Http] = lambda http: http,
) -> tuple[Any, Line | None]:
    """The connector at work for an account, with the account's own field mapping, and a line for those that send by
    a client of their own. `paced` may stand before its client.

    Raises:
        NotFound: it is not installed. ConfigError: its manifest or the keys are wrong.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        overlay = overlays.newest(work, row.id).overlay
    manifest = overlays.laid_over(manifest_for(row), overlay)
    hidden: dict[str, str] = context.box.open(row.credentials) if row.credentials else {}
    settings = manifest.filled(row.settings)
    line = Line(context, row.id, limits_of(manifest.limits, settings), hidden.values())
    module = discovery.module_of(row.connector)
    if not hasattr(module, "connect"):
        return module.make_carrier({**settings, **hidden}), line
    reach = context.reach
    sender = Sender(reach.trusted, times=reach.times, connections=reach.in_flight)
    http = paced(AccountHttp(line, sender))
    tokens = _token_book(context, row.id) if "refresh_tokens" in manifest.capabilities else None
    dialer = Dialer(
        reach.trusted, reach.times,
        lambda api, call: line.through(Request("CALL", "", api), lambda _sent: call()),
    )  # fmt: skip
    account = Account(
        id=row.id, shop=shop, manifest=manifest, settings=settings, http=http,
        secret=lambda name: hidden.get(name, ""), tokens=tokens, dialer=dialer,
    )  # fmt: skip
    made = discovery.connect(account)
    if tokens is not None:
        tokens.refresh = made.refresh_tokens
    return made, None


def _token_book(context: Context, account_id: int) -> TokenBook:
    return TokenBook(
        context, account_id, lambda code: mark(context, account_id, "active", "broken", code)
    )
