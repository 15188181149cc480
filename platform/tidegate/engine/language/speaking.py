"""Expressions in words, node by node. The sentences an operations manager would say are made from
the few shapes rules really have (`since(x) > 24h`, `count(lines) >= 2`, a list's members); every
other shape has a plain phrase.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from tidegate.engine.language import tree, wording
from tidegate.engine.language.functions import FUNCTIONS
from tidegate.engine.language.kinds import kind_of
from tidegate.engine.language.wording import Pair, constant, fill, join
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import ExactText

_ASKED = (tree.Fact, tree.Parameter, tree.Member, tree.Window, tree.Variable)


class Speaker:
    """Speaks of one set in one language. `event` is the event of a pattern being spoken of,
    `scope` the variables around with the group of their lines.
    """

    def __init__(self, ruleset: RuleSet, zh: bool) -> None:
        self.ruleset = ruleset
        self.zh = zh
        self.event = ""
        self.scope: list[tuple[str, str]] = []

    def pick(self, pair: Pair) -> str:
        return pair[0] if self.zh else pair[1]

    def fill(self, pair: Pair, *args: str) -> str:
        return fill(self.pick(pair), args, self.zh)

    def title(self, texts: Mapping[str, str]) -> str:
        """A title inside a sentence: an English one loses its capital, but for acronyms."""
        text = str(texts["zh" if self.zh else "en"])
        if self.zh or text[1:2].isupper():
            return text
        return text[:1].lower() + text[1:]

    def say(self, node: tree.Node) -> str:
        return _SAY[type(node)](self, node)

    def bracketed(self, text: str) -> str:
        return f"（{text}）" if self.zh else f"({text})"

    def part(self, node: tree.Node, last: bool = True) -> str:
        """A part of a longer condition, in brackets where it could be misread."""
        joined = isinstance(node, (tree.And, tree.Or))
        open_end = isinstance(node, tree.Quantified) or _counted(node)
        said = self.condition(node)
        return self.bracketed(said) if joined or (open_end and not last) else said

    def joined(self, parts: list[str], word: Pair) -> str:
        if not self.zh:
            return f" {word[1]} ".join(parts)
        return "，".join([*parts[:1], *(join(word[0], part) for part in parts[1:])])

    def listed(self, parts: list[str], word: Pair = ("或", "or")) -> str:
        """`A、B或C`, `A, B or C`."""
        if len(parts) < 2:
            return "".join(parts)
        head = ("、" if self.zh else ", ").join(parts[:-1])
        return join(head, word[0], parts[-1]) if self.zh else f"{head} {word[1]} {parts[-1]}"

    # names

    def literal(self, node: tree.Literal) -> str:
        return constant(node.value, self.zh)

    def fact(self, node: tree.Fact) -> str:
        return self.named(node.id)

    def condition(self, node: tree.Node) -> str:
        """A whole condition: a fact that is true or false is said to be so."""
        asked = isinstance(node, _ASKED) and self.kind(node) == "boolean"
        return self._answer(node, True) if asked else self.say(node)

    def named(self, name: str) -> str:
        vocabulary = self.ruleset.vocabulary
        if name == "now":
            return self.pick(("现在", "now"))
        if name.startswith("decided."):
            title = self.title(vocabulary.actions[name.partition(".")[2]].title)
            return f"已决定的“{title}”" if self.zh else f"what was decided for “{title}”"
        if name in vocabulary.groups:
            return self.title(vocabulary.groups[name].title)
        fact = self.ruleset.fields.get(name) or vocabulary.facts[name]
        group = vocabulary.groups.get(fact.group)
        own = self.title(fact.title)
        of = self.title(group.title) if group else ""
        if not of or own.startswith(of):
            return own
        return join(of, own) if self.zh else f"{of} {own}"

    def parameter(self, node: tree.Parameter, fact: str = "") -> str:
        """Its title with its value; `fact` is what that is a value of."""
        parameter = self.ruleset.parameters[node.id]
        value = self.value(parameter.value, fact)
        return self.title(parameter.title) + (f"（{value}）" if self.zh else f" ({value})")

    def value(self, value: object, fact: str) -> str:
        """A constant as a value of a fact is called: “已付款” for “paid”."""
        if fact and isinstance(value, str) and value.__class__ is not ExactText:
            value = self.ruleset.vocabulary.word(fact, value, "zh" if self.zh else "en")
        return constant(value, self.zh)

    def list_name(self, node: tree.ListName) -> str:
        return self.title(self.ruleset.lists[node.id].title)

    def derived(self, node: tree.Derived) -> str:
        return self.title(self.ruleset.derive[node.id].title)

    def calendar(self, node: tree.Calendar) -> str:
        return self.title(self.ruleset.vocabulary.calendars[node.id].title)

    def variable(self, node: tree.Variable) -> str:
        return node.id if len(self.scope) > 1 else self.pick(("它", "it"))

    def member(self, node: tree.Member) -> str:
        fact = self.ruleset.vocabulary.facts.get(node.fact)
        if fact is None:  # a property of a moment: `order.paid_at.hour`
            return self.call(tree.Call(_PROPERTY.get(node.field, node.field), (node.of,)))
        own = self.title(fact.title)
        if isinstance(node.of, tree.Variable):
            if self.event:
                return self._of_event(own, node.of.id)
            twins = [name for name, group in self.scope if group == fact.group]
            if len(twins) < 2:
                return self.named(node.fact)
            return join(node.of.id, "的", own) if self.zh else f"{node.of.id}'s {own}"
        of = self.say(node.of)
        return join(of, "的", own) if self.zh else f"the {own} of {of}"

    def _of_event(self, own: str, event: str) -> str:
        """A field inside a pattern: of the event itself, or of another by its name."""
        if event == self.event:
            return own if self.zh else f"its {own}"
        return f"{event} 的{own}" if self.zh else f"{event}'s {own}"

    def window(self, node: tree.Window) -> str:
        return self.fill(
            ("{0}内的{1}", "{1} within {0}"), self.say(node.span), self.named(node.fact)
        )

    # comparisons

    def kind(self, node: tree.Node) -> str:
        """The kind of type a value has, as far as the words depend on it."""
        return kind_of(self.ruleset, node)

    def compare(self, node: tree.Compare) -> str:
        left, op, right = node.left, node.op, node.right
        if isinstance(left, (tree.Literal, tree.Parameter)) and not isinstance(
            right, (tree.Literal, tree.Parameter)
        ):
            left, op, right = right, wording.SWAPPED[op], left
        if isinstance(right, tree.Literal) and isinstance(right.value, bool):
            return self._answer(left, right.value == (op == "="))
        return (
            self._elapsed(left, op, right)
            or self._counts(left, op, right)
            or self._plain(left, op, right)
        )

    def _plain(self, left: tree.Node, op: str, right: tree.Node) -> str:
        kind = self.kind(left) or self.kind(right)
        word = wording.comparison(op, kind)
        return self.fill(
            (f"{{0}}{word[0]}{{1}}", f"{{0}} {word[1]} {{1}}"),
            self.subject(left),
            self._said_of(left, right),
        )

    def subject(self, node: tree.Node) -> str:
        """The left side of a comparison; a sum in brackets, so that it is seen where it ends."""
        said = self.say(node)
        return self.bracketed(said) if isinstance(node, (tree.Arithmetic, tree.If)) else said

    def _answer(self, node: tree.Node, yes: bool) -> str:
        """A yes-or-no value that is yes, or no."""
        said = self.say(node)
        if isinstance(node, _ASKED):
            answer = constant(yes, self.zh)
            return f"{said}为“{answer}”" if self.zh else f"{said} is “{answer}”"
        if yes:
            return said
        return f"“{said}”不成立" if self.zh else f"“{said}” does not hold"

    def _elapsed(self, left: tree.Node, op: str, right: tree.Node) -> str:
        if not isinstance(left, tree.Call) or left.function not in ("since", "until"):
            return ""
        words = wording.SINCE if left.function == "since" else wording.UNTIL
        said = self.fill(words[op], self.say(left.args[0]), self.say(right))
        if len(left.args) < 2:
            return said
        calendar = self.say(left.args[1])
        return f"按{calendar}计，{said}" if self.zh else f"{said}, counting {calendar} only"

    def _counts(self, left: tree.Node, op: str, right: tree.Node) -> str:
        if not isinstance(left, tree.Call) or left.function != "count":
            return ""
        source = left.args[0]
        if not isinstance(source, tree.Filter):
            return ""
        condition = self._inside(source.variable, source.of, source.condition)
        each = self._each(source.of) if self.zh else self.say(source.of)
        if isinstance(right, tree.Literal) and right.value == Decimal(0) and op in ("=", ">"):
            kind = "no" if op == "=" else "some"
            return self.fill(wording.QUANTIFIERS[kind], self._each(source.of), condition)
        return self.fill(wording.COUNTS[op], each, condition, self.say(right))

    def _said_of(self, subject: tree.Node, value: tree.Node) -> str:
        """A constant, as it is called in answers to this question (`Sat` of a weekday, `paid` of a
        payment).
        """
        if _asks_weekday(subject) and isinstance(value, tree.Literal):
            day = wording.WEEKDAYS.get(str(value.value))
            return self.pick(day) if day else self.say(value)
        if isinstance(value, tree.Literal):
            return self.value(value.value, self.fact_asked(subject))
        if isinstance(value, tree.Parameter):
            return self.parameter(value, self.fact_asked(subject))
        return self.subject(value)

    def fact_asked(self, node: tree.Node) -> str:
        """The fact whose value this is, if it is one's; else empty."""
        if isinstance(node, tree.Fact):
            return node.id
        if isinstance(node, (tree.Member, tree.Window)):
            return node.fact
        if isinstance(node, tree.Derived):
            return self.fact_asked(self.ruleset.derive[node.id].node)
        if isinstance(node, tree.Call) and node.function == "coalesce":
            return self.fact_asked(node.args[0])
        return ""

    def between(self, node: tree.Between) -> str:
        low, high = self._said_of(node.value, node.low), self._said_of(node.value, node.high)
        return self.fill(
            ("{0}在{1}到{2}之间", "{0} is between {1} and {2}"), self.subject(node.value), low, high
        )

    def in_(self, node: tree.In) -> str:
        return self.membership(node, True)

    def membership(self, node: tree.In, holds: bool) -> str:
        """`x in …`, or that it is not; negations with a phrase of their own only for one list."""
        value, tests = node.value, node.tests
        if len(tests) == 1 and isinstance(tests[0], tree.ListOf):
            tests = tests[0].members or tests
        plain = [test for test in tests if _is_value(test)]
        said = self.subject(value)
        if len(plain) == len(tests):
            parts = [self._said_of(value, test) for test in plain]
            if holds:
                return self.fill(("{0}是{1}", "{0} is {1}"), said, self.listed(parts))
            return self.fill(("{0}不是{1}", "{0} is neither {1}"), said, self._neither(parts))
        if len(tests) == 1:
            return self._in_one(value, said, tests[0], holds)
        phrases = [self._in_one(value, said, test, True) for test in tests if not _is_value(test)]
        if plain:
            parts = [self._said_of(value, test) for test in plain]
            phrases.insert(0, self.fill(("{0}是{1}", "{0} is {1}"), said, self.listed(parts)))
        whole = self.joined(phrases, ("或", "or"))
        return whole if holds else self._negated(whole)

    def _neither(self, parts: list[str]) -> str:
        if len(parts) == 1:
            return parts[0]
        return self.listed(parts, ("，也不是", "nor"))

    def _in_one(self, value: tree.Node, said: str, test: tree.Node, holds: bool) -> str:
        if isinstance(test, tree.Calendar):
            words = ("{0}在{1}内", "{0} is within {1}"), ("{0}不在{1}内", "{0} is not within {1}")
            return self.fill(words[not holds], said, self.say(test))
        if isinstance(test, (tree.Test, tree.Range)):
            return self._tested(value, said, test, holds)
        if isinstance(value, tree.Literal):
            words = wording.TEXT_TESTS["list_contains"]
            return self.fill(words[not holds], self.say(test), said)
        words = ("{0}属于{1}", "{0} is one of {1}"), ("{0}不属于{1}", "{0} is none of {1}")
        return self.fill(words[not holds], said, self.say(test))

    def _tested(
        self, value: tree.Node, said: str, test: tree.Test | tree.Range, holds: bool
    ) -> str:
        if isinstance(test, tree.Test):
            op = test.op if holds else wording.OPPOSITE[test.op]
            return self._plain(value, op, test.value)
        if test.low_closed and test.high_closed:
            low, high = self._said_of(value, test.low), self._said_of(value, test.high)
            words = (
                ("{0}在{1}到{2}之间", "{0} is between {1} and {2}"),
                ("{0}不在{1}到{2}之间", "{0} is not between {1} and {2}"),
            )
            return self.fill(words[not holds], said, low, high)
        kind = self.kind(value) or self.kind(test.low)
        low_word = wording.comparison(">=" if test.low_closed else ">", kind)
        high_word = wording.comparison("<=" if test.high_closed else "<", kind)
        whole = self.fill(
            (
                f"{{0}}{low_word[0]}{{1}}且{high_word[0]}{{2}}",
                f"{{0}} {low_word[1]} {{1}} and {high_word[1].removeprefix('is ')} {{2}}",
            ),
            said,
            self._said_of(value, test.low),
            self._said_of(value, test.high),
        )
        return whole if holds else self._negated(whole)

    def test(self, node: tree.Test) -> str:
        word = self.pick(wording.comparison(node.op, self.kind(node.value)))
        said = self.say(node.value)
        return join(word, said) if self.zh else f"{word} {said}"

    def range(self, node: tree.Range) -> str:
        low, high = self.say(node.low), self.say(node.high)
        text = self.fill(("{0}到{1}", "{0} to {1}"), low, high)
        open_ends = [
            end for end, closed in ((low, node.low_closed), (high, node.high_closed)) if not closed
        ]
        if not open_ends:
            return text
        word = self.fill(("不含{0}", "without {0}"), self.listed(open_ends, ("和", "and")))
        return text + (f"（{word}）" if self.zh else f" ({word})")

    def list_of(self, node: tree.ListOf) -> str:
        if not node.members:
            return self.pick(("空列表", "an empty list"))
        return self.listed([self.say(member) for member in node.members], ("和", "and"))

    # logic

    def logic(self, node: tree.And | tree.Or) -> str:
        word = ("且", "and") if isinstance(node, tree.And) else ("或", "or")
        last = node.parts[-1]
        return self.joined([self.part(part, part is last) for part in node.parts], word)

    def not_(self, node: tree.Not) -> str:
        """The opposite in its own words where it has some."""
        inner = node.value
        if isinstance(inner, tree.Compare):
            opposite = wording.OPPOSITE[inner.op]
            return self.compare(tree.Compare(opposite, inner.left, inner.right))
        if isinstance(inner, tree.In):
            return self.membership(inner, False)
        if isinstance(inner, tree.Presence):
            return self.presence(tree.Presence(inner.value, not inner.missing))
        if isinstance(inner, tree.Call) and inner.function in wording.TEXT_TESTS:
            return self._text_test(inner, False)
        if isinstance(inner, (*_ASKED, tree.Derived)):
            return self._answer(inner, False)
        if isinstance(inner, tree.Quantified) and inner.kind in ("some", "no"):
            kind = "no" if inner.kind == "some" else "some"
            return self.quantified(
                tree.Quantified(kind, inner.variable, inner.over, inner.condition)
            )
        return self._negated(self.say(inner))

    def _negated(self, said: str) -> str:
        return f"并非（{said}）" if self.zh else f"it is not so that ({said})"

    def if_(self, node: tree.If) -> str:
        parts = self.part(node.condition), self.say(node.then), self.say(node.otherwise)
        return self.fill(("若{0}则为{1}，否则为{2}", "{1} if {0}, else {2}"), *parts)

    # lists

    def _each(self, over: tree.Node) -> str:
        """What one element is called."""
        groups = self.ruleset.vocabulary.groups
        while isinstance(over, tree.Filter):
            over = over.of
        group = groups.get(over.id) if isinstance(over, tree.Fact) else None
        if group and group.each:
            return self.title(groups[group.each].title)
        said = self.say(over)
        return join(said, "的成员") if self.zh else f"member of {said}"

    def _inside(self, variable: str, over: tree.Node, condition: tree.Node) -> str:
        """A condition on one element."""
        groups = self.ruleset.vocabulary.groups
        source = over
        while isinstance(source, tree.Filter):
            source = source.of
        known = groups.get(source.id) if isinstance(source, tree.Fact) else None
        self.scope.append((variable, known.each if known else ""))
        said = self.part(condition)
        self.scope.pop()
        return said

    def quantified(self, node: tree.Quantified) -> str:
        any_of = self._any_of(node)
        if any_of:
            return any_of
        condition = self._inside(node.variable, node.over, node.condition)
        each = self._each(node.over)
        if isinstance(node.over, tree.Filter):
            inner = self._inside(node.over.variable, node.over.of, node.over.condition)
            each = self.fill(("满足「{1}」的{0}", "{0} where {1}"), each, inner)
        return self.fill(wording.QUANTIFIERS[node.kind], each, condition)

    def _any_of(self, node: tree.Quantified) -> str:
        """`some word in words satisfies contains(memo, word)`: the memo contains one of them."""
        test = node.condition
        if (
            node.kind == "every"
            or not isinstance(test, tree.Call)
            or test.function not in wording.TEXT_TESTS
            or test.args[1:] != (tree.Variable(node.variable),)
            or any(part == tree.Variable(node.variable) for part in tree.walk(test.args[0]))
        ):
            return ""
        words = wording.TEXT_TESTS[test.function][node.kind == "no"]
        one = self.fill(("{0}中的任何一个", "any of {0}"), self.say(node.over))
        return self.fill(words, self.say(test.args[0]), one)

    def for_(self, node: tree.For) -> str:
        result = self._inside(node.variable, node.over, node.result)
        return self.fill(("{1}中每个的{0}", "{0} for each of {1}"), result, self.say(node.over))

    def filter(self, node: tree.Filter) -> str:
        condition = self._inside(node.variable, node.of, node.condition)
        return self.fill(("满足「{1}」的{0}", "{0} where {1}"), self.say(node.of), condition)

    def presence(self, node: tree.Presence) -> str:
        words = ("{0}为空", "{0} is missing") if node.missing else ("{0}不为空", "{0} is known")
        return self.fill(words, self.subject(node.value))

    # functions and arithmetic

    def call(self, node: tree.Call) -> str:
        if node.function in wording.TEXT_TESTS and len(node.args) == 2:
            return self._text_test(node, True)
        if _asks_weekday(node) and self.zh:
            return self.say(node.args[0])
        args = [self.say(arg) for arg in node.args]
        if node.function == "coalesce":
            args = [args[0], *(self._said_of(node.args[0], arg) for arg in node.args[1:])]
        if len(args) > 1 and node.function in ("min", "max"):
            args = [self.listed(args, ("和", "and"))]
        calendar = args.pop() if len(args) == 2 and node.function in ("since", "until") else ""
        pattern = self.pick(wording.FUNCTIONS.get(node.function, ("", "")))
        if len(args) > pattern.count("{"):
            pattern += self.pick(wording.MORE.get(node.function, ("", "")))
        if len(args) != pattern.count("{"):
            return self._by_name(node.function, args)
        said = fill(pattern, args, self.zh)
        if not calendar:
            return said
        return join("按", calendar, "计的", said) if self.zh else f"{said} in {calendar}"

    def _by_name(self, function: str, args: list[str]) -> str:
        """A function without a phrase: its name and what it is given."""
        known = FUNCTIONS.get(function)
        if self.zh:
            return f"{known.zh if known and known.zh else function}（{'，'.join(args)}）"
        return f"{function.replace('_', ' ')} of {self.listed(args, ('和', 'and'))}"

    def _text_test(self, node: tree.Call, holds: bool) -> str:
        words = wording.TEXT_TESTS[node.function][not holds]
        return self.fill(words, *(self._said_of(node, arg) for arg in node.args))

    def arithmetic(self, node: tree.Arithmetic) -> str:
        sides = [self._side(node.op, node.left, False), self._side(node.op, node.right, True)]
        sign = {"*": "×", "/": "÷"}.get(node.op, node.op)
        return f"{sides[0]} {sign} {sides[1]}"

    def _side(self, op: str, node: tree.Node, right: bool) -> str:
        """A side in brackets unless it would be worked out first anyway."""
        first = isinstance(node, tree.Arithmetic) and (
            (op in "+-" and node.op in "*/") or (not right and (op in "+-") == (node.op in "+-"))
        )
        return self.say(node) if first else self.subject(node)

    def negate(self, node: tree.Negate) -> str:
        said = self.say(node.value)
        if isinstance(node.value, tree.Literal):
            return f"-{said}"
        return self.fill(("负的{0}", "minus {0}"), self.bracketed(said) if " " in said else said)

    # patterns

    def sequence(self, node: tree.Sequence) -> str:
        parts = [self.step(step, first=step is node.steps[0]) for step in node.steps]
        over = self.say(node.over)
        if node.within is not None:
            span = self.say(node.within)
            parts.append(join("前后不超过", span) if self.zh else f"all within {span}")
        if self.zh:
            return f"{over}中先有 {'，'.join(parts)}"
        return f"the {over} show {', '.join(parts)}"

    def step(self, step: tree.Step, first: bool = False) -> str:
        self.event = step.name
        always = isinstance(step.condition, tree.Literal) and step.condition.value is True
        said = "" if always else self.say(step.condition)
        self.event = ""
        if step.absent:
            return f"其间没有（{said}）" if self.zh else f"with no ({said}) in between"
        named = step.name + (f"（{said}）" if self.zh else f" ({said})") if said else step.name
        if first:
            return named
        return f"再有 {named}" if self.zh else f"then {named}"


def _counted(node: tree.Node) -> bool:
    return (
        isinstance(node, tree.Compare)
        and isinstance(node.left, tree.Call)
        and node.left.function == "count"
        and isinstance(node.left.args[0], tree.Filter)
    )


def _is_value(test: tree.Node) -> bool:
    """A test that is one value, not a list, a range or a calendar."""
    single = (tree.Literal, tree.Negate, tree.Parameter, tree.Arithmetic, tree.Call, tree.If)
    return isinstance(test, (*single, tree.Member, tree.Variable, tree.Window))


def _asks_weekday(node: tree.Node) -> bool:
    return isinstance(node, tree.Call) and node.function in ("weekday", "day_of_week")


_PROPERTY = {"weekday": "weekday_number"}
_SAY: dict[type[tree.Node], Callable[[Speaker, Any], str]] = {
    tree.Literal: Speaker.literal,
    tree.Name: lambda _, node: node.path,
    tree.Input: lambda speaker, _: speaker.pick(("该值", "the value")),
    tree.Fact: Speaker.fact,
    tree.Parameter: Speaker.parameter,
    tree.ListName: Speaker.list_name,
    tree.Derived: Speaker.derived,
    tree.Calendar: Speaker.calendar,
    tree.Member: Speaker.member,
    tree.Variable: Speaker.variable,
    tree.Window: Speaker.window,
    tree.Compare: Speaker.compare,
    tree.Between: Speaker.between,
    tree.In: Speaker.in_,
    tree.Test: Speaker.test,
    tree.Range: Speaker.range,
    tree.ListOf: Speaker.list_of,
    tree.And: Speaker.logic,
    tree.Or: Speaker.logic,
    tree.Not: Speaker.not_,
    tree.If: Speaker.if_,
    tree.Quantified: Speaker.quantified,
    tree.For: Speaker.for_,
    tree.Filter: Speaker.filter,
    tree.Presence: Speaker.presence,
    tree.Sequence: Speaker.sequence,
    tree.Step: Speaker.step,
    tree.Call: Speaker.call,
    tree.Arithmetic: Speaker.arithmetic,
    tree.Negate: Speaker.negate,
}
