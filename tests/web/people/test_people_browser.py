"""In Chromium: the first run, an invitation, joining and signing in, in both languages, wide and narrow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pictures import picture

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[3]
WORDS = {
    "zh": {"setup": "创建并登录", "invite": "生成邀请链接", "join": "建账户并加入", "sign_in": "登录", "out": "退出登录"},
    "en": {
        "setup": "Create and sign in", "invite": "Make an invitation link",
        "join": "Make an account and join", "sign_in": "Sign in", "out": "Sign out",
    },
}  # fmt: skip


def looked_at(page: Any, axe: Any, name: str, language: str, width: int) -> None:
    """Accessible, inside its width, large enough to touch, and kept as a picture."""
    picture(page, f"people-{name}-{language}-{width}")
    assert axe(page) == [], name
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
    if width < 500:
        low = page.evaluate(
            """() => [...document.querySelectorAll('main .tg-btn, main select, main input:not([type=checkbox]):not([type=radio]):not([type=hidden]):not(.tg-sr)')]
              .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5)
              .map(e => e.outerHTML.slice(0, 120))"""
        )
        assert low == [], name


@pytest.mark.parametrize(
    ("language", "width"), [("zh", 1280), ("en", 1280), ("zh", 390), ("en", 390)]
)
def test_from_the_first_run_to_a_colleague_at_work(
    desk, serve, browser, axe, password, language, width
) -> None:
    base, words, complaints = serve(desk), WORDS[language], []

    def window() -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.add_cookies([{"name": "tidegate_language", "value": language, "url": base}])
        page = context.new_page()
        page.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    def fill(page: Any, login: str, name: str) -> None:
        page.fill("#account-name", name)
        page.fill("#account-login", login)
        page.fill("#account-password", password)
        page.fill("#account-again", password)

    owner = window()
    owner.goto(base + "/")
    looked_at(owner, axe, "open", language, width)
    owner.click(".tg-open a")
    looked_at(owner, axe, "setup", language, width)
    fill(owner, "lin@example.com", "林悦")
    owner.get_by_role("button", name=words["setup"]).click()
    owner.wait_for_url(base + "/")
    looked_at(owner, axe, "board", language, width)
    owner.goto(base + "/people")
    owner.fill("#invite-note", "夜班打单 周敏")
    owner.select_option("#invite-role", "operator")
    owner.get_by_role("button", name=words["invite"]).click()
    link = owner.input_value("#link")
    looked_at(owner, axe, "people", language, width)

    colleague = window()
    colleague.goto(link)
    looked_at(colleague, axe, "join", language, width)
    fill(colleague, "zhou", "周敏")
    colleague.get_by_role("button", name=words["join"]).click()
    colleague.wait_for_url(base + "/")
    colleague.goto(base + "/account")
    looked_at(colleague, axe, "account", language, width)
    colleague.goto(base + "/people")
    looked_at(colleague, axe, "refused", language, width)
    menu = colleague.locator(".tg-me > summary" if width > 1100 else ".tg-menu > summary")
    menu.click()
    picture(colleague, f"people-menu-{language}-{width}")
    colleague.locator("button.tg-out:visible").click()
    colleague.wait_for_url(base + "/sign-in")
    looked_at(colleague, axe, "sign-in", language, width)
    colleague.fill("#account-login", "zhou")
    colleague.fill("#account-password", "not the password")
    colleague.get_by_role("button", name=words["sign_in"], exact=True).click()
    looked_at(colleague, axe, "sign-in-wrong", language, width)
    assert colleague.input_value("#account-login") == "zhou"
    colleague.fill("#account-password", password)
    colleague.get_by_role("button", name=words["sign_in"], exact=True).click()
    colleague.wait_for_url(base + "/")

    owner.goto(base + "/people")
    owner.locator(".tg-rows details summary").last.click()
    looked_at(owner, axe, "people-change", language, width)
    owner.goto(base + "/tokens")
    owner.fill("#token-name", "ERP")
    owner.locator("main form .tg-pri").click()
    assert re.fullmatch(r"tdg_[\w-]{43}", owner.input_value("#secret"))
    looked_at(owner, axe, "tokens", language, width)
    assert [text for text in complaints if "422" not in text and "403" not in text] == []
