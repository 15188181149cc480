"""An account's connector as a Carrier: the shape that shipping, voiding and tracking call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from sqlalchemy import update

from tidegate.errors import RemoteCredentials, RemoteRefused, RemoteRetry, Unavailable
from tidegate.sdk.carrier import DuplicateClass, Issued, ScanPage, Waybill, WaybillRequest
from tidegate.sdk.http.messages import Request
from tidegate.sdk.values import Label
from tidegate.services.context import Context
from tidegate.services.remotes.line import Line
from tidegate.services.waybills.calling import NO_QUERY
from tidegate.store.remote_tables import ConnectorAccount

PAUSED_AGAIN_S = 300
Found = TypeVar("Found")
log = structlog.get_logger()


class AccountCarrier:
    """`line` is given for connectors that send by a client of their own: then each method is one call on it."""

    def __init__(
        self,
        context: Context,
        account_id: int,
        code: str,
        made: Any,
        duplicates: DuplicateClass,
        state: str = "active",
        line: Line | None = None,
    ) -> None:
        self._context = context
        self._account_id = account_id
        self._code = code
        self._made = made
        self._duplicates = duplicates
        self._state = state
        self._line = line

    @property
    def name(self) -> str:
        return self._code

    @property
    def duplicates(self) -> DuplicateClass:
        return self._duplicates

    def create_waybill(self, request: WaybillRequest) -> Waybill:
        found: Waybill = self._do("waybill.create", lambda: self._made.create_waybill(request))
        return found

    def query_waybill(self, client_key: str) -> Waybill | None:
        if not self.offers("query_waybill"):
            raise _no_query(self._code)
        found: Waybill | None = self._do(
            "waybill.query", lambda: self._made.query_waybill(client_key)
        )
        return found

    def query_requested(self, request: WaybillRequest) -> Waybill | None:
        """By the whole request where the connector takes one, else by the key."""
        if not self.offers("query_requested"):
            return self.query_waybill(request.client_key)
        found: Waybill | None = self._do(
            "waybill.query", lambda: self._made.query_requested(request)
        )
        return found

    def cancel_waybill(self, client_key: str) -> None:
        if not self.offers("cancel_waybill"):
            raise _incapable(self._code)
        self._do("waybill.cancel", lambda: self._made.cancel_waybill(client_key))

    def cancel_issued(self, issued: Issued) -> None:
        """Void by number where the connector takes one, else by the key."""
        if not self.offers("cancel_issued"):
            self.cancel_waybill(issued.client_key)
            return
        self._do("waybill.cancel", lambda: self._made.cancel_issued(issued))

    def label(self, issued: Issued) -> Label:
        """Raises RemoteRefused where the connector gives none."""
        if not self.offers("label"):
            raise _no_label(self._code)
        found: Label = self._do("label.get", lambda: self._made.label(issued))
        return found

    def scans_since(self, cursor: str) -> ScanPage:
        if not self.offers("scans_since"):
            return ScanPage((), cursor, False)
        found: ScanPage = self._do("scans.list", lambda: self._made.scans_since(cursor))
        return found

    def offers(self, name: str) -> bool:
        """Whether the connector has this method."""
        inner = getattr(self._made, "offers", None)
        return bool(inner(name)) if inner is not None else hasattr(self._made, name)

    def __getattr__(self, name: str) -> Any:
        """What else the connector can do (calling a courier …), as it is."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._made, name)

    def _do(self, api: str, call: Callable[[], Found]) -> Found:
        if self._state == "paused":
            raise paused(self._code)
        try:
            found = self._call(api, call)
        except RemoteCredentials as error:
            if mark(self._context, self._account_id, "active", "broken", error.code):
                self._state = "broken"
            raise
        if self._state == "broken" and mark(
            self._context, self._account_id, "broken", "active", ""
        ):
            self._state = "active"
        return found

    def _call(self, api: str, call: Callable[[], Found]) -> Found:
        if self._line is None:
            return call()
        return self._line.through(Request("CALL", "", api), lambda _sent: call())


def mark(context: Context, account_id: int, before: str, state: str, reason: str) -> bool:
    """Credentials stopped or began to hold; an account that a person paused stays so. False while our database is
    away: what a call brought must not be lost over it, and the next call marks it.
    """
    try:
        with context.store.begin(context.tenant_id) as work:
            work.session.execute(
                update(ConnectorAccount)
                .where(ConnectorAccount.id == account_id, ConnectorAccount.state == before)
                .values(state=state, reason=reason[:200], updated_at=context.clock())
                .execution_options(synchronize_session=False)
            )
            work.commit()
    except Unavailable as error:
        log.warning("account.not_marked", account_id=account_id, state=state, code=error.code)
        return False
    return True


def paused(code: str) -> RemoteRetry:
    return RemoteRetry(
        "account.paused",
        zh=f"账号 {code} 已暂停; 在连接页恢复后继续, 什么都没有发出。",
        en=f"The account {code} is paused; it goes on once it is resumed on the connections page.",
        account=code,
        retry_after_s=PAUSED_AGAIN_S,
    )


def _no_query(code: str) -> RemoteRefused:
    return RemoteRefused(
        NO_QUERY,
        zh=f"账号 {code} 的接口不能按订单号查询运单; 请到快递公司的后台查看。",
        en=f"The account {code} can't be asked for waybills by key; look in the carrier's own console.",
        account=code,
    )


def _no_label(code: str) -> RemoteRefused:
    return RemoteRefused(
        "account.no_label",
        zh=f"账号 {code} 的接口不提供面单。",
        en=f"The account {code} gives no labels.",
        account=code,
    )


def _incapable(code: str) -> RemoteRefused:
    return RemoteRefused(
        "account.no_cancel",
        zh=f"账号 {code} 的接口不能作废运单; 请在快递公司的后台作废。",
        en=f"The account {code} can't void waybills; void it in the carrier's own console.",
        account=code,
    )
