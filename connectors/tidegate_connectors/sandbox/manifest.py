"""What the sandbox's refusals mean, from the manifest beside this module."""

from __future__ import annotations

import re

from tidegate.sdk.manifest import Manifest, load_manifest

_CODE = re.compile(r"[a-z0-9_]{1,40}")


def manifest() -> Manifest:
    """What the connector is, can do and needs; read once, when somebody asks for it."""
    return load_manifest(__package__)


def refusal_text(code: str) -> tuple[str, str]:
    """(zh, en) for a refusal; a strange code is quoted only if it is a plain word."""
    known = manifest().errors.get(code)
    if known is not None and known.words is not None:
        return known.words["zh"], known.words["en"]
    shown = code if _CODE.fullmatch(code) else "?"
    return (
        f"沙箱快递拒绝了请求({shown})。",
        f"The sandbox carrier refused the request ({shown}).",
    )


def is_account_refusal(code: str) -> bool:
    """Whether the account is at fault, not the parcel."""
    known = manifest().errors.get(code)
    return known is not None and known.kind == "credentials"
