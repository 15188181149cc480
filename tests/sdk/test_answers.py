"""Codes become errors by the manifest; nothing a platform writes is quoted."""

from __future__ import annotations

import pytest

from tidegate.errors import (
    RemoteCredentials,
    RemoteRefused,
    RemoteRetry,
    RemoteUnknown,
    TidegateError,
)
from tidegate.sdk.answers import error_of, is_done
from tidegate.sdk.http.messages import Response, form, json_post
from tidegate.sdk.manifest import read_manifest
from tidegate.sdk.signing import canonical_json, hmac_base64, joined, md5_hex

MANIFEST = read_manifest(
    """
tidegate: connector/1
id: mall
kinds: [shop]
title: {zh: 某商城, en: The mall}
about: {zh: 测试, en: For tests}
capabilities: [check_credentials]
errors:
  isv.token-expired: credentials
  "40003": refused
  "60000": {kind: later, wait_s: 7, zh: 限流了。, en: Too many calls.}
  "106": done
  "*": unknown
"""
)


@pytest.mark.parametrize(
    ("codes", "family", "code"),
    [
        (("isv.token-expired", "40003"), RemoteCredentials, "mall.isv.token-expired"),
        (("isv.other", "40003"), RemoteRefused, "mall.40003"),
        (("60000",), RemoteRetry, "mall.60000"),
        (("nobody knows 13800138000", ""), RemoteUnknown, "mall.?"),
    ],
)
def test_the_most_specific_known_code_decides(codes, family, code) -> None:
    error = error_of(MANIFEST, *codes)
    assert isinstance(error, family)
    assert isinstance(error, TidegateError)
    assert error.code == code
    assert "13800138000" not in error.text("zh") + error.text("en")


def test_how_long_to_wait_comes_from_the_answer_else_from_the_manifest() -> None:
    assert error_of(MANIFEST, "60000").fields["retry_after_s"] == 7
    assert error_of(MANIFEST, "60000", wait_s=90).fields["retry_after_s"] == 90
    assert error_of(MANIFEST, "60000").text("zh").startswith("限流了。")


def test_a_repeat_may_count_as_done() -> None:
    assert is_done(MANIFEST, "106")
    assert not is_done(MANIFEST, "40003")


def test_pieces_of_signatures() -> None:
    fields = {"b": "2", "a": "1", "empty": "", "": "x"}
    assert joined(fields) == "a1b2"
    assert joined(fields, skip_empty=False) == "a1b2empty"
    assert md5_hex("") == "d41d8cd98f00b204e9800998ecf8427e"
    # the Shopify vector of its documentation's shape: secret, body
    assert (
        hmac_base64("demo_shared_secret", '{"id":820982911946154508,"name":"#9999"}')
        == "sCq6XjBEEyUSETefnjEXvOW86XGbtID+BEsIKQiszqs="
    )
    assert (
        canonical_json({"b": "<&>中", "a": {"d": 1, "c": 2}}) == '{"a":{"c":2,"d":1},"b":"<&>中"}'
    )


def test_what_is_sent_is_shown_nowhere() -> None:
    request = form("https://x.example/?k=SECRET", "orders.list", {"token": "SECRET", "q": "中 &"})
    assert request.body == b"token=SECRET&q=%E4%B8%AD+%26"
    assert "SECRET" not in repr(request)
    assert json_post("https://x.example", "a", {"名": "中"}).body == '{"名":"中"}'.encode()


def test_long_numbers_stay_whole_and_no_json_is_an_error() -> None:
    body = b'{"id": 6900000000000000001, "sum": 0.10}'
    found = Response(200, {}, body).json()
    assert found["id"] == 6900000000000000001
    assert str(found["sum"]) == "0.10"
    with pytest.raises(TidegateError, match="no JSON"):
        Response(502, {}, b"<html>13800138000").json()
