"""The recipient in clear, for whoever says why; the look is kept on the order's time line."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tidegate.errors import InputError, NotFound, TidegateError
from tidegate.services.context import Context
from tidegate.services.opened_recipients import open_recipient
from tidegate.store.tables import Event, Order


@dataclass(frozen=True, slots=True)
class ClearRecipient:
    """Personal data: show it once, keep it nowhere."""

    name: str
    phone: str
    address: str
    buyer: str
    buyer_memo: str
    seller_memo: str
    opened: bool = False  # by the platform, for this look
    trouble: TidegateError | None = None  # why it was not, though the order has a token


def order_not_found(order_id: int) -> NotFound:
    """The same answer for an order that never was and for another tenant's."""
    return NotFound(
        "order.not_found",
        zh=f"没有编号为 {order_id} 的订单; 请从订单列表打开, 或按订单号查找。",
        en=f"There is no order {order_id}; open it from the list or search by its number.",
        order_id=order_id,
    )


def reveal_recipient(context: Context, order_id: int, actor: str, reason: str) -> ClearRecipient:
    """Name, phone, address and memos in clear; writes an event `revealed` with the reason.

    Raises:
        InputError: no reason was given.
        NotFound: there is no such order.
    """
    if not reason.strip():
        raise InputError(
            "recipient.reason_missing",
            zh="查看收件人需要理由; 请写明用途, 例如 “回拨核实地址”。",
            en='A reason is needed to see the recipient; write what for, such as "call to check".',
            field="reason",
        )
    with context.store.begin(context.tenant_id) as work:
        order = work.session.get(Order, order_id)
        if order is None or order.tenant_id != context.tenant_id:
            raise order_not_found(order_id)
        work.add(
            Event(
                order_id=order.id,
                at=context.clock(),
                kind="revealed",
                actor_kind="person",
                actor=actor,
                data={"reason": reason.strip()},
            )
        )
        work.commit()
        clear = ClearRecipient(
            name=order.recipient_name or "-",
            phone=order.recipient_phone or "-",
            address=order.address or "-",
            buyer=order.buyer or "-",
            buyer_memo=order.buyer_memo or "",
            seller_memo=order.seller_memo or "",
        )
    return _opened(context, order_id, clear, actor, reason.strip())


def _opened(
    context: Context, order_id: int, clear: ClearRecipient, actor: str, reason: str
) -> ClearRecipient:
    """With what the platform tells of a recipient that came as a token or a mask."""
    try:
        found = open_recipient(context, order_id, actor, reason)
    except TidegateError as error:
        return replace(clear, trouble=error)
    if found is None:
        return clear
    return replace(clear, name=found.name, phone=found.phone, address=found.address, opened=True)
