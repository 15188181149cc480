"""Our carrier codes to a platform's: the manifest's `carriers`, before them the account's own."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.errors import RemoteRefused
from tidegate.sdk.account import Account
from tidegate.sdk.manifest import Manifest

SETTING = "carrier_codes"  # `JD=jd DBL=debangwuliu`


def codes_of(manifest: Manifest, settings: Mapping[str, str]) -> dict[str, str]:
    """The platform's code, or its name of a carrier, by ours."""
    own = (pair.partition("=") for pair in settings.get(SETTING, "").split())
    return {**manifest.carriers, **{ours: theirs for ours, _, theirs in own}}


class CarrierCodes:
    """Read once per account."""

    def __init__(self, account: Account) -> None:
        self._manifest = account.manifest
        self._codes = codes_of(account.manifest, account.settings)

    def of(self, carrier: str) -> str:
        """Raises RemoteRefused for a carrier without a code: nothing was sent, a person adds it."""
        if carrier not in self._codes:
            raise self._unknown(carrier or "-")
        return self._codes[carrier]

    def _unknown(self, carrier: str) -> RemoteRefused:
        zh, en = self._manifest.title["zh"], self._manifest.title["en"]
        return RemoteRefused(
            f"{self._manifest.id}.carrier_unknown",
            zh=f"不知道快递 {carrier} 在{zh}的公司代码; 请在账号设置的“快递公司代码对照”里补上, 再重新回传。",
            en=f"{en}: the code of the carrier {carrier} is not known; add it to the account's carrier codes, "
            "then tell the number again.",
            carrier=carrier,
        )
