"""Carriers as services see them: every call is counted by outcome, timed, and a span of the trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

from tidegate.errors import RemoteRefused, RemoteRetry, RemoteUnknown
from tidegate.sdk.capabilities import CancelsIssued, QueriesRequested
from tidegate.sdk.carrier import (
    Carrier,
    DuplicateClass,
    Issued,
    ScanPage,
    Waybill,
    WaybillRequest,
)
from tidegate.services.backups.marking import reconciling
from tidegate.store.unit_of_work import Store
from tidegate.telemetry.meters import meters
from tidegate.telemetry.tracing import span

T = TypeVar("T")
OUTCOMES: Mapping[type[Exception], str] = {
    RemoteRefused: "refused",
    RemoteRetry: "retry",
    RemoteUnknown: "unknown",
}


@dataclass(frozen=True, slots=True)
class WatchedCarrier:
    """The same carrier; what it answers and raises passes unchanged. `account` is its name where the connector has
    none of its own.
    """

    carrier: Carrier
    waiting: Callable[[], bool] = lambda: (
        False
    )  # restored data was not compared with the carrier yet
    account: str = ""

    @property
    def name(self) -> str:
        return self.account or self.carrier.name

    @property
    def duplicates(self) -> DuplicateClass:
        return self.carrier.duplicates

    def create_waybill(self, request: WaybillRequest) -> Waybill:
        self._not_before_reconciled()
        return self._watched("create_waybill", lambda: self.carrier.create_waybill(request))

    def query_waybill(self, client_key: str) -> Waybill | None:
        return self._watched("query_waybill", lambda: self.carrier.query_waybill(client_key))

    def query_requested(self, request: WaybillRequest) -> Waybill | None:
        """By the whole request where the carrier takes one, else by the key."""
        carrier = self.carrier
        if not isinstance(carrier, QueriesRequested):
            return self.query_waybill(request.client_key)
        return self._watched("query_waybill", lambda: carrier.query_requested(request))

    def cancel_waybill(self, client_key: str) -> None:
        self._not_before_reconciled()
        self._watched("cancel_waybill", lambda: self.carrier.cancel_waybill(client_key))

    def cancel_issued(self, issued: Issued) -> None:
        """Void by number where the carrier takes one, else by the key."""
        self._not_before_reconciled()
        carrier = self.carrier
        if not isinstance(carrier, CancelsIssued):
            return self.cancel_waybill(issued.client_key)
        return self._watched("cancel_waybill", lambda: carrier.cancel_issued(issued))

    def scans_since(self, cursor: str) -> ScanPage:
        return self._watched("scans_since", lambda: self.carrier.scans_since(cursor))

    def offers(self, name: str) -> bool:
        """Whether the connector itself has this method: not all can be queried, or voided, or list scans."""
        return hasattr(self.carrier, name)

    def __getattr__(self, name: str) -> Any:
        """What else the connector can do (labels, tracking by number …), as it is."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.carrier, name)

    def _not_before_reconciled(self) -> None:
        """Nothing is asked for until what the carrier did since the backup is known."""
        if self.waiting():
            raise RemoteRetry(
                "carrier.reconciling",
                zh="刚从备份恢复，正在与快递核对；核对完成后自动继续，本次没有发出。",
                en="Restored from a backup: carriers are asked what they have first. Nothing was sent; wait a little.",
            )

    def _watched(self, call: str, ask: Callable[[], T]) -> T:
        found, started, outcome = meters(), perf_counter(), "broken"
        try:
            with span(f"carrier {call}", connector=self.name):
                answer = ask()
            outcome = "confirmed"
        except Exception as error:
            outcome = next((o for kind, o in OUTCOMES.items() if isinstance(error, kind)), "broken")
            raise
        else:
            return answer
        finally:
            found.carrier_calls.labels(self.name, call, outcome).inc()
            found.carrier_seconds.labels(self.name, call).observe(perf_counter() - started)


def watched(carriers: Mapping[str, Carrier], store: Store) -> dict[str, Carrier]:
    """Every carrier, watched, and silent while restored data is compared with the carriers' books."""
    gate = RestoreGate(store)
    return {name: WatchedCarrier(carrier, gate.closed) for name, carrier in carriers.items()}


class RestoreGate:
    """Closed until every tenant is reconciled; once open it stays open, and costs nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open = False

    def closed(self) -> bool:
        self._open = self._open or not reconciling(self._store)
        return not self._open
