"""A connector of ours with one thing broken is caught by the check that is about it: pushes, prices, labels, tokens,
stock, messages, tracking.
"""

from __future__ import annotations

import pytest

from tidegate.contract.card import Verdict
from tidegate.contract.suite import check_connector

# name of the copy -> (check, connector, file, old text, new text)
BROKEN = {
    "unproven": (
        "push-signature", "douyin", "receiver.py",
        "        if not any([equal(given, one) for one in wanted]):\n            raise",
        "        if not wanted:\n            raise",
    ),
    "half_compared": (
        "push-signature", "generic", "receiver.py",
        "equal(one, other) for one in given", "equal(one[:3], other[:3]) for one in given",
    ),
    "newborn": (
        "push-repeats", "douyin", "receiver.py",
        'HookEvent(str(message.get("msg_id") or ""),', "HookEvent(__import__('uuid').uuid4().hex,",
    ),
    "brittle": (
        "push-garbage", "sf", "receiver.py",
        'raise ValueError("no XML") from error', "raise OSError from error",
    ),
    "misread": (
        "push", "woocommerce", "receiver.py",
        'str(told["id"])', 'str(float(told["id"]))',
    ),
    "hoarder": (
        "push", "shopify", "receiver.py",
        '"changed_at": changed_at}', '"changed_at": changed_at, "all": told}',
    ),
    "rounded": ("quote", "kdniao", "freight.py", "Decimal(str(amount)) * 100", "Decimal(int(float(str(amount)))) * 100"),
    "no_prices": (
        "quote", "kdniao", "connector.py",
        "        answer = self._wire.ask(\n            commands.ESTIMATE,",
        "        try:\n            self._wire.ask(commands.ESTIMATE, {})\n        except Exception:\n"
        "            return []\n        answer = self._wire.ask(\n            commands.ESTIMATE,",
    ),
    "any_label": (
        "label", "sf", "connector.py",
        'found = self._wire.ask(wire.PRINT, asked)\n', 'return Label("pdf", b"<html>", template)\n',
    ),
    "label_for_nothing": (
        "label", "douyin", "waybills.py",
        'row = self._one(data, "waybill_infos", PRINT)',
        'row = next(iter(data["waybill_infos"]), {"print_data": "-"})',
    ),
    "shuffled": (
        "open-recipients", "douyin", "recipients.py",
        "return [_recipient(one, opened) for one in tokens]",
        "return [one for one in (_recipient(one, opened) for one in tokens) if one]",
    ),
    "by_place": (
        "open-recipients", "taobao", "recipients.py",
        "found.get((one.token, one.order_number))", "next(iter(found.values()), None)",
    ),
    "first_page": (
        "stock-pull", "generic", "stock.py", "str(after) if after else None", "None",
    ),
    "all_or_none": (
        "stock-answers", "generic", "stock.py", "[_pushed(one) for one in results]", "[Pushed() for one in results]",
    ),
    "hasty": (
        "messages", "taobao", "messages.py",
        "        nick = self._settings", "        self.confirm_changes([str(row[\"id\"]) for row in rows_of(inner, "
        "\"messages\", \"tmc_message\")])\n        nick = self._settings",
    ),
    "confirms_all": (
        "messages-chosen", "taobao", "messages.py",
        'chosen = ",".join(ids[start : start + MOST])',
        'chosen = ",".join(one.id for one in self.changed_orders())',
    ),
    "mixed_up": (
        "track-many", "sf", "connector.py",
        'read_route(route, str(one["mailNo"]), states)', "read_route(route, str(numbers[0]), states)",
    ),
    "any_callback": (
        "authorize-refused", "shopify", "tokens.py",
        'if not equal(query.get("hmac", ""), wanted):', "if not wanted:",
    ),
    "own_word": (
        "authorize-refused", "jushuitan", "tokens.py",
        'wanted = signature(told, self._account.secret("app_secret"))',
        'wanted = told.get("sign", "")',
    ),
    "unsigned_page": (
        "authorize", "jushuitan", "tokens.py",
        'self._signed({**consent.query, "timestamp": stamp})', '{**consent.query, "timestamp": stamp}',
    ),
    "some_followed": (
        "subscribe", "sf", "connector.py",
        '        for parcel in parcels:\n            asked = {"type"', '        for parcel in parcels[:10]:\n            asked = {"type"',
    ),
    "opened": (
        "closed-recipients", "douyin", "waybills.py",
        '"contact": {"name": cipher["name"], "mobile": cipher["phone"]}}',
        '"contact": {"name": self._client.call("order.batchDecrypt", {"cipher_infos": [{"auth_id": '
        'closed.order_number, "cipher_text": cipher["name"]}]}) and cipher["name"], "mobile": cipher["phone"]}}',
    ),
    "invented": (
        "closed-recipients", "taobao", "waybills.py",
        "if closed.platform not in PLATFORMS or not closed.token:\n            raise _no_oaid(request.order_number)\n"
        '        return {"oaid": closed.token,',
        'if closed.platform not in PLATFORMS:\n            raise _no_oaid(request.order_number)\n'
        '        return {"oaid": closed.token or f"oaid-{closed.order_number}",',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_copy_is_caught_by_the_right_check(name: str, malls) -> None:
    check, of, file, old, new = BROKEN[name]
    malls.copy(f"{of}_{name}", of, (file, old, new))
    card = check_connector(f"{of}_{name}", only=[check])
    assert [line.verdict for line in card.lines] == [Verdict.FAILED], card.text("en")
    assert card.lines[0].said["zh"]
    assert "unexpected" not in card.lines[0].said["en"], card.text("en")


def test_an_unbroken_copy_is_not_caught(malls) -> None:
    malls.copy("douyin_whole", "douyin")
    card = check_connector("douyin_whole", only=["push-signature", "label", "closed-recipients"])
    assert card.green, card.text("en")


def test_a_check_that_the_manifest_gives_no_reason_for_is_not_on_the_card() -> None:
    card = check_connector("sf", only=["closed-recipients", "push", "quote"])
    assert [line.id for line in card.lines] == ["push"]
