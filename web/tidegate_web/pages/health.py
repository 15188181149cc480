"""What machines ask: alive, ready, figures. No page of a person."""

from __future__ import annotations

import hmac
import json

from flask import Blueprint, Response, current_app, request

from tidegate_web import observing
from tidegate_web.guard import from_here

pages = Blueprint("health", __name__)


@pages.get("/healthz")
def alive() -> Response:
    """That the process answers; no database, no data."""
    return Response("ok\n", mimetype="text/plain")


@pages.get("/readyz")
def ready() -> Response:
    """200, or 503 with the reasons; `?without=jobs.behind` leaves one out (pages work while jobs are late)."""
    left_out = set(request.args.getlist("without"))
    reasons = [found for found in observing.readiness().reasons() if found.code not in left_out]
    body = {"ready": not reasons, "reasons": [{"code": r.code, "said": r.said} for r in reasons]}
    return Response(json.dumps(body) + "\n", 503 if reasons else 200, mimetype="application/json")


@pages.get("/metrics")
def figures() -> Response:
    """For Prometheus: with the token of TIDEGATE_METRICS_TOKEN, or from this machine."""
    if not _may_read():
        return Response(
            "metrics: ask from this machine, or send TIDEGATE_METRICS_TOKEN as a bearer token\n",
            403, mimetype="text/plain",
        )  # fmt: skip
    body, kind = observing.exposition().text()
    return Response(body, content_type=kind)


def _may_read() -> bool:
    expected = str(current_app.config["METRICS_TOKEN"])
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if expected and scheme.lower() == "bearer":
        return hmac.compare_digest(given.strip().encode(), expected.encode())
    return from_here(request)
