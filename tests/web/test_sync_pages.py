"""Connectors, set-up, synchronisation and mapping on the pages, with a third party's connector and its mall."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from pictures import picture

from tidegate.jobs import schedules
from tidegate.jobs.runner import drain
from tidegate.services.pruning import prune_personal
from tidegate.services.remotes import accounts, overlays
from tidegate.services.remotes.reach import Reach
from tidegate.services.syncing import samples
from tidegate.store.people_tables import SecurityEvent
from tidegate.store.remote_tables import ConnectorAccount
from tidegate.store.sync_tables import AccountMapping, OpenedRecipient, SyncRun
from tidegate.store.tables import Order
from tidegate_web.app import create_app

MALL = Path(__file__).parents[1] / "services" / "syncing" / "mall"
sys.path.insert(0, str(MALL))
from server import MallServer  # noqa: E402

SECRET = "s3cr3t-canary"
PAGE = "/connections/accounts/mall"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    info = tmp_path_factory.mktemp("site") / "acme_mall-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-mall\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tidegate.connectors]\nacme_mall = acme_mall\n")
    sys.path.insert(0, str(info.parent))
    importlib.invalidate_caches()
    yield
    sys.path.remove(str(info.parent))


@pytest.fixture
def site(desk: Any, installed: None) -> Iterator[tuple[Any, MallServer]]:
    with MallServer(SECRET, clock=desk.clock) as mall:
        context = replace(desk.context, reach=Reach(trusted=("127.0.0.1",)))
        app = create_app(context, secret_key="k" * 32, testing=True)
        yield replace(desk, context=context, app=app), mall  # type: ignore[arg-type]


def fill(desk: Any, mall: MallServer, number: str = "M1", **more: Any) -> None:
    mall.place(number, (desk.clock() - timedelta(hours=1)).timestamp(), **more)


def made(desk: Any, mall: MallServer) -> Any:
    return accounts.add(
        desk.context, "acme_mall", "lin", code="mall", title="橡果旗舰店", settings={"url": mall.url},
        secrets={"app_secret": SECRET},
    )  # fmt: skip


def work(desk: Any) -> None:
    desk.clock.now += timedelta(seconds=10)
    schedules.tick(desk.context)
    drain(desk.context)


def test_the_gallery_says_what_was_never_tried_for_real(site) -> None:
    desk, _mall = site
    html = desk.client().get("/connections/gallery?q=橡果").get_data(as_text=True)
    assert html.count('<li class="tg-card">') == 1
    assert "未在真实平台验证" in html
    html = desk.client("en").get("/connections/gallery?kind=carrier").get_data(as_text=True)
    assert "Acme Mall" not in html
    assert "not verified against the live platform" in html


def test_credentials_are_tried_before_they_are_kept(site) -> None:
    desk, mall = site
    visitor, page = desk.client("en"), "/connections/new?connector=acme_mall"
    fields = {"connector": "acme_mall", "code": "mall", "set-url": mall.url}
    html = visitor.post("/connections/try", page, **fields, **{"secret-app_secret": "wrong-one"})
    assert "acme_mall.bad_sign" in html.get_data(as_text=True)
    html = visitor.post("/connections/try", page, **fields, **{"secret-app_secret": SECRET})
    assert "It works 橡果旗舰店" in html.get_data(as_text=True)
    assert SECRET not in html.get_data(as_text=True)
    before = {row.code for row in desk.all(ConnectorAccount)}
    assert "mall" not in before
    added = visitor.post("/connections/new", page, **fields, **{"secret-app_secret": SECRET})
    assert added.status_code == 303
    assert "It works 橡果旗舰店" in visitor.get(PAGE).get_data(as_text=True)


def test_a_person_pulls_and_reads_again(site) -> None:
    desk, mall = site
    made(desk, mall)
    fill(desk, mall)
    fill(desk, mall, "")
    visitor = desk.client()
    assert visitor.post(f"{PAGE}/pull", PAGE).status_code == 303
    work(desk)
    html = visitor.get(PAGE).get_data(as_text=True)
    assert "同步记录" in html
    assert "订单编号" in html or "import.missing_number" in html
    assert desk.all(Order, Order.number == "M1")
    assert visitor.post(f"{PAGE}/replay", PAGE, since="x").status_code == 422
    assert visitor.post(f"{PAGE}/replay", PAGE, since="2026-11-17T20:00").status_code == 303
    work(desk)
    assert [run.began_by for run in desk.all(SyncRun)][-1] == "local"
    accounts.pause(desk.context, "mall", "lin", "盘点")
    assert visitor.post(f"{PAGE}/pull", PAGE).status_code == 409


def test_a_field_is_mapped_anew_on_real_documents(site) -> None:
    desk, mall = site
    account = made(desk, mall)
    fill(desk, mall, vip={"memo": "礼物勿写价"}, status="waiting")
    visitor, page = desk.client(), f"{PAGE}/mapping"
    assert visitor.post(f"{page}/samples", page).status_code == 303
    html = visitor.get(page).get_data(as_text=True)
    for personal in ("王小明", "13912345678", "文三路", "礼物勿写价"):
        assert personal not in html
    assert "waiting" in html
    form = boxes(html)
    wrong = {**form, "path-order.number": ""}
    assert visitor.post(page, page, **wrong, act="save").status_code == 422
    changed = {
        **form, "path-order.seller_memo": "vip.memo",
        "values-order.source_status": "paid=to_ship\nwaiting=to_ship",
    }  # fmt: skip
    shown = visitor.post(page, page, **changed, act="preview").get_data(as_text=True)
    assert "预览，还没有保存" in shown
    assert desk.all(AccountMapping) == []
    assert visitor.post(page, page, **changed, act="save").status_code == 303
    (kept,) = desk.all(AccountMapping)
    assert set(kept.overlay["fields"]) == {"order.seller_memo", "order.source_status"}
    work(desk)
    (order,) = desk.all(Order, Order.number == "M1")
    assert (order.source_status, order.seller_memo) == ("to_ship", "礼物勿写价")
    assert visitor.post(page, page, **changed, base="0", act="save").status_code == 409
    assert visitor.post(page, page, act="reset").status_code == 303
    with desk.context.store.begin(desk.context.tenant_id, readonly=True) as work_:
        assert overlays.newest(work_, account.id).overlay == {}
    assert json.dumps(samples.kept(desk.context, account.id)[0], ensure_ascii=False).count("王小明")


def test_a_recipient_behind_a_token_is_opened_with_a_reason_and_kept_sealed(site) -> None:
    desk, mall = site
    made(desk, mall)
    mall.people["tok-1"] = {"name": "赵小燕", "phone": "13700001111", "street": "滨江路 8 号"}
    fill(desk, mall, token="tok-1", to={"kind": "token", "province": "浙江省"})
    fill(desk, mall, "M2", token="tok-2", to={"kind": "token", "province": "浙江省"})
    work(desk)
    order, closed = desk.all(Order, Order.channel == "acme")
    visitor, page = desk.client(), f"/orders/{order.id}"
    assert visitor.post(f"{page}/reveal", page, reason="").status_code == 422
    assert [call.api for call in mall.calls if call.api == "people.open"] == []
    for _ in range(2):
        shown = visitor.post(f"{page}/reveal", page, reason="回拨核实").get_data(as_text=True)
        assert "赵小燕 13700001111" in shown
    assert "赵小燕" not in visitor.get(page).get_data(as_text=True)
    assert len([call for call in mall.calls if call.api == "people.open"]) == 1
    (kept,) = desk.all(OpenedRecipient)
    assert "赵小燕" not in kept.sealed
    (now,) = desk.all(Order, Order.id == order.id)
    assert (now.recipient_kind, now.recipient_name) == ("token", None)
    looks = [one for one in desk.all(SecurityEvent) if one.kind == "recipient_opened"]
    assert [(one.actor, one.about, one.data["source"]) for one in looks] == [
        ("local", "M1", "platform"), ("local", "M1", "kept"),
    ]  # fmt: skip
    shown = visitor.post(f"/orders/{closed.id}/reveal", page, reason="回拨核实").get_data(
        as_text=True
    )
    assert "recipient.stays_closed" in shown
    desk.clock.now += timedelta(days=31)
    prune_personal(desk.context)
    assert desk.all(OpenedRecipient) == []


def test_programs_do_the_same(site) -> None:
    desk, mall = site
    made(desk, mall)
    fill(desk, mall)
    client, base = desk.app.test_client(), "/api/v1/accounts/mall"
    assert client.post(f"{base}/pull").json == {"tasks": ["orders"]}
    work(desk)
    (run,) = client.get(f"{base}/runs?task=orders").json["items"][:1]
    assert (run["read"], run["accepted"], run["code"]) == (1, 1, "")
    overlay = {"fields": {"order.seller_memo": "status"}}
    tried = client.post(f"{base}/mapping/preview", json={"overlay": overlay})
    assert tried.json["orders"][0]["number"] == "M1"
    assert "王小明" not in tried.get_data(as_text=True)
    assert client.put(f"{base}/mapping", json={"overlay": overlay, "base": 7}).status_code == 409
    done = client.put(f"{base}/mapping", json={"overlay": overlay, "base": 0})
    assert done.json["version"] == 1
    bad = {"overlay": {"fields": {"order.nonsense": "x"}}, "base": 1}
    assert client.put(f"{base}/mapping", json=bad).status_code == 422
    assert client.delete(f"{base}/mapping").json["overlay"] == {}
    assert client.post(f"{base}/replay", json={"since": "2026-11-17T08:00:00Z"}).status_code == 204
    assert client.post(f"{base}/pause", json={"reason": "x"}).status_code == 204
    assert client.post(f"{base}/pull").status_code == 409
    assert client.post(f"{base}/resume").status_code == 204
    assert client.post(f"{base}/check").json["who"] == "橡果旗舰店"
    listed = client.get("/api/v1/connectors?q=acme").json["items"]
    assert [one["verified"] for one in listed] == ["none"]
    assert SECRET not in client.get("/api/v1/accounts").get_data(as_text=True)


def boxes(html: str) -> dict[str, str]:
    """What a browser would send of the mapping's form."""
    found = {
        name: unescape(value)
        for name, value in re.findall(
            r'<input class="tg-input" id="[^"]+" name="([^"]+)" value="([^"]*)"', html
        )
    }
    for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>([^<]*)</textarea>', html):
        found[name] = unescape(text)
    for name, options in re.findall(r'<select[^>]* name="([^"]+)">(.*?)</select>', html, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen.group(1) if chosen else ""
    return found


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_are_accessible_and_inside_their_width(
    site, serve: Callable[[Any], str], browser: Any, axe: Any, language: str
) -> None:
    desk, mall = site
    made(desk, mall)
    fill(desk, mall)
    fill(desk, mall, "M2", status="odd", amount="12x")
    fill(desk, mall, "")
    work(desk)
    address = serve(desk)
    wrong: list[tuple[str, int, str]] = []
    for width in (1280, 390):
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.add_cookies([{"name": "tidegate_language", "value": language, "url": address}])
        page, said = context.new_page(), []
        page.on(
            "console", lambda m, said=said: m.type in ("error", "warning") and said.append(m.text)
        )
        for name, path in {
            "gallery": "/connections/gallery", "sync": PAGE, "mapping": f"{PAGE}/mapping",
            "set-up": "/connections/new?connector=acme_mall",
        }.items():  # fmt: skip
            page.goto(address + path)
            picture(page, f"{name}-{language}-{width}")
            wrong += [(name, width, one) for one in axe(page)]
            if page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0:
                wrong.append((name, width, "wider than the window"))
        wrong += [("console", width, one) for one in said]
        context.close()
    assert wrong == []
