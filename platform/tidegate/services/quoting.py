"""Prices that carriers tell: asked by a job before routing, kept for a while, and never waited for long.

An account that offers quotes and whose setting `quotes` is `yes` is asked once for a lane and weight. The parcel waits
at most WAIT for the answer; then, or when the carrier can't answer, the rate table counts. Only regions are told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select

from tidegate.domain.rates import Quote
from tidegate.errors import TidegateError
from tidegate.sdk.carrier import Contact
from tidegate.sdk.discovery import manifest_of
from tidegate.sdk.values import Quote as Told
from tidegate.sdk.values import QuoteRequest
from tidegate.services.context import Context
from tidegate.services.subjects import Subject, load_subject
from tidegate.services.work import enqueue, enqueue_advance
from tidegate.store.quote_tables import CarrierQuote
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.tables import CarrierService, Parcel
from tidegate.store.unit_of_work import UnitOfWork

log = structlog.get_logger()
WAIT = timedelta(seconds=10)  # how long a parcel waits for prices
FRESH = timedelta(hours=1)  # how long an answer counts
PAUSE = timedelta(minutes=5)  # how long a carrier that could not answer is left alone
STEP_G = 100  # weights are told in steps of it, upwards
_ACCOUNTS, _ASKED = "accounts that quote", "quotes asked"


@dataclass(frozen=True, slots=True)
class _Account:
    """`products` are the platform's words for a service: its code, its carrier's, ours."""

    code: str
    products: Mapping[str, tuple[str, ...]]  # service -> words


def awaited(work: UnitOfWork, subject: Subject, parcel: Parcel, now: datetime) -> bool:
    """Whether the parcel had better wait: prices were just asked for and may still come."""
    waits = False
    if not subject.order.province or not subject.order.city:
        return False  # nobody can price it
    for account in _accounts(work):
        row = _row(work, account.code, subject, parcel)
        if row is None or row.until_at <= now:
            late = row is not None and row.state == "asked"
            _ask_later(work, account.code, subject, parcel, row, late, now)
            waits = waits or not late
        else:
            waits = waits or row.state == "asked"
    if waits:
        order_id = subject.order.id
        enqueue(
            work, "advance_order", {"order_id": order_id}, due_at=now + WAIT, now=now,
            key=f"advance:{order_id}:quotes",
        )  # fmt: skip
    return waits


def asked(work: UnitOfWork) -> list[tuple[str, int]]:
    """(account, parcel) that this unit of work put questions for."""
    return list(work.session.info.get(_ASKED, ()))


def priced(
    work: UnitOfWork, subject: Subject, parcel: Parcel, rated: Sequence[Quote], now: datetime
) -> list[Quote]:
    """The rate table's quotes, with carriers' own prices where they are known, cheapest first."""
    told = _told(work, subject, parcel, now)
    if not told:
        return list(rated)
    found = [
        _by_carrier(one, told[one.service], subject, now) if one.service in told else one
        for one in rated
    ]
    return sorted(found, key=lambda one: (one.cost_minor, one.transit_hours, one.service))


def ask(context: Context, account: str, parcel_id: int) -> None:
    """Ask the account what the parcel would cost, keep what it says, and let the order go on. A carrier that can't
    answer is left alone for a while; nothing is raised for it.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        parcel = work.session.get(Parcel, parcel_id)
        if parcel is None or parcel.state not in ("allocated", "on_hold"):
            return
        subject = load_subject(work, parcel.order_id)
        row = _row(work, account, subject, parcel)
        if row is None or (row.state == "answered" and row.until_at > context.clock()):
            return
        row_id, order_id, request = row.id, parcel.order_id, _request(subject, parcel)
    carrier = context.carriers.get(account)
    code, prices = "account.unusable", {}
    if carrier is not None:
        try:
            offered: Sequence[Told] = carrier.quote(request)  # type: ignore[attr-defined]  # `_accounts` looked
            code, prices = "", {one.service_code: _price(one) for one in offered}
        except TidegateError as error:
            log.warning("quote.none", account=account, code=error.code)
            code = error.code
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        kept = work.session.get(CarrierQuote, row_id)
        if kept is not None:
            kept.state, kept.code = ("failed" if code else "answered"), code[:80]
            kept.prices = prices
            kept.until_at = now + (PAUSE if code else FRESH)
        enqueue_advance(work, order_id, now)
        work.commit()


def _ask_later(
    work: UnitOfWork,
    account: str,
    subject: Subject,
    parcel: Parcel,
    row: CarrierQuote | None,
    late: bool,
    now: datetime,
) -> None:
    """`late`: the last question was not answered in time, so that the table counts for a while."""
    if row is None:
        row = CarrierQuote(
            account=account, lane=_lane(subject, parcel), weight_g=_weight_g(parcel), state="asked",
            code="", prices={}, asked_at=now, until_at=now + WAIT,
        )  # fmt: skip
        work.add(row)
        work.session.flush()
    elif late:
        row.state, row.code, row.until_at = "failed", "quote.late", now + PAUSE
        return
    else:
        row.state, row.code, row.asked_at, row.until_at = "asked", "", now, now + WAIT
    args = {"account": account, "parcel_id": parcel.id}
    enqueue(
        work, "ask_quotes", args, due_at=now, now=now, key=f"quotes:{row.id}", lane=account,
    )  # fmt: skip
    work.session.info.setdefault(_ASKED, []).append((account, parcel.id))


def _told(
    work: UnitOfWork, subject: Subject, parcel: Parcel, now: datetime
) -> dict[str, Mapping[str, Any]]:
    """Service -> price, of answers that still count."""
    found: dict[str, Mapping[str, Any]] = {}
    for account in _accounts(work):
        row = _row(work, account.code, subject, parcel)
        if row is None or row.state != "answered" or row.until_at <= now:
            continue
        for service, words in account.products.items():
            price = next((row.prices[word] for word in words if word in row.prices), None)
            if price is not None:
                found[service] = price
    return found


def _by_carrier(one: Quote, price: Mapping[str, Any], subject: Subject, now: datetime) -> Quote:
    if price["currency"] != one.currency:
        return one  # nobody can compare them
    hours = int(price["hours"] or one.transit_hours)
    due = subject.order.deliver_by
    return replace(
        one, cost_minor=int(price["minor"]), transit_hours=hours, source="carrier",
        meets_promise=due is None or now + timedelta(hours=hours) <= due,
    )  # fmt: skip


def _price(one: Told) -> dict[str, Any]:
    return {"minor": one.minor, "currency": one.currency, "hours": one.hours}


def _request(subject: Subject, parcel: Parcel) -> QuoteRequest:
    house, order = subject.warehouses[parcel.warehouse_id], subject.order
    return QuoteRequest(
        sender=Contact("", "", house.province or "", house.city or "", house.district or "", ""),
        recipient=Contact("", "", order.province or "", order.city or "", order.district or "", ""),
        weight_g=_weight_g(parcel),
    )


def _weight_g(parcel: Parcel) -> int:
    return max(1, -(-(parcel.weight_g or 1) // STEP_G)) * STEP_G


def _lane(subject: Subject, parcel: Parcel) -> str:
    """The two regions; nobody lives in one alone."""
    asked = _request(subject, parcel)
    ends = (asked.sender, asked.recipient)
    return "|".join(f"{one.province}/{one.city}/{one.district}"[:95] for one in ends)


def _row(work: UnitOfWork, account: str, subject: Subject, parcel: Parcel) -> CarrierQuote | None:
    found: CarrierQuote | None = work.session.scalar(
        select(CarrierQuote).where(
            CarrierQuote.account == account, CarrierQuote.lane == _lane(subject, parcel),
            CarrierQuote.weight_g == _weight_g(parcel),
        )
    )  # fmt: skip
    return found


def _accounts(work: UnitOfWork) -> list[_Account]:
    """Those that are asked, once per unit of work."""
    kept: list[_Account] | None = work.session.info.get(_ACCOUNTS)
    if kept is None:
        with work.every_shop():  # an account of all shops serves theirs too
            kept = work.session.info[_ACCOUNTS] = _looked_up(work)
    return kept


def _looked_up(work: UnitOfWork) -> list[_Account]:
    found = []
    rows = work.session.scalars(
        select(ConnectorAccount).where(ConnectorAccount.state == "active").order_by(ConnectorAccount.id)
    )  # fmt: skip
    for row in rows:
        if row.settings.get("quotes") != "yes":
            continue
        try:
            manifest = manifest_of(row.connector)
        except TidegateError:  # not installed any more
            continue
        if not {"quote", "create_waybill"} <= manifest.capabilities:
            continue
        services = work.session.scalars(
            select(CarrierService).where(CarrierService.connector == row.code)
        )
        products = {
            one.code: (one.code, manifest.carriers.get(one.carrier, one.carrier), one.carrier)
            for one in services
        }
        found.append(_Account(row.code, products))
    return found
