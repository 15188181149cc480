"""What an order says arrives as it was said: texts, ids, money, times, recipients, states."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tidegate.contract import canaries
from tidegate.contract.bench import Bench, Stand
from tidegate.contract.card import Wrong
from tidegate.contract.pulling import FIRST, base, order, pull, same
from tidegate.contract.registry import check
from tidegate.domain.money import Money
from tidegate.sdk.stage.protocol import HasOrders, SampleLine, SampleOrder
from tidegate.store.tables import Order

NEEDS, FACES = "pull_orders", (HasOrders,)
RTL = "שלום עולם"
NOTE = f"请放门口👨‍👩‍👧 {RTL} “é” 𠮷"
SKU = "98765432109876543210"


def _one(bench: Bench, look: Callable[[Stand, SampleOrder, Order], None], **fields: object) -> None:
    """One order placed, pulled and looked at."""
    with bench.stand() as stand:
        until = base(bench.manifest.sync)
        placed = order(7, until - timedelta(minutes=20), **fields)
        stand.server.place(placed)
        pull(stand, until, since=until - timedelta(hours=1))
        same(stand, [placed])
        look(stand, placed, stand.orders()[0])


@check(
    "text",
    "中文、表情和从右到左的文字原样保留",
    "Chinese, emoji and right-to-left text stay",
    needs=NEEDS,
    faces=FACES,
)
def text(bench: Bench) -> None:
    def look(stand: Stand, placed: SampleOrder, stored: Order) -> None:
        told = f"{stored.buyer_memo} {stored.seller_memo}"
        if NOTE not in told:
            raise Wrong(
                "留言里的中文、表情或希伯来文变了样: 检查编码和截断。",
                "Chinese, emoji or Hebrew of the notes are not what they were: look at encodings and cuts.",
            )

    _one(bench, look, buyer_note=NOTE, seller_note=NOTE)


@check("ids", "20 位编号是文本", "ids of twenty digits are text", needs=NEEDS, faces=FACES)
def ids(bench: Bench) -> None:
    def look(stand: Stand, placed: SampleOrder, stored: Order) -> None:
        skus = [line.sku for line in stand.lines(stored)]
        if stored.number != str(FIRST + 7) or skus != [SKU]:
            raise Wrong(
                f"20 位编号变了: 单号 {stored.number}, SKU {skus}; 应为 {placed.number}, {SKU}。",
                f"Ids of twenty digits changed: number {stored.number}, SKU {skus}; they are {placed.number}, {SKU}.",
            )

    _one(bench, look, lines=(SampleLine(SKU, "壶", 1, Decimal("99.99")),))


@check("money", "金额一分不差", "money is exact to the minor unit", needs=NEEDS, faces=FACES)
def money(bench: Bench) -> None:
    for total in (Decimal("0.29"), Decimal("1.15"), Decimal("123456789.01")):
        due = Money.of(total, bench.manifest.currency).minor

        def look(stand: Stand, placed: SampleOrder, stored: Order, due: int = due) -> None:
            told = stored.total_minor if stored.total_minor is not None else stored.paid_total_minor
            if told != due or stored.currency != bench.manifest.currency:
                raise Wrong(
                    f"{placed.total} 变成 {told} ({stored.currency} 的最小单位), 应为 {due}: 不要经过浮点数。",
                    f"{placed.total} became {told} (minor units of {stored.currency}), not {due}: never use floats.",
                )

        line = SampleLine("KETTLE", "壶", 1, total)
        _one(bench, look, total=total, lines=(line,), currency=bench.manifest.currency)


@check(
    "time-zones",
    "店铺时间零点半的订单还在那一天",
    "an order at 00:30 shop time keeps its day",
    needs=NEEDS,
    faces=FACES,
)
def time_zones(bench: Bench) -> None:
    zone = ZoneInfo(bench.manifest.timezone)
    yesterday = datetime.now(zone) - timedelta(days=1)
    at = yesterday.replace(hour=0, minute=30, second=0, microsecond=0)

    def look(stand: Stand, placed: SampleOrder, stored: Order) -> None:
        if stored.ordered_at is None:
            raise Wrong("没有下单时间 (order.ordered_at)。", "There is no order.ordered_at.")
        if stored.ordered_at != at:
            raise Wrong(
                f"下单时间 {at.isoformat()} 变成 {stored.ordered_at.isoformat()}: 平台的时间按店铺时区 {zone} 读。",
                f"Ordered at {at.isoformat()}, stored as {stored.ordered_at.isoformat()}: the platform's times are of "
                f"the shop's zone {zone}.",
            )

    _one(bench, look, created_at=at)


@check(
    "recipients",
    "掩码或密文收件人保持原样",
    "masked recipients stay masked",
    needs=NEEDS,
    faces=FACES,
)
def recipients(bench: Bench) -> None:
    def look(stand: Stand, placed: SampleOrder, stored: Order) -> None:
        told = (stored.recipient_name, stored.recipient_phone)
        never_masks = bench.manifest.orders["fields"].get("recipient.kind") == {"constant": "plain"}
        as_given = never_masks and told == (placed.name, placed.phone)
        if {canaries.NAME, canaries.PHONE} & set(told):
            raise Wrong(
                "掩码的收件人被补全了: 平台没有给的, 不要去查。",
                "A masked recipient was filled in: what the platform does not give is not looked for.",
            )
        if stored.recipient_kind == "plain" and not as_given:
            raise Wrong(
                "平台给的是掩码或密文, 存成了 plain 且变了样: 用 recipient.kind 说明, 原样保留。",
                "The platform gave masks or tokens and they are kept as plain, and changed: say so with "
                "recipient.kind and keep them as they are.",
            )

    _one(bench, look, name="钱**", phone="139****0123", address="金丝雀路***")


@check(
    "unknown-status",
    "不认识的状态保留并标出",
    "an unknown status is kept and flagged, never guessed",
    needs=NEEDS,
    faces=FACES,
)
def unknown_status(bench: Bench) -> None:
    raw = "STRANGE_77"

    def look(stand: Stand, placed: SampleOrder, stored: Order) -> None:
        issues = [one for one in stored.issues if one.get("field") == "order.source_status"]
        if stored.source_status is not None or not issues:
            raise Wrong(
                f"平台状态 {raw} 被当成 {stored.source_status}, 标记 {len(issues)} 处; 应留空并标出原文。",
                f"The status {raw} became {stored.source_status} with {len(issues)} flags; it must stay empty and be "
                "flagged with the platform's word.",
            )
        if raw not in str(issues):
            raise Wrong(f"标记里没有原文 {raw}。", f"The flag does not show {raw}.")

    _one(bench, look, raw_state=raw)
