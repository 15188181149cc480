"""Checks who calls: HMAC-SHA256 over key, time, nonce, path and body; each nonce is good once.

The signature is the lower-case hex HMAC over five lines: app key, timestamp, nonce, path and the
lower-case hex SHA-256 of the body.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable, Mapping

from tidegate_connectors.sandbox.server.refusal import Refusal

WINDOW_S = 300


class Gatekeeper:
    """Remembers the nonces of the last ten minutes, per process."""

    def __init__(self, app_key: str, secret: str, unix_time: Callable[[], float]) -> None:
        self._app_key = app_key
        self._secret = secret.encode()
        self._unix_time = unix_time
        self._seen: dict[str, float] = {}
        self._lock = threading.Lock()

    def check(self, headers: Mapping[str, str], path: str, body: bytes) -> None:
        """Raise Refusal (answered with 401) unless the call is signed, fresh and new."""
        key = headers.get("X-App-Key", "")
        stamp = headers.get("X-Timestamp", "")
        nonce = headers.get("X-Nonce", "")
        if not hmac.compare_digest(key.encode(), self._app_key.encode()):
            raise Refusal("unknown_app_key", "应用标识不存在", "unknown app key")
        text = "\n".join((key, stamp, nonce, path, hashlib.sha256(body).hexdigest()))
        wanted = hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
        given = headers.get("X-Signature", "")
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise Refusal("bad_signature", "签名不正确", "the signature does not match")
        now = self._unix_time()
        if not (stamp.isascii() and stamp.isdigit()) or abs(now - int(stamp)) > WINDOW_S:
            raise Refusal(
                "timestamp_expired", "时间戳超出 5 分钟", "the timestamp is over 5 min off"
            )
        self._use(nonce, now)

    def trusts(self, authorization: str) -> bool:
        """Whether `Bearer <secret>` was given: the drawer for tests and operators."""
        wanted = b"Bearer " + self._secret
        return hmac.compare_digest(authorization.encode(), wanted)

    def _use(self, nonce: str, now: float) -> None:
        if not 8 <= len(nonce) <= 64:
            raise Refusal("bad_nonce", "随机串须 8 至 64 位", "a nonce has 8 to 64 characters")
        with self._lock:
            for old in [seen for seen, until in self._seen.items() if until < now]:
                del self._seen[old]
            if nonce in self._seen:
                raise Refusal("nonce_repeated", "请求重放", "this nonce was used before")
            self._seen[nonce] = now + 2 * WINDOW_S
