"""/webhooks in Chromium: accessible, inside 390 px, in both languages, with things in every list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pictures import picture

from tidegate.jobs.runner import drain
from tidegate.sdk.webhooks import HookRequest
from tidegate.services.hooks import addresses, receiving
from tidegate.services.webhooks import endpoints
from tidegate.services.webhooks.catalogue import KINDS
from tidegate.services.webhooks.guarded import GuardedCaller

pytestmark = pytest.mark.browser
LOW = """() => [...document.querySelectorAll('main .tg-btn, main select, main input:not([type=checkbox]):not([type=radio]):not([type=hidden]):not(.tg-sr)')]
  .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5)
  .map(e => e.outerHTML.slice(0, 120))"""


def fill(desk: Any) -> None:
    """Two endpoints, one of them in trouble; an address with a message, a failure and a refusal."""
    context = replace(desk.context, caller=GuardedCaller(connect_s=0.2, read_s=0.2, total_s=0.5))
    erp, _ = endpoints.create(
        context, "ERP 聚水潭", "https://erp.invalid/tidegate/webhooks", tuple(KINDS), "lin"
    )
    endpoints.create(
        context, "BI", "https://bi.invalid/in", ["parcel.delivered"], "lin", personal=True
    )
    for _ in range(3):
        endpoints.send_test(context, erp)
    drain(context)
    _, secret = addresses.create(context, "sandbox", "沙箱快递 主账号", "lin")
    path = addresses.addresses(context)[0].path
    door = addresses.find_door(context, "sandbox", path.rpartition("/")[2])
    assert door is not None
    from tidegate_connectors.sandbox.receiver import signature

    stamp = str(int(context.clock().timestamp()))
    body = b"{not json"
    headers = {"x-sandbox-timestamp": stamp, "x-sandbox-signature": signature(secret, stamp, body)}
    receiving.receive(context, door, HookRequest(headers, body))
    addresses.count_refusal(context, door.id, "bad_signature")


@pytest.mark.parametrize(
    ("language", "width"), [("zh", 1280), ("en", 1280), ("zh", 390), ("en", 390)]
)
def test_webhooks_are_readable_and_reachable(desk, serve, browser, axe, language, width) -> None:
    fill(desk)
    base, complaints = serve(desk), []
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.add_cookies([{"name": "tidegate_language", "value": language, "url": base}])
    page = context.new_page()
    page.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    seen = 0
    for name, path in (("list", "/webhooks"), ("one", "/webhooks/out/1")):
        page.goto(base + path)
        page.evaluate(
            "document.querySelectorAll('details').forEach(d => d.open = d.closest('main') !== null)"
        )
        picture(page, f"webhooks-{name}-{language}-{width}")
        assert axe(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        assert width > 500 or page.evaluate(LOW) == [], name
        seen += 1
    page.goto(base + "/webhooks")
    page.fill("#in-name", "another")
    page.locator("form[action='/webhooks/in'] button").click()
    assert len(page.input_value("#secret-shown")) == 43
    assert seen == 2
    assert complaints == []
    context.close()
