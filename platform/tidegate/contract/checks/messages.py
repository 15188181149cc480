"""Messages that orders changed: confirmed only once their orders are stored, and told again until then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tidegate.contract.bench import Bench, Stand
from tidegate.contract.card import Wrong
from tidegate.contract.pulling import base, order, same
from tidegate.contract.registry import check
from tidegate.errors import RemoteRetry
from tidegate.sdk.stage.protocol import HasMessages, HasOrders, SampleOrder
from tidegate.sdk.values import OrderPage
from tidegate.services.syncing.messages import follow_messages

COUNT = 5
NEEDS, FACES = "messages fetch_order", (HasOrders, HasMessages)


class _Dying:
    """The connector, whose process dies at the `at`-th order that it fetches."""

    def __init__(self, made: Any, at: int) -> None:
        self._made, self._left = made, at

    def fetch_order(self, number: str) -> OrderPage:
        self._left -= 1
        if self._left < 0:
            raise RemoteRetry("kit.died", zh="进程中断。", en="The process died.")
        page: OrderPage = self._made.fetch_order(number)
        return page

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)


@check(
    "messages", "消息存妥之后才确认, 否则再来", "messages are confirmed once stored, else they come again",
    needs=NEEDS, faces=FACES, order=55,
)  # fmt: skip
def messages(bench: Bench) -> None:
    with bench.stand() as stand:
        placed = _placed(stand)
        waiting = set(stand.server.unconfirmed())
        told = [one.id for one in stand.made.changed_orders()]
        if set(stand.server.unconfirmed()) != waiting or not told:
            raise Wrong(
                "只是读取消息, 平台上就已确认 (或没有读到): 存妥之前不可确认。",
                "Reading messages confirmed them (or read none): nothing is confirmed before it is stored.",
            )
        try:
            follow_messages(stand.context, stand.source, _Dying(stand.made, at=2))
        except RemoteRetry as error:
            stand.heard.note_error(error)
        gone = len(waiting - set(stand.server.unconfirmed()))
        if gone > len(stand.orders()):
            raise Wrong(
                "订单还没有存妥, 消息已被确认: 中断后它们不会再来。",
                "Messages were confirmed though their orders were not stored: they won't come again.",
            )
        done = follow_messages(stand.context, stand.source, stand.made)
        same(stand, placed)
        left = stand.server.unconfirmed()
        if left or done.unreadable:
            raise Wrong(
                f"订单都已存妥, 还有 {len(left)} 条消息没有确认。",
                f"All orders are stored and {len(left)} messages are not confirmed.",
            )


@check(
    "messages-chosen", "只确认给出的消息, 重复确认无妨", "only the given messages are confirmed; again does no harm",
    needs=NEEDS, faces=FACES, order=56,
)  # fmt: skip
def chosen(bench: Bench) -> None:
    with bench.stand() as stand:
        _placed(stand)
        ids = [one.id for one in stand.made.changed_orders()]
        for _ in range(2):
            stand.made.confirm_changes(ids[:2])
        left = set(stand.server.unconfirmed())
        if left != set(ids[2:]):
            raise Wrong(
                f"确认 2 条, 平台上少了 {len(ids) - len(left)} 条。",
                f"Two were confirmed and {len(ids) - len(left)} are gone from the platform.",
            )


def _placed(stand: Stand) -> list[SampleOrder]:
    at = base(stand.manifest.sync)
    placed = [order(80 + n, at - timedelta(minutes=n + 1)) for n in range(COUNT)]
    for one in placed:
        stand.server.place(one)
    return placed
