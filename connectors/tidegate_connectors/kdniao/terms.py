"""The terms of one account: which courier a service means, and what its contract with the courier says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidegate.errors import RemoteRefused
from tidegate.sdk.account import Account

# Per courier, KDNiao's own table says which of these it wants.
CONTRACT = {
    "customer_name": "CustomerName", "month_code": "MonthCode", "send_site": "SendSite",
    "send_staff": "SendStaff", "warehouse_id": "WareHouseID",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Terms:
    """`services` are the account's own words for a service: `code=COURIER` or `code=COURIER:product`."""

    account: Account
    services: Mapping[str, str] = field(default_factory=dict)
    phone_tails: frozenset[str] = frozenset()

    def courier(self, service_code: str) -> tuple[str, str]:
        """ShipperCode and ExpType of a service.

        Raises:
            RemoteRefused: nothing says which courier it is.
        """
        settings = self.account.settings
        said = self.services.get(service_code) or settings.get("shipper", "")
        if not said:
            said = self.shipper_of(service_code.partition(".")[0])
        shipper, _, product = said.partition(":")
        if not shipper:
            raise _no_courier(service_code)
        return shipper, product or settings["exp_type"]

    def shipper_of(self, carrier: str) -> str:
        """KDNiao's code of one of our carriers; "" when it is left to KDNiao to find out."""
        known = self.account.manifest.carriers
        return known.get(carrier, carrier if carrier in known.values() else "")

    def contract(self) -> dict[str, str]:
        """Fields of the account with the courier, those that are filled in."""
        settings = self.account.settings
        found = {theirs: settings.get(ours, "") for ours, theirs in CONTRACT.items()}
        found["CustomerPwd"] = self.account.secret("customer_password")
        return {name: value for name, value in found.items() if value}

    def wants_phone_tail(self, shipper: str) -> bool:
        return shipper in self.phone_tails


def terms_of(account: Account) -> Terms:
    settings = account.settings
    pairs = (
        part.partition("=") for part in settings.get("services", "").replace(";", ",").split(",")
    )
    tails = settings.get("phone_tail_for", "").split(",")
    return Terms(
        account,
        {code.strip(): said.strip() for code, _, said in pairs if code.strip()},
        frozenset(name.strip() for name in tails if name.strip()),
    )


def _no_courier(service_code: str) -> RemoteRefused:
    return RemoteRefused(
        "kdniao.no_courier",
        zh=f"不知道快递产品 {service_code} 对应快递鸟的哪家快递; 请在账号设置的“产品对应”中写明。",
        en=f"Nothing says which courier of KDNiao the service {service_code} is; name it in the account's services.",
        service=service_code,
    )
