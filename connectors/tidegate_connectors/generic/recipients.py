"""Recipients that the mall keeps behind tokens, opened for a person who may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken
from tidegate.sdk.values import Recipient, RecipientToken
from tidegate_connectors.generic.client import MallClient

OPEN = "recipients.open"
MOST = 50  # tokens of a call
PARTS = ("name", "phone", "address", "province", "city", "district")


class MallRecipients:
    def __init__(self, account: Account, client: MallClient) -> None:
        self._manifest, self._client = account.manifest, client

    def open_recipients(self, tokens: Sequence[RecipientToken]) -> Sequence[Recipient | None]:
        """One answer per token, in their order; None: the mall keeps it closed."""
        found: list[Recipient | None] = []
        for start in range(0, len(tokens), MOST):
            found += self._open(tokens[start : start + MOST])
        return found

    def _open(self, tokens: Sequence[RecipientToken]) -> list[Recipient | None]:
        asked = [{"order": one.order_number, "token": one.token} for one in tokens]
        found = self._client.call(OPEN, "POST", "/recipients/open", {"recipients": asked})
        rows = found.get("recipients") if isinstance(found, Mapping) else None
        if not isinstance(rows, list) or len(rows) != len(tokens):
            raise broken(self._manifest, OPEN)
        return [_recipient(one) for one in rows]


def _recipient(row: Any) -> Recipient | None:
    if not isinstance(row, Mapping):
        return None
    name, phone, address, province, city, district = (str(row.get(part) or "") for part in PARTS)
    return Recipient(name, phone, address, province, city, district)
