"""Unified tracking states: the ULSC codes of Open Logistics Tracking Standard (dictionary CC BY 4.0).

https://github.com/open-logistics-tracking/OLTS, 32 codes in seven groups; `rank` orders them so that late or repeated
scans never move a parcel backwards, and a terminal state is never left.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrackingState:
    """`parcel_state` is the parcel's state that this scan leads to, or None when the scan moves nothing."""

    code: str
    group: str
    zh: str
    en: str
    parcel_state: str | None
    terminal: bool = False


_ROWS = (
    ("order_created", "pre_shipment", "已下单", "Order created", None),
    ("order_cancelled", "pre_shipment", "已取消", "Order cancelled", None),
    ("label_printed", "pre_shipment", "已出面单", "Label printed", None),
    ("pickup_scheduled", "pickup", "待揽收", "Pickup scheduled", None),
    ("picked_up", "pickup", "已揽收", "Picked up", "in_transit"),
    ("pickup_failed", "pickup", "揽收失败", "Pickup failed", None),
    ("arrived_at_hub", "transit", "到达转运中心", "Arrived at hub", "in_transit"),
    ("departed_from_hub", "transit", "离开转运中心", "Departed from hub", "in_transit"),
    ("in_transit", "transit", "运输中", "In transit", "in_transit"),
    ("transferred_to_carrier", "transit", "转交承运商", "Transferred", "in_transit"),
    ("arrived_at_destination", "transit", "到达目的地", "Arrived at destination", "in_transit"),
    ("customs_declared", "customs", "已申报", "Customs declared", "in_transit"),
    ("customs_inspection", "customs", "海关查验", "Customs inspection", "in_transit"),
    ("customs_held", "customs", "海关扣留", "Held at customs", "in_transit"),
    ("customs_duty_pending", "customs", "待缴税", "Duty pending", "in_transit"),
    ("customs_duty_paid", "customs", "已缴税", "Duty paid", "in_transit"),
    ("customs_released", "customs", "海关放行", "Customs released", "in_transit"),
    ("out_for_delivery", "delivery", "派送中", "Out for delivery", "out_for_delivery"),
    ("delivery_attempted", "delivery", "派送未成功", "Delivery attempted", "out_for_delivery"),
    ("delivered", "delivery", "已签收", "Delivered", "delivered"),
    ("delivery_to_locker", "delivery", "已入柜或驿站", "In locker or shop", "out_for_delivery"),
    ("awaiting_pickup", "delivery", "待自提", "Awaiting pickup", "out_for_delivery"),
    ("signed_by_third_party", "delivery", "代收签收", "Signed by a third party", "delivered"),
    ("exception", "exception", "异常", "Exception", None),
    ("damaged", "exception", "破损", "Damaged", None),
    ("lost", "exception", "丢失", "Lost", "lost"),
    ("address_issue", "exception", "地址问题", "Address issue", None),
    ("recipient_unavailable", "exception", "联系不上收件人", "Recipient unavailable", None),
    ("refused", "exception", "拒收", "Refused", "returning"),
    ("return_initiated", "return", "退回中", "Return initiated", "returning"),
    ("in_return_transit", "return", "退回运输中", "In return transit", "returning"),
    ("returned_to_sender", "return", "已退回", "Returned to sender", "returned"),
)
_TERMINAL = {"delivered", "signed_by_third_party", "returned_to_sender", "lost", "order_cancelled"}

STATES: dict[str, TrackingState] = {
    code: TrackingState(code, group, zh, en, parcel_state, terminal=code in _TERMINAL)
    for code, group, zh, en, parcel_state in _ROWS
}
RANKED: tuple[TrackingState, ...] = tuple(STATES.values())
_RANKS = {code: rank for rank, code in enumerate(STATES)}


def rank_of(code: str) -> int:
    """The place of a state in the dictionary, for scans of the same instant; -1 for an unknown one."""
    return _RANKS.get(code, -1)
