"""Manifests: what is installed reads, and what is wrong is refused with its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tidegate.errors import ConfigError, NotFound
from tidegate.sdk.discovery import installed, manifest_of
from tidegate.sdk.manifest import read_manifest

GOOD = """
tidegate: connector/1
id: mall
kinds: [shop]
title: {zh: 某商城, en: A mall}
about: {zh: 测试, en: For tests}
capabilities: [pull_orders]
channel: mall
settings:
  app_key: {title: {zh: 应用, en: App}, required: true}
  app_secret: {title: {zh: 密钥, en: Secret}, secret: true, required: true}
limits:
  - {api: orders.list, calls: 10, per_s: 1, source: docs}
orders:
  fields: {order.number: id}
  each: lines
  items: {item.quantity: n}
errors:
  "40003": credentials
  busy: {kind: later, zh: 太忙, en: Busy, wait_s: 5}
"""


def test_every_installed_connector_has_a_manifest_that_reads() -> None:
    names = list(installed())
    assert {"files", "sandbox"} <= set(names)
    for name in names:
        found = manifest_of(name)
        assert found.id == name
        assert found.title["zh"]
        assert found.title["en"]
    with pytest.raises(NotFound, match="sandbox"):
        manifest_of("nowhere")


def test_a_manifest_is_read_with_its_defaults() -> None:
    found = read_manifest(GOOD)
    assert found.secrets == {"app_secret"}
    assert (found.timezone, found.currency, found.verified) == ("Asia/Shanghai", "CNY", "none")
    assert (found.sync.most_s, found.sync.overlap_s) == (86_400, 300)
    assert (found.errors["40003"].kind, found.errors["busy"].wait_s) == ("credentials", 5)
    assert found.limits[0].calls == 10


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("kinds: [shop]", "kinds: [circus]", "kinds.0"),
        ("title: {zh: 某商城, en: A mall}", "title: {zh: 某商城}", "title"),
        ("capabilities: [pull_orders]", "capabilities: [fly]", "capabilities.0"),
        ("channel: mall\n", "", "orders"),
        ("order.number: id", "order.colour: id", "fields"),
        ("item.quantity: n", "item.quantity: {path: n, convert: roman}", "items.item.quantity"),
        ('"40003": credentials', '"40003": perhaps', "errors.40003"),
        ("secret: true, required", "secret: true, default: abc, required", "settings.app_secret"),
        ("calls: 10", "calls: 0", "limits.0.calls"),
        ("tidegate: connector/1", "tidegate: connector/2", "tidegate"),
        ("id: mall", "id: mall\nflavour: sweet", "flavour"),
        ("about: {", "sync: {most_s: 60, overlap_s: 60}\nabout: {", "sync.most_s"),
        ("capabilities: [pull_orders]", "capabilities: [create_waybill]", "duplicates"),
        (
            "channel: mall",
            "channel: mall\nclosed_recipients: {mall: own_shop}",
            "closed_recipients",
        ),
        (
            "channel: mall",
            "channel: mall\nclosed_recipients: {mall: somebody}",
            "closed_recipients",
        ),
        ("channel: mall", "channel: mall\nplain_recipients: false", "plain_recipients"),
        ("channel: mall", "channel: mall\nlabels: both", "labels"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(before: str, after: str, place: str) -> None:
    assert GOOD.count(before) == 1
    with pytest.raises(ConfigError) as caught:
        read_manifest(GOOD.replace(before, after), "mall.yaml")
    assert caught.value.code == "connector.manifest"
    assert place in str(caught.value.fields["place"]), caught.value
    assert "mall.yaml" in caught.value.text("zh")


def test_broken_yaml_names_its_line() -> None:
    with pytest.raises(ConfigError, match="line"):
        read_manifest("tidegate: [", "mall.yaml")


def test_the_manifest_on_the_page_reads() -> None:
    page = Path(__file__).parents[2] / "docs" / "connectors" / "manifest.md"
    shown, block = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert read_manifest(shown, "manifest.md").capabilities >= {"pull_orders", "ship"}
    more = shown.replace(
        "ship, check_credentials]", "ship, refresh_tokens, exchange_code, check_callback]"
    )
    settings = "".join(
        f"  {name}: {{title: {{zh: 测, en: x}}{', secret: true' * (name in ('session', 'code'))}}}\n"
        for name in ("authorize_url", "app_kind", "shop_id", "session", "code")
    )
    found = read_manifest(more.replace("settings:\n", f"settings:\n{settings}") + block).authorize
    assert found is not None
    assert (found.signed, found.keeps) == ("hmac", {"shop_id": "shop_id"})
    assert (found.offered({"app_kind": "tool"}), found.offered({"app_kind": "self"})) == (
        True,
        False,
    )


AUTHORIZE = """
authorize:
  url: https://mall.example/authorize
  query: {app: "{app_key}", state: "{state}"}
  replaces: [app_secret]
"""


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        (
            '"{app_key}"',
            '"{app_secret}"',
            "authorize.query",
        ),  # a secret is never put into an address
        ('"{app_key}"', '"{nobody}"', "authorize.query"),
        ('state: "{state}"', 'back: "{callback}"', "authorize.query"),
        ("[app_secret]", "[app_key]", "authorize.replaces"),
        ("  replaces", "  keeps: {id: nobody}\n  replaces", "authorize.keeps"),
        ("  replaces", "  signed: hmac\n  replaces", "authorize.signed"),
        ("  replaces", "  needs: [nobody]\n  replaces", "authorize.needs"),
        (", refresh_tokens", "", "authorize"),
        (AUTHORIZE, "", "authorize"),
    ],
)
def test_an_authorisation_that_does_not_hold_together_is_refused(before, after, place) -> None:
    able = GOOD.replace("[pull_orders]", "[pull_orders, exchange_code, refresh_tokens]") + AUTHORIZE
    assert read_manifest(able).authorize is not None
    assert able.count(before) == 1
    with pytest.raises(ConfigError) as caught:
        read_manifest(able.replace(before, after))
    assert caught.value.fields["place"] == place
