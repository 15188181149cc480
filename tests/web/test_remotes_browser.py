"""Pages of accounts in a browser: accessible, inside their width, in both languages, with a breaker that is open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pictures import picture

from tidegate.errors import RemoteUnknown, TidegateError
from tidegate.sdk.http.messages import Request, Response, json_post
from tidegate.sdk.manifest import Limit
from tidegate.services.remotes import accounts
from tidegate.services.remotes.line import Line

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]


def live(desk: Any) -> None:
    """An account with a morning of calls, the last of them unanswered."""
    made = accounts.add(
        desk.context, "sandbox", "lin", code="own", title="自营快递",
        settings={"url": "https://carrier.example", "limits": "*=300/60"}, secrets={"secret": "x" * 20},
    )  # fmt: skip
    line = Line(desk.context, made.id, (Limit("*", 300, 60, "account"),))
    request = json_post(
        "https://carrier.example",
        "waybill.create",
        {"page": 1, "name": "王五", "mobile": "13912345678"},
    )

    def good(sent: Any) -> None:
        sent.status = 200
        sent.response = Response(200, {}, b'{"code":"0","data":{"waybill_no":"SF1","total":1}}')
        sent.server_at = desk.context.clock() + timedelta(seconds=75)

    def bad(_sent: Any) -> None:
        raise RemoteUnknown("remote.unclear", zh="x", en="x")

    for act in [good] * 4 + [bad] * 5:
        try:
            line.through(request, act)
        except TidegateError:
            continue
    line.through(Request("GET", "", "scans.list"), good)


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """A page in a language, width and colour scheme; whatever it complains about ends up in `page.complaints`."""
    contexts = []

    def start(base: str, language: str = "zh", width: int = 1280, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.add_cookies([{"name": "tidegate_language", "value": language, "url": base}])
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on(
            "console", lambda m: m.type in ("error", "warning") and page.complaints.append(m.text)
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        return page

    yield start
    for context in contexts:
        context.close()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_of_accounts_are_accessible_and_inside_their_width(
    desk, serve, open_page, axe, language
) -> None:
    live(desk)
    address = serve(desk)
    shown = SimpleNamespace(pages=0)
    for width in (1280, 390):
        page = open_page(address, language, width)
        for name, path in {
            "connections": "/connections", "account": "/connections/accounts/own", "account-new": "/connections/new",
        }.items():  # fmt: skip
            page.goto(address + path)
            picture(page, f"{name}-{language}-{width}")
            assert axe(page) == [], (name, width)
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
            shown.pages += 1
        assert page.complaints == []
    assert shown.pages == 6
