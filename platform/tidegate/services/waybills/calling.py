"""The call itself, outside any transaction: what the carrier answers, as one of four outcomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from tidegate.errors import RemoteRefused, RemoteRetry, RemoteUnknown
from tidegate.sdk.capabilities import QueriesRequested
from tidegate.sdk.carrier import Carrier, DuplicateClass, Waybill, WaybillRequest
from tidegate.services.side_by_side import side_by_side

log = structlog.get_logger()
NO_QUERY = "account.no_query"  # the refusal of a carrier that can't be asked by key
Answer = Waybill | RemoteRetry | RemoteRefused | RemoteUnknown


@dataclass(frozen=True, slots=True)
class Sending:
    """One request under way; `attempt` fences its answer against a later attempt's."""

    effect_id: int
    attempt: int
    parcel_id: int
    connector: str
    carrier: Carrier
    request: WaybillRequest
    was_unknown: bool  # an earlier attempt may have been accepted


def call_all(requests: Sequence[Sending], in_time: Callable[[], bool]) -> list[Answer]:
    """Ask for all, a few at a time. What is not begun in time is not begun: others would take it for lost."""

    def ask(sending: Sending) -> Answer:
        return _call(sending) if in_time() else _too_late()

    return side_by_side(ask, requests)


def _too_late() -> RemoteRetry:
    return RemoteRetry(
        "carrier.slow",
        zh="快递接口太慢, 本次没有发出; 会自动重试。",
        en="The carrier is slow, so nothing was sent this time; it is tried again.",
    )


def _call(sending: Sending) -> Answer:
    """Ask the carrier. After an unknown outcome, one that refuses repeats is queried first; and a refusal is
    believed only when a query finds nothing.
    """
    carrier = sending.carrier
    query_first = sending.was_unknown and carrier.duplicates is DuplicateClass.REFUSES_AND_QUERIES
    try:
        found = _asked_for(carrier, sending.request) if query_first else None
        return found or carrier.create_waybill(sending.request)
    except RemoteRefused as error:
        return (_made_before(sending) or error) if sending.was_unknown else error
    except (RemoteRetry, RemoteUnknown) as error:
        return error
    except Exception as error:  # a broken connector must not lose what it may have sent
        log.exception("waybill.connector_failed", parcel_id=sending.parcel_id)
        name = type(error).__name__
        return RemoteUnknown(
            "carrier.broken", zh=f"连接器出错 ({name})。", en=f"The connector broke ({name})."
        )


def _asked_for(carrier: Carrier, request: WaybillRequest) -> Waybill | None:
    """By the whole request where the carrier can be asked so, else by the key."""
    if isinstance(carrier, QueriesRequested):
        return carrier.query_requested(request)
    return carrier.query_waybill(request.client_key)


def _made_before(sending: Sending) -> Answer | None:
    try:
        return _asked_for(sending.carrier, sending.request)
    except (RemoteRetry, RemoteRefused, RemoteUnknown) as error:
        if error.code == NO_QUERY:  # it honours the key: had it made one, it had answered with that
            return None
        return RemoteUnknown(error.code, zh=error.text("zh"), en=error.text("en"))
