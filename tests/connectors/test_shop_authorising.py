"""A shop's owner agrees on the platform's page: real HTTP to protocol servers, a real database, what is kept and what is not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select

from tidegate.errors import InputError, RemoteCredentials, RemoteUnknown
from tidegate.sdk.discovery import manifest_of
from tidegate.sdk.stage.owners import Foreign
from tidegate.sdk.stage.protocol import Fault
from tidegate.services.connection_alerts import watch_connections
from tidegate.services.connection_facts import account_connections
from tidegate.services.context import Context
from tidegate.services.remotes import accounts, authorizing, checking, trial
from tidegate.services.rulebook import Rulebook, shipped_rules
from tidegate.services.view_authorisations import Authorisation
from tidegate.services.view_remotes import account_page
from tidegate.store.people_tables import SecurityEvent
from tidegate.store.remote_tables import AccountGrant, AccountToken, ConnectorAccount
from tidegate.store.tables import Tenant
from tidegate_platforms.douyin import DouyinServer
from tidegate_platforms.jushuitan import JushuitanServer
from tidegate_platforms.shopify import ShopifyServer
from tidegate_platforms.shopify.server import CLIENT_SECRET, SCOPES
from tidegate_platforms.taobao import TaobaoServer

BACK = "https://oms.example/connections/authorized"
SERVERS = {
    "taobao": TaobaoServer, "douyin": DouyinServer, "jushuitan": JushuitanServer, "shopify": ShopifyServer,
}  # fmt: skip


@dataclass
class Setup:
    """An account that waits for its owner."""

    context: Context
    server: Any
    code: str = "a"

    def begin(self, browser: str = "here") -> str:
        return authorizing.begin(self.context, self.code, "lin", browser, BACK).address

    def owner(self, address: str, *, agrees: bool = True) -> dict[str, str]:
        back = self.server.consent(address, agrees=agrees)
        assert back.startswith(f"{BACK}?")
        return dict(parse_qsl(urlsplit(back).query))

    def finish(self, query: dict[str, str], browser: str = "here") -> authorizing.Finished:
        return authorizing.finish(self.context, query, "lin", browser)

    def refused(self, query: dict[str, str], browser: str = "here") -> str:
        with pytest.raises(InputError) as caught:
            self.finish(query, browser)
        assert caught.value.text("zh") != caught.value.text("en")
        return caught.value.code

    def all(self, table: type[Any]) -> list[Any]:
        with self.context.store.begin(self.context.tenant_id, readonly=True) as work:
            rows = list(work.session.scalars(select(table).order_by(table.id)))
            work.session.expunge_all()
            return rows

    def later(self, by: timedelta) -> Setup:
        return replace(self, context=replace(self.context, clock=lambda: datetime.now(UTC) + by))

    def watched(self, rules: Rulebook | None = None) -> Setup:
        """The rules are asked, as every minute."""
        watch_connections(replace(self.context, rules=rules or self.context.rules))
        return self

    @property
    def shown(self) -> Authorisation:
        found = account_page(self.context, self.code).line.authorisation
        assert found is not None
        return found


@pytest.fixture
def setup(desk_of: Callable[..., Any]) -> Iterator[Callable[..., Setup]]:
    started = []

    def made(name: str, **own: str) -> Setup:
        server = SERVERS[name]()
        server.start()
        started.append(server)
        server.callback = BACK
        desk = desk_of(name, server, **server.unauthorised(), **own)
        return Setup(desk.context, server)

    yield made
    for server in started:
        server.stop()


@pytest.mark.parametrize("name", SERVERS)
def test_an_authorised_account_works_and_keeps_nothing_in_clear(name: str, setup) -> None:
    one = setup(name)
    assert checking.check(one.context, "a").error is not None
    address = one.begin()
    query = one.owner(address)
    one.finish(query)
    assert checking.check(one.context, "a").error is None
    (token,), (grant,), (account,) = (
        one.all(t) for t in (AccountToken, AccountGrant, ConnectorAccount)
    )
    opened = one.context.box.open(token.sealed)
    assert opened["access"]
    assert account.state == "active"
    assert grant.outcome == "done"
    kept = " ".join(repr(vars(row)) for row in (token, grant, account, *one.all(SecurityEvent)))
    for secret in (opened["access"], opened["refresh"] or "-none-", query["code"], query["state"]):
        assert secret not in kept
    assert [(row.kind, row.done) for row in one.all(SecurityEvent)][-2:] == [
        ("connection_authorising", True), ("connection_authorised", True),
    ]  # fmt: skip


def test_a_typed_token_gives_way_to_the_owners(setup) -> None:
    one = setup("shopify")
    accounts.change(one.context, "a", "lin", secrets={"access_token": "shpat_typed"})
    assert one.shown.state == "typed"
    one.finish(one.owner(one.begin()))
    assert "access_token" not in accounts.account(one.context, "a").secrets
    assert one.shown.state == "held"
    assert checking.check(one.context, "a").who == "North Bank"


def test_a_state_counts_in_its_browser_once_and_for_ten_minutes(setup) -> None:
    one = setup("taobao")
    query = one.owner(one.begin())
    assert one.refused(query, "elsewhere") == "authorize.foreign_state"
    assert one.refused({**query, "state": "made-up"}) == "authorize.foreign_state"
    assert one.refused({"code": query["code"]}) == "authorize.foreign_state"
    one.finish(query)  # none of that used it up
    assert one.refused(query) == "authorize.used"
    slow = one.owner(one.begin())
    assert one.later(timedelta(minutes=10, seconds=1)).refused(slow) == "authorize.expired"
    assert one.refused(slow) == "authorize.used"
    told = [(row.about, row.data["code"]) for row in one.all(SecurityEvent) if not row.done]
    assert told[0] == ("-", "authorize.foreign_state")
    assert told[-1] == ("a", "authorize.used")


def test_a_state_of_another_merchant_is_foreign(setup) -> None:
    one = setup("taobao")
    query = one.owner(one.begin())
    with one.context.store.unscoped() as session:
        session.add(Tenant(code="b", name="b", created_at=datetime.now(UTC)))
        session.commit()
    other = replace(one, context=replace(one.context, tenant_id=2))
    assert other.refused(query) == "authorize.foreign_state"
    assert [row.data["code"] for row in other.all(SecurityEvent)] == ["authorize.foreign_state"]
    one.finish(query)


@pytest.mark.parametrize("name", SERVERS)
def test_an_owner_who_refuses_and_a_code_that_is_over_change_nothing(name: str, setup) -> None:
    one = setup(name)
    assert one.refused(one.owner(one.begin(), agrees=False)) == "authorize.denied"
    query = one.owner(one.begin())
    one.server._codes.clear()  # the platform forgot it: ten minutes went by there
    assert one.refused(query) == "authorize.code_refused"
    assert one.all(AccountToken) == []
    assert one.shown.state in ("none", "refused")


@pytest.mark.parametrize(("name", "proof"), [("shopify", "hmac"), ("jushuitan", "sign")])
def test_what_is_not_signed_by_the_platform_is_refused(name: str, proof: str, setup) -> None:
    one = setup(name)
    for change in ({proof: "0" * 64}, {proof: ""}, {"code": "1" * 32}, {"extra": "1"}):
        query = {**one.owner(one.begin()), **change}
        assert one.refused(query) == "authorize.bad_signature", change
    assert one.server._codes  # no code was spent
    assert one.all(AccountToken) == []


def test_another_shop_is_refused(setup) -> None:
    shopify = setup("shopify", shop="south-bank")
    assert shopify.refused(shopify.owner(shopify.begin())) == "authorize.other_shop"
    assert shopify.all(AccountToken) == []
    douyin = setup("douyin")
    accounts.change(douyin.context, "a", "lin", settings={"shop_id": "77"})
    assert douyin.refused(douyin.owner(douyin.begin())) == "authorize.other_shop"
    assert douyin.all(AccountToken) == []


def test_the_shop_is_filled_in_where_the_platform_tells_it(setup) -> None:
    one = setup("douyin")
    assert one.finish(one.owner(one.begin())).who == "北岸器物"
    assert accounts.account(one.context, "a").settings["shop_id"] == "4463798"


def test_a_missing_permission_is_named(setup) -> None:
    one = setup("shopify")
    one.server.scopes = SCOPES.replace("write_inventory", "read_inventory")
    with pytest.raises(InputError, match="write_inventory") as caught:
        one.finish(one.owner(one.begin()))
    assert caught.value.code == "authorize.scope_missing"
    assert one.all(AccountToken) == []
    one.server.scopes = SCOPES.replace("read_orders", "write_orders")  # writing implies reading
    one.finish(one.owner(one.begin()))


def test_what_has_to_be_filled_in_first_is_named(setup) -> None:
    one = setup("douyin")
    accounts.change(one.context, "a", "lin", settings={"service_id": ""})
    assert one.shown.missing == ("service_id",)
    with pytest.raises(InputError, match="Service ID") as caught:
        one.begin()
    assert caught.value.fields["field"] == "service_id"
    accounts.change(one.context, "a", "lin", settings={"app_kind": "self"})
    assert account_page(one.context, "a").line.authorisation is None
    with pytest.raises(InputError, match="not authorised there"):
        one.begin()


def test_an_address_inside_our_network_is_not_shown(setup) -> None:
    one = setup("taobao")
    with one.context.store.begin(
        1
    ) as work:  # as an older version, or another hand, may have left it
        row = work.session.scalars(select(ConnectorAccount)).one()
        row.settings = {**row.settings, "authorize_url": "javascript:alert(1)"}
        work.commit()
    with pytest.raises(InputError, match="public https"):
        one.begin()


def test_the_servers_look_for_themselves_whether_the_page_is_asked_for_by_us(setup) -> None:
    jushuitan = setup("jushuitan")
    with pytest.raises(Foreign):
        jushuitan.owner(jushuitan.begin().replace("sign=", "sign=0"))
    taobao = setup("taobao")
    with pytest.raises(Foreign, match="callback"):
        taobao.owner(taobao.begin().replace("oms.example", "evil.example"))


def test_an_end_that_is_known_is_shown_and_is_a_fact(setup) -> None:
    one = setup("taobao")
    one.server.life_s = 8 * 86_400
    one.server.refreshes = False
    one.finish(one.owner(one.begin()))
    assert (one.shown.state, one.shown.days) == ("held", 7)
    assert one.later(timedelta(days=2)).watched().shown.state == "ending"
    assert one.later(timedelta(days=9)).shown.state == "over"
    with one.context.store.begin(1, readonly=True) as work:
        (found,) = account_connections(work)
    (token,) = one.all(AccountToken)
    assert found.facts["connection"]["authorised_until"] == token.authorised_until


def test_a_vendors_token_of_jushuitan_ends_after_thirty_days_whatever_it_brings(setup) -> None:
    one = setup("jushuitan")
    one.finish(one.owner(one.begin()))
    (token,) = one.all(AccountToken)
    assert one.context.box.open(token.sealed)["refresh"]
    assert (token.authorised_until - token.issued_at).days in (29, 30)
    assert one.later(timedelta(days=24)).watched().shown.state == "ending"


@pytest.mark.parametrize(("before", "state"), [("7d", "ending"), ("5d", "held")])
def test_how_long_before_its_end_an_authorisation_ends_soon_is_said_by_the_rules(
    setup, tmp_path: Path, before: str, state: str
) -> None:
    one = setup("taobao")
    one.server.life_s, one.server.refreshes = 8 * 86_400, False
    one.finish(one.owner(one.begin()))
    folder = tmp_path / "rules"
    shutil.copytree(shipped_rules(), folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    rules = folder / "connections" / "connections.yaml"
    text = rules.read_text("utf-8")
    assert "renew_before:   {type: duration, value: 7d" in text
    rules.write_text(
        text.replace("duration, value: 7d, min: 1d", f"duration, value: {before}, min: 1d"), "utf-8"
    )
    assert one.later(timedelta(days=2)).watched(Rulebook(folder)).shown.state == state


def test_an_authorisation_that_was_withdrawn_says_so_and_is_mended(setup) -> None:
    one = setup("douyin")
    one.finish(one.owner(one.begin()))
    one.server.revoke()
    assert isinstance(checking.check(one.context, "a").error, RemoteCredentials)
    assert one.shown.state == "refused"
    with one.context.store.begin(1, readonly=True) as work:
        assert account_connections(work)[0].facts["connection"]["state"] == "broken"
    one.finish(one.owner(one.begin()))
    assert one.shown.state == "held"
    assert checking.check(one.context, "a").error is None


def test_an_app_of_the_shops_own_gets_its_token_by_itself(desk_of) -> None:
    with ShopifyServer() as server:
        desk = desk_of("shopify", server)
        assert desk.made.check_credentials() == "North Bank"
        server.expire_tokens()
        assert desk.made.check_credentials() == "North Bank"
        assert [call.api for call in server.calls].count("oauth.access_token") == 2
        (line,) = [account_page(desk.context, "a").line]
        assert line.authorisation is None  # there is nothing to agree to
        accounts.change(desk.context, "a", "lin", secrets={"client_secret": "wrong-secret"})
        server.expire_tokens()
        found = checking.check(desk.context, "a")
        assert isinstance(found.error, RemoteCredentials)
        assert "wrong-secret" not in str(found.error)


@pytest.mark.parametrize(("secret", "good"), [(CLIENT_SECRET, True), ("another-secret", False)])
def test_a_shopify_account_can_be_tried_before_it_is_added(
    secret: str, good: bool, desk_of
) -> None:
    with ShopifyServer() as server:
        desk = desk_of("shopify", server)
        given = {**server.settings, "client_secret": secret}
        hidden = manifest_of("shopify").secrets
        found = trial.try_out(
            desk.context, "shopify", {k: v for k, v in given.items() if k not in hidden},
            {k: v for k, v in given.items() if k in hidden},
        )  # fmt: skip
        assert (found.error is None, found.who) == (good, "North Bank" if good else "")


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.CUT, Fault.GARBAGE])
def test_a_platform_that_gives_no_tokens_for_the_code_lets_the_owner_begin_again(
    setup, fault: Fault
) -> None:
    one = setup("taobao")
    query = one.owner(one.begin())
    one.server.fail(fault, api="oauth.token")
    with pytest.raises(RemoteUnknown) as caught:
        one.finish(query)
    assert caught.value.code == "authorize.away"
    assert "重新" in caught.value.text("zh")
    assert "again" in caught.value.text("en")
    assert one.refused(query) == "authorize.used"
    one.finish(one.owner(one.begin()))
    assert one.shown.state == "held"
