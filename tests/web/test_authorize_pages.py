"""The way of a shop's owner: to the platform's page and back, without JavaScript and in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pictures import picture

from tidegate.sdk.http.sending import Times
from tidegate.sdk.stage.owners import REFUSES
from tidegate.services.remotes import accounts
from tidegate.services.remotes.reach import Reach
from tidegate.store.people_tables import SecurityEvent
from tidegate.store.remote_tables import AccountGrant, AccountToken
from tidegate_platforms.taobao import TaobaoServer
from tidegate_web.app import create_app

ROOT = Path(__file__).parents[2]
PAGE, LEAVE = "/connections/accounts/taobao", "/connections/accounts/taobao/authorize"
LINK = re.compile(r'href="(http://127\.0\.0\.1:\d+/authorize\?[^"]+)"')


@pytest.fixture
def platform() -> Iterator[TaobaoServer]:
    with TaobaoServer() as server:
        yield server


@pytest.fixture
def waiting(desk: Any, platform: TaobaoServer) -> Any:
    """A desk with an account that its owner has not authorised yet."""
    reach = Reach(trusted=(urlsplit(platform.url).netloc,), times=Times(1.0, 2.0, 4.0))
    context = replace(desk.context, reach=reach)
    given = {**platform.settings, **platform.unauthorised()}
    accounts.add(
        context, "taobao", "lin", title="北岸旗舰店",
        settings={k: v for k, v in given.items() if k not in ("app_secret", "session", "refresh_token")},
        secrets={"app_secret": given["app_secret"]},
    )  # fmt: skip
    return replace(desk, context=context, app=create_app(context, "k" * 32, testing=True))


def address_in(answer: Any) -> str:
    found = LINK.search(answer.get_data(as_text=True))
    assert found, "no link to the platform"
    return unescape(found[1])


def back(platform: TaobaoServer, address: str, *, agrees: bool = True) -> str:
    parts = urlsplit(platform.consent(address, agrees=agrees))
    return f"{parts.path}?{parts.query}"


def test_an_owner_authorises_without_javascript(waiting, platform) -> None:
    visitor = waiting.client("en")
    html = visitor.get(PAGE).get_data(as_text=True)
    assert "Not authorised yet" in html
    assert "http://localhost/connections/authorized" in html
    platform.callback = "http://localhost/connections/authorized"
    left = visitor.post(LEAVE, PAGE)
    assert left.status_code == 200
    done = visitor.get(back(platform, address_in(left)))
    assert (done.status_code, done.headers["Location"]) == (303, PAGE)
    html = visitor.get(PAGE).get_data(as_text=True)
    assert "Authorised 北岸器物旗舰店" in html
    assert "Not authorised yet" not in html
    (token,) = waiting.all(AccountToken)
    assert token.version == 1
    assert "session-2" not in html
    events = [row.kind for row in waiting.all(SecurityEvent)][-2:]
    assert events == ["connection_authorising", "connection_authorised"]


def test_a_session_that_did_not_begin_it_is_told_so(waiting, platform) -> None:
    platform.callback = "http://localhost/connections/authorized"
    began, other = waiting.client("zh"), waiting.client("zh")
    came = back(platform, address_in(began.post(LEAVE, PAGE)))
    answer = other.get(came)
    assert answer.status_code == 422
    html = answer.get_data(as_text=True)
    assert "不是从这个浏览器的当前登录发起的" in html
    assert "authorize.foreign_state" in html
    assert urlsplit(came).query.partition("&")[0] not in html
    assert waiting.all(AccountToken) == []
    assert began.get(came).status_code == 303


def test_a_late_owner_and_one_who_refuses_get_a_page_with_the_way_back(waiting, platform) -> None:
    platform.callback = "http://localhost/connections/authorized"
    visitor = waiting.client("en")
    no = visitor.get(back(platform, address_in(visitor.post(LEAVE, PAGE)), agrees=False))
    assert no.status_code == 422
    html = no.get_data(as_text=True)
    assert "did not agree" in html
    assert f'action="{LEAVE}"' in html
    came = back(platform, address_in(visitor.post(LEAVE, PAGE)))
    waiting.clock.now += timedelta(minutes=11)
    late = visitor.get(came)
    assert late.status_code == 422
    assert "more than ten minutes" in late.get_data(as_text=True)
    codes = [row.outcome for row in waiting.all(AccountGrant)]
    assert codes == ["authorize.denied", "authorize.expired"]


def test_a_platform_that_is_away_is_a_page_not_a_traceback(waiting, platform) -> None:
    platform.callback = "http://localhost/connections/authorized"
    visitor = waiting.client("en")
    came = back(platform, address_in(visitor.post(LEAVE, PAGE)))
    platform.stop()
    answer = visitor.get(came)
    assert answer.status_code == 502
    html = answer.get_data(as_text=True)
    assert "The authorisation was not taken" in html
    assert "begin again on the account" in html
    assert "it is tried again" not in html, "nobody does"
    assert waiting.all(AccountToken) == []
    assert [row.outcome for row in waiting.all(AccountGrant)] == ["authorize.away"]


def test_setting_up_goes_on_to_the_platform(waiting, platform) -> None:
    visitor = waiting.client("en")
    form = "/connections/new?connector=taobao"
    assert "Add, then authorize at the platform" in visitor.get(form).get_data(as_text=True)
    fields = {
        "set-app_key": "1",
        "secret-app_secret": "s" * 9,
        "set-authorize_url": f"{platform.url}/authorize",
    }
    made = visitor.post(
        "/connections/new", form, connector="taobao", code="second", authorize="yes", **fields
    )
    assert made.status_code == 303
    html = visitor.get("/connections/accounts/second").get_data(as_text=True)
    assert "Next: authorize at the platform" in html
    assert "Authorize at Taobao / Tmall" in html
    assert "not authorised" in visitor.get("/connections").get_data(as_text=True)


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_way_there_and_back_in_a_browser(
    waiting, platform, serve, browser, axe, language
) -> None:
    address = serve(waiting)
    platform.callback = f"{address}/connections/authorized"
    seen = 0

    def looked_at(page: Any, name: str, width: int) -> None:
        nonlocal seen
        picture(page, f"{name}-{language}-{width}")
        assert axe(page) == [], (name, width)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (
            name,
            width,
        )
        seen += 1

    for width in (1280, 390):
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.add_cookies([{"name": "tidegate_language", "value": language, "url": address}])
        page = context.new_page()
        page.goto(f"{address}/connections/new?connector=taobao")
        looked_at(page, "authorize-new", width)
        page.goto(address + PAGE)
        looked_at(page, "authorize-account", width)
        page.click(f"form[action='{LEAVE}'] button")
        looked_at(page, "authorize-leave", width)
        go = page.get_attribute(f"a[href^='{platform.url}']", "href")
        page.goto(f"{go}&{REFUSES}=1")
        assert page.url.startswith(platform.callback)
        looked_at(page, "authorize-refused", width)
        page.click(f"form[action='{LEAVE}'] button")
        page.click(f"a[href^='{platform.url}']")
        page.wait_for_url(address + PAGE)
        looked_at(page, "authorize-done", width)
        page.goto(address + "/connections")
        looked_at(page, "authorize-list", width)
        context.close()
    assert seen == 12
    assert len(waiting.all(AccountToken)) == 1
