"""One pasted line with name, phone and address in any order -> its parts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tidegate.domain.addresses.cleaning import clean
from tidegate.domain.addresses.model import ParsedAddress
from tidegate.domain.addresses.parser import parse_address

_PHONE = re.compile(
    r"(?<!\d)(?:\+?86[-\s]?)?(1[3-9]\d[-\s]?\d{4}[-\s]?\d{4}(?:[-转,]\d{1,6})?|0\d{2,3}[-\s]?\d{7,8}(?:[-转]\d{1,6})?|400[-\s]?\d{3,4}[-\s]?\d{3,4})(?!\d)"
)
_LABEL = re.compile(
    r"(?:手机号码?|手机|电[话話])(?=\s*\+?\d)|(?:收货人|收件人|联系人|姓名|手机号码?|手机|联系电[话話]|电[话話]|所在地区|详细地址|收货地址|收件地址|地址|邮编)\s*[:：]\s*"
)
_SPLIT = re.compile(r"[\s,，;；。、]+")
_NAME = re.compile(r"[\u4e00-\u9fff·]{2,4}(?:先生|女士|小姐|老师)?|[A-Za-z][A-Za-z .'-]{1,40}")
_POSTCODE = re.compile(r"^\d{6}$")


@dataclass(frozen=True, slots=True)
class RecipientLine:
    """`name` and `phone` are None where the line has none."""

    name: str | None
    phone: str | None
    address: ParsedAddress


def parse_recipient_line(text: str) -> RecipientLine:
    """The phone by its shape, the address by its region, the name from what is short and left."""
    line = _LABEL.sub(" ", clean(text))
    found = _PHONE.search(line)
    phone = found[1] if found else None
    if found:
        line = f"{line[: found.start()]} , {line[found.end() :]}"
    pieces = [piece for piece in _SPLIT.split(line) if piece and not _POSTCODE.match(piece)]
    name = _name_among(pieces)
    if name is not None:
        pieces.remove(name)
    return RecipientLine(name, phone, parse_address(" ".join(pieces)))


def _name_among(pieces: list[str]) -> str | None:
    """The first or last piece that looks like a name and is no region."""
    for piece in dict.fromkeys((pieces[0], pieces[-1])) if len(pieces) > 1 else ():
        if _NAME.fullmatch(piece) and parse_address(piece).province is None:
            return piece
    return None
