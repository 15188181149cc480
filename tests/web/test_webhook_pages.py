"""/webhooks: made, looked at and mended by people, in both languages, without JavaScript; the same by API."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from tidegate.jobs.runner import drain
from tidegate.services.accounts import founding, tokens
from tidegate.services.accounts.principals import local_principal
from tidegate.services.webhooks import endpoints
from tidegate.services.webhooks.deliveries import deliveries
from tidegate.services.webhooks.guarded import GuardedCaller
from tidegate_web import desk as web_desk

URL = "https://example.com/in"


@pytest.fixture
def closed(desk: Any) -> Any:
    """A shop whose calls all fail at once: nothing may be called from here."""
    contexts = desk.app.extensions[web_desk.KEY]
    context = replace(desk.context, caller=GuardedCaller(connect_s=0.2, read_s=0.2, total_s=0.5))
    contexts.first = contexts._made[context.tenant_id] = context
    return replace(desk, context=context)


def secret_on(html: str) -> str:
    found = re.search(r'id="secret-shown" value="([^"]+)"', html)
    assert found
    return found.group(1)


def test_an_endpoint_from_first_to_last(closed: Any) -> None:
    visitor = closed.client("en")
    made = visitor.post(
        "/webhooks/out", "/webhooks", name="ERP", url=URL, scope="some",
        events=["order.held", "parcel.shipped"],
    )  # fmt: skip
    html = made.get_data(as_text=True)
    secret = secret_on(html)
    assert secret.startswith("whsec_")
    assert "it is shown once" in html
    page = visitor.get("/webhooks").get_data(as_text=True)
    assert secret not in page
    assert "2 kinds of events" in page
    (one,) = endpoints.endpoints(closed.context)
    address = f"/webhooks/out/{one.id}"
    assert visitor.post(f"{address}/test", address).status_code == 303
    endpoint_page = visitor.get(address).get_data(as_text=True)
    assert "Waiting" in endpoint_page
    assert visitor.post(f"{address}/pause", address).status_code == 303
    refused = visitor.post(f"{address}/test", address)
    assert refused.status_code == 422
    assert "webhooks.not_active" in refused.get_data(as_text=True)
    assert visitor.post(f"{address}/resume", address).status_code == 303
    rotated = visitor.post(f"{address}/rotate", address).get_data(as_text=True)
    assert secret_on(rotated) != secret
    changed = visitor.post(address, address, name="BI", url=URL, scope="all")
    assert changed.status_code == 303
    assert len(endpoints.endpoint(closed.context, one.id).events) > 15
    assert visitor.post(f"{address}/remove", address).status_code == 303
    assert visitor.get(address).status_code == 404


def test_failures_are_shown_with_their_answer_and_sent_again(closed: Any, monkeypatch: Any) -> None:
    from tidegate.services.webhooks import delivering

    monkeypatch.setattr(delivering, "WAITS_S", ())  # the first failure is the last
    visitor = closed.client("zh")
    endpoint_id, _ = endpoints.create(
        closed.context, "ERP", "https://10.0.0.1.nip.example/x", ["order.held"], "li"
    )
    endpoints.send_test(closed.context, endpoint_id)
    drain(closed.context)
    html = visitor.get(f"/webhooks/out/{endpoint_id}").get_data(as_text=True)
    assert "已放弃" in html
    assert "连不上" in html
    assert "推送多次失败，已放弃" in visitor.get("/alerts").get_data(as_text=True)
    (one,) = deliveries(closed.context)
    address = f"/webhooks/out/{endpoint_id}"
    assert visitor.post(f"/webhooks/deliveries/{one.id}/replay", address).status_code == 303
    assert deliveries(closed.context)[0].state == "waiting"
    assert visitor.get(f"{address}?state=dead").status_code == 200


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": "", "url": URL, "scope": "all"}, "webhooks.name_missing"),
        ({"name": "ERP", "url": "http://192.168.0.1/x", "scope": "all"}, "webhooks.address"),
        ({"name": "ERP", "url": URL, "scope": "some"}, "webhooks.events"),
    ],
)
def test_wrong_entries_come_back_as_they_were_typed(closed: Any, fields: Any, code: str) -> None:
    answer = closed.client("en").post("/webhooks/out", "/webhooks", **fields)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert code in html
    assert f'value="{fields["url"]}"' in html


def test_an_incoming_address_shows_where_to_call_and_its_secret_once(closed: Any) -> None:
    visitor = closed.client("en")
    html = visitor.post("/webhooks/in", "/webhooks", connector="sandbox", name="主账号").get_data(
        as_text=True
    )
    secret = secret_on(html)
    path = re.search(r'value="http://localhost(/hooks/sandbox/[\w-]{43})"', html)
    assert path
    assert closed.app.test_client().post(path.group(1), data=b"{}").status_code == 401
    page = visitor.get("/webhooks").get_data(as_text=True)
    assert secret not in page
    assert "1 refused, the last:" in page
    assert "not signed" in page
    assert (
        secret_on(visitor.post("/webhooks/in/1/rotate", "/webhooks").get_data(as_text=True))
        != secret
    )
    assert visitor.post("/webhooks/in/1/remove", "/webhooks").status_code == 303
    assert path.group(1) not in visitor.get("/webhooks").get_data(as_text=True)


def test_personal_data_is_let_out_only_by_who_may_see_it(closed: Any) -> None:
    context = closed.context
    founding.create_owner(context, "owner@example.com", "Lin", "潮水退去 才知道 2026", "test")
    body = {"name": "ERP", "url": URL, "events": ["order.held"], "personal": True}
    for role, status in (("integrator", 422), ("manager", 201)):
        token = tokens.create(context, local_principal(1), role, role, 90, None)
        answer = closed.app.test_client().post(
            "/api/v1/webhooks", json=body, headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == status, answer.get_json()
    assert [one.personal for one in endpoints.endpoints(context)] == [True]


def test_the_api_does_what_the_pages_do(closed: Any) -> None:
    client = closed.app.test_client()

    def ask(method: str, path: str, json: Any = None) -> Any:
        headers = {} if method == "GET" else {"Authorization": f"Bearer {token}"}
        return client.open(f"/api/v1{path}", method=method, json=json, headers=headers)

    token = tokens.create(closed.context, local_principal(1), "erp", "integrator", 90, None)
    body = {"name": "ERP", "url": URL, "events": ["order.held"]}
    made = ask("POST", "/webhooks", body).get_json()
    address = f"/webhooks/{made['id']}"
    assert made["secret"].startswith("whsec_")
    assert ask("GET", address).get_json()["events"] == ["order.held"]
    assert "secret" not in ask("GET", address).get_json()
    assert ask("PUT", address, {**body, "events": ["alert.raised"]}).status_code == 204
    assert ask("POST", f"{address}/test").status_code == 202
    assert ask("GET", f"{address}/deliveries").get_json()["items"][0]["kind"] == "webhook.test"
    assert ask("POST", f"{address}/rotate").get_json()["secret"] != made["secret"]
    assert ask("POST", f"{address}/pause").status_code == 204
    assert ask("POST", f"{address}/resume").status_code == 204
    assert ask("DELETE", address).status_code == 204
    assert ask("GET", address).status_code == 404
    hook = ask("POST", "/hooks", {"connector": "sandbox", "name": "x"}).get_json()
    assert ask("GET", "/hooks").get_json()["items"][0]["path"].startswith("/hooks/sandbox/")
    assert ask("POST", f"/hooks/{hook['id']}/rotate").get_json()["secret"] != hook["secret"]
    assert ask("GET", "/hooks/messages").get_json()["items"] == []
    assert ask("DELETE", f"/hooks/{hook['id']}").status_code == 204
    wrong = ask("POST", "/webhooks", {**body, "events": ["no.such"]})
    assert (wrong.status_code, wrong.mimetype) == (422, "application/problem+json")
