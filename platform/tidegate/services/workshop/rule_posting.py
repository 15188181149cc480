"""What a browser posts, as rows: every field of the form is sent with every change, named after the
place of its row (`c-0-1.o` is the operator of the second row in the first group).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tidegate.engine.limits import MAX_RULES
from tidegate.services.workshop.operators import default_offer, offer
from tidegate.services.workshop.rule_rows import (
    GROUPS,
    QUANTS,
    ActionRow,
    Group,
    Lines,
    Part,
    Row,
    RuleRows,
    Text,
    Value,
)
from tidegate.services.workshop.set_names import SetNames

Posted = Mapping[str, Sequence[str]]
_PLACE = re.compile(r"(c(?:-\d{1,4})*)-(\d{1,4})\.t\Z")
_ACTION = re.compile(r"a-(\d{1,3})\.action\Z")
_SPLIT = re.compile(r"[,，、;；\n]+")
MAX_LEVELS = 9


class _Fields:
    """The posted fields, and which rows stand below which place."""

    def __init__(self, posted: Posted) -> None:
        self.posted = posted
        self.below: dict[str, list[int]] = {}
        for key in posted:
            place = _PLACE.match(key)
            if place:
                self.below.setdefault(place.group(1), []).append(int(place.group(2)))

    def one(self, name: str, otherwise: str = "") -> str:
        found = self.posted.get(name)
        return found[-1].replace("\r\n", "\n") if found else otherwise

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(self.posted.get(name, ()))

    def places(self, path: str) -> list[str]:
        return [f"{path}-{index}" for index in sorted(self.below.get(path, ()))[:MAX_RULES]]


def rows_of_post(posted: Posted, names: SetNames) -> RuleRows:
    """The rule as it was typed; unknown fields are ignored, missing ones are empty."""
    fields = _Fields(posted)
    return RuleRows(
        id=fields.one("id").strip(),
        zh=fields.one("zh").strip(),
        en=fields.one("en").strip(),
        why=fields.one("why").strip(),
        why_en=fields.one("why_en").strip(),
        note=fields.one("note"),
        enabled=fields.one("enabled") == "on",
        active_from=fields.one("from").strip(),
        active_to=fields.one("to").strip(),
        condition=_group(fields, "c", names, 0),
        actions=_actions(fields),
    )


def _group(fields: _Fields, path: str, names: SetNames, level: int) -> Group:
    kind = fields.one(f"{path}.t", "all")
    parts = [_part(fields, place, names, level + 1) for place in fields.places(path)]
    return Group(kind if kind in GROUPS else "all", tuple(parts))


def _part(fields: _Fields, path: str, names: SetNames, level: int) -> Part:
    kind = fields.one(f"{path}.t")
    if kind in GROUPS and level <= MAX_LEVELS:
        return _group(fields, path, names, level)
    if kind in ("text", "pattern"):
        return Text(fields.one(f"{path}.x"), kind == "pattern")
    if kind == "lines":
        return _lines(fields, path, names)
    return settled(_row(fields, path), fields, path, names)


def _lines(fields: _Fields, path: str, names: SetNames) -> Lines:
    parts: list[Row | Text] = []
    for place in fields.places(path):
        part = _part(fields, place, names, MAX_LEVELS + 1)
        if isinstance(part, (Row, Text)):
            parts.append(replace(part, quant="") if isinstance(part, Row) else part)
    quant = fields.one(f"{path}.q")
    join = fields.one(f"{path}.j")
    return Lines(
        fields.one(f"{path}.over"),
        quant if quant in QUANTS else "some",
        join if join in ("and", "or") else "and",
        tuple(parts),
        fields.one(f"{path}.n", "1"),
    )


def _row(fields: _Fields, path: str) -> Row:
    quant = fields.one(f"{path}.q")
    missing = fields.one(f"{path}.if")
    return Row(
        subject=fields.one(f"{path}.f"),
        op=fields.one(f"{path}.o"),
        value=_value(fields, f"{path}.v"),
        high=_value(fields, f"{path}.h"),
        chosen=_chosen(fields, path),
        window=_value(fields, f"{path}.w", "h"),
        calendar=fields.one(f"{path}.cal"),
        missing=missing if missing in ("no", "as") else "",
        default=fields.one(f"{path}.d"),
        quant=quant if quant in QUANTS else "",
        count=fields.one(f"{path}.n", "1"),
        word=fields.one(f"{path}.word"),
        query=fields.one(f"{path}.s"),
        picking=fields.one(f"{path}.p") == "1",
        browse=_browse(fields.one(f"{path}.r1"), fields.one(f"{path}.r2")),
    )


def _browse(province: str, city: str) -> str:
    """The code of the region looked into; a city counts while its province is the chosen one."""
    return city if city[:2] == province[:2] and city else province


def _value(fields: _Fields, name: str, unit: str = "") -> Value:
    source = fields.one(f"{name}s", "fixed")
    before = fields.one(f"{name}b", source)
    known = source if source in ("fixed", "named", "field", "formula") else "fixed"
    text = fields.one(name) if before == source or source == "formula" else ""
    return Value(text, known, fields.one(f"{name}u", unit), fields.one(f"{name}x") == "on")


def _chosen(fields: _Fields, path: str) -> tuple[str, ...]:
    """Ticked values, and those typed into the box beside them."""
    added = [text.strip() for text in _SPLIT.split(fields.one(f"{path}.mn"))]
    found = dict.fromkeys((*fields.all(f"{path}.m"), *filter(None, added)))
    return tuple(found)


def settled(row: Row, fields: _Fields, path: str, names: SetNames) -> Row:
    """After another field or operator was chosen: what no longer fits is taken away."""
    return fitted(
        row, fields.one(f"{path}.fb", row.subject), fields.one(f"{path}.ob", row.op), names
    )


def fitted(row: Row, before: str, op_before: str, names: SetNames) -> Row:
    """The row with an operator and values that fit its field; `before` is what it was about."""
    name, old = names.get(row.subject), names.get(before)
    if name is None:
        return row
    if row.subject != before:
        same_kind = old is not None and old.type == name.type
        row = replace(row, missing="", default="", calendar="")
        if not same_kind:
            row = replace(row, op="", value=Value(), high=Value(), chosen=(), word="")
        row = replace(row, quant=(row.quant or "some") if name.over else "")
    if offer(name.type, row.op) is None:
        row = replace(row, op=default_offer(name.type), value=Value(), high=Value(), chosen=())
    return _after_operator(row, op_before, name.type, names)


def _after_operator(row: Row, before: str, kind: object, names: SetNames) -> Row:
    name = names.get(row.subject)
    new, old = (offer(name.type, op) if name else None for op in (row.op, before))
    if new is None or old is None or new.id == old.id:
        return row
    if new.type.kind != old.type.kind or new.type.values != old.type.values:
        return replace(row, value=Value(), high=Value(), chosen=())
    many = ("tests", "words")
    if new.takes in many and old.takes == "value" and row.value.source == "fixed":
        chosen = row.chosen or ((_said(row.value),) if row.value.text else ())
        return replace(row, chosen=chosen, value=Value())
    if new.takes == "value" and old.takes in many:
        first = row.chosen[0] if row.chosen else ""
        return replace(row, value=_unsaid(first, new.type.kind), chosen=())
    return row


def _said(value: Value) -> str:
    gap = " " if len(value.unit) == 3 else ""
    return f"{value.text}{gap}{value.unit}"


def _unsaid(text: str, kind: str) -> Value:
    if kind == "money":
        amount, _, unit = text.partition(" ")
        return Value(amount, unit=unit)
    if kind == "duration" and text:
        return Value(text[:-1], unit=text[-1])
    return Value(text)


def _actions(fields: _Fields) -> tuple[ActionRow, ...]:
    places = sorted(int(m.group(1)) for m in map(_ACTION.match, fields.posted) if m)
    found = []
    for index in places:
        action = fields.one(f"a-{index}.action")
        front = f"a-{index}.arg."
        args = {
            key.removeprefix(front): fields.one(key)
            for key in fields.posted
            if key.startswith(front)
        }
        found.append(ActionRow(action, args))
    return tuple(found)
