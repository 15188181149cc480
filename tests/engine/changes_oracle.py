"""Small random rule sets over facts that a person can change, and the answer to "what would change
it" by trying everything: for every one and two facts every value of a grid that holds each value
the set could treat differently.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, product
from random import Random
from typing import Any

from tidegate.engine.changes import Answer, read_want
from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import Vocabulary, load_vocabulary
from tidegate.errors import InputError

NOW = datetime.fromisoformat("2026-11-11T12:00:00+08:00")
VOCABULARY = """
tidegate: vocabulary/1
groups:
  order:
    title: {zh: 订单, en: Order}
    fields:
      n: {type: number, title: {zh: 甲数, en: N}, sample: 1, editable: true}
      m: {type: number, title: {zh: 乙数, en: M}, sample: 1, editable: true}
      total: {type: money, title: {zh: 金额, en: Total}, sample: 3.00 CNY, editable: true}
      discount: {type: money, title: {zh: 优惠, en: Discount}, sample: 0.00 CNY, editable: true}
      carrier: {type: text, title: {zh: 快递, en: Carrier}, sample: ZTO, editable: true}
      other: {type: text, title: {zh: 备选, en: Other}, sample: SF, editable: true}
      memo: {type: text, title: {zh: 备注, en: Memo}, sample: z, editable: true}
      kind: {type: choice, values: [plain, gift, sample], title: {zh: 类型, en: Kind}, editable: true}
      flag: {type: boolean, title: {zh: 标记, en: Flag}, editable: true}
      ship_by: {type: instant, title: {zh: 时限, en: Ship by}, editable: true}
      wait: {type: duration, title: {zh: 等待, en: Wait}, editable: true}
      day: {type: date, title: {zh: 日子, en: Day}, editable: true}
      tags: {type: texts, title: {zh: 标签, en: Tags}, editable: true}
      level: {type: number, title: {zh: 等级, en: Level}, sample: 1}
      closed: {type: boolean, title: {zh: 关闭, en: Closed}}
  items: {title: {zh: 商品行, en: Lines}, each: item}
  item:
    title: {zh: 商品, en: Line}
    fields:
      sku: {type: text, title: {zh: 编码, en: SKU}, sample: C, editable: true}
      quantity: {type: number, title: {zh: 数量, en: Quantity}, sample: 1, editable: true}
      stock: {type: number, title: {zh: 库存, en: Stock}, sample: 1}
  history:
    title: {zh: 历史, en: History}
    fields:
      similar: {type: number, window: true, title: {zh: 相似, en: Similar}, sample: 0, editable: true}
calendars:
  hours: {title: {zh: 工时, en: Hours}, from: "08:00", to: "20:00", days: [Mon, Tue, Wed, Thu, Fri]}
gates:
  review:
    subject: order
    title: {zh: 审核, en: Review}
    asked: {zh: 任何时候, en: any time}
    facts: [order, items, item, history]
    actions: [approve, hold, reject, tag, use, exclude]
actions:
  approve: {title: {zh: 通过, en: Approve}, writes: verdict}
  hold:
    title: {zh: 转人工, en: Hold}
    writes: verdict
    main: reason
    args: {reason: {type: text, required: true, title: {zh: 原因, en: Reason}}}
  reject: {title: {zh: 拒绝, en: Reject}, writes: verdict}
  tag:
    title: {zh: 打标签, en: Tag}
    writes: order.tags
    many: true
    main: tag
    args: {tag: {type: text, required: true, title: {zh: 标签, en: Tag}}}
  use:
    title: {zh: 用, en: Use}
    writes: routing.service
    main: service
    args: {service: {type: text, required: true, title: {zh: 产品, en: Service}}}
  exclude:
    title: {zh: 排除, en: Exclude}
    writes: routing.excluded
    many: true
    main: service
    args: {service: {type: text, required: true, title: {zh: 产品, en: Service}}}
"""
HOURS = (0, 2, 4, 24)


def vocabulary() -> Vocabulary:
    return load_vocabulary(VOCABULARY)


def at(hours: float, seconds: int = 0) -> str:
    return (NOW + timedelta(hours=hours, seconds=seconds)).isoformat()


def _moments() -> list[str]:
    near = [at(sign * h, s) for h in HOURS for sign in (-1, 1) for s in (-1, 0, 1)]
    return list(dict.fromkeys([*near, *(at(h) for h in range(-96, 100, 4))]))


NUMBERS = list(range(-7, 13))
AMOUNTS = [f"{n}.{c} CNY" for n in range(-1, 8) for c in ("00", "01", "50", "99")]
DOLLARS = [text.replace("CNY", "USD") for text in AMOUNTS]
WORDS = ["".join(w) for size in range(4) for w in product("abz", repeat=size)]
GRID: dict[str, list[Any]] = {
    "order.n": NUMBERS,
    "order.m": NUMBERS,
    "order.total": AMOUNTS,
    "order.discount": AMOUNTS,
    "order.carrier": ["SF", "sf", "ZTO", "YTO", "A", "其他"],
    "order.other": ["SF", "sf", "ZTO", "YTO", "其他"],
    "order.memo": [*WORDS, "AB", "zzzzzz"],
    "order.kind": ["plain", "gift", "sample"],
    "order.flag": [True, False],
    "order.ship_by": _moments(),
    "order.wait": [f"{s}s" for h in HOURS for s in (h * 3600 - 1, h * 3600, h * 3600 + 1)],
    "order.day": [f"2026-11-{day:02}" for day in range(2, 22)],
    "order.tags": [],
    "items.sku": ["A", "B", "C", "a", "其他"],
    "items.quantity": NUMBERS,
    "history.similar": NUMBERS,
}
COMPARE = ("<", "<=", ">", ">=", "=", "!=")
MEMBERS = ("VIP", "old", "new")


class Sets:
    """Random sets that read few of the facts, so that everything can be tried."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.fields = rng.sample([*GRID], rng.choice((2, 2, 3)))
        self.staged = False
        self.derived: list[str] = []

    def op(self) -> str:
        return self.rng.choice(COMPARE)

    def small(self) -> int:
        return self.rng.randint(0, 4)

    def leaf(self) -> str:
        rng = self.rng
        roll = rng.random()
        if roll < 0.12:
            return rng.choice(
                ("order.closed", "order.closed = false", f"order.level {self.op()} 2")
            )
        if roll < 0.2 and self.derived:
            return rng.choice(self.derived)
        if roll < 0.3 and self.staged:
            return rng.choice(
                ('"SF" in decided.exclude', "decided.use is missing", '"SF" in decided.use')
            )
        if roll < 0.42:
            joint = self.joint()
            if joint:
                return joint
        return self.plain(rng.choice(self.fields))

    def plain(self, name: str) -> str:
        rng = self.rng
        if rng.random() < 0.08 and not name.startswith(("items", "history")):
            return f"{name} is {rng.choice(('missing', 'present'))}"
        return getattr(self, "_" + name.replace(".", "_"))(name)  # type: ignore[no-any-return]

    def _number(self, name: str) -> str:
        c, op = self.small(), self.op()
        return self.rng.choice(
            (
                f"{name} {op} {c}",
                f"{name} {op} {c}",
                f"{name} {op} order.level",
                f"{name} in [{c}..{c + 2})",
                f"{name} between {c} and {c + 1}",
                f"{name} in ({c}, > {c + 2})",
                f"2 * {name} - 1 {op} {c}",
                f"abs({name} - 2) {op} {c}",
                f"max({name}, 2) {op} {c}",
                f"min({name}, order.level) {op} {c}",
                f"coalesce({name}, 3) {op} {c}",
                f"modulo({name}, 3) = {c % 3}",
                f"floor({name} / 2) {op} {c}",
                f"(if order.closed then {name} else 3 - {name}) {op} {c}",
                f"(if {name} > 2 then 1 else {name}) {op} {c}",
                f"{name} / 2 {op} {c}",
            )
        )

    _order_n = _order_m = _number

    def _history_similar(self, name: str) -> str:
        return f"{name}({self.rng.choice(('24h', '7d'))}) {self.op()} {self.small()}"

    def _money(self, name: str) -> str:
        c = self.small()
        return self.rng.choice(
            (
                f"{name} {self.op()} {c} CNY",
                f"{name} in [{c} CNY..{c + 2} CNY)",
                f"{name} > 0",
                f"{name} * 2 {self.op()} {c} CNY",
                f"{name} {self.op()} {c} USD",
            )
        )

    _order_total = _order_discount = _money

    def _text(self, name: str) -> str:
        word = self.rng.choice(("SF", "ZTO"))
        return self.rng.choice(
            (
                f'{name} = "{word}"',
                f'{name} != "{word}"',
                f"{name} in carriers",
                f'{name} in ("SF", "ZTO")',
                f'{name} = exact("{word}")',
                f'upper case({name}) = "SF"',
                f'coalesce({name}, "SF") = "{word}"',
            )
        )

    _order_carrier = _order_other = _text

    def _order_memo(self, name: str) -> str:
        part = self.rng.choice(("a", "b", "ab", "ba"))
        return self.rng.choice(
            (
                f'contains({name}, "{part}")',
                f'not(contains({name}, "{part}"))',
                f'starts with({name}, "{part}")',
                f'ends with({name}, "{part}")',
                f'matches({name}, "{self.rng.choice(("a*", "?b", "*a?", "a*b"))}")',
                f"string length({name}) {self.op()} {self.rng.randint(0, 2)}",
                f'{name} = "{part}"',
                f"some word in words satisfies contains({name}, word)",
            )
        )

    def _order_kind(self, name: str) -> str:
        one = self.rng.choice(("plain", "gift", "sample"))
        return self.rng.choice(
            (f'{name} = "{one}"', f'{name} != "{one}"', f'{name} in ("gift", "{one}")')
        )

    def _order_flag(self, name: str) -> str:
        return self.rng.choice((name, f"not({name})", f"{name} = false", f"coalesce({name}, true)"))

    def _order_ship_by(self, name: str) -> str:
        h, op = self.rng.choice(HOURS), self.rng.choice(COMPARE[:4])
        return self.rng.choice(
            (
                f"since({name}) {op} {h}h",
                f"until({name}) {op} {h}h",
                f"{name} {op} now",
                f'weekday({name}) in ("Wed", "Sun")',
                f"hour({name}) {op} 16",
                f'date({name}) {op} @"2026-11-12"',
                f"{name} in hours",
                f"since({name}, hours) {op} {h}h",
                f'{name} {op} @"2026-11-11T16:00:00+08:00"',
            )
        )

    def _order_wait(self, name: str) -> str:
        return f"{name} {self.op()} {self.rng.choice(HOURS)}h"

    def _order_day(self, name: str) -> str:
        return self.rng.choice(
            (
                f'{name} {self.op()} @"2026-11-{self.rng.randint(9, 13):02}"',
                f'weekday({name}) = "{self.rng.choice(("Mon", "Sat"))}"',
                f"{name} < date(now)",
            )
        )

    def _order_tags(self, name: str) -> str:
        tag = self.rng.choice(MEMBERS)
        return self.rng.choice(
            (
                f'"{tag}" in {name}',
                f'not("{tag}" in {name})',
                f'list contains({name}, "{tag}")',
                f"count({name}) {self.op()} {self.rng.randint(0, 2)}",
                f'some tag in {name} satisfies starts with(tag, "{tag[0]}")',
                f'every tag in {name} satisfies tag in ("old", "new")',
            )
        )

    def _items_sku(self, name: str) -> str:
        sku = self.rng.choice("AB")
        which = self.rng.choice(("some", "every", "no"))
        return self.rng.choice(
            (
                f'{which} item in items satisfies item.sku = "{sku}"',
                f'{which} item in items satisfies item.sku = "{sku}" and item.stock > 1',
                f'count(items[item.sku = "{sku}"]) {self.op()} {self.rng.randint(0, 2)}',
                f'sum(items[item.sku = "{sku}"].stock) {self.op()} {self.small()}',
                f"count(distinct(items.sku)) {self.op()} {self.rng.randint(1, 2)}",
                f'"{sku}" in items.sku',
            )
        )

    def _items_quantity(self, name: str) -> str:
        which = self.rng.choice(("some", "every", "no"))
        c, op = self.small(), self.op()
        return self.rng.choice(
            (
                f"{which} item in items satisfies item.quantity {op} {c}",
                f"{which} item in items satisfies item.quantity {op} item.stock",
                f"sum(items.quantity) {op} {c}",
                f"max(items.quantity) {op} {c}",
                f"min(items.quantity) {op} {c}",
                f"count(items[item.quantity {op} {c}]) {self.op()} 1",
                f"sum(items[item.stock > 1].quantity) {op} {c}",
            )
        )

    def joint(self) -> str:
        have, op, c = set(self.fields), self.op(), self.small()
        known = [
            text
            for names, text in (
                ({"order.n", "order.m"}, f"order.n + order.m {op} {c}"),
                ({"order.n", "order.m"}, f"order.n - order.m {op} {c}"),
                ({"order.n", "order.m"}, f"order.n {op} order.m"),
                ({"order.n", "order.m"}, f"max(order.n, order.m) {op} {c}"),
                ({"order.n", "order.flag"}, f"(if order.flag then order.n else 1) {op} {c}"),
                ({"order.total", "order.discount"}, f"order.total - order.discount {op} {c} CNY"),
                ({"order.total", "order.discount"}, f"order.total {op} order.discount"),
                ({"order.carrier", "order.other"}, "order.carrier = order.other"),
                ({"order.carrier", "order.other"}, "order.carrier != order.other"),
                ({"order.carrier", "order.other"}, 'coalesce(order.carrier, order.other) = "SF"'),
                ({"order.ship_by", "order.wait"}, f"since(order.ship_by) {self.rng.choice(COMPARE[:4])} order.wait"),
                ({"items.sku", "order.carrier"}, "some item in items satisfies item.sku = order.carrier"),
                ({"items.quantity", "order.n"}, f"sum(items.quantity) {op} order.n"),
                ({"items.sku", "items.quantity"}, f'sum(items[item.sku = "A"].quantity) {op} {c}'),
                ({"items.sku", "items.quantity"}, f'some item in items satisfies item.sku = "A" and item.quantity {op} {c}'),
            )
            if names <= have
        ]  # fmt: skip
        return self.rng.choice(known) if known else ""

    # documents

    def condition(self, level: int = 0) -> list[Any]:
        found: list[Any] = []
        for _ in range(self.rng.choice((1, 1, 2, 2, 3))):
            roll = self.rng.random()
            if roll < 0.15 and level < 2:
                found.append({self.rng.choice(("all", "any", "none")): self.condition(level + 1)})
            elif roll < 0.3:
                found.append(f"{self.leaf()} {self.rng.choice(('and', 'or'))} {self.leaf()}")
            else:
                found.append(self.leaf())
        return found

    def action(self, ranked: bool = False) -> Any:
        rng = self.rng
        roll = rng.random()
        if "order.tags" in self.fields and roll < 0.15 and not ranked:
            return {"tag": rng.choice(MEMBERS)}
        if self.staged and roll < 0.6:
            return rng.choice(({"exclude": "SF"}, {"exclude": "Z*"}, {"use": "SF"}, {"use": "ZTO"}))
        if roll < 0.25 and "order.carrier" in self.fields:
            return {rng.choice(("hold", "use")): "= order.carrier"}
        return rng.choice(
            (
                "approve",
                "approve",
                {"hold": "a"},
                {"hold": "b"},
                "reject",
                {"use": "SF"},
                {"use": "ZTO"},
            )
        )

    def rules(self, prefix: str, count: int) -> list[dict[str, Any]]:
        return [
            {"id": f"{prefix}{n}", "if": self.condition(), "then": [self.action()]}
            for n in range(count)
        ]

    def table(self, prefix: str) -> dict[str, Any]:
        rows = [
            {
                "id": f"row{n}",
                "when": [self.rng.choice(("true", "true", "-"))],
                "then": [self.rng.choice(("SF", "ZTO"))],
            }
            for n in range(self.rng.randint(1, 3))
        ]
        found = {"id": f"{prefix}t", "inputs": [self.leaf()], "outputs": ["use"], "rows": rows}
        if self.rng.random() < 0.7:
            found["policy"] = self.rng.choice(("first", "unique", "any", "collect"))
        return found

    def body(self, policy: str, prefix: str) -> dict[str, Any]:
        rng = self.rng
        found: dict[str, Any] = {"policy": policy}
        if policy == "priority":
            found["severity"] = rng.choice((["reject", "hold", "approve"], ["hold", "approve"]))
        if rng.random() < 0.7:
            found["otherwise"] = rng.choice(([{"hold": "none"}], ["approve"], [{"use": "ZTO"}], []))
        found["on_missing"] = rng.choice(("hold", "hold", "skip", "fail"))
        found["rules"] = self.rules(prefix, rng.randint(1, 4))
        if rng.random() < 0.2:
            found["tables"] = [self.table(prefix)]
        return found

    def document(self) -> dict[str, Any]:
        rng = self.rng
        document: dict[str, Any] = {
            "tidegate": "ruleset/1",
            "id": "t",
            "gate": "review",
            "lists": {"carriers": ["SF", "YTO"], "words": ["ab", "bb"]},
        }
        if rng.random() < 0.3:
            document["derive"] = {"d": self.leaf()}
            self.derived = ["d"]
        policy = rng.choice(("first", "priority", "priority", "collect", "unique", "any", "stages"))
        if policy != "stages":
            return document | self.body(policy, "r")
        self.staged = True
        kinds = ("first", "priority", "collect", "collect", "unique")
        stages = [
            {"id": f"s{n}", **self.body(rng.choice(kinds), f"s{n}r")}
            for n in range(rng.randint(2, 3))
        ]
        return document | {"policy": policy, "stages": stages}

    # facts

    def facts(self) -> dict[str, Any]:
        rng = self.rng
        found: dict[str, Any] = {"order": {}}
        for name in self.fields:
            group, _, field = name.partition(".")
            if group != "items" and rng.random() < 0.88:
                found.setdefault(group, {})[field] = self.value(name)
        if "history.similar" in self.fields and rng.random() < 0.5:
            found["history"] = {"similar": {"24h": rng.randint(0, 3), "7d": rng.randint(0, 3)}}
        if rng.random() < 0.8:
            found["order"] |= {"level": rng.randint(0, 3), "closed": rng.random() < 0.5}
        if rng.random() < 0.95:
            found["items"] = [self.line() for _ in range(rng.choice((0, 1, 2, 2)))]
        return found

    def line(self) -> dict[str, Any]:
        line: dict[str, Any] = {"stock": self.rng.randint(0, 3)}
        for field in ("sku", "quantity"):
            if f"items.{field}" in self.fields and self.rng.random() < 0.9:
                line[field] = self.value(f"items.{field}")
        return line

    def value(self, name: str) -> Any:
        if name == "order.tags":
            return self.rng.sample([*MEMBERS, "x"], self.rng.randint(0, 3))
        return self.rng.choice(GRID[name])


WANTS = (
    "approve", "hold", "hold:a", "reject", "use:SF", "use", "!approve", "!hold", "tag:VIP",
    "hold:missing_facts", "hold:conflict",
)  # fmt: skip


@dataclass(frozen=True)
class Problem:
    ruleset: RuleSet
    facts: Mapping[str, Any]
    want: str
    fields: tuple[str, ...]


def a_problem(rng: Random, known: Vocabulary) -> Problem:
    sets = Sets(rng)
    while True:
        try:
            ruleset = read_ruleset(sets.document(), known)
            break
        except Exception as error:
            if "rule.cycle" not in str(getattr(error, "code", "")):
                raise
            sets = Sets(rng)
    return Problem(ruleset, sets.facts(), a_want(rng, ruleset), tuple(sets.fields))


def a_want(rng: Random, ruleset: RuleSet) -> str:
    """Mostly what some rule asks for; now and then anything, or the absence of something."""
    calls = [call for rule in ruleset.rules for call in rule.actions]
    if not calls or rng.random() < 0.25:
        return rng.choice(WANTS)
    call = rng.choice(calls)
    main = call.args.get(call.action.main)
    text = (
        f"{call.action.id}:{main}"
        if isinstance(main, str) and rng.random() < 0.6
        else call.action.id
    )
    return f"!{text}" if rng.random() < 0.12 else text


# trying everything


Place = tuple[str, Callable[[dict[str, Any], Any], None], list[Any]]


def places(problem: Problem) -> Iterator[Place]:
    """Every editable place the set reads, a way to write it, and its values."""
    reads = problem.ruleset.facts_read
    for name in GRID:
        group, _, field = name.partition(".")
        if name.startswith("items."):
            for index in range(
                len(problem.facts.get("items") or ()) if f"item.{field}" in reads else 0
            ):
                yield f"items[{index + 1}].{field}", _line_writer(index, field), [*GRID[name], None]
        elif name not in reads:
            continue
        elif name == "history.similar" and isinstance(
            problem.facts.get("history", {}).get(field), dict
        ):
            for span in sorted(_spans(problem.ruleset), key=len, reverse=True):
                yield f"history.similar({span})", _window_writer(span), [*NUMBERS, None]
        elif name == "order.tags":
            yield name, _writer(group, field), [*_lists(problem.facts["order"].get("tags")), None]
        else:
            dollars = (
                DOLLARS if GRID[name] is AMOUNTS and "USD" in _text_of(problem.ruleset) else []
            )
            yield name, _writer(group, field), [*GRID[name], *dollars, None]


def _text_of(ruleset: RuleSet) -> str:
    texts = [leaf.text for rule in ruleset.rules for leaf in rule.leaves]
    return " ".join([*texts, *(derived.text for derived in ruleset.derive.values())])


def _spans(ruleset: RuleSet) -> set[str]:
    return {span for span in ("24h", "7d") if f"similar({span})" in _text_of(ruleset)}


def _lists(present: list[str] | None) -> list[list[str]]:
    """Up to two members in or out, and none."""
    known = [*MEMBERS, "x", "other", "another"]
    moves: list[tuple[str, ...]] = [
        move for size in (0, 1, 2) for move in combinations(known, size)
    ]
    lists = []
    for move in moves:
        members = [m for m in present or [] if m not in move]
        lists.append(members + [m for m in move if m not in (present or [])])
    return [*lists, []]


def _writer(group: str, field: str) -> Callable[[dict[str, Any], Any], None]:
    def write(document: dict[str, Any], value: Any) -> None:
        document.setdefault(group, {})[field] = value

    return write


def _line_writer(index: int, field: str) -> Callable[[dict[str, Any], Any], None]:
    def write(document: dict[str, Any], value: Any) -> None:
        document["items"][index][field] = value

    return write


def _window_writer(span: str) -> Callable[[dict[str, Any], Any], None]:
    def write(document: dict[str, Any], value: Any) -> None:
        document["history"]["similar"][span] = value

    return write


Decide = Callable[[Mapping[str, Any]], Any]


def gives(problem: Problem, decide: Decide, facts: Mapping[str, Any]) -> bool:
    want = read_want(problem.want, problem.ruleset)
    try:
        return want.met_by(decide(facts).actions)
    except InputError as error:
        if error.code != "facts.missing":
            raise
        return False


def brute_force(
    problem: Problem, decide: Decide, more: Mapping[str, list[Any]]
) -> tuple[set[frozenset[str]], dict[str, list[Any]]]:
    """The minimal sets of one or two places, and for single places all values that work. `more`
    are values to try beside the grid.
    """
    known = [
        (name, write, [*values, *more.get(name, ())]) for name, write, values in places(problem)
    ]
    singles: dict[str, list[Any]] = {}
    for name, write, values in known:
        for value in values:
            document = copy.deepcopy(dict(problem.facts))
            write(document, value)
            if gives(problem, decide, document):
                singles.setdefault(name, []).append(value)
    found = {frozenset([name]) for name in singles}
    rest = [place for place in known if place[0] not in singles]
    for (one, write, values), (other, write_other, others) in combinations(rest, 2):
        document = copy.deepcopy(dict(problem.facts))
        if any(
            gives(problem, decide, document)
            for value in values
            if write(document, value) is None
            for second in others
            if write_other(document, second) is None
        ):
            found.add(frozenset((one, other)))
    return found, singles


def applied(problem: Problem, changes: list[dict[str, Any]]) -> dict[str, Any]:
    """The facts with an answer's changes, as anybody would make them from the JSON."""
    writers = {name: write for name, write, _ in places(problem)}
    document = copy.deepcopy(dict(problem.facts))
    for change in changes:
        writers[change["fact"]](document, change["to"])
    return document


def values_in(answer: Answer) -> dict[str, list[Any]]:
    """The values an answer names, place by place."""
    found: dict[str, list[Any]] = {}
    for one in answer.sets:
        for change in map(answer.change, one.changes):
            found.setdefault(str(change["fact"]), []).append(change["to"])
    return found


def fact_sets(answer: Answer) -> set[frozenset[str]]:
    return {one.facts for one in answer.sets}
