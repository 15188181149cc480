"""/connections/gallery: what one can connect to, as cards."""

from __future__ import annotations

from flask import Blueprint, Response, request

from tidegate.services.view_sync import gallery, kinds
from tidegate_web.fragments import page

pages = Blueprint("connector_gallery", __name__)


@pages.get("/connections/gallery")
def show() -> Response:
    query, kind = request.args.get("q", "")[:80], request.args.get("kind", "")
    return page(
        "connector_gallery", fragment="cards", found=gallery(query, kind), kinds=kinds(), q=query,
        kind=kind,
    )  # fmt: skip
