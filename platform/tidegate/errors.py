"""Every error Tidegate raises on purpose: one root, families by what the caller does next.

An error carries a stable dotted `code`, the offending values as `fields`, and one sentence per language that names
the thing, the place and the remedy. Never put a person's name, phone or address into `fields` or a message.
"""

from __future__ import annotations

from collections.abc import Mapping


class TidegateError(Exception):
    """Root of all errors raised on purpose."""

    def __init__(self, code: str, *, zh: str, en: str, **fields: object) -> None:
        super().__init__(en)
        self.code = code
        self.texts: Mapping[str, str] = {"zh": zh, "en": en}
        self.fields: Mapping[str, object] = fields

    def text(self, lang: str = "en") -> str:
        """The sentence in `lang` (`zh`, `zh-CN`, `zh_CN` … or anything else for English)."""
        return self.texts["zh" if lang.lower().startswith("zh") else "en"]

    def as_document(self, lang: str = "en") -> dict[str, object]:
        """The error as plain data for `--json` and the API."""
        fields = {name: str(value) for name, value in self.fields.items()}
        return {"code": self.code, "message": self.text(lang), **fields}


class ConfigError(TidegateError):
    """An operator fixes a setting, an account or a file of reference data."""


class RuleError(TidegateError):
    """An author fixes a rule, a table or a test case."""


class InputError(TidegateError):
    """Whoever sent the data fixes the file, the row or the form."""


class RemoteRetry(TidegateError):
    """The other side may answer later; try again with the same key."""


class RemoteWait(RemoteRetry):
    """So many calls were made that we wait by ourselves: nothing was sent, and nothing is wrong."""


class RemoteCredentials(RemoteRetry):
    """The account's credentials hold no more: nothing was done; it goes on once a person renews them."""


class RemoteRefused(TidegateError):
    """The other side said no for good; do not repeat."""


class RemoteUnknown(TidegateError):
    """Nobody knows whether the other side acted: query before anything else."""


class RemoteBroken(RemoteUnknown):
    """The answer can't be understood: the platform changed, or the connector is wrong."""


class Conflict(TidegateError):
    """Something changed meanwhile: reload and repeat."""


class Unavailable(TidegateError):
    """We can't just now (database busy or away); the same request may be sent again."""


class StorageFull(Unavailable):
    """The disk is full; an operator makes room."""


class NotFound(TidegateError):
    """There is no such thing (for this tenant)."""
