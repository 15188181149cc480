"""Carriers as services see them: every call is counted by outcome, timed, and a span of the trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

from tidegate.errors import RemoteRefused, RemoteRetry, RemoteUnknown
from tidegate.sdk.carrier import Carrier, DuplicateClass, ScanPage, Waybill, WaybillRequest
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
    """The same carrier; what it answers and raises passes unchanged."""

    carrier: Carrier

    @property
    def name(self) -> str:
        return self.carrier.name

    @property
    def duplicates(self) -> DuplicateClass:
        return self.carrier.duplicates

    def create_waybill(self, request: WaybillRequest) -> Waybill:
        return self._watched("create_waybill", lambda: self.carrier.create_waybill(request))

    def query_waybill(self, client_key: str) -> Waybill | None:
        return self._watched("query_waybill", lambda: self.carrier.query_waybill(client_key))

    def cancel_waybill(self, client_key: str) -> None:
        self._watched("cancel_waybill", lambda: self.carrier.cancel_waybill(client_key))

    def scans_since(self, cursor: str) -> ScanPage:
        return self._watched("scans_since", lambda: self.carrier.scans_since(cursor))

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


def watched(carriers: Mapping[str, Carrier]) -> dict[str, Carrier]:
    """Every carrier, watched."""
    return {name: WatchedCarrier(carrier) for name, carrier in carriers.items()}
