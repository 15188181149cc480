"""Money: an exact amount with its currency. Binary floats never carry money."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from tidegate.errors import InputError

_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "KWD": 3, "BHD": 3, "JOD": 3, "TND": 3}
_CODE = re.compile(r"^[A-Z]{3}$")


def minor_digits(currency: str) -> int:
    """Decimal places of a currency's minor unit (ISO 4217)."""
    return _DIGITS.get(currency, 2)


@dataclass(frozen=True, order=False)
class Money:
    """`minor` units of `currency`: 12.50 CNY is Money(1250, "CNY")."""

    minor: int
    currency: str

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> Money:
        """From a decimal amount in major units, rounded half up to the minor unit.

        Raises:
            InputError: the amount is no number or the currency no ISO 4217 code.
        """
        if not _CODE.match(currency):
            raise InputError(
                "money.currency",
                zh=f"币种 {currency!r} 不是三位字母代码, 例如 CNY。",
                en=f"{currency!r} is not a three-letter currency code such as CNY.",
                currency=currency,
            )
        try:
            scaled = Decimal(amount).scaleb(minor_digits(currency))
            return cls(int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP)), currency)
        except (InvalidOperation, ValueError) as error:
            raise InputError(
                "money.amount",
                zh=f"金额 {amount!r} 不是数字, 请只填数字, 例如 12.50。",
                en=f"{amount!r} is not an amount; write digits only, for example 12.50.",
                amount=amount,
            ) from error

    @property
    def amount(self) -> Decimal:
        """Major units, exact."""
        return Decimal(self.minor).scaleb(-minor_digits(self.currency))

    def __str__(self) -> str:
        return f"{self.amount:.{minor_digits(self.currency)}f} {self.currency}"
