"""Invented orders of a household shop on four channels: the same for the same seed and start."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tidegate.domain.orders import LineDraft, OrderDraft, RecipientDraft
from tidegate.services.demo_words import DemoWords, Good, Place, demo_words

FIRST_BATCH = 60  # these were placed before the demo started
BATCH = 6
STEP = timedelta(seconds=4)
FREE_FREIGHT_MINOR = 5_900
HIGH_VALUE_MINOR = 200_000
RETURNING_SHARE = 0.6  # of the large orders; the others go to an address never seen before
COD_SMALL_MINOR = 30_000


@dataclass(frozen=True, slots=True)
class DemoOrder:
    """`trait` says what is special about it (words.yaml, mix), `plain` if nothing is."""

    trait: str
    draft: OrderDraft


@dataclass(frozen=True, slots=True)
class _Hand:
    """What a trait may change of a plain order before it is totalled."""

    chance: random.Random
    words: DemoWords
    draft: OrderDraft
    place: Place


def demo_orders(orders: int, seed: int, start: datetime) -> list[DemoOrder]:
    """`orders` orders, oldest first; `start` (aware) is when the demo began."""
    words = demo_words()
    chance = random.Random(seed)  # noqa: S311  (repeatable on purpose)
    made: list[DemoOrder] = []
    phones = _phones(chance, words, orders)
    for index, trait in enumerate(_traits(chance, words.words["mix"], orders)):
        draft = _plain(chance, words, index, trait, phones[index], _placed_at(chance, index, start))
        if trait == "duplicate":
            draft = _repeat(draft, _some_plain(chance, made))
        elif trait == "high_value" and chance.random() < RETURNING_SHARE:
            draft = _returning(draft, _some_plain(chance, made))
        made.append(DemoOrder(trait, draft))
    return made


def _traits(chance: random.Random, mix: Mapping[str, int], orders: int) -> list[str]:
    """Exactly the shares of the mix, shuffled; the first are plain, to have one to repeat."""
    special = [name for name, share in mix.items() for _ in range(round(share * orders / 1000))]
    plain_first = min(10, orders - len(special))
    rest = special + ["plain"] * (orders - len(special) - plain_first)
    chance.shuffle(rest)
    return ["plain"] * plain_first + rest


def _phones(chance: random.Random, words: DemoWords, orders: int) -> list[str]:
    """Distinct invented mobile numbers of the shape 13800001234."""
    prefixes = words.words["prefixes"]
    numbers = chance.sample(range(len(prefixes) * 9_000), orders)
    return [f"{prefixes[n // 9_000]}0000{n % 9_000 + 1_000}" for n in numbers]


def _placed_at(chance: random.Random, index: int, start: datetime) -> datetime:
    if index < FIRST_BATCH:  # over the six hours before
        minutes = 360 * (FIRST_BATCH - index) / FIRST_BATCH + chance.uniform(0, 4)
        return (start - timedelta(minutes=minutes)).replace(microsecond=0)
    arrives = start + STEP * ((index - FIRST_BATCH) // BATCH + 1)
    return (arrives - timedelta(seconds=chance.uniform(60, 420))).replace(microsecond=0)


def _plain(
    chance: random.Random, words: DemoWords, index: int, trait: str, phone: str, at: datetime
) -> OrderDraft:
    channel = _channel(chance, words, trait)
    place = _place(chance, words, trait)
    name = chance.choice(words.words["surnames"]) + chance.choice(words.words["given"])
    house = _house(chance, words)
    draft = OrderDraft(
        channel=channel,
        shop=words.words["shops"][channel]["name"],
        number=_number(chance, channel, index),
        source_status="to_ship",
        refund_status="none",
        payment_status="paid",
        payment_method="online",
        ordered_at=at,
        paid_at=at + timedelta(seconds=chance.randint(8, 55)),
        ship_by=at + timedelta(hours=48),
        buyer=f"{channel}_{chance.randrange(16**6):06x}",
        buyer_memo=chance.choice(words.words["memos"]) if chance.random() < 0.15 else None,
        seller_memo=chance.choice(words.words["seller_memos"]) or None,
        recipient=_recipient(channel, place, name, phone, house),
        lines=_lines(chance, words, trait),
    )
    twist = TWISTS.get(trait)
    if twist is not None:
        draft = twist(_Hand(chance, words, draft, place))
    return _settle(_total(chance, draft), trait)


def _channel(chance: random.Random, words: DemoWords, trait: str) -> str:
    if trait in ("cod", "cod_over_limit"):
        return "jd"  # the channel that offers cash on delivery
    if trait == "masked":
        return chance.choice(["tmall", "douyin"])  # those hide recipients
    shops = words.words["shops"]
    channels: list[str] = list(shops)
    return chance.choices(channels, weights=[shop["share"] for shop in shops.values()])[0]


def _place(chance: random.Random, words: DemoWords, trait: str) -> Place:
    kind = trait if trait in ("remote", "same_city") else "usual"
    return chance.choice([place for place in words.places if place.kind == kind])


def _house(chance: random.Random, words: DemoWords) -> str:
    number = chance.randint(2, 980)
    if chance.random() < 0.3:
        return f"{number}号"
    estate = chance.choice(words.words["estates"])
    block, floor, flat = chance.randint(1, 28), chance.randint(1, 26), chance.randint(1, 4)
    return f"{number}号{estate}{block}幢{floor}{flat:02d}室"


def _recipient(channel: str, place: Place, name: str, phone: str, house: str) -> RecipientDraft:
    """Marketplaces write the address in one line, the others in columns."""
    street = f"{place.road}{house}"
    if channel == "tmall":
        parts = (place.province, place.city, place.district, f"{place.town} {street}")
        return RecipientDraft(name=name, phone=phone, address=" ".join(p for p in parts if p))
    return RecipientDraft(
        name=name,
        phone=phone,
        province=place.province,
        city=place.city,
        district=place.district or None,
        town=place.town,
        address=street,
    )


def _number(chance: random.Random, channel: str, index: int) -> str:
    """Shaped as the channel shapes them; the index keeps them distinct."""
    if channel == "jd":
        return f"{chance.randint(20, 39)}{index:05d}{chance.randrange(10**5):05d}"
    if channel == "mall":
        return f"BA{chance.randrange(10**5):05d}{index:06d}"
    start = "29" if channel == "tmall" else "69"
    return f"{start}{chance.randrange(10**11):011d}{index:06d}"


def _lines(chance: random.Random, words: DemoWords, trait: str) -> tuple[LineDraft, ...]:
    count = chance.choices((1, 2, 3), weights=(70, 22, 8))[0]
    wanted = [good for good in words.goods if _suits(good, trait, words)]
    usual = [good for good in words.goods if _suits(good, "plain", words)]
    first = chance.choice(wanted)
    others = [good for good in chance.sample(usual, count) if good is not first][: count - 1]
    return tuple(_line(chance, good, trait) for good in [first, *others])


def _suits(good: Good, trait: str, words: DemoWords) -> bool:
    if (good.sku in words.short) != (trait == "short_stock"):
        return False
    if trait in ("high_value", "cod_over_limit"):
        return good.price_minor >= HIGH_VALUE_MINOR
    if trait == "cod":
        return good.price_minor < COD_SMALL_MINOR // 4
    if good.price_minor >= HIGH_VALUE_MINOR // 4:
        return False
    return trait == "short_stock" or good.fragile == (trait == "fragile")


def _line(chance: random.Random, good: Good, trait: str) -> LineDraft:
    most = 3 if good.price_minor < 8_000 and trait != "cod" else 1
    quantity = chance.randint(1, most)
    return LineDraft(
        quantity=quantity,
        sku=good.sku,
        title=good.title,
        category=good.category,
        unit_price_minor=good.price_minor,
        line_total_minor=good.price_minor * quantity,
        is_gift=False,
        refund_status="none",
    )


def _total(chance: random.Random, draft: OrderDraft) -> OrderDraft:
    goods = sum(line.line_total_minor or 0 for line in draft.lines)
    freight = 1_000 if goods < FREE_FREIGHT_MINOR else 0
    discount = chance.choice((500, 1_000)) if goods > 10_000 and chance.random() < 0.3 else 0
    return replace(
        draft,
        goods_total_minor=goods,
        freight_minor=freight,
        discount_minor=discount,
        total_minor=goods + freight - discount,
    )


def _settle(draft: OrderDraft, trait: str) -> OrderDraft:
    """Who pays how, once the total is known."""
    if trait in ("cod", "cod_over_limit"):
        return replace(
            draft,
            payment_method="cod",
            payment_status="unpaid",
            paid_at=None,
            paid_total_minor=0,
            cod_minor=draft.total_minor,
        )
    if trait == "unpaid":
        return replace(
            draft,
            payment_status="unpaid",
            source_status="unpaid",
            paid_at=None,
            paid_total_minor=0,
            ship_by=None,
        )
    return replace(draft, paid_total_minor=draft.total_minor, cod_minor=0)


def _repeat(draft: OrderDraft, original: OrderDraft) -> OrderDraft:
    """The same goods to the same person under another number, at least three minutes later."""
    placed, before = draft.ordered_at, original.ordered_at
    if placed is None or before is None:
        raise ValueError("a demo order has a time")
    at = max(placed, before + timedelta(minutes=3))
    return replace(
        original,
        number=_like(original.number, draft.number),
        ordered_at=at,
        paid_at=at + timedelta(seconds=20),
        ship_by=at + timedelta(hours=48),
    )


def _returning(draft: OrderDraft, earlier: OrderDraft) -> OrderDraft:
    """A customer of this morning comes back, to the same address."""
    return replace(
        draft,
        channel=earlier.channel,
        shop=earlier.shop,
        number=_like(earlier.number, draft.number),
        buyer=earlier.buyer,
        recipient=earlier.recipient,
    )


def _like(original: str, other: str) -> str:
    """`original` with the last six characters of `other`: in its channel's shape, and distinct."""
    return original[:-6] + other[-6:]


def _some_plain(chance: random.Random, made: Sequence[DemoOrder]) -> OrderDraft:
    plain = [order.draft for order in made[-80:] if order.trait == "plain"]
    return chance.choice(plain or [made[0].draft])


def _masked(hand: _Hand) -> OrderDraft:
    """As marketplaces export once the recipient is protected."""
    place, recipient = hand.place, hand.draft.recipient
    phone = recipient.phone or ""
    return replace(
        hand.draft,
        recipient=RecipientDraft(
            kind="masked",
            name=(recipient.name or "")[:1] + "**",
            phone=f"{phone[:3]}****{phone[-4:]}",
            province=place.province,
            city=place.city,
            district=place.district or None,
            town=place.town,
            address=f"{place.road}***",
        ),
    )


def _virtual(hand: _Hand) -> OrderDraft:
    phone = f"{hand.draft.recipient.phone}-{hand.chance.randint(1000, 9999)}"
    return replace(hand.draft, recipient=replace(hand.draft.recipient, phone=phone))


def _fake(hand: _Hand) -> OrderDraft:
    address = hand.chance.choice(hand.words.words["fake_addresses"])
    return replace(hand.draft, recipient=replace(hand.draft.recipient, address=address))


def _incomplete(hand: _Hand) -> OrderDraft:
    """Province and city, and nothing a courier could find."""
    place = hand.place
    recipient = replace(
        hand.draft.recipient,
        province=place.province,
        city=place.city,
        district=None,
        town=None,
        address=f"{place.province}{place.city}",
    )
    return replace(hand.draft, recipient=recipient)


def _refund(hand: _Hand) -> OrderDraft:
    lines = tuple(replace(line, refund_status="requested") for line in hand.draft.lines)
    return replace(hand.draft, refund_status="requested", lines=lines)


def _memo(words: str) -> Callable[[_Hand], OrderDraft]:
    return lambda hand: replace(hand.draft, buyer_memo=hand.chance.choice(hand.words.words[words]))


TWISTS: Mapping[str, Callable[[_Hand], OrderDraft]] = {
    "masked": _masked,
    "virtual_phone": _virtual,
    "fake_address": _fake,
    "incomplete_address": _incomplete,
    "refund": _refund,
    "wish": _memo("wishes"),
    "risky_memo": _memo("risky_memos"),
}
