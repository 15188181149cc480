"""What the values of a column look like, whatever its header says: a look is given to a cell, a share to a column."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from tidegate.domain.addresses import parse_address
from tidegate.domain.phones import check_phone
from tidegate_connectors.files.converters import CellProblem, decimal, half_width, instant, tidy
from tidegate_connectors.files.dates import day_first, month_first

JUDGED = 40  # cells of a column
LONGEST_ADDRESS = 300
_UTC = ZoneInfo("UTC")
_PHONE = re.compile(r"^(?:\+?86[- ]?)?1[3-9][\d*]{9}(?:[-转,]\d{1,6})?$")
_LANDLINE = re.compile(
    r"^(?:0\d{2,3}[- ]?\d{7,8}|400-?\d{3}-?\d{4}|\+\d[\d ()-]{7,18})(?:[-转]\d{1,6})?$"
)
_S10 = re.compile(r"^[A-Z]{2}\d{9}[A-Z]{2}$")
_WAYBILL = re.compile(r"^(?:SF|YT|JD[A-Z]{0,3}|JT|ZTO|STO|DPK|EMS|KY|LP|1Z)[A-Z0-9]{9,20}$", re.I)
_ORDER = re.compile(r"^(?=.*\d{4})[A-Za-z0-9][A-Za-z0-9_.#/-]{5,39}$")
_NAME = re.compile(r"^[\u4e00-\u9fff·]{2,4}(?:先生|女士|小姐|老师)?$")
_CHINESE_PLACE = re.compile(r"省|市|自治区|区|县|镇|路|街|村|号|小区|大厦|室|栋")
_DAYLIKE = re.compile(r"[-/.年:]|^\d{8}(\d{6})?$|[A-Za-z]{3}")
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)  # UPU S10, check digit


def is_phone(text: str) -> bool:
    plain = half_width(text).replace(" ", "")
    if _PHONE.match(plain):
        return True
    return bool(_LANDLINE.match(half_width(text))) and check_phone(text, "CN").valid is not False


def is_s10(text: str) -> bool:
    """A postal item's number whose check digit is right."""
    if not _S10.match(text):
        return False
    rest = sum(int(d) * w for d, w in zip(text[2:10], _S10_WEIGHTS, strict=True)) % 11
    return int(text[10]) == {0: 5, 1: 0}.get(rest, 11 - rest)


def is_waybill(text: str) -> bool:
    plain = half_width(text).upper()
    return is_s10(plain) or bool(_WAYBILL.match(plain))


def is_date(text: str) -> bool:
    if not _DAYLIKE.search(text):
        return False
    for read in (instant, day_first, month_first):
        try:
            return read(text, _UTC) is not None
        except CellProblem:
            continue
    return False


def is_money(text: str) -> bool:
    """An amount that shows it: a sign, two decimals."""
    plain = half_width(text)
    if not re.search(r"[¥￥$€£元]|\.\d{2}\D*$", plain):
        return False
    try:
        return abs(decimal(text)) < 10**9
    except CellProblem:
        return False


def is_number(text: str) -> bool:
    try:
        decimal(text)
    except CellProblem:
        return False
    return True


def is_quantity(text: str) -> bool:
    return bool(re.match(r"^\d{1,4}(?:\.0+)?\s*(?:件|个|套|盒|箱|瓶|包|pcs)?$", half_width(text)))


def is_order_number(text: str) -> bool:
    plain = half_width(text)
    return bool(_ORDER.match(plain)) and not is_phone(plain) and not is_date(plain)


@lru_cache(maxsize=4096)
def is_address(text: str) -> bool:
    """A whole address: its province or city is found in it and a street follows."""
    if not 8 <= len(text) <= LONGEST_ADDRESS or not _CHINESE_PLACE.search(text):
        return False
    parsed = parse_address(text)
    return bool(parsed.province and parsed.rest)


def is_contact_line(text: str) -> bool:
    """Name, phone and address in one cell."""
    return len(text) > 18 and bool(re.search(r"1[3-9]\d{9}", half_width(text))) and is_address(text)


def is_name(text: str) -> bool:
    return bool(_NAME.match(text)) and not _CHINESE_PLACE.search(text[-1:])


LOOKS: Mapping[str, Callable[[str], bool]] = {  # the first that fits most values names the column
    "contact": is_contact_line,
    "phone": is_phone,
    "date": is_date,
    "waybill": is_waybill,
    "address": is_address,
    "quantity": is_quantity,
    "money": is_money,
    "number": is_number,
    "name": is_name,
    "order": is_order_number,
}


@dataclass(frozen=True, slots=True)
class ColumnLook:
    """`hits` of `of` filled cells look like `look` ("" when nothing fits most). `distinct` of them differ."""

    look: str
    hits: int
    of: int
    distinct: int
    shares: Mapping[str, int]

    def share(self, look: str) -> float:
        return self.shares.get(look, 0) / self.of if self.of else 0.0


def column_look(cells: Sequence[str]) -> ColumnLook:
    """Judge the first filled cells."""
    filled = list(islice((text for cell in cells if (text := tidy(cell))), JUDGED))
    shares = {name: sum(map(fits, filled)) for name, fits in LOOKS.items()}
    best = next((name for name, hits in shares.items() if filled and hits >= 0.7 * len(filled)), "")
    return ColumnLook(best, shares.get(best, 0), len(filled), len(set(filled)), shares)
