from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tidegate.engine.operations import arithmetic, compare, wildcard
from tidegate.engine.values import (
    Money,
    duration_text,
    fold,
    parse_decimal,
    parse_duration,
    parse_instant,
    parse_money,
    plain,
)


@pytest.mark.parametrize(
    ("text", "hours"),
    [("24h", 24), ("1d", 24), ("1d12h", 36), ("90m", 1.5), ("PT24H", 24), ("P1D", 24), ("-2h", -2)],
)
def test_durations_are_read_in_short_and_iso_form(text: str, hours: float) -> None:
    assert parse_duration(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "24", "h", "24 h", "P", "1h1d", "P1Y", "99999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["24h", "71h", "3d", "90m", "45s", "0h", "-2h", "7d", "25h"])
def test_duration_text_is_the_short_form(text: str) -> None:
    assert duration_text(parse_duration(text)) == text


def test_a_binary_float_becomes_the_decimal_a_person_typed() -> None:
    assert parse_decimal(0.1) == Decimal("0.1")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1,5", "", True, "1" * 60, "1e9999"])
def test_what_is_no_decimal_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"decimal|number"):
        parse_decimal(value)


@pytest.mark.parametrize(
    ("value", "money"),
    [
        ("99.00 CNY", "99.00 CNY"),
        ("99.00", "99.00 USD"),
        (5, "5 USD"),
        ("12元", "12 CNY"),
        ("９９ CNY", "99 CNY"),
    ],
)
def test_money_keeps_its_digits_and_takes_the_default_currency_when_bare(
    value: object, money: str
) -> None:
    assert str(parse_money(value, "USD")) == money


def test_money_without_currency_is_refused_where_there_is_no_default() -> None:
    with pytest.raises(ValueError, match="currency"):
        parse_money("99.00")


def test_an_instant_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        parse_instant("2026-11-11T09:00:00")


@pytest.mark.parametrize(
    ("left", "right"),
    [("ＡＢＣ", "abc"), (" 顺丰 ", "顺丰"), ("Straße", "STRASSE"), ("ｶﾞ", "ガ"), ("İ", "i̇")],
)
def test_folded_texts_agree_in_width_case_and_space(left: str, right: str) -> None:
    assert fold(left) == fold(right)


def test_folding_keeps_different_texts_apart() -> None:
    assert fold("é") != fold("e")


def test_amounts_of_different_currencies_are_neither_equal_nor_ordered() -> None:
    yuan, dollar = Money(Decimal(5), "CNY"), Money(Decimal(5), "USD")
    assert compare("=", yuan, dollar) is None
    assert compare("<", yuan, dollar) is None
    assert arithmetic("+", yuan, dollar) is None


def test_a_number_never_equals_a_boolean() -> None:
    assert compare("=", Decimal(1), True) is None


@pytest.mark.parametrize(("op", "expected"), [("/", None), ("*", Decimal(0))])
def test_division_by_zero_is_unknown(op: str, expected: object) -> None:
    assert arithmetic(op, Decimal(7), Decimal(0)) == expected


def test_sums_of_decimals_are_exact() -> None:
    assert arithmetic("+", Decimal("0.1"), Decimal("0.2")) == Decimal("0.3")


def test_overflow_is_unknown_instead_of_an_exception() -> None:
    assert arithmetic("*", Decimal("9e6000"), Decimal("9e6000")) is None


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("a-12", "a*-??", True),
        ("a-123", "a*-??", False),
        ("", "*", True),
        ("", "?", False),
        ("abc", "abc", True),
        ("abc", "*", True),
        ("a*c", "a*c", True),
        ("ab", "a", False),
        ("a.c", "a?c", True),
        ("aab", "*ab", True),
    ],
)
def test_wildcards_cover_the_whole_text(text: str, pattern: str, expected: bool) -> None:
    assert wildcard(text, pattern) is expected


def test_a_hostile_wildcard_pattern_is_answered_at_once() -> None:
    assert wildcard("a" * 2_000, "*a" * 50 + "b") is False


def test_plain_values_are_json_and_exact() -> None:
    assert plain(
        {"a": Money(Decimal("99.00"), "CNY"), "b": Decimal("1.50"), "c": (timedelta(hours=24),)}
    ) == {
        "a": "99.00 CNY",
        "b": 1.5,
        "c": ["24h"],
    }
    assert plain(Decimal("0.1234567890123456789")) == "0.1234567890123456789"
