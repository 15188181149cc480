"""Calls of the platform to us: proven, kept once, understood, and whatever else comes breaks nothing."""

from __future__ import annotations

from datetime import timedelta

from tidegate.contract.bench import Bench
from tidegate.contract.card import Wrong
from tidegate.contract.pushing import OTHER_SECRET, forged, gate, names_nobody, told
from tidegate.contract.registry import check
from tidegate.sdk.stage.protocol import SignsPushes

NEEDS, FACES = "push", (SignsPushes,)
LATER = timedelta(days=1)
GARBAGE = (
    b"", b"{", b"null", b"[]", b"{}", b"7", b'"text"', b'{"data": 1}', b'[{"tag": "101"}]',
    b'{"Data": [{}]}', b"[" * 5_000, b"<Request><Body>", b"content=%3C", b"\xff\xfe\x00", '{"text": "潮"}'.encode(),
)  # fmt: skip


@check(
    "push", "推送被接收并读懂", "a push is taken and understood", needs=NEEDS, faces=FACES, order=70
)
def push(bench: Bench) -> None:
    with bench.stand() as stand:
        pushed, about = told(stand)
        door = gate(stand, bench.name)
        if not door.knock(pushed):
            raise Wrong(
                "平台自己签名的推送被拒绝: 逐字节对照签名的原文。",
                "A push that the platform signed was refused; compare what is signed byte by byte.",
            )
        means = [door.meaning(row) for row in door.kept()]
        named = {one for found in means for one in found.numbers}
        named |= {one.number for found in means for one in found.orders}
        named |= {one.waybill_no for found in means for one in found.scans}
        if about not in named:
            raise Wrong(
                f"推送说的是 {about}, 读出 {sorted(named) or '无'}。",
                f"The push is about {about}; what was read of it is {sorted(named) or 'nothing'}.",
            )
        for row, found in zip(door.kept(), means, strict=True):
            if found.numbers and not names_nobody(door.payload(row)):
                raise Wrong(
                    "推送只需要单号, 却把收件人也存了下来: 只留用得着的。",
                    "Of a push only the number is needed and the recipient was kept too: keep what is used.",
                )


@check(
    "push-signature", "伪造的推送被拒绝, 不留内容", "a forged push is refused and leaves nothing",
    needs=NEEDS, faces=FACES, order=71,
)  # fmt: skip
def signature(bench: Bench) -> None:
    with bench.stand() as stand:
        pushed, _ = told(stand)
        door = gate(stand, bench.name)
        if not door.signs:
            return  # the address is the only secret; its docs say so
        for false in forged(pushed):
            if door.knock(false):
                raise Wrong(
                    "改过内容或去掉签名的推送被接收: verify 没有核对原文的签名。",
                    "A push with a changed body or without its signature was taken: verify does not check the raw "
                    "body.",
                )
        other = gate(stand, bench.name, OTHER_SECRET)
        if other.knock(pushed) or door.kept() or other.kept():
            raise Wrong(
                "密钥不同的推送被接收, 或被拒绝的推送留下了内容。",
                "A push signed with another secret was taken, or a refused one left something.",
            )


@check(
    "push-repeats", "重复和重放的推送只算一次", "a push repeated or replayed counts once",
    needs=NEEDS, faces=FACES, order=72,
)  # fmt: skip
def repeats(bench: Bench) -> None:
    with bench.stand() as stand:
        pushed, _ = told(stand)
        door = gate(stand, bench.name)
        door.knock(pushed)
        once = [row.event_id for row in door.kept()]
        first = [door.meaning(row) for row in door.kept()]
        door.knock(pushed)
        door.knock(pushed, later=LATER)  # a replay: refused as too old, or known by its id
        again = [row.event_id for row in door.kept()]
        if not once or again != once:
            raise Wrong(
                f"同一推送来了三次, 留下 {len(again)} 条, 应为 {len(once)} 条: 事件 id 要稳定。",
                f"One push that came three times left {len(again)} events, not {len(once)}: ids of events must be "
                "stable.",
            )
        if [door.meaning(row) for row in door.kept()] != first:
            raise Wrong(
                "同一内容两次读出不同的意思。", "The same payload read twice means something else."
            )


@check(
    "push-garbage", "看不懂的推送不出乱子", "a push that can't be read breaks nothing",
    needs=NEEDS, faces=FACES, order=73,
)  # fmt: skip
def garbage(bench: Bench) -> None:
    with bench.stand() as stand:
        pushed, about = told(stand)
        door = gate(stand, bench.name)
        for body in GARBAGE:
            door.knock(stand.server.signed_push(body))
        for row in door.kept():
            if row.state != "waiting":
                continue  # kept for a person
            try:
                found = door.meaning(row)
            except (ValueError, KeyError, TypeError):
                continue
            if found.orders or found.scans or found.numbers:
                raise Wrong(
                    "看不懂的推送被读出了订单或轨迹。", "Garbage was read as an order or a scan."
                )
        if not door.knock(pushed):
            raise Wrong(
                f"收过看不懂的推送之后, {about} 的推送不再被接收。",
                f"After garbage the push about {about} was not taken any more.",
            )
