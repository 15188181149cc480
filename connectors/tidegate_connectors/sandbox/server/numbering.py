"""Waybill numbers and sort codes of the sandbox.

A number is SB, one digit for the carrier's pool, eight digits of serial and, over these nine, a
Luhn check digit (ISO/IEC 7812-1, annex B).
"""

from __future__ import annotations

import hashlib

POOLS = {"SF": 1, "ZTO": 2, "YTO": 3, "YUNDA": 4, "CHINAPOST": 5, "INTRACITY": 6, "STO": 7, "JD": 8}
OTHER_POOL = 9  # every carrier without a pool of its own draws from this one

PROVINCE_CODES = {  # first two digits of GB/T 2260, by the first two characters of the name
    "北京": 11, "天津": 12, "河北": 13, "山西": 14, "内蒙": 15, "辽宁": 21, "吉林": 22, "黑龙": 23,
    "上海": 31, "江苏": 32, "浙江": 33, "安徽": 34, "福建": 35, "江西": 36, "山东": 37, "河南": 41,
    "湖北": 42, "湖南": 43, "广东": 44, "广西": 45, "海南": 46, "重庆": 50, "四川": 51, "贵州": 52,
    "云南": 53, "西藏": 54, "陕西": 61, "甘肃": 62, "青海": 63, "宁夏": 64, "新疆": 65, "台湾": 71,
    "香港": 81, "澳门": 82,
}  # fmt: skip


def pool_of(carrier: str) -> int:
    return POOLS.get(carrier, OTHER_POOL)


def check_digit(digits: str) -> int:
    """Luhn digit to append to `digits`."""
    total = 0
    for position, character in enumerate(reversed(digits)):
        value = int(character)
        if position % 2 == 0:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return -total % 10


def waybill_no(pool: int, serial: int) -> str:
    """The number for a pool digit and a serial of at most eight digits."""
    digits = f"{pool}{serial:08d}"
    return f"SB{digits}{check_digit(digits)}"


def is_waybill_no(text: str) -> bool:
    digits = text[2:]
    return (
        text.startswith("SB")
        and len(digits) == 10
        and digits.isascii()
        and digits.isdigit()
        and check_digit(digits[:-1]) == int(digits[-1])
    )


def province_code(province: str) -> int | None:
    """GB/T 2260 digits of a province however it is written (浙江, 浙江省), or None."""
    return PROVINCE_CODES.get(province.strip()[:2])


def sort_code(province: str, city: str, district: str, address: str) -> str:
    """Three segments (三段码): sorting centre by region, branch by district, courier by street."""
    centre = f"{province_code(province) or 0:02d}{_bucket(city, 10)}"
    branch = f"{chr(ord('A') + _bucket(district, 26))}{_bucket(district + '#', 90) + 10}"
    return f"{centre}-{branch}-{_bucket(address, 90) + 10}"


def _bucket(text: str, size: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) % size
