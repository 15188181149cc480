"""The functions rules may call: their signature for the type check and their meaning.

An unknown argument makes the result unknown (`coalesce` excepted). Functions that need the clock
are in `evaluation.py`; here stands only their signature.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.engine.language.library.lists import LISTS
from tidegate.engine.language.library.moments import MOMENTS, PROPERTIES
from tidegate.engine.language.library.numbers import NUMBERS
from tidegate.engine.language.library.signatures import Function
from tidegate.engine.language.library.texts import TEXTS
from tidegate.engine.language.types import Type, common

__all__ = ["ALIASES", "FUNCTIONS", "PROPERTIES", "SPACED", "Function"]


def _coalesce_type(given: Sequence[Type]) -> Type | None:
    return common(given[0], given[1]) if len(given) == 2 else None


FUNCTIONS: dict[str, Function] = {
    **TEXTS,
    **LISTS,
    **NUMBERS,
    **MOMENTS,
    "coalesce": Function('coalesce(order.buyer_memo, "")', _coalesce_type, zh="缺失时用"),
}
ALIASES = {
    "lower": "lower_case",
    "upper": "upper_case",
    "length": "string_length",
    "distinct_values": "distinct",
    "average": "mean",
    **{function.zh: name for name, function in FUNCTIONS.items() if function.zh},
}
# read at parse time, or mean another node
BUILT_IN = ("duration", "range")
SPACED = sorted(
    (name.replace("_", " ") for name in (*FUNCTIONS, *ALIASES) if "_" in name),
    key=lambda name: (-len(name), name),
)
