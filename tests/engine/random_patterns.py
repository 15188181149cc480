"""Random patterns and random episodes for them, driven by a `random.Random`.

    rng = random.Random(seed)
    ruleset = a_pattern_set(rng)
    facts = an_episode(rng)

Values are few, so that matches, near misses, ties and gaps are all frequent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tidegate.engine.evaluation import Context, context_of
from tidegate.engine.language import tree
from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import load_vocabulary

NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)
START = datetime(2026, 11, 11, 0, tzinfo=UTC)
VOCABULARY = load_vocabulary("""
tidegate: vocabulary/1
groups:
  order:
    title: {zh: 订单, en: Order}
    fields:
      currency: {type: text, title: {zh: 币种, en: Currency}}
      limit:    {type: number, title: {zh: 上限, en: Limit}}
      who:      {type: text, title: {zh: 买家, en: Buyer}}
  events:
    title: {zh: 事件, en: Events}
    each: event
  event:
    title: {zh: 一条事件, en: Event}
    fields:
      state:  {type: text, title: {zh: 状态, en: State}}
      at:     {type: instant, title: {zh: 时间, en: At}}
      until:  {type: instant, title: {zh: 截止, en: Until}}
      amount: {type: number, title: {zh: 数量, en: Amount}}
      price:  {type: money, title: {zh: 价格, en: Price}}
      who:    {type: text, title: {zh: 人, en: Who}}
      flag:   {type: boolean, title: {zh: 标记, en: Flag}}
      took:   {type: duration, title: {zh: 用时, en: Took}}
      tags:   {type: texts, title: {zh: 标签, en: Tags}}
gates:
  gate: {subject: order, title: 关口, asked: 问, facts: [order, events, event], actions: [act]}
actions:
  act: {title: 动作, writes: act}
""")
OWN = (
    'state = "a"', 'state = "b"', 'state in ("a", "b")', 'state != "c"', "flag", "not(flag)",
    "amount >= limit", "amount > 1 and flag", "amount = 1.5", "price < 10 CNY", "price >= 5 CNY",
    'contains(who, "张")', "who in words", "until is missing", 'state = "a" or amount = 1',
    '"x" in tags', "order.limit > 1", "since(at) > 2h", "hour(at) < 10", "took > 90m", "true",
    'exact("B") = state', "some word in words satisfies word = who", "large",
)  # fmt: skip
JOINT = (
    "{me}.at > {e}.at", "at <= {e}.at + 2h", "at - {e}.at <= span", "at > {e}.until",
    "who = {e}.who", "who != {e}.who", "amount > {e}.amount", "amount >= {e}.amount + 1",
    "amount + {e}.amount > 3", "price <= {e}.price", "price > {e}.price * 2", "until < {e}.until",
    "state = {e}.state or amount > {e}.amount", "{e}.flag", "{e}.flag = flag", "tags = {e}.tags",
    "amount != {e}.amount * 2 - 1", "{e}.amount < limit", "took = {e}.took", "{e}.state = state",
    "who != {e}.who and who != {f}.who", "amount > {e}.amount + {f}.amount", "{e}.who < who",
    "lower case(who) = {e}.who",
)  # fmt: skip

# those of JOINT that have one event on each side of the comparison
SEPARATE = tuple(
    text for text in JOINT if "{f}" not in text and " or " not in text and "+ {e}" not in text
    and "lower case" not in text
)  # fmt: skip


def a_pattern(rng: Random, joint: Sequence[str] = JOINT) -> dict[str, Any]:
    """A `pattern:` as plain data; `joint` are the comparisons between events to choose from."""
    names = ["甲", "two", "three", "four"][: rng.choice((1, 2, 2, 2, 3, 3, 4))]
    find: list[dict[str, str]] = []
    for place, name in enumerate(names):
        if place:
            gaps = rng.choice((0, 0, 0, 1, 1, 2))
            known = names[:place] if joint is JOINT else []
            find += [{"absent": _condition(rng, "absent", known, joint)} for _ in range(gaps)]
        find.append({name: _condition(rng, name, names[:place], joint)})
    pattern: dict[str, Any] = {"over": rng.choice(("events", "事件")), "find": find}
    if len(names) > 1 and rng.random() < 0.5:
        pattern["within"] = rng.choice(("span", "2h", "90m", "5h"))
    return pattern


def _condition(rng: Random, me: str, earlier: Sequence[str], joint: Sequence[str]) -> str:
    parts = [rng.choice(OWN)] if not earlier or rng.random() < 0.7 else []
    if earlier and (not parts or rng.random() < 0.7):
        text = rng.choice(joint)
        parts.append(text.format(me=me, e=rng.choice(earlier), f=rng.choice(earlier)))
    return " and ".join(f"({part})" if " or " in part else part for part in parts)


def a_pattern_set(rng: Random, joint: Sequence[str] = JOINT) -> RuleSet:
    """A set of one rule with one pattern."""
    document = {
        "tidegate": "ruleset/1", "id": "patterns", "gate": "gate", "policy": "collect",
        "parameters": {
            "span": {"type": "duration", "value": rng.choice(("1h", "3h"))},
            "limit": {"type": "number", "value": rng.choice(("1", "1.5", "2"))},
        },
        "lists": {"words": ["张三", "ａnna"]},
        "derive": {"large": "order.limit > 1.5"},
        "rules": [{"id": "found", "pattern": a_pattern(rng, joint), "then": ["act"]}],
    }  # fmt: skip
    return read_ruleset(document, VOCABULARY)


def an_episode(rng: Random, most: int = 6, gaps: float = 0.06) -> dict[str, Any]:
    """Facts with some events; `gaps` is how often a field is missing."""
    found = {"events": [_event(rng, gaps) for _ in range(rng.randint(0, most))]}
    return {**found, "order": {"limit": rng.choice(("1", "2", None)) if gaps else "2"}}


def _event(rng: Random, gaps: float) -> dict[str, Any]:
    event = {
        "state": rng.choice(("a", "B", " b ", "c")),
        "at": (START + timedelta(minutes=30 * rng.randint(0, 9))).isoformat(),
        "until": (START + timedelta(minutes=30 * rng.randint(0, 12))).isoformat(),
        "amount": rng.choice(("0", "1", "1.0", "1.5", "2", "3")),
        "price": rng.choice(("5 CNY", "9.99 CNY", "10 CNY", "20 CNY", "5 USD")[: 4 + bool(gaps)]),
        "who": rng.choice(("张三", "李四", "Anna", "ANNA ", "ａｎｎａ")),
        "flag": rng.random() < 0.5,
        "took": rng.choice(("1h", "90m", "2h")),
        "tags": rng.choice(([], ["x"], ["x", "y"])),
    }
    return {name: value for name, value in event.items() if rng.random() >= gaps}


def sequence_of(ruleset: RuleSet) -> tree.Sequence:
    """The pattern of the set's only rule."""
    node = ruleset.rules[0].leaves[0].node
    assert isinstance(node, tree.Sequence)
    return node


def opened(ruleset: RuleSet, facts: dict[str, Any]) -> Context:
    return context_of(ruleset, facts, NOW, "Asia/Shanghai")
