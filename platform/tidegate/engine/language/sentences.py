"""Conditions and rules as sentences for people, in Chinese and English."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tidegate.engine.language import tree
from tidegate.engine.language.rendering import render
from tidegate.engine.rulesets import Condition, Leaf, Rule, RuleSet
from tidegate.engine.values import Money, decimal_text, duration_text, plain

_COMPARE = {
    "=": ("是", "is"),
    "!=": ("不是", "is not"),
    "<": ("小于", "is less than"),
    "<=": ("不超过", "is at most"),
    ">": ("大于", "is more than"),
    ">=": ("不少于", "is at least"),
}
_FUNCTIONS = {
    "contains": ("{0}包含{1}", "{0} contains {1}"),
    "list_contains": ("{0}包含{1}", "{0} contains {1}"),
    "starts_with": ("{0}以{1}开头", "{0} starts with {1}"),
    "ends_with": ("{0}以{1}结尾", "{0} ends with {1}"),
    "matches": ("{0}形如{1}", "{0} looks like {1}"),
    "exact": ("{0}（逐字）", "exactly {0}"),
    "count": ("{0}的个数", "the number of {0}"),
    "sum": ("{0}之和", "the sum of {0}"),
    "min": ("{0}中最小的", "the smallest of {0}"),
    "max": ("{0}中最大的", "the largest of {0}"),
    "distinct": ("不重复的{0}", "distinct {0}"),
    "since": ("距{0}已过", "the time since {0}"),
    "until": ("距{0}还有", "the time until {0}"),
    "weekday": ("{0}是星期几", "the weekday of {0}"),
    "date": ("{0}的日期", "the date of {0}"),
    "hour": ("{0}的小时", "the hour of {0}"),
    "coalesce": ("{0}（缺失时用{1}）", "{0} (or {1} if missing)"),
}
_QUANTIFIERS = {
    "some": ("有{0}满足：{1}", "some {0}: {1}"),
    "every": ("每个{0}都满足：{1}", "every {0}: {1}"),
    "no": ("没有{0}满足：{1}", "no {0}: {1}"),
}
_GROUPS = {"all": ("且", "and"), "any": ("或", "or"), "none": ("或", "or")}


def sentence(node: tree.Node, ruleset: RuleSet, lang: str = "zh") -> str:
    """One condition in words, with the values of parameters put in."""
    return _Speaker(ruleset, lang.lower().startswith("zh")).say(node)


def rule_sentence(rule: Rule, ruleset: RuleSet, lang: str = "zh") -> str:
    """A whole rule: `如果 … ，则 …` / `If …, then …`."""
    speaker = _Speaker(ruleset, lang.lower().startswith("zh"))
    condition = speaker.group(rule.condition)
    calls = [call for call in rule.actions]
    actions = [speaker.action(call.action.id, call.args) for call in calls]
    if speaker.zh:
        then = "，".join(actions) or "什么都不做"
        return f"如果{condition}，则{then}" if condition else f"总是{then}"
    then = " and ".join(actions) or "nothing"
    return f"If {condition}, then {then}" if condition else f"Always {then}"


class _Speaker:
    def __init__(self, ruleset: RuleSet, zh: bool) -> None:
        self.ruleset = ruleset
        self.zh = zh

    def pick(self, pair: tuple[str, str]) -> str:
        return pair[0] if self.zh else pair[1]

    def title(self, texts: Any) -> str:
        """A title inside a sentence: an English one loses its capital, but for acronyms."""
        text = str(texts["zh" if self.zh else "en"])
        if self.zh or text[1:2].isupper():
            return text
        return text[:1].lower() + text[1:]

    def say(self, node: tree.Node) -> str:
        speak = _SAY.get(type(node))
        return speak(self, node) if speak else render(node)

    def group(self, condition: Condition) -> str:
        parts = [
            self.say(p.node) if isinstance(p, Leaf) else self.group(p) for p in condition.parts
        ]
        word = self.pick(_GROUPS[condition.kind])
        joined = (f"，{word}" if self.zh else f" {word} ").join(parts)
        if condition.kind == "none":
            return f"并非（{joined}）" if self.zh else f"not ({joined})"
        nested = len(parts) > 1 and condition.kind == "any"
        return (f"（{joined}）" if self.zh else f"({joined})") if nested else joined

    def action(self, name: str, args: Any) -> str:
        title = self.ruleset.vocabulary.actions[name].title["zh" if self.zh else "en"]
        said = [
            self.say(v) if isinstance(v, tree.Node) else self.value(v, name, k)
            for k, v in args.items()
        ]
        inside = "、".join(said) if self.zh else ", ".join(said)
        return title + (f"（{inside}）" if self.zh else f" ({inside})") if inside else title

    def value(self, value: object, action: str = "", arg: str = "") -> str:
        if isinstance(value, str) and arg == "reason":
            return self.ruleset.vocabulary.reason(value, "zh" if self.zh else "en")
        return str(plain(value)) if not isinstance(value, str) else value

    def literal(self, node: tree.Literal) -> str:
        value = node.value
        if isinstance(value, bool):
            return self.pick(("是", "true")) if value else self.pick(("否", "false"))
        if isinstance(value, timedelta):
            return self.span(value)
        if isinstance(value, Decimal):
            return decimal_text(value)
        if isinstance(value, (Money, datetime, date)):
            return str(value)
        return f"“{value}”"

    def span(self, value: timedelta) -> str:
        text = duration_text(value)
        if not self.zh:
            return text
        names = {"h": " 小时", "d": " 天", "m": " 分钟", "s": " 秒"}
        return text[:-1] + names[text[-1]] if text[-1] in names else text

    def fact(self, node: tree.Fact) -> str:
        return self.named(node.id)

    def named(self, name: str) -> str:
        vocabulary = self.ruleset.vocabulary
        if name == "now":
            return self.pick(("现在", "now"))
        if name.startswith("decided."):
            title = self.title(vocabulary.actions[name.partition(".")[2]].title)
            return f"已决定的“{title}”" if self.zh else f"what was decided for {title}"
        if name in vocabulary.groups:
            return self.title(vocabulary.groups[name].title)
        fact = self.ruleset.fields.get(name) or vocabulary.facts[name]
        group = vocabulary.groups.get(fact.group)
        own = self.title(fact.title)
        of = self.title(group.title) if group else ""
        if not of or own.startswith(of):
            return own
        return f"{of}{own}" if self.zh else f"{of} {own}"

    def parameter(self, node: tree.Parameter) -> str:
        parameter = self.ruleset.parameters[node.id]
        value = self.literal(tree.Literal(parameter.value))
        title = self.title(parameter.title)
        return f"{title}（{value}）" if self.zh else f"{title} ({value})"

    def list_name(self, node: tree.ListName) -> str:
        return self.title(self.ruleset.lists[node.id].title)

    def derived(self, node: tree.Derived) -> str:
        return self.title(self.ruleset.derive[node.id].title)

    def calendar(self, node: tree.Calendar) -> str:
        return self.title(self.ruleset.vocabulary.calendars[node.id].title)

    def variable(self, node: tree.Variable) -> str:
        return self.pick(("其", "it"))

    def member(self, node: tree.Member) -> str:
        if isinstance(node.of, tree.Variable):
            return self.named(node.fact)
        own = self.title(self.ruleset.vocabulary.facts[node.fact].title)
        of = self.say(node.of)
        return f"{of}的{own}" if self.zh else f"the {own} of {of}"

    def window(self, node: tree.Window) -> str:
        span = self.say(node.span)
        name = self.named(node.fact)
        return f"{span}内的{name}" if self.zh else f"{name} within {span}"

    def compare(self, node: tree.Compare) -> str:
        right = node.right
        if (
            isinstance(right, tree.Literal)
            and isinstance(right.value, bool)
            and node.op in ("=", "!=")
        ):
            yes = right.value == (node.op == "=")
            left = self.say(node.left)
            return (
                f"{left}：{'是' if yes else '否'}"
                if self.zh
                else f"{left}: {'yes' if yes else 'no'}"
            )
        return self.joined(self.say(node.left), self.pick(_COMPARE[node.op]), self.say(right))

    def joined(self, left: str, word: str, right: str) -> str:
        if not self.zh:
            return f"{left} {word} {right}"
        gap = " " if right[:1].isascii() and right[:1].isalnum() else ""
        return f"{left}{word}{gap}{right}"

    def between(self, node: tree.Between) -> str:
        low, high = self.say(node.low), self.say(node.high)
        word = f"在 {low} 到 {high} 之间" if self.zh else f"is between {low} and {high}"
        return self.say(node.value) + ("" if self.zh else " ") + word

    def in_(self, node: tree.In) -> str:
        tests = [self.say(test) for test in node.tests]
        listed = ("、" if self.zh else ", ").join(tests)
        many = len(tests) > 1
        if self.zh:
            return (
                f"{self.say(node.value)}是{listed}之一"
                if many
                else f"{self.say(node.value)}在{listed}中"
            )
        return (
            f"{self.say(node.value)} is one of {listed}"
            if many
            else f"{self.say(node.value)} is in {listed}"
        )

    def test(self, node: tree.Test) -> str:
        return self.joined("", self.pick(_COMPARE[node.op]), self.say(node.value)).strip()

    def logic(self, node: tree.And | tree.Or) -> str:
        word = self.pick(("且", "and") if isinstance(node, tree.And) else ("或", "or"))
        parts = [
            f"（{self.say(p)}）" if self.zh and isinstance(p, (tree.And, tree.Or)) else self.say(p)
            for p in node.parts
        ]
        return (f"，{word}" if self.zh else f" {word} ").join(parts)

    def not_(self, node: tree.Not) -> str:
        inner = self.say(node.value)
        return f"并非（{inner}）" if self.zh else f"not ({inner})"

    def if_(self, node: tree.If) -> str:
        parts = self.say(node.condition), self.say(node.then), self.say(node.otherwise)
        return (
            "若{}则{}否则{}".format(*parts) if self.zh else "if {} then {} else {}".format(*parts)
        )

    def quantified(self, node: tree.Quantified) -> str:
        source = self.say(node.over)
        list_fact = node.over.id if isinstance(node.over, tree.Fact) else ""
        group = self.ruleset.vocabulary.groups.get(list_fact)
        if group and group.each:
            element = self.title(self.ruleset.vocabulary.groups[group.each].title)
            source = element
        return self.pick(_QUANTIFIERS[node.kind]).format(source, self.say(node.condition))

    def filter(self, node: tree.Filter) -> str:
        of, condition = self.say(node.of), self.say(node.condition)
        return f"满足“{condition}”的{of}" if self.zh else f"{of} where {condition}"

    def presence(self, node: tree.Presence) -> str:
        word = self.pick(("缺失", "is missing") if node.missing else ("已知", "is known"))
        return self.joined(self.say(node.value), word, "").strip()

    def call(self, node: tree.Call) -> str:
        args = [self.say(arg) for arg in node.args]
        pattern = _FUNCTIONS.get(node.function)
        if pattern is None or (
            len(args) > 1 and "{1}" not in pattern[0] and node.function not in ("since", "until")
        ):
            return render(node)
        said = self.pick(pattern).format(*args)
        if len(args) > 1 and node.function in ("since", "until"):
            return f"按{args[1]}{said}" if self.zh else f"{said} in {args[1]}"
        return said

    def arithmetic(self, node: tree.Arithmetic) -> str:
        inner = [
            f"({self.say(p)})" if isinstance(p, tree.Arithmetic) else self.say(p)
            for p in (node.left, node.right)
        ]
        return f"{inner[0]} {node.op} {inner[1]}"


_SAY: dict[type[tree.Node], Callable[[_Speaker, Any], str]] = {
    tree.Literal: _Speaker.literal,
    tree.Fact: _Speaker.fact,
    tree.Parameter: _Speaker.parameter,
    tree.ListName: _Speaker.list_name,
    tree.Derived: _Speaker.derived,
    tree.Calendar: _Speaker.calendar,
    tree.Member: _Speaker.member,
    tree.Variable: _Speaker.variable,
    tree.Window: _Speaker.window,
    tree.Compare: _Speaker.compare,
    tree.Between: _Speaker.between,
    tree.In: _Speaker.in_,
    tree.Test: _Speaker.test,
    tree.And: _Speaker.logic,
    tree.Or: _Speaker.logic,
    tree.Not: _Speaker.not_,
    tree.If: _Speaker.if_,
    tree.Quantified: _Speaker.quantified,
    tree.Filter: _Speaker.filter,
    tree.Presence: _Speaker.presence,
    tree.Call: _Speaker.call,
    tree.Arithmetic: _Speaker.arithmetic,
}
