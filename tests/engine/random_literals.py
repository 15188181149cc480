"""Random constants of every type, from pools small enough that two of them often meet."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from tidegate.engine.values import Money

NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
CURRENCIES = ("CNY", "CNY", "CNY", "USD", "JPY")
NUMBERS = [
    Decimal(text)
    for text in (
        "0",
        "1",
        "2",
        "3",
        "5",
        "10",
        "99.99",
        "100",
        "0.1",
        "0.30",
        "7.000000000000000001",
        "12345678901234567890123456789.5",
    )
]
SPANS = [
    timedelta(minutes=1), timedelta(hours=1), timedelta(hours=24), timedelta(hours=26, minutes=5),
    timedelta(days=3), timedelta(days=14), timedelta(seconds=90), timedelta(0), -timedelta(hours=2),
    timedelta(microseconds=1), timedelta(days=400, seconds=1),
]  # fmt: skip
DAYS = [
    date(2026, 11, 10),
    date(2026, 11, 11),
    date(2026, 11, 12),
    date(2024, 2, 29),
    date(1999, 12, 31),
]
TEXTS = [
    "jd", "JD", "ｊｄ", "taobao", "加急", "請加急", "新疆", "西藏", "", " ", "a b", "GIFT-1", "A*-??", "*",
    'say "hi"', "back\\slash", "line\nbreak", "tab\there", "Straße", "ﬁ", "İ", "😀", "a,b", "x)", "true", "12:30", "NO",
    "= 1", "“引”", "\r", "\x07", "\u2028", "ß", "null", "-", "not(1)",
]  # fmt: skip


def number(rng: Random) -> Decimal:
    return (
        rng.choice(NUMBERS)
        if rng.random() < 0.8
        else Decimal(rng.randint(0, 10**6)).scaleb(-rng.randint(0, 4))
    )


def money(rng: Random) -> Money:
    return Money(
        rng.choice(NUMBERS[:11])
        if rng.random() < 0.8
        else Decimal(rng.randint(0, 10**6)).scaleb(-2),
        rng.choice(CURRENCIES),
    )


def span(rng: Random) -> timedelta:
    return rng.choice(SPANS)


def instant(rng: Random) -> datetime:
    return (
        NOW + rng.choice((0, 0, 1, -1, 2)) * rng.choice(SPANS) + rng.choice((0, 0, 0, 1, -1)) * TICK
    )


def day(rng: Random) -> date:
    return rng.choice(DAYS)


def text(rng: Random) -> str:
    if rng.random() < 0.9:
        return rng.choice(TEXTS)
    return "".join(
        chr(
            rng.choice(
                (
                    rng.randint(1, 0x7F),
                    rng.randint(0x4E00, 0x4EFF),
                    rng.randint(0xFF01, 0xFF5E),
                    rng.randint(0x1F600, 0x1F64F),
                )
            )
        )
        for _ in range(rng.randint(1, 12))
    )


MAKE = {
    "number": number,
    "money": money,
    "duration": span,
    "instant": instant,
    "date": day,
    "text": text,
    "boolean": lambda rng: rng.random() < 0.5,
}
