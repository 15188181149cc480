"""POST /hooks/<connector>/<token>: platforms call here. The signature over the raw body is the only proof."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from tidegate.sdk.webhooks import HookRefused, HookRequest
from tidegate.services.hooks import addresses, receiving
from tidegate_web import desk

pages = Blueprint("hooks", __name__)
log = structlog.get_logger()


@pages.post("/hooks/<connector>/<token>")
def receive(connector: str, token: str) -> Response:
    """Kept before it is answered; nothing of the body is ever logged."""
    request.max_content_length = receiving.MOST_BYTES
    door = addresses.find_door(desk.outer(), connector, token)
    if door is None or door.connector not in desk.outer().receivers:
        return _plain(404, "unknown_address")
    try:
        body = request.get_data(cache=False, parse_form_data=False)
    except RequestEntityTooLarge:
        return _plain(413, "too_large")
    headers = {name.lower(): value for name, value in request.headers.items()}
    asked = HookRequest(headers, body, dict(request.args))
    try:
        answer = receiving.receive(desk.contexts().of(door.tenant_id), door, asked)
    except HookRefused as refusal:
        log.warning("hooks.refused", connector=connector, address_id=door.id, code=refusal.code)
        return _plain(401, refusal.code)
    return Response(answer.body, answer.status, mimetype=answer.media_type)


def _plain(status: int, code: str) -> Response:
    return Response(f"{code}\n", status, mimetype="text/plain")
