"""What a page must refuse and what every answer must say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tidegate_web
from tidegate.store.tables import Order
from tidegate_web.hosts import host_name
from tidegate_web.pages.site import local_path

TEMPLATES = Path(tidegate_web.__file__).parent / "templates"


def test_post_without_token_changes_nothing(desk) -> None:
    held = desk.all(Order, Order.state == "on_hold")[0]
    answer = desk.app.test_client().post(f"/orders/{held.id}/release", data={"reason": "x"})
    assert answer.status_code == 400
    assert "web.csrf" in answer.get_data(as_text=True)
    assert desk.all(Order, Order.id == held.id)[0].state == "on_hold"


def test_every_post_form_carries_a_token() -> None:
    forms = 0
    for path in TEMPLATES.rglob("*.html"):
        for form in re.findall(
            r'<form[^>]*method="post".*?</form>', path.read_text("utf-8"), re.DOTALL
        ):
            forms += 1
            assert ("csrf()" if path.name == "_parts.html" else "parts.csrf()") in form, path
    assert forms > 6


def test_policy_allows_only_our_own_files_and_this_answers_nonce(shop) -> None:
    answer = shop.client().get("/")
    policy = answer.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]{20,})';", policy)
    assert nonce
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'self'" in policy
    html = answer.get_data(as_text=True)
    scripts = re.findall(r"<script[^>]*>", html)
    assert len(scripts) == 3
    assert all(nonce.group(1) in tag and "integrity=" in tag for tag in scripts)
    again = shop.client().get("/").headers["Content-Security-Policy"]
    assert nonce.group(1) not in again


@pytest.mark.parametrize("address", ["/", "/nope", "/healthz", "/stock.csv"])
def test_every_answer_is_hardened(shop, address) -> None:
    headers = shop.app.test_client().get(address).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert "Content-Security-Policy" in headers


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(shop) -> None:
    client = shop.app.test_client()
    made = client.get("/").headers.getlist("Set-Cookie") + client.get(
        "/language/en"
    ).headers.getlist("Set-Cookie")
    assert len(made) == 2
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in made)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.", "", "10.0.0.1"]
)
def test_foreign_host_gets_nothing(shop, host) -> None:
    answer = shop.app.test_client().get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert "<html" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost", "LOCALHOST:80", "[::1]:8000", "[::1]"]
)
def test_loopback_is_answered(shop, host) -> None:
    assert shop.app.test_client().get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("a.b:80", "a.b"),
        ("a.b:", ""),
        ("a.b:8x", ""),
        ("[::1]x", ""),
        ("user@localhost", "user@localhost"),
    ],
)
def test_host_name_is_read_strictly(header, name) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "x", "/\n/x"],
)
def test_going_back_never_leaves_the_site(target) -> None:
    assert local_path(target) == "/"


def test_going_back_keeps_a_local_address() -> None:
    assert local_path("/orders?q=1&stage=review") == "/orders?q=1&stage=review"


def test_too_large_a_body_is_a_413_page(shop) -> None:
    limit = shop.app.config["MAX_CONTENT_LENGTH"]
    shop.app.config["MAX_CONTENT_LENGTH"] = 1000
    try:
        answer = shop.app.test_client().post("/orders/act", data={"x": "y" * 2000})
    finally:
        shop.app.config["MAX_CONTENT_LENGTH"] = limit
    assert answer.status_code == 413


def test_templates_hold_no_inline_script_style_or_handler() -> None:
    seen = 0
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        seen += 1
        assert not re.search(
            r"""\sstyle=|<style|\son(click|change|load|submit|input|key\w+|mouse\w+|focus|blur|error)=|hx-on|javascript:""",
            text,
        ), path
        assert not re.search(r"<script(?![^>]*src=)", text), path
        assert "|safe" not in text.replace(" ", ""), path
    assert seen > 30


def test_what_a_source_wrote_is_text_and_never_markup(desk) -> None:
    order = desk.all(Order)[0]
    with desk.context.store.begin(desk.context.tenant_id) as work:
        work.session.get(Order, order.id).tags = ["<script>alert(1)</script>"]
        work.commit()
    html = desk.client().get(f"/orders/{order.id}").get_data(as_text=True)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
