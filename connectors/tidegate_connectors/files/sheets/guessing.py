"""Columns to fields: by what the column is called, weighed against what stands in it.

A field is given to one column, the likeliest; only texts that may stand in several columns (JOINED) take more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tidegate.sdk.fields import order_fields
from tidegate.sdk.sheets import KEEP, Guess
from tidegate_connectors.files.headers import normal
from tidegate_connectors.files.sheets.looks import ColumnLook, column_look
from tidegate_connectors.files.sheets.words import key_of, words

JOINED = frozenset({"recipient.address", "item.spec", "order.buyer_memo", "order.seller_memo"})
_HINTED, _EXACT, _LIKE = 130, 100, 60
_FITS = {  # by field, else by type: looks that speak for it
    "order.number": {"order", "waybill", "number", "quantity"},
    "recipient.phone": {"phone", "number"},
    "recipient.address": {"address", "contact"},
    "recipient.name": {"name"},
    "item.quantity": {"quantity", "number"},
}
_BY_TYPE = {
    "money": {"money", "number", "quantity"},
    "instant": {"date", "number"},
    "number": {"number", "quantity"},
}
_PARTS = re.compile(r"[\s_-]+")
_VAGUE = {"date", "number", "order", "total", "note", "item", "price", "amount", "created", "sum"}
_TELLING = {"phone", "date", "address", "contact", "money"}  # looks that no other kind of value has
# What a look alone is enough for, when the header says nothing, with how sure that is.
_ALONE = {
    "contact": ("recipient.address", 50),
    "address": ("recipient.address", 50),
    "phone": ("recipient.phone", 50),
    "waybill": (KEEP, 45),
    "order": ("order.number", 40),
    "date": ("order.ordered_at", 40),
    "name": ("recipient.name", 35),
    "quantity": ("item.quantity", 30),
}


@dataclass(frozen=True, slots=True)
class _Claim:
    score: float
    place: int
    at: int
    guess: Guess


def guess_columns(
    names: Sequence[str],
    cells: Sequence[Sequence[str]],
    hints: Mapping[str, str] | None = None,
) -> list[Guess]:
    """A guess per column; `cells` are the values of each, `hints` (header -> field) come first."""
    said = {normal(name): field for name, field in (hints or {}).items()}
    looks = [column_look(column) for column in cells]
    claims = [
        claim
        for at, (name, look) in enumerate(zip(names, looks, strict=True))
        for claim in _claims(at, name, look, said)
    ]
    found = [Guess() for _ in names]
    given: dict[str, int] = {}
    for claim in sorted(claims, key=lambda one: (-one.score, one.place, one.at)):
        field = claim.guess.field
        if found[claim.at].field:
            continue
        if field in given and field != KEEP and field not in JOINED:
            if found[claim.at].why == "nothing":
                found[claim.at] = replace(claim.guess, field="", why="twice", word=field)
            continue
        given.setdefault(field, claim.at)
        found[claim.at] = claim.guess
    return found


def _claims(at: int, name: str, look: ColumnLook, hints: Mapping[str, str]) -> list[_Claim]:
    made = []
    for field, word, score, place in _named(name, hints):
        fits = _fit(field, look)
        if fits < 0:
            continue
        why = ("both" if fits else "header") if score == _EXACT else "like"
        why = "preset" if score == _HINTED else why
        guess = Guess(field, why, word, look.look, look.hits, look.of)
        made.append(
            _Claim(score + fits - min(place, 20) * 0.1 + min(look.of, 20) * 0.2, place, at, guess)
        )
    field, score = _ALONE.get(look.look, ("", 0))
    if field and look.of >= 2 and not made and not (field == "order.number" and look.distinct < 2):
        guess = Guess(field, "values", "", look.look, look.hits, look.of)
        made.append(_Claim(score * look.hits / look.of, 99, at, guess))
    return made


def _named(name: str, hints: Mapping[str, str]) -> list[tuple[str, str, int, int]]:
    """(field, word, how sure, place among the field's words) that the header speaks for."""
    key, exact = key_of(name), words().exact
    if normal(name) in hints:
        return [(hints[normal(name)], name, _HINTED, 0)]
    for form in dict.fromkeys((key, key.split("(")[0].split("[")[0])):
        if form in exact:
            field, place = exact[form]
            return [(field, form, _EXACT, place)]
    parts = [part for part in _PARTS.split(name.casefold()) if part]
    ends = ("".join(parts[at:]) for at in range(1, len(parts)))
    end = next((one for one in ends if one in exact and one not in _VAGUE), None)
    if end is not None:  # what a name ends in is what it means: customer_city is a city
        return [(exact[end][0], end, _LIKE, 15)]
    held = [(word, field) for word, field in words().longest_first if key.endswith(word)]
    held += [(word, field) for word, field in words().longest_first if word in key]
    return [(field, word, _LIKE, 20) for word, field in held[:1]]


def _fit(field: str, look: ColumnLook) -> int:
    """10: the values speak for it; 0: they say nothing; -1: they speak against it."""
    if not look.of or field == KEEP:
        return 0
    about = order_fields().get(field)
    good = _FITS.get(field) or _BY_TYPE.get(about.type if about else "", set())
    if any(look.share(one) >= 0.7 for one in good):
        return 10
    strange = any(look.share(one) >= 0.7 for one in _TELLING - good)
    if strange and field not in (
        "order.buyer_memo",
        "order.seller_memo",
        "item.title",
        "recipient.town",
    ):
        return -1
    numeric = about is not None and about.type in ("money", "number")
    return -1 if numeric and look.share("number") < 0.3 and look.share("money") < 0.3 else 0
