"""Addresses of static files: vendored ones with the integrity of their lock, our own with a content hash."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path

from flask import Flask, url_for
from markupsafe import Markup

STATIC = Path(__file__).parent / "static"
_SHAPE = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


def install(app: Flask) -> None:
    app.jinja_env.globals.update(asset=asset, integrity=integrity, icon=icon)
    app.jinja_env.globals.update(view_functions=lambda: app.view_functions)


@cache
def integrity(name: str) -> str:
    """Sub-resource integrity of a file under static/."""
    if name.startswith("vendor/"):
        lock = json.loads((STATIC / "vendor.lock.json").read_text(encoding="utf-8"))
        locked: str = lock["files"][name.removeprefix("vendor/")]["integrity"]
        return locked
    digest = hashlib.sha384((STATIC / name).read_bytes()).digest()
    return f"sha384-{base64.b64encode(digest).decode()}"


def asset(name: str) -> str:
    """Address that changes with the file, so that it may be cached for a year."""
    version = hashlib.sha256(integrity(name).encode()).hexdigest()[:10]
    return url_for("static", filename=name, v=version)


@cache
def icon(name: str) -> Markup:
    """A vendored icon as inline SVG; hidden from screen readers, so words must stand beside it."""
    text = (STATIC / "vendor" / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    found = _SHAPE.search(text)
    if found is None:
        raise ValueError(f"{name}.svg holds no drawing")
    shape = " ".join(found.group(1).split())
    return Markup(  # noqa: S704  (a vendored file under our lock)
        f'<svg class="tg-ic" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{shape}</svg>'
    )
