"""/api/openapi.json: what the API takes and answers."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from tidegate_web.api.description import description

pages = Blueprint("api_docs", __name__)


@pages.get("/api/openapi.json")
def openapi() -> Response:
    return jsonify(description())
