"""One request to a platform and its answer, as bytes: what is signed is what is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from tidegate.errors import RemoteBroken

FORM = "application/x-www-form-urlencoded;charset=utf-8"
JSON = "application/json;charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """`api` names what is asked for (`orders.list`): limits and the breaker go by it. `idempotent`: sending it
    twice does no harm, so an unclear outcome may simply be asked again.
    """

    method: str
    url: str
    api: str
    params: Mapping[str, str] = field(default_factory=dict)  # the query of the address
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    idempotent: bool = False

    def __repr__(self) -> str:  # addresses, headers and bodies hold secrets and people
        return f"Request({self.method} {self.api})"


@dataclass(frozen=True, slots=True)
class Response:
    """Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def text(self, encoding: str = "utf-8") -> str:
        """The body; a character that can't be read becomes U+FFFD."""
        return self.body.decode(encoding, errors="replace")

    def json(self) -> Any:
        """The body as JSON; numbers with a fraction as Decimal, whole ones exact at any length.

        Raises:
            RemoteBroken: it is no JSON.
        """
        try:
            return json.loads(self.body.decode("utf-8-sig"), parse_float=Decimal)
        except (ValueError, RecursionError):
            raise RemoteBroken(
                "remote.not_json",
                zh=f"对方的回答不是 JSON (HTTP {self.status}, {len(self.body)} 字节)。",
                en=f"The answer is no JSON (HTTP {self.status}, {len(self.body)} bytes).",
                status=self.status,
            ) from None

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes)"


def form(
    url: str,
    api: str,
    fields: Mapping[str, str],
    *,
    params: Mapping[str, str] | None = None,
    idempotent: bool = False,
) -> Request:
    """A POST of form fields, each encoded once."""
    return Request(
        "POST", url, api, params or {}, {"Content-Type": FORM}, urlencode(fields).encode("ascii"),
        idempotent,
    )  # fmt: skip


def json_post(
    url: str,
    api: str,
    document: Any,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    idempotent: bool = False,
) -> Request:
    """A POST of a JSON document: compact, Chinese as it is."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return Request(
        "POST", url, api, params or {}, {"Content-Type": JSON, **(headers or {})}, body, idempotent
    )
