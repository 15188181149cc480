"""Text as people paste it -> text the parser can walk: widths, prefix words, postcodes."""

from __future__ import annotations

import re
import unicodedata

SEPARATORS = " \t\r\n\u3000,，、;；:：|/\\-_—·.。~>→"
_SPACES = re.compile(r"[\s\u200b\ufeff]+")
_SPREAD = re.compile(r"(?:(?<=^)|(?<=\s))([\u4e00-\u9fff]) (?=[\u4e00-\u9fff](?:\s|$))")
_PREFIX = re.compile(
    r"^[\s,;:.【\[(]*(?:(?:收货|收件|详细|所在|注册|办公|通讯|联系|邮寄|寄件|公司|客户|具体|家庭|单位)*(?:地址|地区|住址)(?:为|是)?"
    r"|address|addr)[\s:：,\]】)]*",
    re.IGNORECASE,
)
_COUNTRY = re.compile(
    r"^(?:中华人民共和国|中国大陆|中国|china|cn)(?!银行|移动|电信|联通|石|农|建|工商|人民|平安|科)[\s,:-]*",
    re.IGNORECASE,
)
_POSTCODE_END = re.compile(
    r"[\s,]*(?:\((\d{6})\)|\[(\d{6})\]|【(\d{6})】|(?:邮编|邮政编码)[:：\s]*(\d{6}))[\s,.。]*$"
)
_POSTCODE_START = re.compile(r"^\(?(\d{6})\)?[\s,]+(?=[\u4e00-\u9fff])")
_LABEL_INSIDE = re.compile(r"[\s,;]*(?:详细地址|街道地址)[:：]\s*")


def clean(text: str) -> str:
    """NFKC, one space for any white space, no invisible characters, Taiwan's 臺 as 台."""
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    if "臺" in text:
        text = text.replace("臺", "台")
    text = _SPACES.sub(" ", text).strip()
    return _SPREAD.sub(r"\1", text) if text[1:2] == " " else text  # 浙 江 省


def strip_frame(text: str) -> tuple[str, str | None]:
    """Without words before the address, without a country, without a postcode; and that
    postcode."""
    text = (
        _PREFIX.sub("", text)
        if text[:1] in _PREFIX_HEADS or "地址" in text[:8] or "地区" in text[:8]
        else text
    )
    if "址" in text:
        text = _LABEL_INSIDE.sub(" ", text)
    if text[:1] in "中cC":
        text = _COUNTRY.sub("", text)
    postcode = None
    if text[-1:] in "])】" or "邮" in text or text[-1:].isdigit():
        found = _POSTCODE_END.search(text)
        if found:
            postcode = next(group for group in found.groups() if group)
            text = text[: found.start()]
    if text[:1].isdigit() or (text[:2] == "(" + text[1:2] and text[1:2].isdigit()):
        found = _POSTCODE_START.match(text)
        if found:
            postcode = postcode or found[1]
            text = text[found.end() :]
    return text, postcode


_PREFIX_HEADS = frozenset("收详所注办通联邮寄公客具家单地住aA【[(,;:. ")
