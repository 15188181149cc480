"""Recipients behind OAID tokens, opened for a person who may see them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.values import Recipient, RecipientToken
from tidegate_connectors.taobao.client import BEIJING, TIME, TopClient, rows_of

DECRYPT = "taobao.top.oaid.decrypt"
MOST = 20  # tokens of a call


class Recipients:
    def __init__(self, account: Account, client: TopClient) -> None:
        self._scene, self._client = account.settings["decrypt_scene"], client

    def open_recipients(self, tokens: Sequence[RecipientToken]) -> Sequence[Recipient | None]:
        """One answer per token, in their order."""
        found: list[Recipient | None] = []
        for start in range(0, len(tokens), MOST):
            found += self._opened(tokens[start : start + MOST])
        return found

    def _opened(self, tokens: Sequence[RecipientToken]) -> list[Recipient | None]:
        asked = [
            {"oaid": one.token, "tid": one.order_number, "scene": self._scene} for one in tokens
        ]
        inner = self._client.call(DECRYPT, {"query_list": json.dumps(asked, separators=(",", ":"))})
        rows = rows_of(inner, "receiver_list", "receiver")
        found = {
            (str(row.get("oaid", "")), str(row.get("tid", ""))): row
            for row in rows
            if isinstance(row, Mapping)
        }
        return [_recipient(found.get((one.token, one.order_number))) for one in tokens]


def _recipient(row: Mapping[str, Any] | None) -> Recipient | None:
    if row is None or str(row.get("matched", "true")).lower() == "false":
        return None
    return Recipient(
        name=str(row.get("name") or ""),
        phone=str(row.get("mobile") or row.get("phone") or ""),
        address=" ".join(str(row[part]) for part in ("town", "address_detail") if row.get(part)),
        province=str(row.get("state") or ""),
        city=str(row.get("city") or ""),
        district=str(row.get("district") or ""),
        valid_until=_until(row.get("secret_no_expire_time")),
    )


def _until(text: Any) -> datetime | None:
    try:
        return datetime.strptime(str(text), TIME).replace(tzinfo=BEIJING)
    except ValueError:
        return None
