"""The manifest beside this module, read once when somebody asks for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML

_CODE = re.compile(r"[a-z0-9_]{1,40}")


@cache
def manifest() -> Mapping[str, Any]:
    """What the connector is, can do and needs."""
    text = files(__package__).joinpath("manifest.yaml").read_text(encoding="utf-8")
    found: Mapping[str, Any] = YAML(typ="safe").load(text)
    return found


def refusal_text(code: str) -> tuple[str, str]:
    """(zh, en) for a refusal; a strange code is quoted only if it is a plain word."""
    known = manifest()["refusals"].get(code)
    if known:
        return known["zh"], known["en"]
    shown = code if _CODE.fullmatch(code) else "?"
    return (
        f"沙箱快递拒绝了请求({shown})。",
        f"The sandbox carrier refused the request ({shown}).",
    )


def is_account_refusal(code: str) -> bool:
    """Whether the account is at fault, not the parcel."""
    return bool(manifest()["refusals"].get(code, {}).get("account"))
