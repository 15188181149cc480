"""The pages as a WSGI application: wiring only; every view calls one service and renders."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from tidegate.services.context import Context
from tidegate_web import assets, desk, formats, guard, hosts, hx, observing, problems, security
from tidegate_web import language as words
from tidegate_web.compiled import COMPILED
from tidegate_web.pages import every_page

MAX_UPLOAD_BYTES = 64 * 1024 * 1024


def create_app(
    context: Context,
    secret_key: str,
    language: str = "zh",
    testing: bool = False,
    allowed_hosts: tuple[str, ...] = (),
    setup_code: str = "",
    proxies: int = 0,
    metrics_token: str = "",
) -> Flask:
    """Pages over `context` and the other tenants of its database. Only loopback names and `allowed_hosts` are
    answered. `setup_code` lets somebody on another machine create the owner; `proxies` are trusted in front of us;
    `metrics_token` opens /metrics to another machine.
    """
    app = Flask(__name__)
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, proxies, proxies, proxies, proxies)  # type: ignore[method-assign]
    app.config.update(
        SECRET_KEY=secret_key,
        TESTING=testing,
        MAX_CONTENT_LENGTH=MAX_UPLOAD_BYTES,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        MAX_FORM_PARTS=5000,
        SESSION_COOKIE_NAME="tidegate",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=30),
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),
        WTF_CSRF_TIME_LIMIT=None,  # a page left open overnight still works
    )
    app.jinja_options = {
        "trim_blocks": True,
        "lstrip_blocks": True,
        "bytecode_cache": COMPILED,
    }
    observing.install(app, context, metrics_token, proxies)
    desk.install(app, context)
    hosts.install(app, allowed_hosts)
    words.install(app, language)
    CSRFProtect(app)
    guard.install(app, always=bool(set(allowed_hosts) - set(hosts.LOOPBACK)), setup_code=setup_code)
    for part in (assets, formats, hx, security, problems):
        part.install(app)
    for page in every_page():
        app.register_blueprint(page)
    return app
