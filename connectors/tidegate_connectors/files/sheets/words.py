"""What columns are called, as data (words.yaml), ready to be looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ruamel.yaml import YAML

from tidegate.sdk.sheets import KEEP
from tidegate_connectors.files.headers import normal


@dataclass(frozen=True, slots=True)
class Words:
    """`exact`: a header as it is compared -> (field, place in its list). `values`: field -> word -> our value."""

    exact: Mapping[str, tuple[str, int]]
    longest_first: Sequence[tuple[str, str]]  # (word, field), for headers that hold a word
    totals: frozenset[str]
    values: Mapping[str, Mapping[str, str]]
    paid_by_status: Mapping[str, str]


def key_of(header: str) -> str:
    """A header as words are looked up: `goods_total` and `Goods Total` are one."""
    return normal(header).replace("_", "").replace("-", "") or normal(header)


@cache
def words() -> Words:
    """The shipped list."""
    text = files(__package__).joinpath("words.yaml").read_text(encoding="utf-8")
    data = YAML(typ="safe", pure=True).load(text)
    exact: dict[str, tuple[str, int]] = {}
    for field, names in {**data["fields"], KEEP: data["keep"]}.items():
        for place, name in enumerate(names):
            exact.setdefault(key_of(str(name)), (field, place))
    # A short Latin word inside another word says nothing ("id" in "paid"); two Chinese characters do.
    long = [
        (word, field)
        for word, (field, _) in exact.items()
        if len(word) >= (6 if word.isascii() else 2)
    ]
    return Words(
        exact,
        sorted(long, key=lambda one: -len(one[0])),
        frozenset(normal(word) for word in data["totals"]),
        {
            field: {str(word): made for word, made in some.items()}
            for field, some in data["values"].items()
        },
        data["paid_by_status"],
    )
