"""Every request is counted, timed, traced and has an id, which stands in its log lines and in its answer."""

from __future__ import annotations

import re
import secrets
from contextlib import ExitStack
from time import perf_counter
from typing import cast

import structlog
from flask import Flask, Response, current_app, g, request

from tidegate.services.context import Context
from tidegate.services.health.exposition import Exposition
from tidegate.services.health.readiness import Readiness
from tidegate.telemetry.meters import meters
from tidegate.telemetry.tracing import span

log = structlog.get_logger()
HEADER = "X-Request-ID"
FITTING = re.compile(r"[A-Za-z0-9._-]{8,64}")
QUIET = ("static", "health.alive", "health.ready", "health.figures")  # asked every few seconds
BOUND = ("order_id", "parcel_id", "batch_id")
TRACED = {"traceparent", "tracestate"}


def install(app: Flask, context: Context, metrics_token: str, proxies: int) -> None:
    """Before all others, so that what they refuse is counted too."""
    app.extensions["readiness"] = Readiness(context)
    app.extensions["exposition"] = Exposition(context)
    app.config.update(METRICS_TOKEN=metrics_token, REQUEST_ID_BELIEVED=proxies > 0)
    app.before_request(_begin)
    app.after_request(_answered)
    app.teardown_request(_end)


def readiness() -> Readiness:
    return cast(Readiness, current_app.extensions["readiness"])


def exposition() -> Exposition:
    return cast(Exposition, current_app.extensions["exposition"])


def know_tenant(tenant_id: int) -> None:
    """From here on the log lines of this request name the tenant."""
    structlog.contextvars.bind_contextvars(tenant_id=tenant_id)


def _begin() -> None:
    structlog.contextvars.clear_contextvars()
    g.request_id = _request_id()
    g.request_started = perf_counter()
    ids = {key: value for key, value in (request.view_args or {}).items() if key in BOUND}
    structlog.contextvars.bind_contextvars(request_id=g.request_id, **ids)
    g.request_span = ExitStack()
    believed = current_app.config["REQUEST_ID_BELIEVED"]
    carried = (
        {k.lower(): v for k, v in request.headers if k.lower() in TRACED} if believed else None
    )
    g.request_span.enter_context(span(f"{request.method} {_endpoint()}", carried))


def _answered(response: Response) -> Response:
    if "request_id" not in g:
        return response
    response.headers[HEADER] = g.request_id
    took = perf_counter() - g.request_started
    method = request.method if request.method in METHODS else "other"
    meters().requests.labels(_endpoint(), method, str(response.status_code)).observe(took)
    if _endpoint() not in QUIET:
        log.info(
            "web.request", endpoint=_endpoint(), method=method, status=response.status_code,
            took_ms=round(took * 1000, 1),
        )  # fmt: skip
    return response


METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def _end(_error: BaseException | None) -> None:
    under_way = g.pop("request_span", None)
    if under_way is not None:
        under_way.close()
    structlog.contextvars.clear_contextvars()


def _endpoint() -> str:
    """The endpoint, never the address: addresses hold order numbers, and there is no end of them."""
    return request.endpoint or "none"


def _request_id() -> str:
    given = request.headers.get(HEADER, "")
    if current_app.config["REQUEST_ID_BELIEVED"] and FITTING.fullmatch(given):
        return given
    return secrets.token_hex(8)
