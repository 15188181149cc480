"""Which Host header is answered: a page of another name that points here (DNS rebinding) gets nothing."""

from __future__ import annotations

from flask import Flask, request
from werkzeug.exceptions import BadRequest

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class ForeignHost(BadRequest):
    """The request names a host that is not ours."""


def install(app: Flask, allowed: tuple[str, ...]) -> None:
    names = {*LOOPBACK, *(host.lower() for host in allowed)}

    @app.before_request
    def _check() -> None:
        if (
            request.blueprint == "health"
        ):  # a probe asks by address; nothing there is worth rebinding for
            return
        if host_name(request.environ.get("HTTP_HOST", "")) not in names:
            raise ForeignHost()


def host_name(header: str) -> str:
    """The name without the port; empty for anything that is not a plain host."""
    text = header.strip().lower()
    if text.startswith("["):
        name, _, rest = text.partition("]")
        return f"{name}]" if rest == "" or _is_port(rest) else ""
    name, colon, port = text.partition(":")
    return name if not colon or _is_port(f":{port}") else ""


def _is_port(text: str) -> bool:
    return text.startswith(":") and text[1:].isascii() and text[1:].isdigit()
