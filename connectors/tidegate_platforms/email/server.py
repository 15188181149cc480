"""The mail server: what it took, and what goes wrong on demand."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from tidegate.sdk.stage.protocol import Call, Fault
from tidegate.sdk.stage.server import StageServer
from tidegate_platforms.email.certificate import made
from tidegate_platforms.email.dialogue import Dialogue

USER, PASSWORD = "alerts@mail.invalid", "mail-password-canary-2d"
RECIPIENT = "desk@mail.invalid"
GONE = "gone@mail.invalid"  # nobody there


class MailServer(StageServer):
    """`mails` are those that were taken, once per Message-ID. One connection is one call.

    `security`: tls, starttls, or plain (which offers neither).
    """

    def __init__(self, security: str = "starttls") -> None:
        super().__init__()
        self.security = security
        self.mails: dict[str, EmailMessage] = {}
        self._tcp: _Listener | None = None

    @property
    def url(self) -> str:
        if self._tcp is None:
            raise RuntimeError("the protocol server is not started")
        return f"smtp://127.0.0.1:{self._tcp.server_address[1]}"

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "host": "127.0.0.1", "port": self.url.rpartition(":")[2],
            "security": "tls" if self.security == "tls" else "starttls",
            "user": USER, "password": PASSWORD, "sender": USER, "recipients": RECIPIENT,
            "certificate": made()[1],
        }  # fmt: skip

    def start(self) -> None:
        self._tcp = _Listener(("127.0.0.1", 0), self)
        threading.Thread(
            target=self._tcp.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def stop(self) -> None:
        if self._tcp is not None:
            self._tcp.shutdown()
            self._tcp.server_close()
            self._tcp = None

    def notices(self) -> Sequence[str]:
        return [str(one.get_content()) for one in self.mails.values()]

    def begun(self) -> tuple[Call, Fault | None, float]:
        """A connection was made: its call, what goes wrong with it, and after how many seconds it goes on."""
        with self._lock:
            call = Call("notice.send", time.monotonic())
            self.calls.append(call)
            planned = self._take(call.api)
            if planned:
                call.outcome = planned.fault
            return call, planned.fault if planned else None, planned.seconds if planned else 0.0

    def logs_in(self, user: str, password: str) -> bool:
        return (user, password) == (USER, PASSWORD)

    def knows(self, address: str) -> bool:
        return address != GONE

    def keep(self, body: bytes) -> None:
        mail = BytesParser(EmailMessage, policy=default).parsebytes(body)
        self.mails.setdefault(str(mail["Message-ID"]), mail)


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], mail: MailServer) -> None:
        self.mail = mail
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller who hangs up is nothing to print a traceback about."""


class _Handler(socketserver.BaseRequestHandler):
    server: _Listener

    def handle(self) -> None:
        mail = self.server.mail
        Dialogue(self.request, mail, made()[0]).run()
