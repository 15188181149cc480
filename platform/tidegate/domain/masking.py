"""Hide names, phones and addresses on labels, pages and in logs.

On waybills GB/T 41833-2022 asks for at least one hidden character of a Chinese name, at least six
hidden digits of a
phone, and hidden unit, door and room numbers. The customary 138****1234 hides four and is not
enough. What comes
masked is never revealed, and is masked further where it shows more than the standard allows.
"""

from __future__ import annotations

import re
import unicodedata

STAR = "*"
HIDDEN_DIGITS = 6  # at least
_LONGEST_PHONE, _LONGEST_ADDRESS = 64, 1000  # characters; no sane one is longer
_MASKED = re.compile(r"[*•●×]")
_TITLES = ("先生", "女士", "小姐", "老师", "太太", "同学")
_COMPOUND = frozenset(  # surnames of two characters
    re.findall("..", "欧阳上官司马诸葛东方皇甫尉迟公孙慕容令狐司徒夏侯长孙宇文端木南宫独孤轩辕")
    + re.findall("..", "闻人申屠太史拓跋百里呼延东郭西门")
)
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_EXTENSION = re.compile(
    r"^(.*?\d.*?)([-_#,;/ ]*(?:转|分机号?|ext\.?|x)\s*[-:.]?\s*|[-_#,/])([\d*]{1,6})$",
    re.IGNORECASE,
)
_NUMERAL = r"[0-9０-９A-Za-z零〇一二两三四五六七八九十百甲乙丙丁东西南北中#\-－—/.、,，&+~至]"
# Building, unit, floor, door and room numbers, and everything that follows the first of them.
_DOOR = re.compile(
    rf"{_NUMERAL}{{0,12}}[0-9０-９A-Za-z零〇一二两三四五六七八九十百甲乙丙丁#]{_NUMERAL}{{0,12}}\s*"
    r"(?:号楼|号院|号|栋|幢|棟|座|单元|單元|层|層|楼|樓|室|房|户|戶|门牌|弄|组|组团|期|区(?=[0-9一二三四五六七八九十])|排|铺|舖|档|仓|柜|#)"
    r"|[A-Za-z]?[0-9０-９#]|[零〇一二三四五六七八九]{3,}"
)
_FOREIGN_UNIT = re.compile(
    r"\b(?:apt|apartment|unit|suite|ste|room|rm|floor|fl|flat|bldg|building|door|#)\b\.?",
    re.IGNORECASE,
)
_FOREIGN_TOKEN = re.compile(r"[^\s,]*\d[^\s,]*")


def mask_name(name: str | None) -> str:
    """The surname stays: 张三 -> 张*, 欧阳娜娜 -> 欧阳**, 李四先生 -> 李*先生; John Smith -> J***
    S****."""
    text = unicodedata.normalize("NFC", (name or "").strip())
    if not text:
        return ""
    if not _CJK.search(text):
        return " ".join(_mask_word(word) for word in text.split())
    title = next((t for t in _TITLES if text.endswith(t) and len(text) > len(t)), "")
    core = text.removesuffix(title) if title else text
    if _MASKED.search(core):
        return core + title
    if len(core) == 1:
        return STAR + title
    keep = 2 if len(core) > 2 and core[:2] in _COMPOUND else 1
    return core[:keep] + STAR * (len(core) - keep) + title


def _mask_word(word: str) -> str:
    return word if _MASKED.search(word) else word[0] + STAR * max(len(word) - 1, 1)


def mask_phone(phone: str | None) -> str:
    """At least six digits hidden: 13800138000 -> 138******00; an extension is hidden whole:
    138******00-***.

    Numbers of less than nine digits keep two at most. Input that is masked already gets the
    missing stars, no more.
    """
    text = unicodedata.normalize("NFKC", (phone or "").strip())
    if not any(c.isdigit() or c == STAR for c in text):
        return STAR * min(len(text), HIDDEN_DIGITS)
    masked = _masked_once(text)
    while (again := _masked_once(masked)) != masked:  # without stray letters it may read anew
        masked = again
    return masked


def _masked_once(text: str) -> str:
    main, joint, extension = _split(text)
    return _mask_digits(main) + joint + STAR * len(extension)


def _split(text: str) -> tuple[str, str, str]:
    found = _EXTENSION.match(text) if len(text) <= _LONGEST_PHONE else None
    if not found or _digits(found[1]) < (11 if found[1].lstrip("+").startswith(("1", "86")) else 9):
        return text, "", ""
    return found[1], found[2], found[3]


def _digits(text: str) -> int:
    return sum(c.isdigit() or bool(_MASKED.match(c)) for c in text)


def _mask_digits(text: str) -> str:
    """The first three and last two digits stay where that hides six; the national number of +86
    is meant."""
    prefix = re.match(r"\+86[\s-]*", text)
    start = prefix.end() if prefix else 0
    places = [i for i, c in enumerate(text) if i >= start and (c.isdigit() or _MASKED.match(c))]
    spare = max(len(places) - HIDDEN_DIGITS, 0)
    tail = min(2, spare)
    head = min(3, spare - tail)
    hidden = set(places[head : len(places) - tail])
    kept = (i for i, c in enumerate(text) if not c.isalpha())  # stray letters may be a name
    return "".join(STAR if i in hidden else text[i] for i in kept).strip()


def mask_address(address: str | None) -> str:
    """Region, street and compound stay; from the first building, unit, door or room number on
    everything is hidden.

    文一西路 969 号 3 号楼 502 -> 文一西路 ***. A foreign address loses every word with a digit
    and its unit.
    An address without any number keeps its first half.
    """
    text = unicodedata.normalize("NFKC", (address or "").strip())[:_LONGEST_ADDRESS]
    if not text:
        return ""
    if not _CJK.search(text):
        return _mask_foreign(text)
    stars = _MASKED.search(text)
    door = _DOOR.search(text)
    ends = [found.start() for found in (stars, door) if found]
    kept = text[: min(ends)] if ends else _first_half(text)
    return f"{kept.rstrip(' ,-/(（')}***"


def _first_half(text: str) -> str:
    """Up to the last region, street or town word; else the first half."""
    found = list(re.finditer(r"省|市|区|县|旗|镇|乡|街道|路|街|大道|巷|村", text))
    return text[: found[-1].end()] if found else text[: len(text) // 2]


def _mask_foreign(text: str) -> str:
    unit = _FOREIGN_UNIT.search(text)
    if unit:
        rest = re.sub(r"^[^,]*", STAR * 3, text[unit.start() :])
        text = text[: unit.start()] + rest
    masked = _FOREIGN_TOKEN.sub(STAR * 3, text)
    if _MASKED.search(masked):
        return masked
    _, comma, rest = masked.partition(",")  # a house by its name
    return STAR * 3 + comma + rest if comma and rest else masked[: len(masked) // 2] + STAR * 3
