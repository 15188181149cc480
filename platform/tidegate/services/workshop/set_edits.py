"""Changes to a set as a plain document: each takes the document of the whole set and changes it. Rules, rows and
tests in it are shared with other editions of the set (`engine.frozen`): a new one is put in the place of the old.

Raises NotFound where the thing to change is not there, and InputError where it stands already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tidegate.errors import InputError, NotFound

Document = dict[str, Any]
HEAD = ("title", "note", "policy", "severity", "on_missing", "otherwise", "four_eyes")
ORDER = (
    "tidegate", "id", "gate", "title", "note", "four_eyes", "policy", "severity", "otherwise",
    "on_missing", "parameters", "lists", "fields", "derive", "stages", "rules", "tables", "tests",
)  # fmt: skip


def blocks(document: Document) -> list[Document]:
    """The places where rules stand: the set itself, or its stages."""
    found: list[Document] = document.get("stages") or [document]
    return found


def put_rule(document: Document, rule_id: str, rule: Mapping[str, Any]) -> None:
    """Replace a rule where it stands."""
    block, place = _find(document, rule_id)
    block["rules"][place] = dict(rule)


def add_rule(document: Document, rule: Mapping[str, Any], stage: str = "", after: str = "") -> None:
    """A new rule: after another one, or at the end of its stage (the last one if none is named)."""
    _refuse_taken(document, str(rule.get("id") or ""))
    if after:
        block, place = _find(document, after)
        block["rules"].insert(place + 1, dict(rule))
        return
    block = _stage(document, stage)
    block.setdefault("rules", []).append(dict(rule))


def remove_rule(document: Document, rule_id: str) -> None:
    block, place = _find(document, rule_id)
    del block["rules"][place]
    if not block["rules"] and block.get("tables"):
        del block["rules"]


def copy_rule(document: Document, rule_id: str, new_id: str) -> None:
    """A copy right below, switched off until somebody has changed it."""
    block, place = _find(document, rule_id)
    _refuse_taken(document, new_id)
    source = block["rules"][place]
    copied = {"id": new_id, **{key: value for key, value in source.items() if key != "id"}}
    block["rules"].insert(place + 1, _ordered_rule(copied | {"enabled": False}))


def move_rule(document: Document, rule_id: str, place: int) -> None:
    """To a place from 1 among the rules of its stage; beyond the ends is at the end."""
    block, now = _find(document, rule_id)
    rule = block["rules"].pop(now)
    block["rules"].insert(max(0, min(place - 1, len(block["rules"]))), rule)


def switch_rule(document: Document, rule_id: str, on: bool) -> None:
    """A rule, or a row of a table (`table.row`)."""
    entries, place = _entry(document, rule_id)
    switched = {key: value for key, value in entries[place].items() if key != "enabled"}
    entries[place] = switched if on else _ordered_rule(switched | {"enabled": False})


def put_head(document: Document, changes: Mapping[str, Any]) -> None:
    """Keys of the head; None removes one."""
    unknown = sorted(set(changes) - set(HEAD))
    if unknown:
        raise InputError(
            "rules.no_such_setting",
            zh=f"规则集没有设置项 {unknown[0]}；可用：{', '.join(HEAD)}。",
            en=f"A rule set has no setting {unknown[0]}; known: {', '.join(HEAD)}.",
            field=unknown[0],
        )
    for key, value in changes.items():
        document.pop(key, None)
        if value is not None:
            document[key] = value
    _reorder(document)


def put_entry(document: Document, section: str, name: str, entry: Any) -> None:
    """An entry of `parameters`, `lists`, `fields` or `derive`; None removes it."""
    found = dict(document.get(section) or {})
    if entry is None:
        if name not in found:
            raise _missing(name)
        del found[name]
    else:
        found[name] = entry
    document.pop(section, None)
    if found:
        document[section] = found
    _reorder(document)


def put_table(
    document: Document, table_id: str, table: Mapping[str, Any] | None, stage: str = ""
) -> None:
    """A whole table; a new one at the end of its stage; None removes it."""
    for block in blocks(document):
        tables = block.get("tables") or []
        place = next((n for n, one in enumerate(tables) if one.get("id") == table_id), None)
        if place is None:
            continue
        if table is None:
            del tables[place]
            if not tables:
                del block["tables"]
                block.setdefault("rules", [])
        else:
            tables[place] = dict(table)
        return
    if table is None:
        raise _missing(table_id)
    _refuse_taken(document, table_id)
    block = _stage(document, stage)
    if block.get("rules") == []:
        del block["rules"]
    block.setdefault("tables", []).append(dict(table))


def put_cases(document: Document, cases: Sequence[Mapping[str, Any]]) -> None:
    document.pop("tests", None)
    if cases:
        document["tests"] = [dict(case) for case in cases]


def _stage(document: Document, stage: str) -> Document:
    found = blocks(document)
    if not stage:
        return found[-1]
    for block in found:
        if block.get("id") == stage:
            return block
    raise NotFound(
        "rules.no_stage",
        zh=f"没有阶段 {stage}。",
        en=f"There is no stage {stage}.",
        stage=stage,
    )


def _find(document: Document, rule_id: str) -> tuple[Document, int]:
    for block in blocks(document):
        for place, rule in enumerate(block.get("rules") or []):
            if rule.get("id") == rule_id:
                return block, place
    raise _missing(rule_id)


def _entry(document: Document, rule_id: str) -> tuple[list[Document], int]:
    """The list in which a rule or row stands, and its place in it."""
    for block in blocks(document):
        rules = block.get("rules") or []
        for place, rule in enumerate(rules):
            if rule.get("id") == rule_id:
                return rules, place
        for table in block.get("tables") or []:
            for place, row in enumerate(table.get("rows") or []):
                if f"{table['id']}.{row.get('id')}" == rule_id:
                    return table["rows"], place
    raise _missing(rule_id)


def _taken(document: Document) -> Iterator[str]:
    for block in blocks(document):
        yield from (str(rule.get("id")) for rule in block.get("rules") or [])
        yield from (str(table.get("id")) for table in block.get("tables") or [])


def _refuse_taken(document: Document, name: str) -> None:
    if name in set(_taken(document)):
        raise InputError(
            "rules.id_taken",
            zh=f"编号 {name} 已被使用；请换一个。",
            en=f"The id {name} is taken; choose another.",
            field="id",
            id=name,
        )


def _missing(name: str) -> NotFound:
    return NotFound(
        "rules.no_rule",
        zh=f"没有 {name}；可能已改名或删除。",
        en=f"There is no {name}; it may have been renamed or removed.",
        id=name,
    )


_RULE_ORDER = ("id", "title", "why", "note", "enabled", "active", "if", "pattern", "when", "then")


def _ordered_rule(rule: Document) -> Document:
    known = {key: rule[key] for key in _RULE_ORDER if key in rule}
    return known | {key: value for key, value in rule.items() if key not in known}


def _reorder(document: Document) -> None:
    found = {key: document[key] for key in ORDER if key in document}
    rest = {key: value for key, value in document.items() if key not in found}
    document.clear()
    document.update(found | rest)
