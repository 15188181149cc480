"""One SMTP dialogue, seen from the server (RFC 5321, 3207, 4954)."""

from __future__ import annotations

import base64
import socket
import ssl
import time
from typing import Protocol

from tidegate.sdk.stage.protocol import Call, Fault

SAID = {
    Fault.THROTTLED: "451 4.7.1 try again later",
    Fault.REFUSED: "550 5.7.1 not wanted",
    Fault.BUSY: "421 4.3.2 busy",
}


class Mail(Protocol):
    security: str

    def begun(self) -> tuple[Call, Fault | None, float]: ...
    def logs_in(self, user: str, password: str) -> bool: ...
    def knows(self, address: str) -> bool: ...
    def keep(self, body: bytes) -> None: ...


class Dialogue:
    """Nothing but EHLO and STARTTLS before it is encrypted, no mail before the login."""

    def __init__(self, connection: socket.socket, mail: Mail, tls: ssl.SSLContext) -> None:
        self._tls, self._mail = tls, mail
        self._call, self._fault, self._wait_s = mail.begun()
        self._safe, self._known, self._over = mail.security == "tls", False, False
        self._to: list[str] = []
        connection.settimeout(5)
        self._on(tls.wrap_socket(connection, server_side=True) if self._safe else connection)

    def run(self) -> None:
        try:
            self._run()
        finally:
            self._file.close()
            self._socket.close()

    def _run(self) -> None:
        if self._fault is Fault.DOWN:
            self._say("421 4.3.0 down")
            return
        self._say("220 mail.invalid ESMTP")
        while not self._over and (line := self._file.readline(2_000)):
            word, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            self._do(word.upper(), rest)

    def _on(self, connection: socket.socket) -> None:
        self._socket, self._file = connection, connection.makefile("rb")

    def _say(self, *lines: str) -> None:
        self._socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def _do(self, word: str, rest: str) -> None:
        if word == "QUIT":
            self._over = True
            self._say("221 2.0.0 bye")
        elif word in ("EHLO", "HELO"):
            self._say("250-mail.invalid", f"250 {self._offer()}")
        elif word == "STARTTLS" and self._mail.security == "starttls" and not self._safe:
            self._say("220 2.0.0 go ahead")
            self._file.close()
            self._on(self._tls.wrap_socket(self._socket, server_side=True))
            self._safe = True
        elif not self._safe:
            self._say("530 5.7.0 STARTTLS first")
        elif word == "AUTH":
            self._auth(rest)
        elif not self._known:
            self._say("530 5.7.0 log in first")
        else:
            self._post(word, rest)

    def _offer(self) -> str:
        if self._safe:
            return "AUTH PLAIN"
        return "STARTTLS" if self._mail.security == "starttls" else "8BITMIME"

    def _auth(self, rest: str) -> None:
        _, user, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
        self._known = self._fault is not Fault.EXPIRED and self._mail.logs_in(user, password)
        if not self._known:
            self._call.outcome = "bad_signature"
        self._say("235 2.7.0 welcome" if self._known else "535 5.7.8 wrong user or password")

    def _post(self, word: str, rest: str) -> None:
        if word == "MAIL" and self._fault in SAID:
            self._say(SAID[self._fault])
        elif word == "RCPT" and not self._mail.knows(rest.partition(":")[2].split()[0].strip("<>")):
            self._say("550 5.1.1 nobody there")
        elif word == "DATA":
            self._say("354 go on")
            self._data()
        else:
            self._say("250 2.0.0 ok")

    def _data(self) -> None:
        lines = []
        while (line := self._file.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self._mail.keep(b"".join(lines))
        if self._fault is Fault.SLOW:
            time.sleep(self._wait_s)
        if self._fault is Fault.CUT:
            self._over = True
            self._socket.shutdown(socket.SHUT_RDWR)
        else:
            self._say("2x0 what" if self._fault is Fault.GARBAGE else "250 2.0.0 taken")
