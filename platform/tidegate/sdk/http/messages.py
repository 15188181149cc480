"""One request to a platform and its answer, as bytes: what is signed is what is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from tidegate.errors import RemoteBroken

FORM = "application/x-www-form-urlencoded;charset=utf-8"
CHARSETS = {
    "gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "big5": "big5",
    "iso-8859-1": "iso-8859-1", "us-ascii": "utf-8", "utf-8": "utf-8", "utf8": "utf-8",
}  # fmt: skip
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
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

    @property
    def charset(self) -> str:
        """What Content-Type names; GB2312 and GBK are read as GB18030, which holds both. UTF-8 where it is silent."""
        found = _CHARSET.search(self.headers.get("content-type", ""))
        name = found.group(1).lower() if found else "utf-8"
        return CHARSETS.get(name, "utf-8")

    def text(self, encoding: str = "") -> str:
        """The body in `encoding`, or in its own charset; a character that can't be read becomes U+FFFD."""
        return self.body.decode(encoding or self.charset, errors="replace")

    def json(self) -> Any:
        """The body as JSON; numbers with a fraction as Decimal, whole ones exact at any length.

        Raises:
            RemoteBroken: it is no JSON.
        """
        try:
            charset = "utf-8-sig" if self.charset == "utf-8" else self.charset
            return json.loads(self.body.decode(charset), parse_float=Decimal)
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
