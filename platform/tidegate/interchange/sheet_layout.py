"""Where in a sheet somebody made the decision table lies: the lines above it, the header, and
which column is a condition, a result, a row number or a remark.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tidegate.engine.values import fold
from tidegate.interchange.grids import Grid
from tidegate.interchange.remarks import NotOurs

INPUT, OUTPUT, NUMBER, NOTE = "input", "output", "number", "note"
_KINDS = {
    INPUT: ("条件", "输入", "判断", "如果", "input", "when", "if", "condition", "c"),
    OUTPUT: ("结果", "输出", "动作", "结论", "那么", "output", "then", "action", "result", "a"),
    NUMBER: ("编号", "序号", "行号", "规则", "id", "no", "no.", "#", "rule", "number"),
    NOTE: ("备注", "说明", "注释", "理由", "note", "notes", "annotation", "annotations", "comment",
           "remark", "why", "description"),
}  # fmt: skip
_POLICIES = {
    "UNIQUE": ("u", "unique", "唯一"),
    "ANY": ("a", "any", "任意", "一致"),
    "FIRST": ("f", "first", "首个", "第一个", "首个匹配", "首次匹配", "先到先得"),
    "PRIORITY": ("p", "priority", "优先", "优先级"),
    "RULE ORDER": ("r", "rule order"),
    "OUTPUT ORDER": ("o", "output order"),
    "COLLECT": ("c", "collect", "收集", "全部", "所有"),
    "COLLECT:SUM": ("c+", "sum", "求和", "合计"),
    "COLLECT:MIN": ("c<", "min", "最小"),
    "COLLECT:MAX": ("c>", "max", "最大"),
    "COLLECT:COUNT": ("c#", "count", "计数"),
}
_HEAD = {
    "policy": ("策略", "命中策略", "policy", "hit policy", "hitpolicy"),
    "title": ("表", "表名", "名称", "标题", "table", "title", "name"),
    "why": ("理由", "说明", "why", "description"),
    "values": ("取值", "优先顺序", "values", "output values"),
}


@dataclass
class Layout:
    """`kinds` says what each column is (empty: nothing); `header` is the row of its names, the
    rules stand below it. `values` lists the output values in their order.
    """

    header: int
    names: list[str]
    kinds: list[str]
    policy: str = ""
    title: str = ""
    why: str = ""
    values: list[str] = field(default_factory=list)

    def columns(self, kind: str) -> list[int]:
        return [index for index, own in enumerate(self.kinds) if own == kind]


def policy_of(text: str) -> str:
    """A hit policy as DMN calls it (`COLLECT:SUM`), from a letter or a word; empty for others."""
    words = fold(text).strip()
    return next((policy for policy, known in _POLICIES.items() if words in known), "")


def layout_of(grid: Grid, is_output: Sequence[bool] | None = None) -> Layout | None:
    """The table of a sheet; None when there is none. `is_output` tells, per column, whether its
    name is an action.

    Raises:
        NotOurs: there is a table, but nothing says which columns are results.
    """
    head: dict[str, str] = {}
    kinds: list[str] = []
    for row in range(len(grid.rows)):
        texts = [grid.text(row, column).strip() for column in range(len(grid.rows[row]))]
        said = [text for text in texts if text]
        if not said:
            continue
        key = _head_key(texts)
        if key and len(set(said)) <= 2 and not kinds:
            head[key] = next((text for text in texts[1:] if text and text != texts[0]), "")
            continue
        if not kinds and (len(set(said)) == 1 and len(texts) > 1) and row + 1 < len(grid.rows):
            head.setdefault("title", said[0])
            continue
        marks = [_kind(text) for text in texts]
        if (
            not kinds
            and {INPUT, OUTPUT} <= set(marks)
            and all(m or not t for m, t in zip(marks, texts, strict=True))
        ):
            kinds = marks
            continue
        numbered = all(
            re.fullmatch(r"[\w.-]{0,12}", grid.text(below, 0).strip())
            for below in range(row + 1, len(grid.rows))
        )
        return _made(row, texts, kinds, head, numbered)
    return None


def _head_key(texts: Sequence[str]) -> str:
    first = fold(re.sub(r"[:：]\s*\Z", "", texts[0])) if texts else ""
    return next((key for key, known in _HEAD.items() if first in known), "")


def _kind(text: str) -> str:
    word = fold(re.sub(r"\s*[\d一二三四五六七八九十]+\Z", "", text))
    return next((kind for kind, known in _KINDS.items() if word in known), "")


def _made(
    row: int, names: list[str], kinds: list[str], head: dict[str, str], numbered: bool
) -> Layout:
    """`numbered`: what stands below the corner could be row numbers, so that the corner may hold
    the policy.
    """
    own = [*kinds, *[""] * (len(names) - len(kinds))] if kinds else [""] * len(names)
    policy = policy_of(head.get("policy", ""))
    corner = names[0] if names and numbered and not own[0] and names[0] == names[0].upper() else ""
    first = policy_of(corner)
    if first or (names and not names[0] and not own[0]):
        own[0] = NUMBER
        policy = policy or first
    for index, name in enumerate(names):
        side = re.match(r"(.+?)[:：]\s*(.+)\Z", name)
        if not own[index] and side and _kind(side[1]):
            own[index], names[index] = _kind(side[1]), side[2]
        elif not own[index] and _kind(name) in (NUMBER, NOTE):
            own[index] = _kind(name)
    values = [
        part.strip() for part in re.split(r"[,，、;；]", head.get("values", "")) if part.strip()
    ]
    if head.get("policy") and not policy:
        listed = "、".join(known[-1] for known in _POLICIES.values())
        raise NotOurs(
            "interchange.policy",
            f"不认识策略“{head['policy']}”；可写 U、A、F、P、R、O、C，或：{listed}",
            f"the policy “{head['policy']}” isn't known; write U, A, F, P, R, O or C",
        )
    return Layout(row, names, own, policy, head.get("title", ""), head.get("why", ""), values)
