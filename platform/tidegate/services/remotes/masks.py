"""Bodies as the record of calls keeps them: shape and keys, and values of a short list of plain fields only.

A list of what to hide always misses something; so it is a list of what may be shown. Everything else is its length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from tidegate.sdk.http.messages import Request, Response

MOST = 2000  # characters kept of a body
MOST_READ = 200_000  # bytes looked at
DEEPEST = 8
MOST_ITEMS = 5  # of a list
PLAIN = re.compile(r"[A-Za-z0-9_.:+ /-]{0,40}\Z")
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,40}\Z")
PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_WORDS = """errcode errno err_no error_code errorcode resultcode sub_code subcode status state success
ok has_next hasnext has_more page page_no pageno page_size pagesize pageindex page_index total total_count count
method action requesttype servicecode version v format sign_method signmethod
log_id logid request_id requestid trace_id start_time end_time starttime endtime"""
SHOWN = frozenset(_WORDS.split())
SHOWN_IN_ANSWERS = SHOWN | {"code"}  # in a request it may be what a token is bought with
SILENT = re.compile(r"token|auth|oauth|login|secret", re.IGNORECASE)


def masked_request(request: Request, known: Iterable[str]) -> str:
    """What was asked, without who and without keys; `known` are secrets that are cut out whatever happens."""
    if SILENT.search(request.api):
        return request.method
    query = _pairs(list(request.params.items()))
    body = _body(request.body, _header(request.headers, "content-type"), SHOWN)
    return _cut(" ".join(part for part in (request.method, query, body) if part), known)


def masked_answer(request: Request, response: Response | None, known: Iterable[str]) -> str:
    if response is None:
        return ""
    if SILENT.search(request.api):
        return f"‹{len(response.body)}›"
    return _cut(
        _body(response.body, response.headers.get("content-type", ""), SHOWN_IN_ANSWERS), known
    )


def _header(headers: Any, name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")


def _body(body: bytes, kind: str, shown: frozenset[str]) -> str:
    if not body or len(body) > MOST_READ:
        return f"‹{len(body)}›" if body else ""
    if "urlencoded" in kind:
        return _pairs(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return f"‹{len(body)}›"
    return json.dumps(_shape(found, "", shown, 0), ensure_ascii=False, separators=(",", ":"))


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{_key(name)}={_value(value, name, SHOWN)}" for name, value in pairs)


def _shape(found: Any, name: str, shown: frozenset[str], depth: int) -> Any:
    if depth > DEEPEST:
        return "…"
    if isinstance(found, dict):
        return {
            _key(str(key)): _shape(value, str(key), shown, depth + 1)
            for key, value in list(found.items())[:60]
        }
    if isinstance(found, list):
        some = [_shape(one, name, shown, depth + 1) for one in found[:MOST_ITEMS]]
        return [*some, f"… {len(found)}"] if len(found) > MOST_ITEMS else some
    if found is None or isinstance(found, bool):
        return found
    return _value(str(found), name, shown)


def _key(name: str) -> str:
    """Keys are the platform's words, unless somebody uses numbers or names as keys."""
    return name if KEY.match(name) else f"‹{len(name)}›"


def _value(value: str, name: str, shown: frozenset[str]) -> str:
    plain = name.lower() in shown and PLAIN.match(value) and not PHONE.search(value)
    return value if plain else f"‹{len(value)}›"


def _cut(text: str, known: Iterable[str]) -> str:
    for secret in known:
        if len(secret) > 3:
            text = text.replace(secret, "‹…›")
    return text if len(text) <= MOST else text[:MOST] + "…"
