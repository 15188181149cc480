"""Text on its way to paper: exact or refused for what a person or a machine relies on, repaired
visibly elsewhere.

A refusal names the field and the code point, never the value: most of these fields are personal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidegate.documents.text import STAND_IN, clean, code_point, replaced, uncovered
from tidegate.documents.wording import FIELDS
from tidegate.errors import InputError


@dataclass(frozen=True, slots=True)
class Remark:
    """Something printed otherwise than given: `replaced` (with code points in `detail`) or
    `shortened`.
    """

    code: str
    field: str
    detail: str = ""

    def text(self, lang: str = "en") -> str:
        zh, en = FIELDS[self.field]
        if self.code == "label.replaced":
            zh, en = (
                f"{zh}中的 {self.detail} 无法打印, 已印成 {STAND_IN}。",
                f"{self.detail} in {en} cannot be printed; {STAND_IN} stands in its place.",
            )
        else:
            zh, en = (
                f"{zh}放不下, 面单上以 … 结尾; 全文见系统。",
                f"{en} did not fit and ends in … on paper; the full text is in the system.",
            )
        return zh if lang.lower().startswith("zh") else en[:1].upper() + en[1:]


def exact(field: str, given: str) -> str:
    """`given`, printable to the last character.

    Raises:
        InputError: `label.missing_field` when there is nothing to print, `label.missing_glyph` when
        a character
            has no glyph in any font.
    """
    text = clean(given)
    if not text:
        zh, en = FIELDS[field]
        raise InputError(
            "label.missing_field",
            zh=f"面单缺少{zh}, 请补全后再打印。",
            en=f"the label lacks {en}; fill it in and print again.",
            field=field,
        )
    refuse_uncovered(field, text)
    return text


def refuse_uncovered(field: str, text: str) -> None:
    """Raise `label.missing_glyph` for the first character of `text` that no font prints."""
    lost = uncovered(text)
    if lost is None:
        return
    zh, en = FIELDS[field]
    raise InputError(
        "label.missing_glyph",
        zh=f"{zh}含有无法打印的字符 {code_point(lost)}, 请改正该字段后重新打印。",
        en=f"{en} has a character that no font prints, {code_point(lost)}; "
        "correct it and print again.",
        field=field,
        code_point=code_point(lost),
    )


def repaired(field: str, given: str, remarks: list[Remark]) -> str:
    """`given` with □ for what cannot be printed, reported in `remarks`; may be empty."""
    text, lost = replaced(clean(given))
    if lost:
        remarks.append(Remark("label.replaced", field, " ".join(lost)))
    return text


def overflow(field: str) -> InputError:
    """The error for text that does not fit at the smallest readable size."""
    zh, en = FIELDS[field]
    return InputError(
        "label.overflow",
        zh=f"{zh}太长, 缩到最小字号仍放不下, 请缩短后重新打印 (不会截断)。",
        en=f"{en} does not fit at the smallest readable size and is never cut; "
        "shorten it and print again.",
        field=field,
    )


def ascii_number(field: str, given: str) -> str:
    """`given`, fit for a barcode: printable ASCII without spaces.

    Raises:
        InputError: `label.number`.
    """
    if given.isascii() and given.isprintable() and given and " " not in given:
        return given
    zh, en = FIELDS[field]
    raise InputError(
        "label.number",
        zh=f"{zh}不能印成条码: 只能由字母、数字和半角符号组成且不能为空, 请更换号码。",
        en=f"{en} cannot be a barcode: it needs ASCII letters, digits and signs only; "
        "use another number.",
        field=field,
    )


def local_time(at: datetime, time_zone: str) -> str:
    """An aware instant as `2026-11-11 02:03` in the shop's zone.

    Raises:
        InputError: `label.printed_at` for a time without zone, `label.time_zone` for an unknown
        zone.
    """
    if at.tzinfo is None:
        raise InputError(
            "label.printed_at",
            zh="打印时间没有时区, 请传入带时区的时间。",
            en="the time of printing has no time zone; pass an aware time.",
            field="printed_at",
        )
    return at.astimezone(_zone(time_zone)).strftime("%Y-%m-%d %H:%M")


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            "label.time_zone",
            zh=f"不认识时区 {name!r}, 请填写如 Asia/Shanghai。",
            en=f"there is no time zone {name!r}; write one such as Asia/Shanghai.",
            time_zone=name,
        ) from error
