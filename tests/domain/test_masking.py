"""Names, phones and addresses are hidden as GB/T 41833-2022 asks, whatever they look like."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.domain.addresses import regions
from tidegate.domain.masking import mask_address, mask_name, mask_phone

DIGITS = "0123456789"
DOORS = ("3号楼502", "2单元301室", "甲6号", "181栋", "A座1201", "B-1203", "7#1104", "三单元二〇一")


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张三", "张*"),
        ("张小三", "张**"),
        ("欧阳娜娜", "欧阳**"),
        ("欧阳", "欧*"),
        ("李四先生", "李*先生"),
        ("李先生", "*先生"),
        ("王", "*"),
        ("张*", "张*"),
        ("John Smith", "J*** S****"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_name_keeps_its_surname(name: str | None, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13800138000", "138******00"),
        ("138****2291", "138******91"),
        ("138******00", "138******00"),
        ("13800138000-123", "138******00-***"),
        ("14701641598转0564", "147******98转****"),
        ("0571-88157777", "057*-******77"),
        ("+86 138 0013 8000", "+86 138 **** **00"),
        ("+1 415 555 2671", "+1 41* *** **71"),
        ("12345678", "******78"),
        ("95338", "*****"),
        (None, ""),
    ],
)
def test_six_digits_of_a_phone_are_hidden(phone: str | None, masked: str) -> None:
    assert mask_phone(phone) == masked


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("浙江省杭州市余杭区文一西路969号3号楼502", "浙江省杭州市余杭区文一西路***"),
        ("北京市朝阳区建国门外大街甲6号", "北京市朝阳区建国门外大街***"),
        ("科技园A座1201室", "科技园***"),
        ("幸福小区三单元201", "幸福小区***"),
        ("文三路**号", "文三路***"),
        ("浙江省杭州市西湖区", "浙江省杭州市西湖区***"),
        ("凤凰花园", "凤凰***"),
        (
            "1600 Amphitheatre Parkway, Mountain View, CA 94043",
            "*** Amphitheatre Parkway, Mountain View, CA ***",
        ),
        ("Flat 5, Rose House, London", "***, Rose House, London"),
        ("Rose House, High Street, London", "***, High Street, London"),
        (None, ""),
    ],
)
def test_an_address_keeps_its_region_and_street(address: str | None, masked: str) -> None:
    assert mask_address(address) == masked


@given(
    st.text(alphabet="0123456789０１２３ -+()*转", max_size=24),
    st.sampled_from(["", "+86 ", "86"]),
)
@settings(max_examples=500, deadline=None, print_blob=True)
def test_a_masked_phone_never_shows_more_than_allowed(body: str, prefix: str) -> None:
    """Of n digits at most n - 6 stay, never more than five of the number; the +86 is no secret."""
    masked = mask_phone(prefix + body)
    shown = sum(c.isdigit() for c in masked.removeprefix("+86"))
    places = sum(c.isdigit() or c == "*" for c in body) + (2 if prefix == "86" else 0)
    assert shown <= max(places - 6, 0) + (2 if prefix == "86" else 0)
    assert shown <= 7
    assert mask_phone(masked) == masked


@given(st.from_regex(r"1[3-9][0-9]{9}(-[0-9]{1,5})?", fullmatch=True))
@settings(max_examples=300, deadline=None, print_blob=True)
def test_mobile_numbers_and_extensions_hide_six_and_all(phone: str) -> None:
    masked = mask_phone(phone)
    number, _, extension = masked.partition("-")
    assert number == f"{phone[:3]}******{phone[9:11]}"
    assert set(extension) <= {"*"}
    assert len(masked) == len(phone)


@given(st.text(alphabet="张王李赵欧阳娜明小华强先生", min_size=1, max_size=6))
@settings(max_examples=300, deadline=None, print_blob=True)
def test_a_masked_chinese_name_hides_at_least_one_character(name: str) -> None:
    masked = mask_name(name)
    assert "*" in masked
    assert len(masked) == len(name)
    assert mask_name(masked) == masked


@given(st.sampled_from(DOORS), st.sampled_from(DOORS), st.data())
@settings(max_examples=200, deadline=None, print_blob=True)
def test_a_masked_address_shows_no_door_and_keeps_the_district(
    first: str, second: str, data: st.DataObject
) -> None:
    districts = [d for p in regions() for c in p.children for d in c.children if d.code < "710000"]
    district = data.draw(st.sampled_from(districts))
    head = "".join(region.name for region in district.path)
    masked = mask_address(f"{head}人民路{first}{second}")
    assert masked.startswith(head)
    assert not set(masked) & set(DIGITS)
    assert not any(word in masked for word in ("单元", "栋", "号楼", "座"))
    assert mask_address(masked) == masked


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None, print_blob=True)
def test_no_masked_address_holds_a_digit(text: str) -> None:
    assert not set(mask_address(text)) & set(DIGITS)


@pytest.mark.parametrize("text", ["1" * 200_000, "a" * 200_000, "," * 200_000, "路" * 200_000])
def test_absurdly_long_input_is_hidden_quickly(text: str) -> None:
    began = time.process_time()
    for mask in (mask_name, mask_phone, mask_address):
        assert "*" in mask(text)
    assert time.process_time() - began < 2
