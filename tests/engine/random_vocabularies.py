"""Random data dictionaries: every type of fact, windows, lists of lines, calendars, actions of
every shape, titles in Chinese and English.
"""

from __future__ import annotations

from datetime import date, time
from random import Random

from tidegate.engine.vocabulary import (
    Action,
    Argument,
    Calendar,
    Fact,
    Gate,
    Group,
    Texts,
    Vocabulary,
)

KINDS = ("text", "choice", "texts", "boolean", "number", "money", "duration", "instant", "date")
UNITS = ("", "", "g", "units", "件")
CHOICES = (
    ("low", "mid", "high"),
    ("paid", "unpaid", "part_paid"),
    ("红", "黄", "绿"),
    ("SF.standard", "ZTO-1", "A b"),
)
# written by rules while a set runs, in this order: what writes one may read those before it
WRITTEN = ("order.tags", "order.issues")
_ZH = [
    "金额",
    "重量",
    "状态",
    "时间",
    "数量",
    "编号",
    "备注",
    "地址",
    "等级",
    "渠道",
    "件数",
    "时效",
    "折扣",
    "颜色",
    "仓库",
    "电话",
    "次数",
    "尺寸",
]
_EN = [
    "Amount",
    "Weight",
    "State",
    "Paid at",
    "Units",
    "Number",
    "SKU",
    "Note",
    "Level",
    "Channel",
    "Zone",
    "Left to ship",
]


def a_title(rng: Random, taken: set[str]) -> Texts:
    """A title whose Chinese text is new among `taken`; now and then no name at all (brackets)."""
    text = rng.choice(_ZH)
    while text in taken:
        text = (
            rng.choice(_ZH) + rng.choice("甲乙丙丁戊己庚辛_二三四五") + rng.choice(("", "a", "9"))
        )
    taken.add(text)
    zh = f"{text}（备）" if rng.random() < 0.05 else text
    return {"zh": zh, "en": f"{rng.choice(_EN)}{rng.choice(('', ' 2', ' (net)'))}"}


def a_fact(rng: Random, name: str, kind: str, taken: set[str], window: bool = False) -> Fact:
    return Fact(
        id=name,
        type=kind,
        title=a_title(rng, taken),
        unit=rng.choice(UNITS) if kind == "number" else "",
        values=rng.choice(CHOICES) if kind == "choice" else (),
        window=window,
        editable=rng.random() < 0.5,
    )


def _group(rng: Random, name: str, size: int) -> list[Fact]:
    """`size` facts of random kinds, the first of each kind before the second."""
    taken: set[str] = set()
    kinds = rng.sample(KINDS, len(KINDS)) * 3
    return [
        a_fact(rng, f"{name}.{kind}_{number}", kind, taken)
        for number, kind in enumerate(kinds[:size], 1)
    ]


def a_vocabulary(rng: Random) -> Vocabulary:
    """One gate, `gate`, that has everything: `order`, one or two lists, windows, calendars."""
    titles: set[str] = set()
    groups = {"order": Group("order", a_title(rng, titles))}
    facts = [Fact("order.currency", "text", {"zh": "币种", "en": "Currency"})]
    facts += [
        Fact(name, "texts", {"zh": zh, "en": zh}, editable=True)
        for name, zh in zip(WRITTEN, ("标签", "问题"), strict=True)
    ]
    facts += _group(rng, "order", rng.randint(9, 14))
    for name in rng.sample(["payment", "收件", "parcel_2"], rng.randint(0, 2)):
        groups[name] = Group(name, a_title(rng, titles))
        facts += _group(rng, name, rng.randint(2, 8))
    for plural, one in rng.sample([("items", "item"), ("scans", "scan")], rng.randint(1, 2)):
        groups[plural] = Group(plural, a_title(rng, titles), each=one)
        groups[one] = Group(one, a_title(rng, titles))
        facts += _group(rng, one, rng.randint(4, 10))
    groups["history"] = Group("history", a_title(rng, titles))
    taken: set[str] = set()
    facts += [
        a_fact(rng, f"history.{kind}_{n}", kind, taken, window=True)
        for n, kind in enumerate(("number", rng.choice(("number", "money"))))
    ]
    actions = _actions(rng)
    names = tuple(groups)
    gate = Gate("gate", "order", {"zh": "关口", "en": "Gate"}, {}, names, tuple(actions))
    return Vocabulary(
        groups=groups,
        facts={fact.id: fact for fact in facts},
        calendars={name: _calendar(rng, name) for name in ("shift", "办公时间")},
        gates={"gate": gate},
        actions=actions,
        reasons={"missing_facts": {"zh": "缺少信息", "en": "Facts are missing"}},
    )


def _calendar(rng: Random, name: str) -> Calendar:
    """Some days of the week with one window or two, now and then past midnight; days off."""
    windows: list[tuple[tuple[time, time], ...]] = []
    for _ in range(7):
        opens, closes = sorted(rng.sample(range(24), 2))
        day = ((time(opens, rng.choice((0, 30))), time(closes, rng.choice((0, 59)))),)
        if rng.random() < 0.2 and 3 <= opens < closes < 22:
            day = (*day, (time(22, 30), time(1)))
        windows.append(() if rng.random() < 0.3 else day)
    if not any(windows):
        windows[0] = ((time(9), time(18)),)
    closed = frozenset({date(2026, 11, 11)} if rng.random() < 0.2 else ())
    return Calendar(name, {"zh": name, "en": name}, tuple(windows), closed=closed)


def _arg(name: str, kind: str, **more: object) -> Argument:
    return Argument(name, kind, {"zh": f"参数{name}", "en": name.title()}, **more)  # type: ignore[arg-type]


def _actions(rng: Random) -> dict[str, Action]:
    """Verdicts that compete, writes that live side by side, an exclusion and what it excludes."""
    queue = _arg("queue", "choice", values=("a", "b"), default="a")
    shapes = [
        ("approve", "verdict", "", False, []),
        ("reject", "verdict", "reason", False, [_arg("reason", "text", required=True)]),
        ("hold", "verdict", "reason", False, [_arg("reason", "text", required=True), queue]),
        ("tag", WRITTEN[0], "tag", True, [_arg("tag", "text", required=True)]),
        ("flag", WRITTEN[1], "field", True, [_arg("field", "text", required=True)]),
        ("exclude", "routing.excluded", "service", True, [_arg("service", "text", required=True)]),
        ("use", "routing.service", "service", False, [_arg("service", "text", required=True)]),
        ("insure", "routing.insurance", "amount", False, [_arg("amount", "money", required=True)]),
        ("wait", "interval", "span", False, [_arg("span", "duration", required=True)]),
        ("cover", "cover", "days", False, [_arg("days", "number", default=14)]),
        (
            "put",
            "field",
            "",
            True,
            [_arg("field", "text", required=True), _arg("value", "any", required=True)],
        ),
        ("switch", "switch", "on", False, [_arg("on", "boolean"), _arg("since", "instant")]),
    ]
    if rng.random() < 0.15:
        shapes = [shape for shape in shapes if shape[0] != "hold"]
    return {
        name: Action(name, {"zh": f"动作{name}", "en": f"Do {name}"}, writes, main, many, {a.id: a for a in args})
        for name, writes, main, many, args in shapes
    }  # fmt: skip
