"""Who may come in, and what is said to those who may not: envelopes with a code under HTTP 200."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from tidegate.sdk.stage.protocol import Fault
from tidegate.sdk.stage.server import Told, told

TOLERANCE_S = 900
SAYINGS = {
    Fault.THROTTLED: (199, "请求太频繁"),
    Fault.EXPIRED: (100, "token 已过期"),
    Fault.REFUSED: (130, "张三的订单不允许操作"),
    Fault.BUSY: (200, "系统繁忙, 请稍后再试"),
}


class Refusal(Exception):
    def __init__(self, code: int, msg: str, outcome: str = "refused") -> None:
        super().__init__(msg)
        self.code, self.msg, self.outcome = code, msg, outcome

    def told(self) -> Told:
        return told({"code": self.code, "msg": self.msg, "data": None}, outcome=self.outcome)


def saying(fault: Fault) -> Told:
    code, msg = SAYINGS[fault]
    return Refusal(code, msg, fault.value).told()


def check(fields: Mapping[str, str], app_key: str, secret: str, now: datetime) -> None:
    """Raises Refusal: a stranger, a bad signature, or a time that is too far off."""
    if fields.get("app_key") != app_key:
        raise Refusal(10, "验证失败: 无效签名", "bad_signature")
    if fields.get("sign") != expected(fields, secret):
        raise Refusal(10, "验证失败: 无效签名", "bad_signature")
    if abs(now.timestamp() - int(fields.get("timestamp", "0"))) > TOLERANCE_S:
        raise Refusal(140, "验证失败: 无效的 timestamp")


def expected(fields: Mapping[str, str], secret: str) -> str:
    """md5 over the secret and then every name and value, by name."""
    text = secret + "".join(name + fields[name] for name in sorted(fields) if name != "sign")
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
