"""Somebody else's server: keeps what it hears, answers what it was told to, and checks signatures by itself."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

Answer = tuple[int, dict[str, str], bytes]
FINE: Answer = (200, {}, b"ok")


class Listener:
    """`answers` are used up one by one, then `otherwise` is given; `drip` sends a byte of the head a second."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[Answer] = []
        self.otherwise: Answer = FINE
        self.wait_s = 0.0
        self.drip = False
        self.stopping = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.heard.append(
                    (self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                )
                outer.stopping.wait(outer.wait_s)
                if outer.drip:
                    for sign in b"HTTP/1.1 200 OK\r\n" * 20:
                        if outer.stopping.wait(0.3):
                            return
                        self.wfile.write(bytes([sign]))
                        self.wfile.flush()
                status, headers, said = outer.answers.pop(0) if outer.answers else outer.otherwise
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *args: object) -> None:
                """Silent."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: object) -> None:
                """Somebody hung up."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/in"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def bodies(self, secret: str) -> list[dict[str, Any]]:
        """What was heard, each proven by the library of the specification."""
        checker = Webhook(secret)
        return [checker.verify(body.decode(), headers) for _, headers, body in self.heard]

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for _, headers, _ in self.heard]

    def kinds(self) -> list[str]:
        return [json.loads(body)["type"] for _, _, body in self.heard]


def until(claim: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
