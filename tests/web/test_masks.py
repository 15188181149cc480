"""What a page may show of a person."""

from __future__ import annotations

import pytest

from tidegate.services.view_masks import masked_name, masked_phone, masked_text


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13800002291", "1******2291"),
        ("138-0000-2291", "1******2291"),
        ("+86 138 0000 2291", "8********2291"),
        ("0571-8800123", "0******0123"),
        ("0571-880012", "******0012"),
        ("880012", "******"),
        ("8800123", "8******"),
        ("138****2291", "1******2291"),
        ("", "-"),
        (None, "-"),
    ],
)
def test_phone_hides_at_least_six_digits(phone, shown) -> None:
    found = masked_phone(phone)
    assert found == shown
    assert found.count("*") >= 6 or found == "-"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("周宁", "周*"),
        ("欧阳娜娜", "欧**"),
        ("李", "李*"),
        ("  ", "-"),
        (None, "-"),
        ("Ann", "A**"),
    ],
)
def test_name_keeps_its_first_character(name, shown) -> None:
    assert masked_name(name) == shown


def test_other_personal_text_only_says_that_there_is_one() -> None:
    assert masked_text("请发顺丰") == "***"
    assert masked_text("") == "-"
