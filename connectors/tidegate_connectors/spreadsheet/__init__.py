"""Shops that give spreadsheets: an account without calls. Their files are read by the `files` connector."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from ruamel.yaml import YAML

from tidegate.sdk.account import Account
from tidegate.sdk.sheets import Preset


class SpreadsheetShop:
    """Nothing to call: orders and waybill numbers travel as files that a person carries."""

    def __init__(self, account: Account) -> None:
        self.account = account


def connect(account: Account) -> SpreadsheetShop:
    """An account's shop."""
    return SpreadsheetShop(account)


@cache
def presets() -> Mapping[str, Preset]:
    """By the account's setting `tool`."""
    text = files(__package__).joinpath("presets.yaml").read_text(encoding="utf-8")
    data = YAML(typ="safe", pure=True).load(text)
    return {
        tool: Preset(tool, about["title"], about["columns"], about["waybill"])
        for tool, about in data.items()
    }
