"""Rate cards: prices in minor units, and weight bands that do not overlap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tidegate.domain.money import Money
from tidegate.errors import InputError
from tidegate.services.reference_cells import problem_of
from tidegate.store.tables import RateCard, TenantScoped


def price_band(values: dict[str, Any], currency: str) -> None:
    """Turn prices into minor units and check that the weights make sense."""
    values["currency"] = values.get("currency", currency).upper()
    values.setdefault("from_g", 0)
    for name in ("first_price", "step_price"):
        amount: Decimal = values.pop(name)
        try:
            values[f"{name}_minor"] = Money.of(amount, values["currency"]).minor
        except InputError as error:
            raise problem_of("currency", "currency", error.text("zh"), error.text("en")) from error
    for name in ("first_g", "step_g"):
        if values[name] == 0:
            raise problem_of(name, "zero", "不能为 0 克。", "cannot be 0 g.")
    if values.get("to_g") is not None and values["to_g"] <= values["from_g"]:
        raise problem_of(
            "to_g", "band_empty", "止重不大于起重; 请更正。", "ends before it begins; correct it."
        )


def overlapping(
    cards: Iterable[TenantScoped], values: Mapping[str, Any], itself: RateCard | None
) -> list[RateCard]:
    """Cards of the same service, zone and currency that would price some weight a second time."""
    low, high = values["from_g"], values.get("to_g", itself.to_g if itself else None)
    place = (values["service_code"], values["zone"], values["currency"])
    return [
        card
        for card in cards
        if isinstance(card, RateCard)
        and card is not itself
        and (card.service_code, card.zone, card.currency) == place
        and (high is None or card.from_g < high)
        and (card.to_g is None or low < card.to_g)
    ]
