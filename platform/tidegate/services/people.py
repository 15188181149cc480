"""What every act of a person has in common: a reason, an existing order, an up-to-date page."""

from __future__ import annotations

from sqlalchemy import select

from tidegate.errors import Conflict, InputError, NotFound
from tidegate.store.tables import Order, Parcel
from tidegate.store.unit_of_work import UnitOfWork


def required_reason(reason: str | None) -> str:
    """The reason, trimmed.

    Raises:
        InputError: there is none; `fields["field"]` is `reason`.
    """
    if reason and reason.strip():
        return reason.strip()
    raise InputError(
        "reason.required",
        zh="请填写原因: 之后的人要知道为什么这样决定。",
        en="Give a reason: the next person must know why.",
        field="reason",
    )


def one_line(typed: str) -> str:
    """A name that somebody typed: one line of at most 80 characters that can be seen."""
    shown = "".join(sign for sign in typed if sign.isprintable() or sign.isspace())
    return " ".join(shown.split())[:80]


def order_of(work: UnitOfWork, order_id: int) -> Order:
    """This tenant's order.

    Raises:
        NotFound: it has none with this id.
    """
    found = work.session.get(Order, order_id)
    if found is None:
        raise NotFound(
            "order.not_found",
            zh=f"没有订单 {order_id}; 可能已删除或属于别的商家。",
            en=f"There is no order {order_id} here.",
            id=order_id,
        )
    return found


def parcel_of(work: UnitOfWork, parcel_id: int) -> Parcel:
    """This tenant's parcel.

    Raises:
        NotFound: it has none with this id.
    """
    found = work.session.get(Parcel, parcel_id)
    if found is None:
        raise NotFound(
            "parcel.not_found",
            zh=f"没有包裹 {parcel_id}; 可能属于别的商家。",
            en=f"There is no parcel {parcel_id} here.",
            id=parcel_id,
        )
    return found


def parcels_of(work: UnitOfWork, order: Order) -> list[Parcel]:
    """The order's parcels that were not cancelled, oldest first."""
    statement = select(Parcel).where(Parcel.order_id == order.id, Parcel.state != "cancelled")
    return list(work.session.scalars(statement.order_by(Parcel.id)))


def wrong_state(what: str, state: str, wanted: str) -> Conflict:
    """The thing is no longer where the act makes sense."""
    return Conflict(
        "state.wrong",
        zh=f"{what} 现在是 {state}, 此操作只适用于 {wanted}; 请刷新页面。",
        en=f"{what} is {state}; this works only for {wanted}. Reload the page.",
        what=what,
        state=state,
    )
