"""What must not be in a log: phones, names, addresses, secrets; and characters that forge a line.

The rule for callers stays: log ids and codes. This is the net below it, for what libraries say and for mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

HIDDEN = "[hidden]"
LONGEST = 2000  # characters of one value
DEEPEST = 6
MOST = 100  # entries of one list or mapping
# Parts of a key, as in `recipient_phone`; `name` alone is the name of a job or a rule.
PERSONAL = frozenset(
    ("phone", "mobile", "tel", "telephone", "recipient", "receiver", "consignee", "sender", "buyer",
     "contact", "address", "street", "postcode", "zip", "email", "mail", "memo", "login", "person")
)  # fmt: skip
SECRET = frozenset(
    ("password", "passwd", "secret", "token", "authorization", "cookie", "apikey", "api_key",
     "signature", "credential", "credentials", "session")
)  # fmt: skip
PERSONAL_NAMES = frozenset(
    ("full_name", "first_name", "last_name", "real_name", "person_name", "user_name", "username")
)
CHINESE = ("姓名", "收货人", "收件人", "寄件人", "联系人", "电话", "手机", "地址", "密码", "买家")
HARMLESS = (
    "_id",
    "_ids",
    "_count",
    "_code",
    "_state",
    "_kind",
    "_hash",
)  # ends of keys with nothing to hide
_PHONE = r"(?<![\w-])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?![\w-])"
_LANDLINE = r"(?<![\w-])0\d{2,3}-\d{7,8}(?!\d)"
_ABROAD = r"(?<!\w)\+\d[\d -]{7,17}\d"
_CITIZEN = r"(?<!\w)\d{6}(?:19|20)\d{2}[01]\d[0-3]\d{4}[\dXx](?!\w)"
_MAIL = r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
_ADDRESS = (
    r"[\u4e00-\u9fff]{1,20}(?:路|街|道|巷|弄|胡同|村|镇|苑|小区|大厦|广场)"
    r"[\u4e00-\u9fff\w -]{0,16}?\d+ ?(?:号|弄|幢|栋|座|室|楼|单元)[\u4e00-\u9fff\w -]{0,24}"
)
_SECRETS = r"(?i:bearer|basic) [\w.~+/=-]{8,}|(?<=://)[^\s:/@]{1,64}:[^\s/@]{1,128}(?=@)"
PERSONAL_TEXT = re.compile(
    "|".join((_ABROAD, _PHONE, _LANDLINE, _CITIZEN, _MAIL, _ADDRESS, _SECRETS))
)
# Line ends, terminal escapes, and marks that turn the direction of text: one event must look like one event.
FORGING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: the same event, fit to be kept."""
    return {_plain_key(key): _value(str(key), value, 0) for key, value in event.items()}


def plain_text(text: str) -> str:
    """A text without personal data, secrets and forged lines, at most LONGEST characters."""
    cut = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    return FORGING.sub(_escaped, PERSONAL_TEXT.sub(HIDDEN, cut))


def is_hidden(key: str) -> bool:
    """Whether whatever stands under this key is hidden."""
    low = key.lower()
    if any(sign in key for sign in CHINESE) or low in PERSONAL_NAMES:
        return True
    if low.endswith(HARMLESS):
        return False
    parts = set(re.split(r"[^a-z]+", low))
    return bool(parts & (PERSONAL | SECRET)) or low in SECRET


def _value(key: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if is_hidden(key):
        return HIDDEN
    if isinstance(value, int) and PERSONAL_TEXT.fullmatch(str(value)) and not key.endswith("_id"):
        return HIDDEN
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return plain_text(value)
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        some = list(value.items())[:MOST]
        return {_plain_key(name): _value(str(name), found, depth + 1) for name, found in some}
    if isinstance(value, list | tuple | set | frozenset):
        return [_value("", found, depth + 1) for found in list(value)[:MOST]]
    return plain_text(str(value))


def _plain_key(key: Any) -> str:
    return plain_text(str(key))[:80]


def _escaped(sign: re.Match[str]) -> str:
    return sign.group().encode("unicode_escape").decode("ascii")
