"""One call of SF's std/service: signed over the body, and its answer, which is an answer inside an answer."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from tidegate.sdk.account import Account
from tidegate.sdk.answers import broken, error_of, is_done
from tidegate.sdk.http.messages import form

TAKEN, TOO_OFTEN = "A1000", "A1005"


@dataclass(frozen=True, slots=True)
class Service:
    """`api` is the name that limits, the breaker and the record of calls go by."""

    code: str
    api: str
    idempotent: bool = True


CREATE = Service("EXP_RECE_CREATE_ORDER", "waybill.create", idempotent=False)
FIND = Service("EXP_RECE_SEARCH_ORDER_RESP", "waybill.query")
UPDATE = Service("EXP_RECE_UPDATE_ORDER", "waybill.cancel")
ROUTES = Service("EXP_RECE_SEARCH_ROUTES", "track.query")
REGISTER = Service("EXP_RECE_REGISTER_ROUTE", "track.subscribe")
PRINT = Service("COM_RECE_CLOUD_PRINT_WAYBILLS", "label.print")


def encoded(text: str) -> str:
    """As Java's URLEncoder writes it: a blank is `+`, `*` stays, `~` does not."""
    return quote_plus(text, safe="*").replace("~", "%7E")


def msg_digest(msg_data: str, timestamp: str, check_word: str) -> str:
    """Base64 of the 16 bytes of MD5 over the encoded text."""
    text = encoded(msg_data + timestamp + check_word).encode("ascii")
    return base64.b64encode(hashlib.md5(text, usedforsecurity=False).digest()).decode("ascii")


class Wire:
    """Safe to share between threads."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def ask(self, service: Service, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the service says: `msgData`, or `obj` of the print service; empty when it was done before.

        Raises:
            RemoteRetry, RemoteRefused, RemoteUnknown: by the manifest's `errors`; `code` is `sf.` and SF's own.
        """
        account = self._account
        data = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        stamp = str(int(account.http.now().timestamp() * 1000))
        fields = {
            "partnerID": account.settings["partner_id"],
            "requestID": str(uuid.uuid4()),
            "serviceCode": service.code,
            "timestamp": stamp,
            "msgData": data,
            "msgDigest": msg_digest(data, stamp, account.secret("check_word")),
        }
        response = account.http.send(
            form(account.settings["url"], service.api, fields, idempotent=service.idempotent)
        )
        return self._inner(service, response.json())

    def _inner(self, service: Service, outer: Any) -> Mapping[str, Any]:
        if not isinstance(outer, Mapping) or "apiResultCode" not in outer:
            raise broken(self._account.manifest, service.api)
        code = str(outer["apiResultCode"])
        if code == TOO_OFTEN:
            self._account.http.throttled(service.api)
        if code != TAKEN:
            raise error_of(self._account.manifest, code)
        inner = self._document(service, outer.get("apiResultData"))
        if inner.get("success") not in (True, "true"):
            return self._refused(str(inner.get("errorCode") or ""))
        found = inner.get("msgData") or inner.get("obj") or {}
        if not isinstance(found, Mapping):
            raise broken(self._account.manifest, service.api)
        return found

    def _document(self, service: Service, text: object) -> Mapping[str, Any]:
        """The inner answer comes as text; as an object, too, from some services."""
        try:
            found = json.loads(text) if isinstance(text, str) else text
        except ValueError:
            found = None
        if not isinstance(found, Mapping):
            raise broken(self._account.manifest, service.api)
        return found

    def _refused(self, code: str) -> Mapping[str, Any]:
        if is_done(self._account.manifest, code):
            return {}
        raise error_of(self._account.manifest, code)
