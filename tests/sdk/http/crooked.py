"""A real HTTP server that misbehaves on demand: by path. It counts what reaches it."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

BOMB = gzip.compress(b"0" * 50_000_000)


class Crooked:
    """Listens on a free port of loopback; `asked` are paths of requests that were read whole."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.connections = 0
        self.skew = timedelta()
        self.answers: list[tuple[int, str, bytes]] = []  # next plain answers: status, headers, body
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._stopping = False
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._stopping = True
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                found, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(found,), daemon=True).start()

    def _serve(self, found: socket.socket) -> None:
        with found:
            try:
                while (path := self._read(found)) is not None:
                    self.asked.append(path)
                    if not self._answer(found, path.split("?")[0]):
                        return
            except OSError:
                return

    def _read(self, found: socket.socket) -> str | None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = found.recv(65536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        length = next(
            (
                int(line.split(":")[1])
                for line in lines
                if line.lower().startswith("content-length")
            ),
            0,
        )
        while len(body) < length:
            body += found.recv(65536)
        return lines[0].split(" ")[1]

    def _answer(self, found: socket.socket, path: str) -> bool:
        act = getattr(self, "_do_" + path.strip("/").replace("-", "_"), None)
        if act is not None:
            act(found)
            return False
        status, more, body = self.answers.pop(0) if self.answers else (200, "", b'{"ok":true}')
        date = format_datetime(datetime.now(UTC) + self.skew, usegmt=True)
        head = f"HTTP/1.1 {status} X\r\nDate: {date}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
        found.sendall(head.encode("latin-1") + body)
        return True

    def _do_silent(self, found: socket.socket) -> None:
        time.sleep(5)

    def _do_slow_header(self, found: socket.socket) -> None:
        for sign in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 400:
            found.sendall(bytes([sign]))
            time.sleep(0.05)

    def _do_slow_body(self, found: socket.socket) -> None:
        found.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n")
        for _ in range(400):
            found.sendall(b"a")
            time.sleep(0.05)

    def _do_reset(self, found: socket.socket) -> None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _do_half_body(self, found: socket.socket) -> None:
        found.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nabc")

    def _do_half_header(self, found: socket.socket) -> None:
        found.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Mid")

    def _do_garbage(self, found: socket.socket) -> None:
        found.sendall(b"\x00\xff\x17not http at all\r\n\r\n")

    def _do_bomb(self, found: socket.socket) -> None:
        body = BOMB
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        found.sendall(head.encode() + body)

    def _do_bad_gzip(self, found: socket.socket) -> None:
        found.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd")

    def _do_redirect(self, found: socket.socket) -> None:
        to = f"{self.url}/trap"
        found.sendall(f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())


@contextmanager
def crooked() -> Iterator[Crooked]:
    server = Crooked()
    yield server
    server.stop()
