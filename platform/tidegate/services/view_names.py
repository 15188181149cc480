"""Names for people, in both languages: states, stages, fields, actions and reasons, from the files in rules/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tidegate.services.shipped import shipped_document

Words = Mapping[str, str]  # {"zh": …, "en": …}


@dataclass(frozen=True, slots=True)
class StageName:
    """A stage of the chain and the order states it gathers."""

    id: str
    title: Words
    states: tuple[str, ...]


def same(text: str) -> Words:
    """A name that reads alike in both languages."""
    return {"zh": text, "en": text}


@cache
def stages() -> tuple[StageName, ...]:
    """The chain in its order, from states.yaml."""
    return tuple(
        StageName(row["id"], row["title"], tuple(row["order"]))
        for row in shipped_document("states.yaml")["stages"]
    )


def stage_of(order_state: str) -> str:
    """Id of the stage an order in this state is in; empty for rejected, cancelled, returned and lost."""
    return next((stage.id for stage in stages() if order_state in stage.states), "")


def order_states() -> Mapping[str, Words]:
    """Every order state with its title, in the order of the chain."""
    return {code: row["title"] for code, row in shipped_document("states.yaml")["order"].items()}


def final_states() -> frozenset[str]:
    """Order states that are never left."""
    rows = shipped_document("states.yaml")["order"].items()
    return frozenset(code for code, row in rows if row.get("final"))


def open_states() -> tuple[str, ...]:
    """Order states that are left some day, in the order of the chain."""
    return tuple(code for code in order_states() if code not in final_states())


def state_title(state: str, kind: str = "order") -> Words:
    """Title of an order's or a parcel's state; an unknown one as it is."""
    row = shipped_document("states.yaml")[kind].get(state)
    return row["title"] if row else same(state)


def gate_title(gate: str) -> Words:
    row = shipped_document("vocabulary.yaml")["gates"].get(gate)
    return row["title"] if row else same(gate)


def action_title(action: str) -> Words:
    row = shipped_document("vocabulary.yaml")["actions"].get(action)
    return row["title"] if row else same(action)


def field_title(fact: str) -> Words:
    """`order.total` as 订单 金额 / Order: total; an unknown one as it is.

    An element of a list (`items.2.sku`) is named with its place: 商品 2 商家编码. What a pattern found
    (`signed.scan.at`) is named with the name it has there.
    """
    groups = shipped_document("vocabulary.yaml")["groups"]
    event, _, rest = fact.partition(".")
    if event not in groups and "." in rest:
        return {lang: f"{event} {title}" for lang, title in field_title(rest).items()}
    group, *places, name = fact.partition("(")[0].split(".") if "." in fact else (fact, "")
    row = groups.get(group, {})
    if name and row.get("each"):
        row = groups[row["each"]]
    spec = row.get("fields", {}).get(name)
    if not row or (name and spec is None):
        return same(fact)
    place = " ".join(["", *places])
    if not name:
        return {lang: row["title"][lang] for lang in ("zh", "en")}
    zh = f"{row['title']['zh']}{place} {spec['title']['zh']}"
    return {"zh": zh, "en": f"{row['title']['en']}{place}: {spec['title']['en'].lower()}"}


def fact_name(path: str) -> str:
    """The vocabulary's name of a stored value: `items.2.sku` and `event.item.sku` are item.sku."""
    groups = shipped_document("vocabulary.yaml")["groups"]
    parts = [part for part in path.split(".") if not part.isdigit()]
    if parts[0] not in groups and len(parts) > 2:
        parts = parts[1:]
    group = groups.get(parts[0], {}).get("each") or parts[0]
    return f"{group}.{parts[-1]}"


def is_personal(fact: str) -> bool:
    """Whether the vocabulary marks this fact as personal."""
    group, _, name = fact.partition(".")
    row = shipped_document("vocabulary.yaml")["groups"].get(group, {})
    return bool(row.get("fields", {}).get(name, {}).get("personal"))


def reason_title(code: str | None) -> Words:
    """A reason code in words; an unknown code as it is, an absent one as a dash."""
    if not code:
        return same("-")
    row = shipped_document("vocabulary.yaml")["reasons"].get(code)
    return row or same(code)


def walk(document: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested facts as (`order.total`, value); lists count from 1 (`items.2.sku`)."""
    if isinstance(document, Mapping):
        for key, value in document.items():
            yield from walk(value, f"{path}.{key}" if path else str(key))
    elif isinstance(document, list) and any(isinstance(each, Mapping) for each in document):
        for position, value in enumerate(document, start=1):
            yield from walk(value, f"{path}.{position}")
    else:
        yield path, document
