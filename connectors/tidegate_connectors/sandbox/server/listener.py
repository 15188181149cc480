"""HTTP in front of the desk: one POST per call, signed, one write per answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from tidegate.sdk.stage import listening
from tidegate_connectors.sandbox.server.desk import Answer, Desk
from tidegate_connectors.sandbox.server.faults import Fault, FaultQueue
from tidegate_connectors.sandbox.server.refusal import Refusal
from tidegate_connectors.sandbox.server.signature import Gatekeeper

MAX_BODY = 1 << 20
VERSION = "/v1/"
REFUSED_ADDRESS = Refusal(
    "address_not_served", "地址超出派送范围", "the address is out of the area"
)


class Listener(listening.Listener):
    """The desk's door."""

    def __init__(
        self,
        address: tuple[str, int],
        desk: Desk,
        gatekeeper: Gatekeeper,
        drawer: Callable[[str, Answer], Answer],
    ) -> None:
        self.desk = desk
        self.gatekeeper = gatekeeper
        self.drawer = drawer  # control, ledger: for operators and tests
        self.faults = FaultQueue()
        super().__init__(address, Handler)


class Handler(BaseHTTPRequestHandler):
    """Keep-alive, no Nagle delay, and everything of an answer in one buffer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: Listener

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._answer(HTTPStatus.OK, {"success": True})
        else:
            self._refuse(
                HTTPStatus.NOT_FOUND, Refusal("not_found", "没有此地址", "no such address")
            )

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        if self.path in ("/control", "/ledger"):
            self._open_drawer(body)
            return
        call = self.path.removeprefix(VERSION)
        work = self.server.desk.calls.get(call)
        if work is None:
            self._refuse(HTTPStatus.NOT_FOUND, Refusal("not_found", "没有此接口", "no such call"))
            return
        try:
            self.server.gatekeeper.check(dict(self.headers.items()), self.path, body)
        except Refusal as no:
            self._refuse(HTTPStatus.UNAUTHORIZED, no)
            return
        parsed = self._parse(body)
        if parsed is not None:
            self._work(work, parsed, self.server.faults.take(call))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (inherited name)
        """Silent: bodies hold names, phones and addresses."""

    def _work(self, work: Callable[[Answer], Answer], body: Answer, fault: Fault | None) -> None:
        name = fault.name if fault else ""
        seconds = fault.seconds if fault else 0.0
        if name == "error_500_before":
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, b"internal error", "text/plain")
            return
        if name == "throttle":
            no = Refusal("throttled", "请求过快", "too many requests")
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS, no, {"Retry-After": f"{seconds:.0f}"})
            return
        if name == "slow":
            self.server.stopping.wait(seconds)
        try:
            if name == "refuse_address":
                raise REFUSED_ADDRESS
            data = _spoil_scans(work(body), name)
        except Refusal as no:
            self._refuse(HTTPStatus.OK, no)
            return
        if name in ("timeout_after_accept", "cut_after_accept"):
            if name == "timeout_after_accept":
                self.server.stopping.wait(seconds)
            self.close_connection = True
            listening.cut(self.connection)
        elif name == "error_502_after_accept":
            self._send(HTTPStatus.BAD_GATEWAY, b"<html>502 Bad Gateway</html>", "text/html")
        elif name == "garbage":
            self._send(HTTPStatus.OK, b"<html>\xff\xfe{not json", "text/html")
        else:
            self._answer(HTTPStatus.OK, {"success": True, "code": "ok", "data": data})

    def _open_drawer(self, body: bytes) -> None:
        if not self.server.gatekeeper.trusts(self.headers.get("Authorization", "")):
            no = Refusal("bad_signature", "需要 Authorization: Bearer <密钥>", "needs the secret")
            self._refuse(HTTPStatus.UNAUTHORIZED, no)
            return
        parsed = self._parse(body or b"{}")
        if parsed is None:
            return
        try:
            self._answer(
                HTTPStatus.OK,
                {"success": True, "data": self.server.drawer(self.path, parsed)},
            )
        except (ValueError, TypeError) as error:
            self._refuse(HTTPStatus.BAD_REQUEST, Refusal("bad_request", "参数不正确", str(error)))

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > MAX_BODY:
            self.close_connection = True
            no = Refusal(
                "too_large", "内容须有长度且不超过 1 MiB", "a body has a length, at most 1 MiB"
            )
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, no)
            return None
        return self.rfile.read(int(length))

    def _parse(self, body: bytes) -> Answer | None:
        try:
            parsed = json.loads(body)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            no = Refusal("bad_request", "内容不是 JSON 对象", "the body is no JSON object")
            self._refuse(HTTPStatus.BAD_REQUEST, no)
            return None
        return parsed

    def _refuse(
        self, status: HTTPStatus, no: Refusal, headers: dict[str, str] | None = None
    ) -> None:
        message = {"zh": no.zh, "en": no.en}
        self._answer(status, {"success": False, "code": no.code, "message": message}, headers)

    def _answer(
        self, status: HTTPStatus, document: Answer, headers: dict[str, str] | None = None
    ) -> None:
        body = json.dumps(document, ensure_ascii=False).encode()
        self._send(status, body, "application/json", headers)

    def _send(
        self, status: HTTPStatus, body: bytes, kind: str, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)  # headers and body leave together when the request is flushed


def _spoil_scans(data: Answer, fault: str) -> Answer:
    if fault == "duplicate_scans":
        return {**data, "scans": [scan for scan in data["scans"] for _ in range(2)]}
    if fault == "shuffled_scans":
        return {**data, "scans": data["scans"][::-1]}
    return data
