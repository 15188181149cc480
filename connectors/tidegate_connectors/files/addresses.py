"""Recipient strings as shops write them into one cell, taken apart.

`split_address` uses only the blanks and commas that the shop put there; finding province, city and district inside
running text is the intake's job, or that of `address_parts` and `recipient_line` where a person asked for it.
"""

from __future__ import annotations

import re

from tidegate.domain.addresses import ParsedAddress, parse_address, parse_recipient_line

_POSTCODE = re.compile(r"\s*[(（](\d{6})[)）]\s*$")
_WITH_CONTACT = re.compile(r"^([^,，]{1,40})[,，]\s*(?:\+?86-?)?([\d*＊-]{7,24})[,，]\s*(.+)$")
_PROVINCE = re.compile(r"(省|自治区|特别行政区)$")
_MUNICIPALITIES = {"北京", "天津", "上海", "重庆", "北京市", "天津市", "上海市", "重庆市"}
_CITY = re.compile(r"(市|自治州|地区|盟|行政单位|区划)$")
_TOWN = re.compile(r"(街道|镇|乡|苏木|办事处)$")
_MASK = re.compile("[*＊]")
_CIPHER = ("##", "$$", "~")


def split_address(text: str) -> dict[str, str]:
    """`省 市 区 街道 详细(邮编)`, with or without `姓名，电话，` before it, as recipient
    attributes.

    What is not recognised stays in `address`; nothing is dropped but a postcode of zeros.
    """
    found: dict[str, str] = {}
    contact = _WITH_CONTACT.match(text)
    if contact:
        found["name"], found["phone"], text = contact[1].strip(), contact[2], contact[3]
    postcode = _POSTCODE.search(text)
    if postcode:
        text = text[: postcode.start()]
        if postcode[1].strip("0"):
            found["postcode"] = postcode[1]
    parts = text.split()
    if len(parts) >= 3 and (_PROVINCE.search(parts[0]) or parts[0] in _MUNICIPALITIES):
        found["province"] = parts.pop(0)
        if _CITY.search(parts[0]):
            found["city"] = parts.pop(0)
        if len(parts) >= 2:
            found["district"] = parts.pop(0)
        if len(parts) >= 2 and _TOWN.search(parts[0]):
            found["town"] = parts.pop(0)
        text = " ".join(parts)
    found["address"] = text.strip()
    return found


def address_parts(text: str) -> dict[str, str]:
    """Running text in province, city, district, town and street, by the address parser."""
    found = split_address(text)
    if "province" in found or _hidden(text):
        return found
    return {**found, **_parts(parse_address(found["address"]), found["address"])}


def recipient_line(text: str) -> dict[str, str]:
    """Name, phone and address from one cell, in any order."""
    if _hidden(text):
        return split_address(text)
    line = parse_recipient_line(text)
    found = {"name": line.name, "phone": line.phone}
    return {name: said for name, said in found.items() if said} | _parts(line.address, text)


def _parts(parsed: ParsedAddress, text: str) -> dict[str, str]:
    """What the parser found; where it found no region the text stays whole."""
    if not parsed.province:
        return {"address": parsed.rest or text}
    named = {
        "province": parsed.province,
        "city": parsed.city,
        "district": parsed.district,
        "town": parsed.street,
        "postcode": parsed.postcode,
    }
    return {name: said for name, said in named.items() if said} | {"address": parsed.rest or text}


def _hidden(text: str) -> bool:
    """Masked or cipher text stays as the platform wrote it."""
    return text.startswith(_CIPHER) or bool(_MASK.search(text))


def recipient_kind(*values: str | None) -> str:
    """masked when a star hides part of a value, token when the value is the platform's cipher
    text.
    """
    present = [value for value in values if value]
    if any(value.startswith(_CIPHER) for value in present):
        return "token"
    return "masked" if any(_MASK.search(value) for value in present) else "plain"
