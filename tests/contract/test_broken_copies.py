"""A connector with one thing broken is caught, by the check that is about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tidegate.contract.card import Verdict
from tidegate.contract.suite import check_connector

CONNECTOR, SIGNING, MANIFEST = "connector.py", "signing.py", "manifest.yaml"
BROKEN = {
    "wrong_sign": ("signature", SIGNING, "sorted(fields)", "sorted(fields, reverse=True)"),
    "key_unused": ("vectors", SIGNING, "hmac_hex(secret, text)", "hmac_hex(text, text)"),
    "lost_page": (
        "pages", CONNECTOR, "rows, after = self._pages.read(fetch, cursor)",
        "rows, after = self._pages.read(fetch, cursor)\n        rows = () if cursor == '2' else rows",
    ),
    "forward": (
        "pages-changing", CONNECTOR, "rows, after = self._pages.read(fetch, cursor)",
        "page = int(cursor or 1)\n        rows, total = fetch(page)\n"
        "        after = str(page + 1) if page * self._pages.size < total else None",
    ),
    "double_page": (
        "pages", CONNECTOR, "rows, after = self._pages.read(fetch, cursor)",
        "rows, after = self._pages.read(fetch, cursor.partition('.')[0])\n"
        "        after = cursor + '.again' if cursor == '2' else after",
    ),
    "swallowed": (
        "errors-while-paging", CONNECTOR, "answer = self._call(\"order.list\", asked)",
        "try:\n                answer = self._call(\"order.list\", asked)\n"
        "            except Exception:\n                return [], 0",
    ),
    "leaked": (
        "secrets", CONNECTOR, "raise error_of(account.manifest, code)",
        "print('refused', fields, account.secret('app_secret'))\n"
        "            raise error_of(account.manifest, code)",
    ),
    "named": (
        "secrets", CONNECTOR, "return answer[\"data\"]",
        "print(answer)\n        return answer[\"data\"]",
    ),
    "local_time": ("time-zones", MANIFEST, "timezone: Asia/Shanghai", "timezone: UTC"),
    "guessed": ("unknown-status", MANIFEST, "closed: cancelled}", "closed: cancelled, '*': to_ship}"),
    "said_plain": ("recipients", MANIFEST, "hidden: masked}", "hidden: plain}"),
    "wrong_family": ("errors", MANIFEST, "busy: later", "busy: refused"),
    "float": ("money", MANIFEST, "{path: total_cents, convert: minor}", "{path: total_cents, convert: amount}"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_copy_is_caught_by_the_right_check(name: str, mall: Callable[..., Path]) -> None:
    check, file, old, new = BROKEN[name]
    mall(name, (file, old, new))
    card = check_connector(name, only=[check])
    assert [line.verdict for line in card.lines] == [Verdict.FAILED], card.text("en")
    assert not card.green
    assert card.lines[0].said["zh"]
    assert card.lines[0].said["en"]


def test_an_own_clock_is_caught_where_the_error_does_not_name_the_clock(mall) -> None:
    mall(
        "own_clock",
        (CONNECTOR, "_unix(account.http.now())", "_unix(datetime.now(UTC))"),
        (MANIFEST, "bad_timestamp: {kind: later, zh:", "bad_timestamp: {kind: credentials, zh:"),
    )
    card = check_connector("own_clock", only=["clock-skew"])
    assert [line.verdict for line in card.lines] == [Verdict.FAILED], card.text("en")


def test_a_connector_without_a_server_is_not_green(malls) -> None:
    card = check_connector("sandbox", only=["signature"])
    assert [line.verdict for line in card.lines] == [Verdict.NOT_CHECKED]
    assert not card.green
    assert "tidegate.protocol_servers" in card.text("en")
