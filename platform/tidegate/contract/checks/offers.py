"""What a carrier offers beside numbers: prices and labels."""

from __future__ import annotations

import json

from tidegate.contract import canaries
from tidegate.contract.bench import Bench, Stand
from tidegate.contract.card import Wrong
from tidegate.contract.parcels import RECIPIENT, SENDER, issued, request
from tidegate.contract.registry import check
from tidegate.domain.money import Money
from tidegate.errors import RemoteRetry, RemoteUnknown, TidegateError
from tidegate.sdk.carrier import Issued, ParcelItem
from tidegate.sdk.stage.protocol import Fault, HasFreight, HasWaybills
from tidegate.sdk.values import Label, QuoteRequest

WEIGHTS_G = (1, 1_000, 1_001, 3_500, 20_000)
BEGINS = {"pdf": b"%PDF-", "png": b"\x89PNG\r\n"}
KINDS = ("pdf", "png", "html", "print_data")


@check(
    "quote", "报价一分不差, 问价不留痕迹", "prices are exact and asking changes nothing",
    needs="quote", faces=(HasFreight,), order=84,
)  # fmt: skip
def quote(bench: Bench) -> None:
    currency = bench.manifest.currency
    with bench.stand() as stand:
        for grams in WEIGHTS_G:
            found = {one.service_code: one for one in stand.made.quote(_asked(grams))}
            due = {
                code: Money.of(amount, currency).minor
                for code, amount in stand.server.freight(grams).items()
            }
            told = {code: one.minor for code, one in found.items()}
            if told != due or any(one.currency != currency for one in found.values()):
                raise Wrong(
                    f"{grams} 克的报价是 {told}, 平台说 {due} ({currency} 的最小单位)。",
                    f"{grams} g are quoted as {told}; the platform says {due} (minor units of {currency}).",
                )
            if any(one.hours is not None and one.hours <= 0 for one in found.values()):
                raise Wrong("时效不是正数。", "Hours of transit are not positive.")
        if isinstance(stand.server, HasWaybills) and stand.server.waybills():
            raise Wrong("问价产生了运单。", "Asking for prices made a waybill.")
        stand.server.fail(Fault.THROTTLED)
        _fails(stand, (RemoteRetry,))
        stand.renewed()
        stand.server.fail(Fault.GARBAGE)
        _fails(stand, (RemoteUnknown, RemoteRetry))


def _asked(grams: int) -> QuoteRequest:
    return QuoteRequest(SENDER, RECIPIENT, grams, (ParcelItem("KETTLE", "手冲壶 1.2 L", 1),))


def _fails(stand: Stand, families: tuple[type[TidegateError], ...]) -> None:
    try:
        stand.made.quote(_asked(1_000))
    except families as error:
        stand.heard.note_error(error)
        return
    raise Wrong(
        "报价接口出错时没有抛出错误: 空的报价会被当成“没有快递”。",
        "Trouble while asking for prices raised nothing: no prices would be taken for no carrier.",
    )


@check(
    "label", "面单可打印, 重取不变", "the label can be printed, and is the same again",
    needs="label create_waybill", faces=(HasWaybills,), order=84,
)  # fmt: skip
def label(bench: Bench) -> None:
    with bench.stand() as stand:
        asked = request(stand, "kit-4001")
        made = stand.made.create_waybill(asked)
        first, second = (stand.made.label(issued(asked, made)) for _ in range(2))
        _printable(first)
        if (first.kind, first.template) != (second.kind, second.template):
            raise Wrong(
                "同一运单两次取到的面单种类或模板不同。",
                "The label of one waybill is of another kind or template the second time.",
            )
        text = first.content.decode("utf-8", "replace")
        if asked.closed is not None and any(one in text for one in canaries.PEOPLE.values()):
            raise Wrong(
                "密文收件人的面单数据里有明文。",
                "A closed recipient stands in clear in the label's data.",
            )
        if len([one for one in stand.server.waybills() if one.live]) != 1:
            raise Wrong("取面单产生了运单。", "Fetching the label made a waybill.")
        _none_for_nothing(stand, asked.service_code)


def _printable(found: Label) -> None:
    begins = BEGINS.get(found.kind, b"")
    if found.kind not in KINDS or not found.content or not found.content.startswith(begins):
        raise Wrong(
            f"面单种类 {found.kind} 与内容不符。",
            f"The content is no label of the kind {found.kind}.",
        )
    if found.kind != "print_data":
        return
    try:
        json.loads(found.content)
    except ValueError:
        raise Wrong("打印数据不是 JSON。", "The print data is no JSON.") from None


def _none_for_nothing(stand: Stand, service: str) -> None:
    """A number that nobody has gives an error and no label, where the platform was asked at all."""
    before = len(stand.server.calls)
    try:
        stand.made.label(Issued("kit-4002", "SF0000000000404", service, "kit-none"))
    except TidegateError as error:
        stand.heard.note_error(error)
        return
    if len(stand.server.calls) > before:
        raise Wrong(
            "不存在的运单也取到了面单。", "A number that does not exist gave a label all the same."
        )
