"""Writing: a waybill exactly once, a number told once, whatever the line does meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from tidegate.contract.bench import Bench, Stand
from tidegate.contract.card import Wrong
from tidegate.contract.parcels import issued, request, shipment
from tidegate.contract.pulling import base, order
from tidegate.contract.registry import check
from tidegate.errors import RemoteRetry, RemoteUnknown, TidegateError
from tidegate.sdk.carrier import Waybill, WaybillRequest
from tidegate.sdk.shop import Shipment
from tidegate.sdk.stage.protocol import Fault, HasOrders, HasShipments, HasWaybills

LOST = (Fault.CUT, Fault.GARBAGE)


@check(
    "waybill",
    "取号一次得一个运单",
    "one request, one waybill",
    needs="create_waybill",
    faces=(HasWaybills,),
    order=80,
)
def waybill(bench: Bench) -> None:
    with bench.stand() as stand:
        asked = request(stand, "kit-1001")
        made = stand.made.create_waybill(asked)
        _one_live(stand, made)
        again = _again(stand, asked)
        if again is not None and again.waybill_no != made.waybill_no:
            raise Wrong(
                f"同一客户键第二次得到另一个号: {made.waybill_no} 与 {again.waybill_no}。",
                f"The same client key gave another number: {made.waybill_no} and {again.waybill_no}.",
            )
        if stand.made.duplicates != "C":
            _one_live(stand, made)


@check(
    "waybill-lost-answer", "回答丢失后仍只有一个运单", "a lost answer leaves exactly one waybill",
    needs="create_waybill", faces=(HasWaybills,), order=81,
)  # fmt: skip
def lost_answer(bench: Bench) -> None:
    for fault in LOST:
        with bench.stand() as stand:
            key = f"kit-{fault.value}"
            asked = request(stand, key)
            stand.server.fail(fault)
            error = _raised(stand, partial(stand.made.create_waybill, asked))
            if not isinstance(error, RemoteUnknown):
                raise Wrong(
                    f"取号时 {fault}: 得 {_name(error)}, 应为 RemoteUnknown; 请求不可标为 idempotent。",
                    f"{fault} while asking for a waybill gave {_name(error)}, not RemoteUnknown; such a request must "
                    "not be marked idempotent.",
                )
            stand.renewed()
            if stand.made.duplicates == "C":
                continue  # a person decides
            found = _again(stand, asked)
            if found is None:
                raise Wrong("丢失的回答找不回来。", "The lost waybill can't be found again.")
            _one_live(stand, found)


def _again(stand: Stand, asked: WaybillRequest) -> Waybill | None:
    """As the class says: A is asked again with the same key, B is queried first, C never."""
    if stand.made.duplicates == "C":
        return None
    if stand.made.duplicates == "B":
        found: Waybill | None = stand.made.query_requested(asked)
        if found is not None:
            return found
    made: Waybill = stand.made.create_waybill(asked)
    return made


def _one_live(stand: Stand, made: Waybill) -> None:
    live = [one for one in stand.server.waybills() if one.live]
    if len(live) != 1 or live[0].waybill_no != made.waybill_no:
        raise Wrong(
            f"平台上有 {len(live)} 个有效运单, 应为 1 个 ({made.waybill_no})。",
            f"The platform has {len(live)} live waybills; there should be one, {made.waybill_no}.",
        )


@check(
    "waybill-cancel", "作废后没有有效运单", "a cancelled waybill is no longer live",
    needs="create_waybill cancel_waybill", faces=(HasWaybills,), order=82,
)  # fmt: skip
def cancel(bench: Bench) -> None:
    with bench.stand() as stand:
        asked = request(stand, "kit-2001")
        made = stand.made.create_waybill(asked)
        stand.made.cancel_issued(issued(asked, made))
        if any(one.live for one in stand.server.waybills()):
            raise Wrong(
                f"{made.waybill_no} 作废后仍有效。", f"{made.waybill_no} is live after its cancel."
            )


@check(
    "ship", "运单号告诉店铺一次, 回答丢失也如此", "a number is told once, though the answer is lost",
    needs="ship", faces=(HasOrders, HasShipments), order=85,
)  # fmt: skip
def ship(bench: Bench) -> None:
    for fault in (None, *LOST):
        with bench.stand() as stand:
            placed = order(11, base(bench.manifest.sync) - timedelta(minutes=5))
            stand.server.place(placed)
            what = shipment(stand, placed.number, "SF1234567890123")
            if fault is not None:
                stand.server.fail(fault)
                error = _raised(stand, partial(stand.made.ship, what))
                if not isinstance(error, RemoteUnknown | RemoteRetry):
                    raise Wrong(
                        f"回传时 {fault}: 得 {_name(error)}, 应为 RemoteUnknown 或 RemoteRetry。",
                        f"{fault} while telling a number gave {_name(error)}, not RemoteUnknown or RemoteRetry.",
                    )
                stand.renewed()
            _told(stand, what)
            _told(stand, what)
            _told_once(stand, placed.number)


def _told(stand: Stand, what: Shipment) -> None:
    """As write-back does: where the shop can be asked, it is asked first."""
    number, parcel = what.order_number, what.parcel_number
    if stand.made.duplicates == "B" and stand.made.shipped(number, parcel):
        return
    if stand.made.duplicates == "C" and stand.server.shipped():
        return
    stand.made.ship(what)


def _told_once(stand: Stand, number: str) -> None:
    told = [one.waybill_no for one in stand.server.shipped() if one.order_number == number]
    if told != ["SF1234567890123"]:
        raise Wrong(
            f"店铺收到 {len(told)} 次运单号, 应为一次: {', '.join(told)}。",
            f"The shop was told {len(told)} times, not once: {', '.join(told)}.",
        )


def _raised(stand: Stand, call: Callable[[], object]) -> TidegateError | None:
    try:
        call()
    except TidegateError as error:
        stand.heard.note_error(error)
        return error
    return None


def _name(error: TidegateError | None) -> str:
    return f"{type(error).__name__} ({error.code})" if error else "-"
