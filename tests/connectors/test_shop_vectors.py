"""The vectors that connectors of shops ship are right."""

from __future__ import annotations

from importlib import import_module
from importlib.resources import files

import pytest
from ruamel.yaml import YAML


@pytest.mark.parametrize(
    "name", ["dingtalk", "douyin", "feishu", "generic", "shopify", "woocommerce"]
)
def test_shipped_vectors_are_what_is_signed(name: str) -> None:
    package = f"tidegate_connectors.{name}"
    vectors = YAML(typ="safe", pure=True).load(
        files(package).joinpath("vectors.yaml").read_text("utf-8")
    )
    assert vectors
    for one in vectors:
        module, function = one["call"].split(":")
        assert (
            getattr(import_module(f"{package}.{module}"), function)(**one["given"]) == one["gives"]
        )
