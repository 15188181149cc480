"""Recipients behind cipher text, opened for a person who may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken
from tidegate.sdk.values import Recipient, RecipientToken
from tidegate_connectors.douyin.client import DouyinClient

DECRYPT = "order.batchDecrypt"
MOST = 50  # cipher texts of a call


class DouyinRecipients:
    def __init__(self, account: Account, client: DouyinClient) -> None:
        self._manifest, self._client = account.manifest, client

    def open_recipients(self, tokens: Sequence[RecipientToken]) -> Sequence[Recipient | None]:
        """One answer per token, in their order; None where Douyin keeps the name or the phone closed."""
        asked = [(one.order_number, text) for one in tokens for text in one.cipher.values() if text]
        opened: dict[tuple[str, str], Mapping[str, Any]] = {}
        for start in range(0, len(asked), MOST):
            opened |= self._opened(asked[start : start + MOST])
        return [_recipient(one, opened) for one in tokens]

    def _opened(self, asked: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Mapping[str, Any]]:
        infos = [{"auth_id": number, "cipher_text": text} for number, text in asked]
        data = self._client.call(DECRYPT, {"cipher_infos": infos})
        rows = data.get("decrypt_infos") if isinstance(data, Mapping) else None
        if not isinstance(rows, list):
            raise broken(self._manifest, DECRYPT)
        return {
            (str(row.get("auth_id", "")), str(row.get("cipher_text", ""))): row
            for row in rows
            if isinstance(row, Mapping) and str(row.get("err_no") or "0") == "0"
        }


def _recipient(
    token: RecipientToken, opened: Mapping[tuple[str, str], Mapping[str, Any]]
) -> Recipient | None:
    found = {
        part: opened.get((token.order_number, text), {}) for part, text in token.cipher.items()
    }
    name, phone = _text(found.get("name", {})), _phone(found.get("phone", {}))
    if not name or not phone:
        return None
    return Recipient(
        name=name,
        phone=phone,
        address=_text(found.get("address", {})),
        valid_until=_until(found.get("phone", {}).get("expire_time")),
    )


def _text(row: Mapping[str, Any]) -> str:
    return str(row.get("decrypt_text") or "")


def _phone(row: Mapping[str, Any]) -> str:
    """A virtual number with its extension, as carriers print it: `18877771111-123`."""
    number, extension = str(row.get("phone_no_a") or ""), str(row.get("phone_no_b") or "")
    if row.get("is_virtual_tel") and number:
        return f"{number}-{extension}" if extension else number
    return _text(row)


def _until(seconds: Any) -> datetime | None:
    told = str(seconds or "")
    return datetime.fromtimestamp(int(told), UTC) if told.isdigit() and int(told) else None
