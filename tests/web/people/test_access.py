"""Every role tries every endpoint; the table decides and nothing else; no form of another site gets in."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from tidegate.services.accounts import people, tokens
from tidegate.services.accounts.roles import PERMISSIONS, ROLES, WHOLE_TENANT, permissions_of
from tidegate.store.people_tables import ApiToken, Invitation, Membership, Person, SecurityEvent
from tidegate_web import access
from tidegate_web.access import ANYBODY, PUBLIC, SIGNED, needed

SAMPLES = {"int": "1", "string": "x", "path": "x", "any": "release", "default": "x"}


def endpoints(app):
    """Every (method, endpoint, address with samples)."""
    found = []
    for rule in app.url_map.iter_rules():
        address = re.sub(
            r"<(?:any\(([\w]+)[^)]*\):)?(?:int:)?(\w+)>", lambda m: m.group(1) or "1", rule.rule
        )
        found += [
            (method, rule.endpoint, address)
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
        ]
    return found


def test_every_endpoint_is_in_the_table(desk) -> None:
    missing = [f"{m} {e}" for m, e, _ in endpoints(desk.app) if needed(m, e) is None]
    assert len(endpoints(desk.app)) > 40
    assert missing == []


def test_every_need_is_a_permission() -> None:
    wanted = {*access.NEEDS.values(), *(p for acts in access.ACTS.values() for p in acts.values())}
    assert wanted - {PUBLIC, SIGNED, ANYBODY} <= set(PERMISSIONS)
    assert set(PERMISSIONS) - wanted <= {"connections.see"}


def test_no_public_endpoint_but_the_door() -> None:
    public = {key.partition(" ")[2] for key, need in access.NEEDS.items() if need == PUBLIC}
    assert public <= {"static", "site.*", "health.*", "sign_in.*", "api.openapi", "api_docs.*"}


def test_one_endpoint_goes_by_its_signature() -> None:
    signed = {key for key, need in access.NEEDS.items() if need == SIGNED}
    assert signed == {"POST hooks.receive"}


def test_an_endpoint_the_table_does_not_know_is_closed(empty_desk) -> None:
    empty_desk.app.add_url_rule("/door", "forgotten.door", lambda: "what is behind")
    answer = empty_desk.app.test_client().get("/door")
    assert answer.status_code == 403
    assert "what is behind" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("role", list(ROLES))
def test_a_role_gets_exactly_what_the_table_says(site, role) -> None:
    somebody = site.member(role)
    token = somebody.token("/account")
    tried = refused = 0
    broken = []
    for method, endpoint, address in endpoints(site.desk.app):
        if endpoint in (
            "static",
            "sign_in.sign_out",
            "site.choose_language",
            "account.end_sessions",
            "health.ready",  # 503 is an answer of its own: tests/health
        ):
            continue
        need = needed(method, endpoint, "release" if endpoint == "order.act" else "")
        answer = somebody.client.open(
            address, method=method, data={"csrf_token": token} if method != "GET" else None
        )
        tried += 1
        allowed = need in (PUBLIC, SIGNED, ANYBODY) or need in ROLES[role].permissions
        assert (answer.status_code != 403) is allowed, (method, endpoint, need, answer.status_code)
        broken += [(method, endpoint)] if answer.status_code >= 500 else []
        refused += not allowed
        if role == "reader" and method == "POST" and allowed:
            assert need in (PUBLIC, SIGNED, ANYBODY, "rules.try"), endpoint
    assert tried > 40
    assert broken == []
    assert (refused == 0) is (role == "owner")


def test_without_signing_in_every_page_but_the_door_leads_to_it(site) -> None:
    stranger = site.somebody()
    token = stranger.token("/sign-in")
    seen = 0
    for method, endpoint, address in endpoints(site.desk.app):
        if needed(method, endpoint) in (PUBLIC, SIGNED):
            continue
        answer = stranger.client.open(
            address, method=method, data={"csrf_token": token} if method != "GET" else None
        )
        seen += 1
        assert answer.status_code in (303, 401), (method, endpoint)
        assert answer.status_code == 401 or answer.location.startswith("/sign-in"), endpoint
    assert seen > 30


def test_a_post_without_its_token_is_refused_everywhere(site) -> None:
    owner = site.owner()
    posts = [
        (e, a) for m, e, a in endpoints(site.desk.app) if m == "POST" and needed(m, e) != SIGNED
    ]
    assert len(posts) > 15
    for endpoint, address in posts:
        answer = owner.client.post(address)
        assert answer.status_code == 400, endpoint
        assert "web.csrf" in answer.get_data(as_text=True), endpoint


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_is_refused_even_with_a_token(site, headers) -> None:
    owner = site.owner()
    token = owner.token("/people")
    answer = owner.client.post(
        "/people/invite", data={"csrf_token": token, "role": "owner"}, headers=headers
    )
    assert answer.status_code == 403
    assert rows(site, Invitation) == []


def rows(site, table):
    with site.desk.context.store.unscoped(readonly=True) as session:
        return list(session.scalars(select(table)))


def test_the_refusal_names_role_and_permission_in_both_languages(site) -> None:
    reader = site.member("reader")
    html = reader.get("/people").get_data(as_text=True)
    assert "Your role Read-only does not include: Manage people, roles and scopes" in html
    reader.client.set_cookie("tidegate_language", "zh")
    assert "你的角色“只读”不包括“管理成员、角色、范围”" in reader.get("/people").get_data(
        as_text=True
    )


def test_the_acts_of_one_endpoint_need_different_things(site) -> None:
    assert needed("POST", "order.act", "release") == "review.decide"
    assert needed("POST", "order.act", "edit") == "orders.act"
    assert needed("POST", "orders.act", "print") == "labels.print"
    service = site.member("service")
    answer = service.post("/orders/act", "/account", act="print", order="1")
    assert answer.status_code == 403
    assert service.post("/orders/act", "/account", act="ask_again", order="1").status_code == 200


def test_scope_takes_away_what_concerns_the_whole_merchant() -> None:
    everything = permissions_of("owner", None)
    assert everything == set(PERMISSIONS)
    assert permissions_of("manager", frozenset({1})) == ROLES["manager"].permissions - WHOLE_TENANT
    assert permissions_of("no such role", None) == frozenset()


# people


def test_somebody_joins_by_a_link_that_works_once(site, password) -> None:
    owner = site.owner()
    answer = owner.post("/people/invite", "/people", role="operator", note="夜班")
    html = answer.get_data(as_text=True)
    link = re.search(r'value="http://localhost(/join/[\w-]{43})"', html).group(1)
    assert link not in owner.get("/people").get_data(as_text=True)
    assert link.rpartition("/")[2] not in str([vars(row) for row in rows(site, Invitation)])
    somebody = site.somebody()
    assert "Warehouse operator" in somebody.get(link).get_data(as_text=True)
    answer = somebody.post(
        link, link, login="zhou", name="周 敏", password=password, again=password
    )
    assert (answer.status_code, answer.location) == (303, "/")
    assert somebody.get("/labels").status_code == 200
    assert somebody.get("/people").status_code == 403
    late = site.somebody()
    answer = late.get(link)
    assert answer.status_code == 404
    assert "people.invitation_gone" in answer.get_data(as_text=True)


def test_a_link_ends_after_seven_days_or_when_withdrawn(site) -> None:
    from datetime import timedelta

    owner = site.owner()
    links = [
        re.search(
            r"/join/[\w-]{43}",
            owner.post("/people/invite", "/people", role="reader").get_data(as_text=True),
        ).group()
        for _ in range(2)
    ]
    owner.post("/people/invitations/1/withdraw", "/people")
    assert site.somebody().get(links[0]).status_code == 404
    site.desk.clock.now += timedelta(days=7) - timedelta(seconds=1)
    assert site.somebody().get(links[1]).status_code == 200
    site.desk.clock.now += timedelta(seconds=1)
    assert site.somebody().get(links[1]).status_code == 404


def test_a_wrong_entry_leaves_the_link_usable_and_keeps_what_was_typed(site, password) -> None:
    link = re.search(
        r"/join/[\w-]{43}",
        site.owner().post("/people/invite", "/people", role="reader").get_data(as_text=True),
    ).group()
    somebody = site.somebody()
    answer = somebody.post(link, link, login="zhou", name="周 敏", password=password, again="other")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "password.differs" in html
    assert 'value="周 敏"' in html
    assert password not in html
    taken = somebody.post(
        link, link, login="owner@example.com", name="x", password=password, again=password
    )
    assert taken.status_code == 409
    assert (
        somebody.post(
            link, link, login="zhou", name="周", password=password, again=password
        ).status_code
        == 303
    )


def test_the_last_owner_stays(site) -> None:
    owner = site.owner()
    for address, fields in (("/people/1/remove", {}), ("/people/1", {"role": "manager"})):
        answer = owner.post(address, "/people", **fields)
        assert answer.status_code == 409
        assert "people.last_owner" in answer.get_data(as_text=True)
    site.member("owner")
    assert owner.post("/people/1", "/people", role="manager").status_code == 303
    assert owner.get("/people").status_code == 403


def test_a_removed_member_is_out_at_once(site) -> None:
    owner, reader = site.owner(), site.member("reader")
    assert reader.get("/orders").status_code == 200
    assert owner.post("/people/2/remove", "/people").status_code == 303
    assert reader.get("/orders").location.startswith("/sign-in")
    assert reader.sign_in("reader-0@example.com").status_code == 422
    assert len(rows(site, Membership)) == 1
    assert len(rows(site, Person)) == 2


def test_another_role_holds_from_the_next_click(site) -> None:
    owner, somebody = site.owner(), site.member("reader")
    assert somebody.get("/tokens").status_code == 403
    owner.post("/people/2", "/people", role="manager")
    assert somebody.get("/tokens").status_code == 200


def test_an_owner_of_some_shops_and_a_scope_without_shops_are_refused(site) -> None:
    owner = site.owner()
    answer = owner.post("/people/invite", "/people", role="owner", scope="some", shop="1")
    assert (answer.status_code, "people.owner_scope" in answer.get_data(as_text=True)) == (
        422,
        True,
    )
    for shop in ("", "999999"):
        answer = owner.post("/people/invite", "/people", role="reader", scope="some", shop=shop)
        assert (answer.status_code, "people.scope_empty" in answer.get_data(as_text=True)) == (
            422,
            True,
        )


def test_what_happened_is_listed_for_the_owner(site) -> None:
    owner = site.owner()
    owner.post("/people/invite", "/people", role="reader", note="审计")
    html = owner.get("/people").get_data(as_text=True)
    assert "Invited" in html
    assert "审计" in html
    assert {row.kind for row in rows(site, SecurityEvent)} >= {
        "owner_created",
        "signed_in",
        "invited",
    }


# tokens


def test_a_token_is_shown_once_and_kept_as_a_hash(site) -> None:
    owner = site.owner()
    html = owner.post("/tokens", "/tokens", name="ERP", role="reader", days="90").get_data(
        as_text=True
    )
    secret = re.search(r'value="(tdg_[\w-]{43})"', html).group(1)
    assert secret not in owner.get("/tokens").get_data(as_text=True)
    assert secret[:10] in owner.get("/tokens").get_data(as_text=True)
    assert secret not in str([vars(row) for row in rows(site, ApiToken)])
    found = tokens.find(site.desk.context, secret)
    assert (found.login, found.role) == ("token:ERP", "reader")
    assert tokens.find(site.desk.context, secret[:-1] + "x") is None
    owner.post("/tokens/1/revoke", "/tokens")
    assert tokens.find(site.desk.context, secret) is None


def test_a_token_ends_on_its_day(site) -> None:
    from datetime import timedelta

    html = (
        site.owner()
        .post("/tokens", "/tokens", name="BI", role="reader", days="30")
        .get_data(as_text=True)
    )
    secret = re.search(r'value="(tdg_[\w-]{43})"', html).group(1)
    site.desk.clock.now += timedelta(days=30) - timedelta(seconds=1)
    assert tokens.find(site.desk.context, secret) is not None
    site.desk.clock.now += timedelta(seconds=1)
    assert tokens.find(site.desk.context, secret) is None


@pytest.mark.parametrize(
    ("maker", "role"), [("integrator", "manager"), ("manager", "owner"), ("owner", "owner")]
)
def test_a_token_never_has_more_rights_than_its_maker(site, maker, role) -> None:
    somebody = site.member(maker) if maker != "owner" else site.owner()
    answer = somebody.post("/tokens", "/tokens", name="x", role=role)
    assert answer.status_code == 422
    assert "tokens.role_beyond" in answer.get_data(as_text=True)
    assert rows(site, ApiToken) == []


def test_a_token_opens_no_page(site) -> None:
    html = site.owner().post("/tokens", "/tokens", name="x", role="manager").get_data(as_text=True)
    secret = re.search(r'value="(tdg_[\w-]{43})"', html).group(1)
    answer = site.somebody().get("/orders", Authorization=f"Bearer {secret}")
    assert answer.status_code == 303


def test_adding_people_by_service_needs_an_owner_first(empty_desk, password) -> None:
    from tidegate.errors import Conflict

    with pytest.raises(Conflict, match="no owner yet"):
        people.add(empty_desk.context, "zhou", "Zhou", password, "reader", "cli")
    people.add(empty_desk.context, "lin", "Lin", password, "owner", "cli")
    people.add(empty_desk.context, "zhou", "Zhou", password, "reader", "cli")
    assert [one.login for one in people.members(empty_desk.context)] == ["lin", "zhou"]
