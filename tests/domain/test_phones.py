"""Phone numbers as exports write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.domain.phones import REASONS, check_phone


@pytest.mark.parametrize(
    ("text", "number", "extension", "kind"),
    [
        ("13800138000", "13800138000", None, "mobile"),
        ("１３８ ００１３ ８０００", "13800138000", None, "mobile"),
        ("+86 138-0013-8000", "13800138000", None, "mobile"),
        ("86-13800138000", "13800138000", None, "mobile"),
        ("0086 13800138000", "13800138000", None, "mobile"),
        ("'13800138000", "13800138000", None, "mobile"),
        ('="13800138000"', "13800138000", None, "mobile"),
        ("电话：13800138000", "13800138000", None, "mobile"),
        ("18877771111-123", "18877771111", "123", "virtual"),
        ("14701641598-0564", "14701641598", "0564", "virtual"),
        ("13812345670转123", "13812345670", "123", "virtual"),
        ("13800138000,0564", "13800138000", "0564", "virtual"),
        ("95013123456789", "95013123456789", None, "virtual"),
        ("950131234567-1234", "950131234567", "1234", "virtual"),
        ("0571-88157777", "057188157777", None, "landline"),
        ("010-62345679", "01062345679", None, "landline"),
        ("0571 8815 7777 转 8001", "057188157777", "8001", "landline"),
        ("400-812-3123", "4008123123", None, "landline"),
        ("8008123123", "8008123123", None, "landline"),
        ("95338", "95338", None, "landline"),
    ],
)
def test_a_good_number_is_read_however_written(
    text: str, number: str, extension: str | None, kind: str
) -> None:
    found = check_phone(text)
    assert (found.number, found.extension, found.kind) == (number, extension, kind)
    assert found.valid is True


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("没有", "bad_characters"),
        ("1380013800", "wrong_length"),
        ("138001380001", "wrong_length"),
        ("11012340000", "unknown_prefix"),
        ("12013572468", "unknown_prefix"),
        ("13800000000", "repeated_digits"),
        ("11111111111", "repeated_digits"),
        ("12345678901", "run_of_digits"),
        ("15812345678", "run_of_digits"),
        ("13987654321", "run_of_digits"),
        ("110", "wrong_length"),
    ],
)
def test_a_bad_number_says_why(text: str, reason: str) -> None:
    found = check_phone(text)
    assert (found.kind, found.valid, found.reason) == ("invalid", False, reason)


def test_seven_equal_digits_are_too_many_and_six_are_not() -> None:
    assert check_phone("13811111112").reason == "repeated_digits"
    assert check_phone("13811111123").reason == "ok"


def test_a_run_of_eight_is_too_long_and_of_seven_is_not() -> None:
    assert check_phone("13123456780").reason == "run_of_digits"
    assert check_phone("13912345670").reason == "ok"


def test_a_masked_number_is_neither_valid_nor_invalid() -> None:
    for text in ("138****1234", "138******00", "***********", "138xxxx1234"):
        assert check_phone(text).kind == "masked"
        assert check_phone(text).valid is None
        assert check_phone(text).reason == "masked"


def test_other_countries_are_judged_by_their_own_plan() -> None:
    british = check_phone("020 7946 0018", "GB")
    assert (british.number, british.kind, british.valid) == ("+442079460018", "foreign", True)
    american = check_phone("+1 415-555-2671 ext. 12")
    assert (american.number, american.extension) == ("+14155552671", "12")
    assert american.kind == "foreign"
    assert check_phone("123", "US").valid is False
    assert check_phone("+86 13800138000", "US").kind == "mobile"


def test_every_reason_speaks_both_languages() -> None:
    assert len(REASONS) >= 9
    assert all(zh and en and zh != en for zh, en in REASONS.values())
    assert check_phone("").text("zh-CN") == REASONS["empty"][0]


@given(st.text(max_size=40), st.sampled_from(["CN", "US", "GB", "", "XX"]))
@settings(max_examples=300, deadline=None, print_blob=True)
def test_any_text_gets_an_answer(text: str, country: str) -> None:
    found = check_phone(text, country)
    assert found.reason in REASONS
    assert (found.valid is True) == (found.reason == "ok")
    assert (found.valid is None) == (found.kind == "masked")


def test_an_absurdly_long_cell_is_refused() -> None:
    assert check_phone("1" * 200_000).reason == "wrong_length"
