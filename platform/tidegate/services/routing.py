"""Courier choice for a parcel: quotes from the rate cards, the rules' choice, a person's choice above it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from tidegate.domain.money import Money
from tidegate.domain.rates import Quote, Rate, RateBook, Service, Trip, Zone, choose
from tidegate.engine.decisions import Outcome
from tidegate.engine.operations import wildcard
from tidegate.engine.values import fold
from tidegate.errors import InputError
from tidegate.services import quoting
from tidegate.services.closed_recipients import (
    NEEDS_PLATFORM,
    is_closed,
    marked_closed,
    refuse_untaken,
    takes,
)
from tidegate.services.context import Context
from tidegate.services.decisions import Verdict, ask
from tidegate.services.facts import order_volume_cm3, parcel_facts
from tidegate.services.people import order_of, parcels_of, required_reason, wrong_state
from tidegate.services.remotes.availability import marked
from tidegate.services.states import move_order, move_parcel, record
from tidegate.services.subjects import Subject
from tidegate.services.voiding import drop_waybill
from tidegate.services.work import enqueue_advance
from tidegate.store.tables import CarrierService, Order, Parcel, RateCard, ServiceZone
from tidegate.store.unit_of_work import UnitOfWork

CHANGEABLE = ("allocated", "on_hold", "routed", "waybill")


def load_rates(work: UnitOfWork) -> RateBook:
    """The tenant's services, zones and prices, kept in the session while it lives."""
    kept = work.session.info.get("rates")
    if isinstance(kept, RateBook):
        return kept
    services = [
        Service(s.code, s.carrier, s.volumetric_divisor, s.same_city_only)
        for s in work.session.scalars(
            select(CarrierService).where(CarrierService.active).order_by(CarrierService.code)
        )
    ]
    zones = [
        Zone(z.service_code, z.origin_province, z.province, z.city, z.zone, z.transit_hours)
        for z in work.session.scalars(select(ServiceZone))
    ]
    rates = [
        Rate(
            service_code=r.service_code,
            zone=r.zone,
            currency=r.currency,
            from_g=r.from_g,
            to_g=r.to_g,
            first_g=r.first_g,
            first_price_minor=r.first_price_minor,
            step_g=r.step_g,
            step_price_minor=r.step_price_minor,
        )
        for r in work.session.scalars(select(RateCard).order_by(RateCard.from_g))
    ]
    work.session.info["rates"] = book = RateBook(services, zones, rates)
    return book


def quotes_for(work: UnitOfWork, subject: Subject, parcel: Parcel, now: datetime) -> list[Quote]:
    """What each service would cost for this parcel, cheapest first, and whether it takes its recipient."""
    warehouse = subject.warehouses[parcel.warehouse_id]
    trip = Trip(
        origin=(warehouse.province or "", warehouse.city or ""),
        destination=(subject.order.province or "", subject.order.city or ""),
        weight_g=parcel.weight_g or 0,
        volume_cm3=order_volume_cm3(subject),
        ready_at=now,
        deliver_by=subject.order.deliver_by,
    )
    return marked_closed(work, subject.order, load_rates(work).quotes(trip))


def run_routing(
    work: UnitOfWork,
    context: Context,
    subject: Subject,
    parcel: Parcel,
    now: datetime,
    trigger: str,
) -> bool:
    """Ask the routing rules and carry the choice out. True when the parcel has a service."""
    order = subject.order
    rated = quotes_for(work, subject, parcel, now)
    quotes = marked(work, quoting.priced(work, subject, parcel, rated, now))
    facts = parcel_facts(subject, parcel, quotes)
    found = ask(
        work, context, "routing", facts, now=now, trigger=trigger, order_id=order.id,
        parcel_id=parcel.id, applied=order.manual_service is None, again=subject.judged,
    )  # fmt: skip
    _packaging(parcel, found)
    chosen = _chosen(work, order, found, quotes)
    hold = found.first("hold")
    if chosen is None or (hold is not None and order.manual_service is None):
        without = NEEDS_PLATFORM if is_closed(order) else "no_service"
        _hold(work, subject, parcel, hold, found.failed or without, now)
        return False
    service, quote = chosen
    if parcel.service_code not in (None, service.code):
        drop_waybill(work, parcel, now)
    parcel.service_code, parcel.carrier = service.code, service.carrier
    parcel.cost_minor = quote.cost_minor if quote else None
    parcel.cost_source = quote.source if quote else None
    parcel.routed_at = now
    order.hold_reason = order.hold_queue = None
    by = found.first("use_service", "choose")
    actor = by.rule if by and order.manual_service is None else "person"
    move_parcel(work, parcel, "routed", now=now, actor=actor, service=service.code)
    move_order(work, order, "routed", now=now, actor=actor, service=service.code)
    return True


def change_service(
    context: Context, order_id: int, service_code: str, actor: str, reason: str
) -> None:
    """A person chooses the courier; the rules only propose from then on.

    Raises:
        InputError: no reason or an unknown service. NotFound: no such order. Conflict: the parcel has left.
    """
    told = required_reason(reason)
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        order = order_of(work, order_id)
        service = _service(work, service_code)
        if service is None or not service.active:
            raise InputError(
                "service.unknown",
                zh=f"没有快递产品 {service_code}; 请从列表里选。",
                en=f"There is no service {service_code!r}; choose one from the list.",
                field="service",
                service=service_code,
            )
        refuse_untaken(work, order, service_code)
        parcels = parcels_of(work, order)
        late = [parcel for parcel in parcels if parcel.state not in CHANGEABLE]
        if late:
            raise wrong_state(late[0].number, late[0].state, ", ".join(CHANGEABLE))
        order.manual_service = service_code
        for parcel in parcels:
            drop_waybill(work, parcel, now)
            move_parcel(work, parcel, "allocated", now=now, actor_kind="person", actor=actor)
        if parcels and order.state in ("routed", "waybill", "on_hold"):
            if order.state == "waybill":
                move_order(work, order, "routed", now=now, actor_kind="person", actor=actor)
            # What review held stays review's: from "received" the rules are asked again.
            to = "received" if order.state == "on_hold" else "allocated"
            move_order(work, order, to, now=now, actor_kind="person", actor=actor)
        record(
            work, "service_changed", order_id=order_id, now=now, actor_kind="person", actor=actor,
            data={"reason": told, "service": service_code},
        )  # fmt: skip
        enqueue_advance(work, order_id, now)
        work.commit()


def _chosen(
    work: UnitOfWork, order: Order, found: Verdict, quotes: Sequence[Quote]
) -> tuple[CarrierService, Quote | None] | None:
    patterns = [fold(str(action.args["service"])) for action in found.every("exclude")]
    excluded = {
        quote.service
        for quote in quotes
        if not quote.takes_recipient
        or any(wildcard(fold(quote.service), pattern) for pattern in patterns)
    }
    by_code = {quote.service: quote for quote in quotes}
    code = order.manual_service
    if code is None:
        named = found.first("use_service")
        strategy = found.first("choose")
        if named is not None:
            code = str(named.args["service"])
            if code not in by_code or code in excluded:
                return None
        elif strategy is not None:
            left = [quote for quote in quotes if quote.service not in excluded]
            best = choose(str(strategy.args["by"]), left)
            code = best.service if best else None
    service = _service(work, code) if code else None
    if service is None or not takes(work, order, service.code):
        return None
    return service, by_code.get(service.code)


def _service(work: UnitOfWork, code: str) -> CarrierService | None:
    kept: dict[str, CarrierService] = work.session.info.setdefault("services", {})
    if not kept:
        kept.update({row.code: row for row in work.session.scalars(select(CarrierService))})
    return kept.get(code)


def _packaging(parcel: Parcel, found: Verdict) -> None:
    packaging = found.first("use_packaging")
    template = found.first("use_template")
    insurance = found.first("insure")
    parcel.packaging = str(packaging.args["packaging"]) if packaging else None
    parcel.label_template = str(template.args["template"]) if template else None
    parcel.label_notes = [str(note.args["text"]) for note in found.every("add_label_note")]
    parcel.insured_minor = _minor(insurance) if insurance else None


def _minor(insurance: Outcome) -> int | None:
    amount = insurance.args["amount"]
    value, currency = getattr(amount, "amount", None), getattr(amount, "currency", None)
    return Money.of(value, str(currency)).minor if value is not None else None


def _hold(
    work: UnitOfWork,
    subject: Subject,
    parcel: Parcel,
    hold: Outcome | None,
    otherwise: str,
    now: datetime,
) -> None:
    order = subject.order
    order.hold_reason = str(hold.args["reason"]) if hold else otherwise
    order.hold_queue = str(hold.args.get("queue", "manual_review")) if hold else "warehouse"
    actor = hold.rule if hold else "chain"
    move_parcel(work, parcel, "on_hold", now=now, actor=actor, reason=order.hold_reason)
    move_order(work, order, "on_hold", now=now, actor=actor, reason=order.hold_reason)
