"""Secrets and personal bodies at rest: encrypted with the installation's keys, the newest first (MultiFernet)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from tidegate.errors import ConfigError


class SecretsBox:
    """Seals with the first key, opens with any. Nothing of it shows in `repr`."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ConfigError(
                "secrets.no_key",
                zh="没有加密密钥；请恢复数据目录里的 secrets.key。",
                en="There is no encryption key; restore secrets.key in the data folder.",
            )
        try:
            self._box = MultiFernet([Fernet(key.encode("ascii")) for key in keys])
        except ValueError as error:
            raise ConfigError(
                "secrets.bad_key",
                zh="加密密钥格式不对；应为 32 字节的 URL-safe base64。",
                en="An encryption key is malformed; it is 32 bytes in URL-safe base64.",
            ) from error
        self.key_id = hashlib.sha256(keys[0].encode("ascii")).hexdigest()[:12]  # of the sealing key

    @classmethod
    def fresh(cls) -> SecretsBox:
        """A box with a new key that nobody keeps."""
        return cls([Fernet.generate_key().decode("ascii")])

    def seal(self, document: Any) -> str:
        """Any JSON as a token of ASCII text."""
        return self._box.encrypt(json.dumps(document).encode("ascii")).decode("ascii")

    def open(self, token: str) -> Any:
        """What was sealed.

        Raises:
            ConfigError: none of the keys fits.
        """
        try:
            return json.loads(self._box.decrypt(token.encode("ascii")))
        except InvalidToken as error:
            raise ConfigError(
                "secrets.cannot_open",
                zh="解不开已保存的密文：密钥与保存时不同；请恢复原来的 secrets.key。",
                en="What was kept cannot be decrypted: the key differs; restore the original secrets.key.",
            ) from error

    def reseal(self, token: str) -> str:
        """The same content under the newest key."""
        return self._box.rotate(token.encode("ascii")).decode("ascii")
