"""Recipients opened for a person: each under its own token, those kept closed stay so, in their place."""

from __future__ import annotations

from datetime import timedelta

from tidegate.contract import canaries
from tidegate.contract.bench import Bench, Stand
from tidegate.contract.card import Wrong
from tidegate.contract.pulling import base, order
from tidegate.contract.registry import check
from tidegate.errors import RemoteRefused
from tidegate.sdk.stage.protocol import HasOrders, HidesRecipients
from tidegate.sdk.values import Recipient, RecipientToken
from tidegate.services.closed_recipients import token_of

SIGNS = "甲乙丙丁戊己庚辛壬癸"
CLOSED = 4  # of the ten, in the middle


@check(
    "open-recipients", "收件人按各自的密文解开, 顺序不乱", "recipients are opened each by its own token",
    needs="open_recipients fetch_order", faces=(HasOrders, HidesRecipients), order=54,
)  # fmt: skip
def open_recipients(bench: Bench) -> None:
    with bench.stand() as stand:
        tokens = [_hidden(stand, place) for place in range(len(SIGNS))]
        stand.server.keep_closed(tokens[CLOSED].order_number)
        wanted = [
            None if place == CLOSED else f"{canaries.NAME}{sign}"
            for place, sign in enumerate(SIGNS)
        ]
        _opened(stand, tokens, wanted)
        _opened(stand, tokens[::-1], wanted[::-1])
        _opened(stand, [], [])
        _crossed(stand, tokens)


def _opened(stand: Stand, tokens: list[RecipientToken], wanted: list[str | None]) -> None:
    found: list[Recipient | None] = list(stand.made.open_recipients(tokens))
    told = [one.name if one is not None else None for one in found]
    if told == wanted:
        for one in found:
            _whole(one)
        return
    closed = [place for place, one in enumerate(told) if one is None]
    raise Wrong(
        f"问 {len(wanted)} 个收件人, 答 {len(told)} 个, 未解开的在 {closed}: 每个密文一个回答, 顺序与所问相同, "
        "平台不解的给 None。",
        f"{len(wanted)} recipients were asked for and {len(told)} answered, closed ones at {closed}: one answer for "
        "each token, in their order, None for those the platform keeps closed.",
    )


def _whole(one: Recipient | None) -> None:
    if one is not None and (not one.phone or not one.address):
        raise Wrong("解开的收件人缺电话或地址。", "An opened recipient lacks its phone or address.")


def _crossed(stand: Stand, tokens: list[RecipientToken]) -> None:
    """One order's token under another's number opens nobody."""
    first, second = tokens[0], tokens[1]
    wrong = RecipientToken(first.order_number, "not-a-token" if second.token else "", {})
    if not wrong.token:
        return  # cipher text proves itself
    try:
        found = list(stand.made.open_recipients([wrong]))
    except RemoteRefused as error:
        stand.heard.note_error(error)
        return
    if found != [None]:
        raise Wrong("不认识的密文也解出了收件人。", "A token that nobody gave opened a recipient.")


def _hidden(stand: Stand, place: int) -> RecipientToken:
    at = base(stand.manifest.sync) - timedelta(minutes=5)
    placed = order(60 + place, at, name=f"{canaries.NAME}{SIGNS[place]}")
    stand.server.place(placed)
    stand.server.hide(placed.number)
    (draft,) = stand.made.fetch_order(placed.number).drafts
    token = token_of(draft.number, draft.extra, stand.manifest)
    if token is None:
        raise Wrong(
            "订单没有带来代替收件人的密文: 在 manifest.yaml 的 orders.tokens 里写明它在 extra 的哪里。",
            "The order brought nothing in place of its recipient: say in orders.tokens where it is in extra.",
        )
    return token
