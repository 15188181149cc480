"""Our carrier codes to a platform's: the manifest's `carriers`, before them the account's own."""

from __future__ import annotations

from tidegate.errors import RemoteRefused
from tidegate.sdk.account import Account

SETTING = "carrier_codes"  # `JD=jd DBL=debangwuliu`


class CarrierCodes:
    """Read once per account."""

    def __init__(self, account: Account) -> None:
        self._manifest = account.manifest
        own = (pair.partition("=") for pair in account.settings.get(SETTING, "").split())
        self._codes = {**account.manifest.carriers, **{ours: theirs for ours, _, theirs in own}}

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
