"""The fields an author may choose from: found by Chinese characters, pinyin, first letters or English
words, each with its type, values from the shop's own orders, and how often it is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tidegate.services.context import Context
from tidegate.services.view_names import Words
from tidegate.services.workshop.pinyin import Span, match
from tidegate.services.workshop.samples import Samples, samples
from tidegate.services.workshop.set_names import Name, SetNames

MOST = 40
SHOWN = 3
_GROUP_ONLY = 6  # only the name of the field's group was found
GROUPS: dict[str, tuple[Words, tuple[str, ...]]] = {
    "order": ({"zh": "订单", "en": "Order"}, ("order", "payment", "shop", "custom")),
    "lines": ({"zh": "商品行", "en": "Lines"}, ("item",)),
    "address": ({"zh": "地址", "en": "Address"}, ("recipient",)),
    "history": (
        {"zh": "买家历史", "en": "Buyer's history"},
        ("history", "phone_order", "address_order"),
    ),
    "stock": ({"zh": "库存", "en": "Stock"}, ("stock",)),
    "carrier": ({"zh": "快递", "en": "Carrier"}, ("parcel", "quote", "scan")),
    "time": ({"zh": "时间", "en": "Time"}, ("now",)),
    "derive": ({"zh": "本集定义", "en": "Defined in this set"}, ("derive",)),
}
_GROUP_OF = {part: group for group, (_, parts) in GROUPS.items() for part in parts}


@dataclass(frozen=True, slots=True)
class FieldEntry:
    """`mark` is the part of the shown title that was found, for both languages."""

    id: str
    title: Words
    group: str
    kind: str
    type_title: Words
    samples: Sequence[str]
    personal: bool
    missing: Decimal | None
    mark: dict[str, Span | None]
    help: Words | None


@dataclass(frozen=True, slots=True)
class FieldGroup:
    id: str
    title: Words
    fields: Sequence[FieldEntry]


@dataclass(frozen=True, slots=True)
class Found:
    """`shown` of `total` fields; `orders` the samples are from."""

    groups: Sequence[FieldGroup]
    shown: int
    total: int
    orders: int


TYPES: dict[str, Words] = {
    "boolean": {"zh": "是否", "en": "yes/no"},
    "number": {"zh": "数字", "en": "number"},
    "money": {"zh": "金额", "en": "money"},
    "text": {"zh": "文字", "en": "text"},
    "choice": {"zh": "选项", "en": "choice"},
    "duration": {"zh": "时长", "en": "duration"},
    "instant": {"zh": "时间", "en": "time"},
    "date": {"zh": "日期", "en": "date"},
    "list": {"zh": "列表", "en": "list"},
    "any": {"zh": "值", "en": "value"},
}


def find(context: Context, names: SetNames, query: str, over: str | None = None) -> Found:
    """Fields matching `query`, best first inside their groups; all of them for an empty query.

    `over` keeps to the fields of one list's lines; None allows everything.
    """
    seen = samples(context)
    known = [name for name in names.subjects if over is None or name.over == over]
    ranked = [(rank, name) for name in known if (rank := _rank(name, query)) is not None]
    ranked.sort(key=lambda pair: pair[0])
    if sum(rank < _GROUP_ONLY for rank, _ in ranked) >= SHOWN:
        ranked = [pair for pair in ranked if pair[0] != _GROUP_ONLY]
    chosen = ranked if not query.strip() else ranked[:MOST]
    groups = _grouped((name for _, name in chosen), query, seen)
    return Found(groups, len(chosen), len(known), seen.orders)


def title_of(name: Name) -> Words:
    """A field as it reads by itself: 付款状态, 商品数量; a plain 金额 of the order stays short."""
    short = len(name.title["zh"]) <= 2
    if name.group_title is None or name.kind == "lines" or name.group == "now":
        return name.title
    if name.group == "order" and not short:
        return name.title
    zh, group = name.title["zh"], name.group_title["zh"]
    joined = (
        zh if zh.startswith(group) or (len(zh) > 3 and name.group != "payment") else f"{group}{zh}"
    )
    en, front = name.title["en"], name.group_title["en"]
    lower = en if en[:2].isupper() else en[:1].lower() + en[1:]
    return {"zh": joined, "en": f"{front}: {lower}"}


def _rank(name: Name, query: str) -> int | None:
    """0 the best; None when the field does not match."""
    if not query.strip():
        return 5
    title = title_of(name)
    for rank, text in enumerate((name.title["zh"], title["zh"])):
        found = match(text, query)
        if found:
            return rank * 2 + (1 if found[0] else 0)
    plain = query.strip().lower()
    if plain.isascii() and _in_english(plain, title["en"].lower(), name):
        return 1 if title["en"].lower().startswith(plain) else 4
    group = GROUPS[_GROUP_OF.get(name.group, "order")][0]
    whole = match(group["zh"], query)
    return _GROUP_ONLY if whole == (0, len(group["zh"])) or group["en"].lower() == plain else None


def _in_english(plain: str, title: str, name: Name) -> bool:
    """The words as they stand, or each of them somewhere in title, group and id: `order total`."""
    group = name.group_title["en"].lower() if name.group_title else ""
    whole = f"{group} {title} {name.id.lower()}"
    return plain in title or all(word in whole for word in plain.split())


def _grouped(chosen: Iterable[Name], query: str, seen: Samples) -> list[FieldGroup]:
    by_group: dict[str, list[FieldEntry]] = {}
    for name in chosen:
        entry = _entry(name, query, seen)
        by_group.setdefault(entry.group, []).append(entry)
    order = list(by_group) if query.strip() else [key for key in GROUPS if key in by_group]
    return [FieldGroup(key, GROUPS[key][0], by_group[key]) for key in order]


def _entry(name: Name, query: str, seen: Samples) -> FieldEntry:
    title = title_of(name)
    facts = seen.of(name.id)
    kind = "choice" if name.type.values else name.type.kind
    plain = query.strip().lower()
    at = title["en"].lower().find(plain) if plain else -1
    return FieldEntry(
        name.id, title, _GROUP_OF.get(name.group, "lines" if name.kind == "lines" else "order"),
        kind, TYPES.get(kind, TYPES["any"]),
        [] if name.personal else [text for text, _ in facts.values[:SHOWN]],
        name.personal, facts.share_missing,
        {"zh": match(title["zh"], query) if plain else None,
         "en": (at, at + len(plain)) if at >= 0 else None},
        name.help,
    )  # fmt: skip
