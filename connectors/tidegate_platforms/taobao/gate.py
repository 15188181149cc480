"""Who may come in: app key, time and signature of a request, checked by means of our own."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from tidegate_platforms.taobao.refusals import Refusal

BEIJING = timezone(timedelta(hours=8))
TOLERANCE_S = 600
REQUIRED = ("method", "app_key", "timestamp", "v", "sign")


def check(fields: Mapping[str, str], app_key: str, secret: str, now: datetime) -> None:
    """Raises Refusal as TOP does."""
    for name in REQUIRED:
        if not fields.get(name):
            raise Refusal(40, "Missing required arguments", f"isv.missing-parameter:{name}")
    if fields["app_key"] != app_key:
        raise Refusal(29, "Invalid app Key", "isv.appkey-not-exists", "", "bad_signature")
    if fields["sign"] != expected(fields, secret):
        raise Refusal(25, "Invalid signature", outcome="bad_signature")
    try:
        at = datetime.strptime(fields["timestamp"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    except ValueError:
        raise Refusal(33, "Invalid timestamp") from None
    if abs((now - at).total_seconds()) > TOLERANCE_S:
        raise Refusal(33, "Invalid timestamp")


def expected(fields: Mapping[str, str], secret: str) -> str:
    """The document's own words: sort by name, run together, sign; empty values take no part."""
    run = ""
    for name in sorted(fields):
        if name != "sign" and fields[name]:
            run += name + fields[name]
    method = fields.get("sign_method", "md5")
    key, text = secret.encode(), run.encode()
    if method == "hmac":
        return hmac.new(key, text, hashlib.md5).hexdigest().upper()
    if method == "hmac-sha256":
        return hmac.new(key, text, hashlib.sha256).hexdigest().upper()
    return hashlib.md5(key + text + key, usedforsecurity=False).hexdigest().upper()
