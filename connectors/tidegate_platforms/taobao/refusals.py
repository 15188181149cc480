"""What TOP says instead of doing it: an envelope with code, words and a sub code, under HTTP 200."""

from __future__ import annotations

from tidegate.sdk.stage.protocol import Fault
from tidegate.sdk.stage.server import Told, told

SAYINGS = {
    Fault.THROTTLED: (
        7,
        "App Call Limited",
        "accesscontrol.limited-by-api-access-count",
        "This ban will last for 1 more seconds",
    ),
    Fault.EXPIRED: (27, "Invalid session", "invalid-sessionkey", "SessionKey非法"),
    Fault.REFUSED: (15, "Remote service error", "isv.trade-not-exist", "交易不存在: 张三"),
    Fault.BUSY: (15, "Remote service error", "isp.top-remote-connection-timeout", "系统繁忙"),
}


class Refusal(Exception):
    """Raised by the work; becomes an error envelope."""

    def __init__(
        self, code: int, msg: str, sub_code: str = "", sub_msg: str = "", outcome: str = "refused"
    ) -> None:
        super().__init__(msg)
        self.code, self.msg, self.sub_code, self.sub_msg = code, msg, sub_code, sub_msg
        self.outcome = outcome

    def told(self) -> Told:
        about: dict[str, object] = {"code": self.code, "msg": self.msg, "request_id": "4z0r1"}
        if self.sub_code:
            about |= {"sub_code": self.sub_code, "sub_msg": self.sub_msg}
        return told({"error_response": about}, outcome=self.outcome)


def business(sub_code: str, sub_msg: str) -> Refusal:
    return Refusal(15, "Remote service error", sub_code, sub_msg)


def saying(fault: Fault) -> Told:
    return Refusal(*SAYINGS[fault], outcome=fault.value).told()
