"""One command to KDNiao: signed, sent, and the answer read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken, error_of, is_done
from tidegate.sdk.http.messages import form
from tidegate.sdk.signing import base64_of, md5_hex
from tidegate_connectors.kdniao.commands import Command, address_of

TOO_OFTEN = ("kdniao.throttled", "kdniao.405")


def data_sign(request_data: str, api_key: str) -> str:
    """Base64 of the 32 hex digits of MD5, not of its 16 bytes."""
    return base64_of(md5_hex(request_data + api_key))


class Wire:
    """Safe to share between threads."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._reasons = _pairs(account.settings.get("reasons", ""))

    def ask(self, command: Command, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer to a command that was carried out, or had been before (ResultCode 106).

        Raises:
            RemoteRetry, RemoteRefused, RemoteUnknown: it was not, by the manifest's `errors`.
        """
        account = self._account
        data = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        fields = {
            "RequestData": data,
            "EBusinessID": account.settings["business_id"],
            "RequestType": command.code,
            "DataSign": data_sign(data, account.secret("api_key")),
            "DataType": "2",
        }
        url = address_of(account.settings["url"], command)
        response = account.http.send(form(url, command.api, fields, idempotent=command.idempotent))
        answer: Any = response.json()
        return self._judged(command, answer)

    def _judged(self, command: Command, answer: Any) -> Mapping[str, Any]:
        if not isinstance(answer, dict) or not {"Success", "ResultCode"} & answer.keys():
            raise broken(self._account.manifest, command.api)
        codes = self._codes(answer)
        if is_true(answer.get("Success")) or is_done(self._account.manifest, *codes):
            return answer
        error = error_of(self._account.manifest, *codes)
        if error.code in TOO_OFTEN:
            wait = error.fields.get("retry_after_s")
            self._account.http.throttled(command.api, float(str(wait)) if wait else None)
        raise error

    def _codes(self, answer: Mapping[str, Any]) -> list[str]:
        """What its reason amounts to, then its code."""
        reason, code = str(answer.get("Reason") or ""), str(answer.get("ResultCode") or "")
        return [
            *(known for words, known in self._reasons if words in reason),
            *([code] if code else []),
        ]


def is_true(value: object) -> bool:
    """Booleans come as such, or as text."""
    return value is True or str(value).lower() == "true"


def _pairs(text: str) -> list[tuple[str, str]]:
    """`words=code;words=code`."""
    pairs = (part.partition("=") for part in text.replace("\n", ";").split(";"))
    return [(words.strip(), code.strip()) for words, _, code in pairs if words.strip()]
