"""Intake and review: the rules' verdicts on an order, and people's decisions above them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from tidegate.engine.decisions import Outcome
from tidegate.errors import Conflict, InputError
from tidegate.services.context import Context
from tidegate.services.decisions import Verdict, add_tags, ask
from tidegate.services.facts import order_facts
from tidegate.services.history import history_facts
from tidegate.services.intake_checks import check_recipient, recipient_keys
from tidegate.services.people import order_of, parcels_of, required_reason, wrong_state
from tidegate.services.states import move_order, move_parcel, record, states_before, touch
from tidegate.services.subjects import Subject, load_subject
from tidegate.services.voiding import drop_waybill, withdraw
from tidegate.services.work import enqueue_advance
from tidegate.store.tables import Event, Order
from tidegate.store.unit_of_work import UnitOfWork

OPEN = ("received", "on_hold")
OF_A_CARRIER = ("waybill_refused", "waybill_unknown")  # reasons to hold that no review rule gave
BEFORE_PRINTING = (
    "received", "on_hold", "approved", "waiting_stock", "allocated", "routed", "waybill",
)  # fmt: skip
EDITABLE = {
    "recipient.name": "recipient_name",
    "recipient.phone": "recipient_phone",
    "recipient.province": "province",
    "recipient.city": "city",
    "recipient.district": "district",
    "recipient.town": "town",
    "recipient.address": "address",
    "order.seller_memo": "seller_memo",
    "order.seller_flag": "seller_flag",
    "order.delivery_wish": "delivery_wish",
    "order.promised_carrier": "promised_carrier",
}

RECIPIENT = (  # columns that intake reads or works out about a recipient
    "recipient_kind", "recipient_phone", "country", "province", "city", "district", "town", "address",
    "postcode", "region_code", "address_check", "address_reason", "phone_kind", "phone_valid",
    "phone_key", "address_key",
)  # fmt: skip


def run_intake(
    work: UnitOfWork, context: Context, subject: Subject, now: datetime, trigger: str
) -> None:
    """Flags, tags and fields that the intake rules set on an order."""
    facts = order_facts(subject) | history_facts(work, subject, context.rules.for_gate("intake"))
    found = ask(
        work, context, "intake", facts, now=now, trigger=trigger, order_id=subject.order.id,
        again=subject.judged,
    )  # fmt: skip
    add_tags(subject.order, found)
    _set_fields(subject.order, found)
    known = {issue["field"] for issue in subject.order.issues}
    for action in found.every("flag_missing"):
        field = str(action.args["field"])
        if field not in known:
            issue = {"field": field, "code": "rule.flagged", "rule": action.rule}
            subject.order.issues = [*subject.order.issues, issue]


def run_review(
    work: UnitOfWork, context: Context, subject: Subject, now: datetime, trigger: str
) -> bool:
    """Ask the review rules and carry the verdict out. True when the order may go on."""
    order = subject.order
    found = _asked(work, context, subject, now, trigger)
    _carry_out(work, order, _beside_person(work, order, found), now)
    return order.state == "approved"


def reconsider(
    work: UnitOfWork, context: Context, subject: Subject, now: datetime, trigger: str
) -> None:
    """Ask the review rules about an order that was judged before, and act if facts changed the answer.

    A held order may be approved; one that was approved may be stopped until it leaves the house.
    """
    order = subject.order
    found = _asked(work, context, subject, now, trigger)
    if not found.fresh:
        return
    verdict = _beside_person(work, order, found)
    if verdict.action != "approve" or order.state in OPEN:
        _carry_out(work, order, verdict, now)


def _asked(
    work: UnitOfWork, context: Context, subject: Subject, now: datetime, trigger: str
) -> Verdict:
    order = subject.order
    sets = context.rules.for_gate("review")
    facts = order_facts(subject) | history_facts(work, subject, sets)
    found = ask(
        work, context, "review", facts, now=now, trigger=trigger, order_id=subject.order.id,
        again=subject.judged,
    )  # fmt: skip
    add_tags(order, found)
    if found.first("merge") and found.fresh:
        record(
            work, "merge_proposed", order_id=order.id, now=now, actor_kind="rule", actor="review"
        )
    return found


def _beside_person(work: UnitOfWork, order: Order, found: Verdict) -> Outcome:
    """The rules' verdict; but what a person released stays released, and their opinion is kept as a proposal.

    No verdict never means yes. A rejection that the person did not see (the source cancelled afterwards) is
    shown to a person again.
    """
    verdict = found.first("reject", "hold", "approve")
    if verdict is None:
        reason = found.failed or "no_rule_decided"
        verdict = Outcome("hold", {"reason": reason, "queue": "manual_review"}, "chain")
    if order.manual_review != "released" or verdict.action == "approve":
        return verdict
    for row in found.kept:
        row.applied = False
    reason = str(verdict.args.get("reason", ""))
    if verdict.action == "reject" and reason != _overruled(work, order):
        return Outcome("hold", {"reason": reason, "queue": "manual_review"}, verdict.rule)
    return Outcome("approve", {}, "person")


def _overruled(work: UnitOfWork, order: Order) -> str | None:
    """The rules' reason for which the order was held when a person released it last."""
    told = work.session.scalars(
        select(Event)
        .where(Event.order_id == order.id, Event.kind == "released_by_hand")
        .order_by(Event.id.desc())
    ).all()
    reasons = (event.data.get("overrules") for event in told)
    found = next((each for each in reasons if each not in OF_A_CARRIER), None)
    return str(found) if found else None


def _carry_out(work: UnitOfWork, order: Order, verdict: Outcome, now: datetime) -> None:
    """approve, hold or reject as an order's state, with reason and queue; its parcels follow."""
    to = {"approve": "approved", "hold": "on_hold", "reject": "rejected"}[verdict.action]
    reason = verdict.args.get("reason")
    order.hold_reason = str(reason) if reason and to == "on_hold" else None
    order.hold_queue = str(verdict.args.get("queue", "manual_review")) if to == "on_hold" else None
    told: dict[str, Any] = {"reason": str(reason)} if reason else {}
    if to == "on_hold" and order.state not in OPEN:
        for parcel in parcels_of(work, order):
            move_parcel(work, parcel, "on_hold", now=now, actor=verdict.rule, **told)
    if to == "rejected":
        withdraw(work, order, now)
    move_order(work, order, to, now=now, actor=verdict.rule, **told)


def _set_fields(order: Order, found: Verdict) -> None:
    """Fields that intake rules set; what a person edited stays as the person wrote it."""
    for action in found.every("set"):
        name = str(action.args["field"])
        if name in EDITABLE and name not in order.edited:
            setattr(order, EDITABLE[name], str(action.args["value"]))


def release(context: Context, order_id: int, actor: str, reason: str) -> None:
    """A person lets a held order go on; rules no longer hold it.

    After a carrier's refusal it is the waybill that the person has looked at, not the order: review rules go on
    judging it, and one that the shop cancels afterwards is stopped without another hand.

    Raises:
        InputError: no reason. NotFound: no such order. Conflict: it isn't held.
    """
    told = required_reason(reason)
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        order = order_of(work, order_id)
        if order.state not in OPEN:
            raise wrong_state(order.number, order.state, ", ".join(OPEN))
        overrules = order.hold_reason
        if overrules not in OF_A_CARRIER:
            order.manual_review = "released"
        order.hold_reason = order.hold_queue = None
        move_order(work, order, "received", now=now, actor_kind="person", actor=actor, reason=told)
        _by_person(work, order, "released_by_hand", actor, told, now, overrules=overrules)
        enqueue_advance(work, order_id, now)
        work.commit()


def reject(context: Context, order_id: int, actor: str, reason: str) -> None:
    """A person refuses an order; its stock is free again. Errors as `release`."""
    told = required_reason(reason)
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        order = order_of(work, order_id)
        if order.state not in (wanted := states_before("order", "rejected")):
            raise wrong_state(order.number, order.state, ", ".join(wanted))
        order.manual_review = "rejected"
        withdraw(work, order, now)
        move_order(work, order, "rejected", now=now, actor_kind="person", actor=actor, reason=told)
        _by_person(work, order, "rejected_by_hand", actor, told, now)
        work.commit()


def ask_again(context: Context, order_id: int, actor: str) -> None:
    """Ask the review rules once more about a held order; otherwise the answer is only a proposal.

    Raises:
        NotFound: no such order.
    """
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        subject = load_subject(work, order_id)
        record(work, "asked_again", order_id=order_id, now=now, actor_kind="person", actor=actor)
        by_hand = subject.order.manual_review != "none"
        if subject.order.state in OPEN and not by_hand:
            run_review(work, context, subject, now, "asked_again")
            enqueue_advance(work, order_id, now)
        else:
            sets = context.rules.for_gate("review")
            facts = order_facts(subject) | history_facts(work, subject, sets)
            facts["order"]["manual_review"] = "none"
            ask(
                work, context, "review", facts, now=now, trigger="asked_again",
                order_id=order_id, applied=False,
            )  # fmt: skip
        work.commit()


def edit_order(
    context: Context,
    order_id: int,
    version: int,
    changes: Mapping[str, str | None],
    actor: str,
    reason: str,
) -> None:
    """A person changes fields (vocabulary ids); later imports keep them, and the gates are asked again.

    Raises:
        InputError: no reason, an unknown field, or nothing to change. Conflict: `version` is stale.
        NotFound: no such order.
    """
    told = required_reason(reason)
    unknown = sorted(set(changes) - set(EDITABLE))
    if unknown or not changes:
        raise InputError(
            "order.not_editable",
            zh=f"不能修改: {', '.join(unknown) or '(没有改动)'}; 可改: {', '.join(EDITABLE)}。",
            en=f"Can't change {', '.join(unknown) or 'nothing'}; editable: {', '.join(EDITABLE)}.",
            field=unknown[0] if unknown else "",
        )
    now = context.clock()
    with context.store.begin(context.tenant_id) as work:
        order = order_of(work, order_id)
        if order.version != version:
            raise Conflict(
                "order.changed_meanwhile",
                zh=f"订单 {order.number} 刚被改过, 你看到的是旧版本; 请刷新后重填。",
                en=f"Order {order.number} changed meanwhile; reload and fill in again.",
                number=order.number,
            )
        if order.state not in BEFORE_PRINTING:
            raise wrong_state(order.number, order.state, ", ".join(BEFORE_PRINTING))
        for name, value in changes.items():
            setattr(order, EDITABLE[name], (value or "").strip() or None)
        order.edited = sorted({*order.edited, *changes})
        touch(work, order, now)
        _check_recipient(order, context.tenant_id)
        _by_person(work, order, "edited", actor, told, now, fields=sorted(changes))
        if order.state == "on_hold" and order.manual_review == "none":
            move_order(work, order, "received", now=now, actor_kind="person", actor=actor)
        if any(name.startswith("recipient.") for name in changes):
            _route_anew(work, order, actor, now)
        enqueue_advance(work, order_id, now)
        work.commit()


def _route_anew(work: UnitOfWork, order: Order, actor: str, now: datetime) -> None:
    """Another place may mean another courier, and a waybill with the old address must not be used."""
    by: dict[str, Any] = {"now": now, "actor_kind": "person", "actor": actor}
    for parcel in parcels_of(work, order):
        drop_waybill(work, parcel, now)
        if parcel.state in ("routed", "waybill"):
            move_parcel(work, parcel, "allocated", **by)
    if order.state == "waybill":
        move_order(work, order, "routed", **by)
    if order.state == "routed":
        move_order(work, order, "allocated", **by)


def _check_recipient(order: Order, tenant_id: int) -> None:
    """What intake works out about a recipient, worked out again after an edit."""
    masked = "*" in f"{order.recipient_name}{order.recipient_phone}{order.address}"
    order.recipient_kind = "masked" if masked else "plain"
    values = {name: getattr(order, name) for name in RECIPIENT}
    recipient_keys(values, tenant_id)
    check_recipient(values)
    for name, value in values.items():
        setattr(order, name, value)


def _by_person(
    work: UnitOfWork,
    order: Order,
    kind: str,
    actor: str,
    reason: str,
    now: datetime,
    **data: object,
) -> None:
    told = {"reason": reason, **data}
    record(work, kind, order_id=order.id, now=now, actor_kind="person", actor=actor, data=told)
