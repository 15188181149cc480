"""What the cells of reference tables mean: counts, weights, lengths, times, prices, yes and no."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

MAX_COUNT = 2_000_000_000  # fits a 32-bit column
_NUMBER = re.compile(r"([-+]?[\d,]*\.?\d+)\s*([^\d\s]*)")
GRAMS = {"g": 1, "克": 1, "kg": 1000, "千克": 1000, "公斤": 1000, "斤": 500}
MILLIMETRES = {"mm": 1, "毫米": 1, "cm": 10, "厘米": 10, "m": 1000, "米": 1000}
HOURS = {"h": 1, "小时": 1, "时": 1, "hours": 1, "d": 24, "天": 24, "日": 24, "days": 24}
YES = {"是", "y", "yes", "true", "1", "√", "有", "启用", "on"}
NO = {"否", "n", "no", "false", "0", "×", "无", "停用", "off"}


class CellProblem(Exception):
    """Why a cell was not taken, with its remedy; `field` if it is not the cell just read."""

    def __init__(self, code: str, zh: str, en: str, field: str | None = None) -> None:
        super().__init__(code)
        self.field = field
        self.code = f"reference.{code}"
        self.zh = zh
        self.en = en


def problem_of(field: str, code: str, zh: str, en: str) -> CellProblem:
    """A problem found after all cells of a row were read."""
    return CellProblem(code, zh, en, field)


Reader = Callable[[str, str], Any]  # (cell, the unit its header named or "") -> value


@dataclass(frozen=True, slots=True)
class Column:
    """`headers` maps each folded header text to the unit it names."""

    field: str
    read: Reader
    headers: dict[str, str]
    required: bool = False


def fold_header(text: str) -> str:
    """Letters and digits only, so that 重量(g), 重量 g and 重量（G） are one header."""
    return "".join(character for character in text.casefold() if character.isalnum())


def words(longest: int) -> Reader:
    """Text of at most `longest` characters."""

    def read(cell: str, _unit: str) -> str:
        if len(cell) > longest:
            raise CellProblem(
                "too_long",
                f"超过 {longest} 个字; 请缩短。",
                f"is longer than {longest} characters; shorten it.",
            )
        return cell

    return read


def count(cell: str, _unit: str) -> int:
    """A whole number from 0."""
    number, unit = _number(cell)
    if unit not in ("", "件", "个", "pcs"):
        raise _not_a_number(cell)
    if number != number.to_integral_value():
        raise CellProblem(
            "not_whole", f"{cell} 不是整数; 请填整数。", f"{cell} is not whole; give whole units."
        )
    return _bounded(number, cell)


def grams(cell: str, unit: str) -> int:
    return _measure(cell, unit, GRAMS, "重量(g)", "weight_g")


def millimetres(cell: str, unit: str) -> int:
    return _measure(cell, unit, MILLIMETRES, "长(mm)", "length_mm")


def hours(cell: str, unit: str) -> int:
    return _measure(cell, unit, HOURS, "时效(小时)", "transit_hours")


def price(cell: str, _unit: str) -> Decimal:
    """An amount in major units (yuan), from 0."""
    number, unit = _number(cell.removeprefix("¥").removeprefix("￥"))
    if unit not in ("", "元"):
        raise _not_a_number(cell)
    _bounded(number, cell)
    return number


def flag(cell: str, _unit: str) -> bool:
    folded = cell.casefold()
    if folded in YES:
        return True
    if folded in NO:
        return False
    raise CellProblem(
        "not_yes_or_no", f"“{cell[:20]}”应为 是 或 否。", f"{cell[:20]!r} should be yes or no."
    )


def instant_in(zone: str) -> Reader:
    """A date or a date with time, in the tenant's time zone unless it names an offset."""

    def read(cell: str, _unit: str) -> datetime:
        text = cell.replace("/", "-").replace("年", "-").replace("月", "-").replace("日", "")
        for shape in ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"):
            try:
                return datetime.strptime(text, shape).replace(tzinfo=ZoneInfo(zone))
            except ValueError:
                continue
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise CellProblem(
                "not_a_date",
                f"“{cell[:30]}”不是日期; 请写成 2026-11-20 或 2026-11-20 10:00。",
                f"{cell[:30]!r} is no date; write 2026-11-20 or 2026-11-20 10:00.",
            ) from None
        return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))

    return read


def _measure(cell: str, unit: str, units: dict[str, int], zh_header: str, en_header: str) -> int:
    number, written = _number(cell)
    factor = units.get(written or unit)
    if factor is None and written:
        raise _not_a_number(cell)
    if factor is None:  # a wrong guess would be wrong a thousand times over
        raise CellProblem(
            "unit_missing",
            f"“{cell[:20]}”没有单位; 请在表头写明单位, 例如 {zh_header}。",
            f"{cell[:20]!r} has no unit; name it in the header, such as {en_header}.",
        )
    return _bounded((number * factor).to_integral_value(), cell)


def _number(cell: str) -> tuple[Decimal, str]:
    found = _NUMBER.fullmatch(cell.strip())
    if found is None:
        raise _not_a_number(cell)
    try:
        return Decimal(found[1].replace(",", "")), found[2].casefold()
    except InvalidOperation:
        raise _not_a_number(cell) from None


def _bounded(number: Decimal, cell: str) -> int:
    if number < 0:
        raise CellProblem(
            "negative", f"{cell} 小于 0; 请填 0 或更大。", f"{cell} is below 0; give 0 or more."
        )
    if number > MAX_COUNT:
        raise CellProblem("too_large_number", f"{cell[:30]} 太大。", f"{cell[:30]} is too large.")
    return int(number)


def _not_a_number(cell: str) -> CellProblem:
    return CellProblem(
        "not_a_number",
        f"“{cell[:20]}”不是数字; 请只填数字。",
        f"{cell[:20]!r} is not a number; write digits only.",
    )
