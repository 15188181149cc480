"""A phone number as shops export it: what kind it is, whether it can be one, and its extension.

Chinese numbers are judged by the table below (numbering plan of MIIT plus what the phonenumbers
metadata knows);
other countries by phonenumbers. Masked numbers are neither valid nor invalid: `valid` is None.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers

REASONS: dict[str, tuple[str, str]] = {
    "ok": (
        "有效",
        "Valid",
    ),
    "empty": (
        "没有电话，请补充",
        "There is no phone number: add one",
    ),
    "masked": (
        "电话已脱敏，请从平台取得明文或虚拟号",
        "The number is masked: get the clear or the virtual number from the shop",
    ),
    "bad_characters": (
        "含有不属于电话的字符，请核对",
        "It holds characters no phone number has: check it",
    ),
    "wrong_length": (
        "位数不对，请核对",
        "It has the wrong number of digits: check it",
    ),
    "unknown_prefix": (
        "号段不存在，请核对",
        "No such number range: check it",
    ),
    "repeated_digits": (
        "连续相同数字过多，像随手填写，请核对",
        "Too many equal digits in a row: it looks made up, check it",
    ),
    "run_of_digits": (
        "含有 12345678 这样的顺序数字，请核对",
        "It holds a run such as 12345678: it looks made up, check it",
    ),
    "not_possible": (
        "在该国家或地区不是有效号码，请核对",
        "Not a valid number in that country: check it",
    ),
}
_MASK = re.compile(r"[*•●×]|(?<=\d)[xX]{2,}(?=\d)|(?<=\d)[xX#]{3,}")
_WRAPPED = re.compile(r"""^\s*=?\s*["'‘’“”`]*(.*?)["'‘’“”`]*\s*$""", re.DOTALL)
_LABEL = re.compile(r"^(?:联系电话|电话|手机号?码?|手机|tel|phone|mobile)[\s:.]*", re.IGNORECASE)
_EXTENSION = re.compile(
    r"^(.*?\d)\s*(?:[-_#,/ ]*(?:转|分机号?|ext\.?|extension|x)\s*[-:.#]?\s*|[#,;_]\s*)(\d{1,6})$",
    re.IGNORECASE,
)
_MOBILE_DASH = re.compile(r"^(1\d{10})[-_/](\d{1,6})$")
_FIXED_DASH = re.compile(r"^(0\d{2,3}-?\d{7,8}|400-?\d{3,4}-?\d{3,4}|95\d{3,14})-(\d{1,6})$")
_NOISE = re.compile(r"[\s\-().·]+")
_COUNTRY_CODE = re.compile(
    r"^(?:\+\s*86|0086|\(\+?86\)|86(?=[\s-]*1\d{2}[\s-]*\d{4}[\s-]*\d{4}(?!\d))|86-)[\s-]*"
)
_MOBILE = re.compile(r"1(?:3\d|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])\d{8}")
_LANDLINE = re.compile(r"0(?:10|2[0-57-9])[2-9]\d{7}|0[3-9]\d{2}[2-9]\d{6,7}")
_SERVICE = re.compile(r"[48]00[1-9]\d{6}")  # paid by the called side; printed as landline
_SHORT_SERVICE = re.compile(r"95\d{3,4}")
_VIRTUAL_95 = re.compile(r"95\d{8,14}")  # intermediary numbers of the platforms: 95013…, 95188…
_LONGEST = 64  # characters; an export cell with more holds no single number
_EQUAL = re.compile(r"(\d)\1{6}")
_RUNS = tuple("01234567890123456789"[i : i + 8] for i in range(10))
_BACKWARD = tuple(run[::-1] for run in _RUNS)


@dataclass(frozen=True, slots=True)
class Phone:
    """`number`: digits as dialled inside China, E.164 abroad, as masked when masked; "" when
    there is none.

    `kind` is mobile, landline, virtual, masked, foreign or invalid; `reason` a key of `REASONS`.
    `extension` is None or the digits to dial after the call is answered.
    """

    number: str
    extension: str | None
    kind: str
    valid: bool | None
    reason: str

    def text(self, lang: str = "en") -> str:
        return REASONS[self.reason][0 if lang.lower().startswith("zh") else 1]


def check_phone(text: str | None, country: str | None = "CN") -> Phone:
    """Judge one number. `country` is the recipient's ISO code; None means China."""
    plain = _unwrapped(text or "")
    if not plain:
        return Phone("", None, "invalid", False, "empty")
    if len(plain) > _LONGEST:
        return Phone("", None, "invalid", False, "wrong_length")
    if _MASK.search(plain) and any(c.isdigit() or c in "*•●×" for c in plain):
        return _masked(plain)
    home = (country or "CN").strip().upper() or "CN"
    abroad = plain.startswith("+") and not re.match(r"\+\s*86", plain)
    if home != "CN" or abroad:
        return _foreign(plain, home)
    return _chinese(_COUNTRY_CODE.sub("", plain))


def _unwrapped(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).replace("\u200b", "")
    text = re.sub(r"[‐‑‒–—―−]", "-", text)
    found = _WRAPPED.match(text)
    return _LABEL.sub("", (found[1] if found else text).strip()).strip()


def _masked(plain: str) -> Phone:
    number, extension = _split_extension(plain)
    return Phone(re.sub(r"\s+", "", number), extension, "masked", None, "masked")


def _split_extension(plain: str) -> tuple[str, str | None]:
    squeezed = re.sub(r"\s+", "", plain)
    for pattern, subject in (
        (_MOBILE_DASH, squeezed),
        (_FIXED_DASH, squeezed),
        (_EXTENSION, plain),
    ):
        found = pattern.match(subject)
        if found:
            return found[1], found[2]
    return plain, None


def _chinese(plain: str) -> Phone:
    number, extension = _split_extension(plain)
    digits = _NOISE.sub("", number)
    if not (digits.isascii() and digits.isdigit()):
        return Phone(digits, extension, "invalid", False, "bad_characters")
    kind, reason = _kind(digits, extension)
    if kind != "invalid" and not digits.startswith(("400", "800", "95")):
        made_up = _made_up(digits)
        if made_up:
            kind, reason = "invalid", made_up
    return Phone(digits, extension, kind, kind != "invalid", reason)


def _kind(digits: str, extension: str | None) -> tuple[str, str]:
    if _MOBILE.fullmatch(digits):
        return ("virtual" if extension else "mobile"), "ok"
    if _VIRTUAL_95.fullmatch(digits):
        return "virtual", "ok"
    if (
        _LANDLINE.fullmatch(digits)
        or _SERVICE.fullmatch(digits)
        or _SHORT_SERVICE.fullmatch(digits)
    ):
        return "landline", "ok"
    made_up = _made_up(digits)
    if made_up:
        return "invalid", made_up
    starts = digits[:1]
    right = (starts == "1" and len(digits) == 11) or (starts == "0" and len(digits) in (10, 11, 12))
    return "invalid", "unknown_prefix" if right else "wrong_length"


def _made_up(digits: str) -> str | None:
    """Seven equal digits in a row, or eight that count up or down."""
    if _EQUAL.search(digits):
        return "repeated_digits"
    if any(run in digits for run in (*_RUNS, *_BACKWARD)):
        return "run_of_digits"
    return None


def _foreign(plain: str, home: str) -> Phone:
    try:
        parsed = phonenumbers.parse(plain, home)
    except phonenumbers.NumberParseException:
        return Phone(
            "".join(c for c in plain if c.isdigit()), None, "invalid", False, "not_possible"
        )
    extension, parsed.extension = parsed.extension, None  # E.164 has no room for it
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if parsed.country_code == 86:
        return _chinese(_COUNTRY_CODE.sub("", plain))
    if not phonenumbers.is_valid_number(parsed):
        return Phone(number, extension, "invalid", False, "not_possible")
    made_up = _made_up(str(parsed.national_number))
    if made_up:
        return Phone(number, extension, "invalid", False, made_up)
    return Phone(number, extension, "foreign", True, "ok")
