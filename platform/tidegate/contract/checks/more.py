"""What else a connector may be able to do: one order by number, scans, stock, notices."""

from __future__ import annotations

from datetime import timedelta

from tidegate.bootstrap import utc_now
from tidegate.contract.bench import Bench
from tidegate.contract.card import Wrong
from tidegate.contract.parcels import carrier_of
from tidegate.contract.pulling import base, order
from tidegate.contract.registry import check
from tidegate.domain.tracking import STATES
from tidegate.errors import RemoteRefused
from tidegate.sdk.stage.protocol import HasNotices, HasOrders, HasScans, HasStock
from tidegate.sdk.values import Notice, StockLevel, Tracked

SKU, LEFT = "KETTLE-BK", 41


@check(
    "fetch", "按单号取一笔订单", "one order by its number", needs="fetch_order", faces=(HasOrders,)
)
def fetch(bench: Bench) -> None:
    with bench.stand() as stand:
        placed = order(21, base(bench.manifest.sync) - timedelta(minutes=5))
        stand.server.place(placed)
        found = [draft.number for draft in stand.made.fetch_order(placed.number).drafts]
        if found != [placed.number]:
            raise Wrong(
                f"按单号 {placed.number} 取到 {found}。", f"Asked for {placed.number}, got {found}."
            )
        try:
            none = stand.made.fetch_order(order(22, placed.created_at).number)
        except RemoteRefused as error:
            stand.heard.note_error(error)
            return
        if none.drafts:
            raise Wrong("不存在的单号取到了订单。", "A number that does not exist gave an order.")


@check(
    "scans",
    "轨迹的状态和时间正确",
    "scans have the right state and moment",
    needs="track",
    faces=(HasScans,),
)
def scans(bench: Bench) -> None:
    at = utc_now().replace(microsecond=0) - timedelta(hours=3)
    for code, state in bench.manifest.tracking.items():
        if code.endswith("*"):
            continue
        with bench.stand() as stand:
            carrier = bench.manifest.carriers.get(carrier_of(stand), carrier_of(stand))
            stand.server.add_scan(carrier, "SF1234567890123", code, at, "扫描")
            asked = Tracked("SF1234567890123", carrier_of(stand), phone_tail="0123")
            found = stand.made.track([asked])
            if len(found) != 1 or found[0].at != at or found[0].state != state:
                told = [(one.state, one.at.isoformat()) for one in found]
                raise Wrong(
                    f"状态码 {code} 在 {at.isoformat()}: 得 {told}, 应为 {state}。",
                    f"Code {code} at {at.isoformat()} became {told}, not {state}.",
                )
            if found[0].state not in STATES:
                raise Wrong(f"{found[0].state} 不是状态。", f"{found[0].state} is no state.")


@check(
    "stock",
    "库存数原样送达",
    "levels of stock arrive as they are",
    needs="push_stock",
    faces=(HasStock,),
)
def stock(bench: Bench) -> None:
    with bench.stand() as stand:
        stand.server.put_stock(SKU, 7)
        for _ in range(2):  # absolute: the same again changes nothing
            answers = stand.made.push_stock([StockLevel(SKU, LEFT)])
            if len(answers) != 1 or answers[0].code or stand.server.stock().get(SKU) != LEFT:
                raise Wrong(
                    f"推送 {LEFT} 件后平台有 {stand.server.stock().get(SKU)} 件。",
                    f"After telling {LEFT} units the platform has {stand.server.stock().get(SKU)}.",
                )


@check("notice", "通知送达一次", "a notice is shown once", needs="send_notice", faces=(HasNotices,))
def notice(bench: Bench) -> None:
    with bench.stand() as stand:
        stand.made.send_notice(Notice("kit-1", "缺货 🍵", ("KETTLE-BK: 3",)))
        shown = stand.server.notices()
        if len(shown) != 1 or "缺货 🍵" not in shown[0]:
            raise Wrong(
                f"通知显示了 {len(shown)} 次。", f"The notice was shown {len(shown)} times."
            )
