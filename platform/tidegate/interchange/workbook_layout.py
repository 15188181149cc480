"""How a rule set lies in a workbook of ours: one sheet per section, one per table.

The first cell of a sheet says what it is (`rules 规则`): its first word is the key, the rest is
for people. Columns are the keys of the document, `title.zh` for a part of one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tidegate.interchange.cells import (
    actions_of,
    actions_text,
    cell_text,
    cell_value,
    conditions_of,
    conditions_text,
    plain_text,
    plain_value,
)

SET = "tidegate"
TABLE = "table"
SECTIONS = ("parameters", "lists", "fields", "derive")
WORDS = {
    SET: "规则集", "parameters": "参数", "lists": "名单", "fields": "自定义字段",
    "derive": "派生事实", "stages": "阶段", "rules": "规则", TABLE: "表", "tests": "用例",
    "id": "编号", "gate": "关口", "title.zh": "中文名", "title.en": "英文名", "policy": "策略",
    "severity": "严重程度，从重到轻", "otherwise": "没有规则时", "on_missing": "信息缺失时",
    "note": "备注", "order": "先后", "type": "类型", "value": "值", "min": "最小", "max": "最大",
    "unit": "单位", "values": "取值", "stage": "阶段", "why": "理由",
    "why.zh": "中文理由", "why.en": "英文理由", "active.from": "生效自",
    "active.to": "生效至", "if": "条件，全部成立", "then": "动作", "pattern": "事件序列",
    "name": "名称", "at": "时刻", "given": "事实", "expect": "期望", "when": "条件",
    "personal": "个人信息", "editable": "可修改", "window": "按时间窗", "sample": "示例",
    "help": "说明",
}  # fmt: skip
COLUMNS = {
    "parameters": ("id", "title.zh", "title.en", "type", "value", "min", "max", "unit", "values"),
    "lists": ("id", "title.zh", "title.en", "type", "values"),
    "fields": ("id", "title.zh", "title.en", "type", "unit", "values"),
    "derive": ("id", "title.zh", "title.en", "value"),
    "stages": ("id", "title.zh", "title.en", "policy", "severity", "otherwise", "on_missing"),
    "rules": (
        "stage", "id", "title.zh", "title.en", "why.zh", "why.en", "if", "pattern", "then",
        "active.from", "active.to",
    ),
    "rows": ("id",),
    "tests": ("name", "at", "given", "expect"),
}  # fmt: skip
ROW_END = ("title.zh", "title.en", "why.zh", "why.en", "note", "active.from", "active.to")
# a table's `why` in one column is read, but no longer written
TABLE_HEAD = ("stage", "title.zh", "title.en", "why", "why.zh", "why.en", "policy", "note")
_TEXTS = ("title", "why")


@dataclass(frozen=True)
class Codec:
    """A value of the document as the text of a cell, and back (NotOurs when it can't be read)."""

    text: Callable[[Any], str]
    value: Callable[[str], Any]


def _expression(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(value: Any) -> str:
    return ", ".join(map(str, value))


def _list_of(text: str) -> list[str]:
    return [part.strip() for part in text.replace("，", ",").split(",") if part.strip()]


PLAIN = Codec(plain_text, plain_value)
EXPRESSION = Codec(_expression, str.strip)
CELL = Codec(cell_text, cell_value)
_CODECS = {
    **dict.fromkeys(
        ("id", "gate", "title.zh", "title.en", "policy", "on_missing", "note", "why", "why.zh", "why.en", "stage",
         "type", "unit", "name", "active.from", "active.to", "at"),
        PLAIN,
    ),
    "severity": Codec(_listed, _list_of),
    "order": Codec(_listed, _list_of),
    "if": Codec(conditions_text, conditions_of),
    "otherwise": Codec(actions_text, actions_of),
}  # fmt: skip


def codec(section: str, column: str) -> Codec:
    """How a column of a section is written."""
    if section == "rules" and column == "then":
        return Codec(actions_text, actions_of)
    if section == "derive" and column == "value":
        return EXPRESSION
    return _CODECS.get(column, CELL)


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """`title` and `why` in two languages and `active: {from, to}` as columns; one text for both is the Chinese."""
    found: dict[str, Any] = {}
    for key, value in record.items():
        if key in (*_TEXTS, "active") and isinstance(value, Mapping):
            found |= {f"{key}.{part}": one for part, one in value.items()}
        elif key in _TEXTS:
            found[f"{key}.zh"] = value
        else:
            found[key] = value
    return found


def nested(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns as the record they came from."""
    found: dict[str, Any] = {}
    for key, value in columns.items():
        outer, _, part = key.partition(".")
        if outer in _TEXTS and not isinstance(
            value, Mapping
        ):  # `why` alone: a workbook made before
            found.setdefault(outer, {})[part or "zh"] = value
        elif part and outer == "active":
            found.setdefault(outer, {})[part] = value
        else:
            found[key] = value
    return found
