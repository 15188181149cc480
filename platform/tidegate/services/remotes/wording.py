"""Words of a connector's manifest, in both languages, for what is stored of it: codes of errors, an account's title."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.errors import TidegateError
from tidegate.sdk.answers import SAID, said_of
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
    return said_of(manifest, verdict.kind) if verdict.kind in SAID else None


def title_of(connector: str, title: str) -> Mapping[str, str]:
    """What an account is called: as a person wrote it, or its connector's name where nobody did."""
    try:
        own = manifest_of(connector).title
    except TidegateError:
        own = {}
    return own if own.get("zh") == title else {"zh": title, "en": title}
