"""What a connector can do, one protocol each. A connector implements those its manifest names, no more.

Everything may be called twice: the platform runs it again when a process died. Shapes are in `values`, `carrier`
and `source`; errors are the remote families of `tidegate.errors` (later, refused, credentials, unknown, broken).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from tidegate.sdk.authorizing import ChecksCallback, ExchangesCode, PreparesConsent
from tidegate.sdk.carrier import CarrierScan, Issued, ScanPage, Waybill, WaybillRequest
from tidegate.sdk.shop import ShipsOrders
from tidegate.sdk.values import (
    Label,
    Notice,
    OrderMessage,
    OrderPage,
    Pushed,
    Quote,
    QuoteRequest,
    Recipient,
    RecipientToken,
    StockLevel,
    StockPage,
    Tokens,
    Tracked,
    Window,
)


@runtime_checkable
class PullsOrders(Protocol):
    """Orders changed in a window, page by page (tidegate.sdk.window drives it)."""

    def pull_orders(self, window: Window, cursor: str) -> OrderPage: ...


@runtime_checkable
class FetchesOrder(Protocol):
    """One order by its number: after a push that only names it."""

    def fetch_order(self, number: str) -> OrderPage: ...


@runtime_checkable
class TellsChanges(Protocol):
    """Messages that orders changed, kept by the platform until they are confirmed. They only name an order: it is
    fetched (FetchesOrder), stored, and then the message is confirmed.
    """

    def changed_orders(self) -> Sequence[OrderMessage]: ...

    def confirm_changes(self, ids: Sequence[str]) -> None: ...


@runtime_checkable
class PullsStock(Protocol):
    def pull_stock(self, cursor: str) -> StockPage: ...


@runtime_checkable
class PushesStock(Protocol):
    """Absolute units, not differences; one answer per level, in their order."""

    def push_stock(self, levels: Sequence[StockLevel]) -> Sequence[Pushed]: ...


@runtime_checkable
class MakesWaybills(Protocol):
    """See tidegate.sdk.carrier for the client key and the duplicate classes."""

    def create_waybill(self, request: WaybillRequest) -> Waybill: ...

    def cancel_waybill(self, client_key: str) -> None: ...


@runtime_checkable
class CancelsIssued(Protocol):
    """Beside `cancel_waybill`, for platforms that don't void by the client key alone; preferred where it is there."""

    def cancel_issued(self, issued: Issued) -> None: ...


@runtime_checkable
class QueriesWaybills(Protocol):
    def query_waybill(self, client_key: str) -> Waybill | None: ...


@runtime_checkable
class QueriesRequested(Protocol):
    """Beside or in place of `query_waybill`, for platforms that are asked by the shop order; preferred where the
    whole request is known.
    """

    def query_requested(self, request: WaybillRequest) -> Waybill | None: ...


@runtime_checkable
class GivesLabels(Protocol):
    """What a printer needs: a PDF, a picture, the platform's own print data, or HTML."""

    def label(self, issued: Issued) -> Label: ...


@runtime_checkable
class TellsScans(Protocol):
    """Scans of all parcels since a cursor."""

    def scans_since(self, cursor: str) -> ScanPage: ...


@runtime_checkable
class TracksParcels(Protocol):
    """Scans by number, full lists; `most_tracked` numbers a call."""

    @property
    def most_tracked(self) -> int: ...

    def track(self, parcels: Sequence[Tracked]) -> Sequence[CarrierScan]: ...


@runtime_checkable
class SubscribesTracking(Protocol):
    """Scans of these numbers come as pushes from now on."""

    def subscribe(self, parcels: Sequence[Tracked]) -> None: ...


@runtime_checkable
class QuotesRates(Protocol):
    def quote(self, request: QuoteRequest) -> Sequence[Quote]: ...


@runtime_checkable
class OpensRecipients(Protocol):
    """Recipients behind tokens or cipher text; those the platform keeps closed are None."""

    def open_recipients(self, tokens: Sequence[RecipientToken]) -> Sequence[Recipient | None]: ...


@runtime_checkable
class SendsNotices(Protocol):
    def send_notice(self, notice: Notice) -> None: ...


@runtime_checkable
class RefreshesTokens(Protocol):
    """New tokens for old; the platform makes sure that only one of many callers asks."""

    def refresh_tokens(self, held: Tokens | None) -> Tokens: ...


@runtime_checkable
class ChecksCredentials(Protocol):
    """One cheap call that only works with good credentials; says who we are there (a shop's or firm's name)."""

    def check_credentials(self) -> str: ...


CAPABILITIES: Mapping[str, type] = {
    "pull_orders": PullsOrders,
    "fetch_order": FetchesOrder,
    "messages": TellsChanges,
    "ship": ShipsOrders,
    "pull_stock": PullsStock,
    "push_stock": PushesStock,
    "create_waybill": MakesWaybills,
    "query_waybill": QueriesWaybills,
    "label": GivesLabels,
    "scans": TellsScans,
    "track": TracksParcels,
    "subscribe": SubscribesTracking,
    "quote": QuotesRates,
    "open_recipients": OpensRecipients,
    "send_notice": SendsNotices,
    "refresh_tokens": RefreshesTokens,
    "check_credentials": ChecksCredentials,
    "exchange_code": ExchangesCode,
    "check_callback": ChecksCallback,
    "prepare_consent": PreparesConsent,
}
