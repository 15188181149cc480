"""Words of a connector's manifest, in both languages, for what is stored of it: codes of errors, an account's title."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.errors import TidegateError
from tidegate.sdk.answers import SAID
from tidegate.sdk.discovery import manifest_of


def words_of(code: str) -> Mapping[str, str] | None:
    """A sentence in zh and en for `connector.code`; None where the connector or the code is not known."""
    connector, _, own = code.partition(".")
    try:
        manifest = manifest_of(connector)
    except TidegateError:
        return None
    verdict = manifest.errors.get(own)
    if verdict is None:
        return None
    if verdict.words:
        return verdict.words
    if verdict.kind not in SAID:
        return None
    zh, en = SAID[verdict.kind]
    return {"zh": f"{manifest.title['zh']}{zh}", "en": f"{manifest.title['en']} {en}"}


def title_of(connector: str, title: str) -> Mapping[str, str]:
    """What an account is called: as a person wrote it, or its connector's name where nobody did."""
    try:
        own = manifest_of(connector).title
    except TidegateError:
        own = {}
    return own if own.get("zh") == title else {"zh": title, "en": title}
