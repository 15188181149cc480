"""Stock both ways: what the platform counts read to the last page, and an answer for each level we tell."""

from __future__ import annotations

from tidegate.contract.bench import Bench
from tidegate.contract.card import Wrong
from tidegate.contract.registry import check
from tidegate.sdk.stage.protocol import HasStock
from tidegate.sdk.values import StockLevel

MANY = 113
MOST_PAGES = 200
LONG, CHINESE = "98765432109876543210", "手冲壶-黑 1.2L"


@check(
    "stock-pull", "库存一页不漏, 数目不差", "stock is read to the last page and to the unit",
    needs="pull_stock", faces=(HasStock,), order=59,
)  # fmt: skip
def pull_stock(bench: Bench) -> None:
    with bench.stand() as stand:
        wanted = {f"SKU-{n:03d}": n for n in range(MANY)} | {LONG: 3, CHINESE: 4}
        for sku, units in wanted.items():
            stand.server.put_stock(sku, units)
        found: dict[str, int] = {}
        cursor, seen = "", set[str]()
        for _ in range(MOST_PAGES):
            page = stand.made.pull_stock(cursor)
            for level in page.levels:
                found[level.sku] = level.available
            if page.cursor is None:
                break
            if page.cursor in ("", *seen):
                raise Wrong("库存分页的游标重复。", "A cursor of the stock's pages repeats.")
            seen.add(cursor := page.cursor)
        wrong = sorted(sku for sku, units in wanted.items() if found.get(sku) != units)
        if wrong:
            raise Wrong(
                f"{len(wanted)} 个编码里 {len(wrong)} 个数目不对, 如 {wrong[0]}: 得 {found.get(wrong[0])}, "
                f"应为 {wanted[wrong[0]]}。",
                f"{len(wrong)} of {len(wanted)} SKUs are wrong, such as {wrong[0]}: {found.get(wrong[0])}, not "
                f"{wanted[wrong[0]]}.",
            )


@check(
    "stock-answers", "每个库存数有自己的回答", "each level gets its own answer",
    needs="push_stock", faces=(HasStock,), order=59,
)  # fmt: skip
def answers(bench: Bench) -> None:
    with bench.stand() as stand:
        stand.server.put_stock("KETTLE-BK", 7)
        stand.server.put_stock("CUP-1", 8)
        levels = [StockLevel("KETTLE-BK", 0), StockLevel("NO-SUCH-SKU", 5), StockLevel("CUP-1", 2)]
        told = [bool(one.code) for one in stand.made.push_stock(levels)]
        if told != [False, True, False]:
            raise Wrong(
                f"三个编码中第二个平台没有, 回答却是 {told} (真 = 没有接受)。",
                f"The second of three SKUs is unknown there; the answers are {told} (true: not taken).",
            )
        left = (stand.server.stock()["KETTLE-BK"], stand.server.stock()["CUP-1"])
        if left != (0, 2):
            raise Wrong(
                f"一个编码被拒绝后, 其余的没有送达: {left}。",
                f"After one SKU was refused the others did not arrive: {left}.",
            )
