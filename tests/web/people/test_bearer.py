"""Programs: a token opens the API for its role and shops, needs no cookie and no form token, and opens nothing else."""

from __future__ import annotations

import pytest
from flask import Blueprint, jsonify

from tidegate.services.accounts import tokens
from tidegate.services.view_orders import OrderQuery, search_orders
from tidegate.store.tables import Order, Shop
from tidegate_web import access, desk


def made(app) -> None:
    """Two endpoints as an API page would have them."""
    probe = Blueprint("api_probe", __name__)

    @probe.get("/api/probe")
    def read():
        return jsonify(
            actor=desk.actor(),
            orders=sum(search_orders(desk.context(), OrderQuery()).per_state.values()),
        )

    @probe.post("/api/probe")
    def write():
        return jsonify(actor=desk.actor())

    app.register_blueprint(probe)


@pytest.fixture
def api(site, monkeypatch):
    needs = {**access.NEEDS, "GET api_probe.*": "orders.see", "POST api_probe.*": "orders.act"}
    monkeypatch.setattr(access, "NEEDS", needs)
    made(site.desk.app)
    return site


def token(site, role, shops=None) -> str:
    with site.desk.app.test_request_context():
        from flask import g

        from tidegate.services.accounts.principals import local_principal

        g.principal = local_principal(1)
        return tokens.create(site.desk.context, g.principal, "ERP", role, 90, shops)


def ask(site, secret: str = "", method: str = "GET", **headers: str):
    given = {"Authorization": f"Bearer {secret}"} if secret else {}
    return site.desk.app.test_client().open(
        "/api/probe",
        method=method,
        headers={**given, **{k.replace("_", "-"): v for k, v in headers.items()}},
    )


def test_a_token_reads_and_writes_within_its_role(api) -> None:
    everything = len(api.desk.all(Order))
    operator, reader = token(api, "operator"), token(api, "reader")
    assert ask(api, operator).get_json() == {"actor": "token:ERP", "orders": everything}
    assert ask(api, operator, "POST").status_code == 200
    assert ask(api, reader).status_code == 200
    refused = ask(api, reader, "POST")
    assert (refused.status_code, refused.get_json()["code"]) == (403, "api.forbidden")


def test_without_or_with_a_wrong_token_it_is_401_in_json(api) -> None:
    good = token(api, "operator")
    for secret in ("", "tdg_wrong", good[:-1]):
        answer = ask(api, secret)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.get_json()["code"] == "api.unauthorized"


def test_a_token_of_one_shop_sees_that_shop(api) -> None:
    shop = api.desk.all(Shop)[0]
    mine = len(api.desk.all(Order, Order.shop_id == shop.id))
    answer = ask(api, token(api, "operator", [shop.id])).get_json()
    assert 0 < answer["orders"] == mine < len(api.desk.all(Order))


def test_a_signed_in_browser_reads_the_api_but_writes_only_with_a_form_token(api) -> None:
    owner = api.owner()
    assert owner.get("/api/probe").get_json()["actor"] == "owner@example.com"
    assert owner.client.post("/api/probe").status_code == 400
    assert owner.post("/api/probe", "/account").status_code == 200


def test_a_token_is_not_taken_from_another_sites_page(api) -> None:
    answer = ask(api, token(api, "operator"), "POST", Origin="https://evil.example")
    assert answer.status_code == 403


def test_before_anybody_signed_up_a_program_of_this_machine_may_write_and_a_web_page_may_not(
    empty_desk, monkeypatch
) -> None:
    needs = {**access.NEEDS, "GET api_probe.*": "orders.see", "POST api_probe.*": "orders.act"}
    monkeypatch.setattr(access, "NEEDS", needs)
    made(empty_desk.app)
    client = empty_desk.app.test_client()
    assert client.post("/api/probe").get_json() == {"actor": "local"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        assert client.post("/api/probe", headers=headers).status_code == 403
