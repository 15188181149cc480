"""Recipients that the platform keeps to itself go into waybills as they came, and nobody is opened on the way."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote_plus

from tidegate.contract import canaries
from tidegate.contract.bench import Bench, Stand
from tidegate.contract.card import NotChecked, Wrong
from tidegate.contract.parcels import closed_order, request
from tidegate.contract.registry import check
from tidegate.errors import TidegateError
from tidegate.sdk.stage.protocol import HasOrders, HasWaybills


@check(
    "closed-recipients", "密文收件人原样取号, 从不拆开", "closed recipients make waybills and are never opened",
    needs="create_waybill fetch_order", faces=(HasOrders, HasWaybills), declares="closed_recipients", order=83,
)  # fmt: skip
def closed_recipients(bench: Bench) -> None:
    if bench.manifest.channel not in bench.manifest.closed_recipients:
        names = ", ".join(bench.manifest.closed_recipients)
        raise NotChecked(
            f"协议服务器上没有 {names} 的订单: 拿不到真正的密文。",
            f"The protocol server has no orders of {names}: there is no real token to try.",
        )
    with bench.stand() as stand:
        asked = request(stand, "kit-3001", **closed_order(stand))
        stand.server.bodies.clear()
        stand.server.calls.clear()
        made = stand.made.create_waybill(asked)
        live = [one.waybill_no for one in stand.server.waybills() if one.live]
        if live != [made.waybill_no]:
            raise Wrong(
                f"密文收件人取号后平台上有 {len(live)} 个有效运单, 应为 1 个。",
                f"The platform has {len(live)} live waybills for the closed recipient; there should be one.",
            )
        _nobody_in_clear(stand)
        _without_token(stand)


def _nobody_in_clear(stand: Stand) -> None:
    sent = " ".join(unquote_plus(body.decode("utf-8", "replace")) for body in stand.server.bodies)
    for what, value in canaries.PEOPLE.items():
        if value in sent:
            raise Wrong(
                f"取号的请求里有明文的{what}: 密文收件人被拆开了。",
                f"The {what} was sent in clear: the closed recipient had been opened.",
            )
    others = sorted({call.api for call in stand.server.calls if _opens(call.api)})
    if others:
        raise Wrong(
            f"取号时调用了解密接口 {others[0]}: 收件人不该被拆开。",
            f"Asking for a waybill called {others[0]}: nobody is to be opened for it.",
        )


def _opens(api: str) -> bool:
    return any(word in api.lower() for word in ("decrypt", "recipients.open", "desensit"))


def _without_token(stand: Stand) -> None:
    """An order without its token is refused, and nothing is sent."""
    asked = request(stand, "kit-3002", **closed_order(stand))
    assert asked.closed is not None  # noqa: S101  made so above
    bare = replace(asked, closed=replace(asked.closed, token="", cipher={}))
    before = len(stand.server.waybills())
    try:
        stand.made.create_waybill(bare)
    except TidegateError as error:
        stand.heard.note_error(error)
        if len(stand.server.waybills()) == before:
            return
    raise Wrong(
        "没有密文的订单也取了号: 收件人不知从何而来。",
        "A waybill was made for an order that brought no token: nobody knows whose it is.",
    )
