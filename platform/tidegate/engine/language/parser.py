"""Text to tree, within limits, with the place and the likely remedy when the text cannot be
read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

from tidegate.engine.language import tree
from tidegate.engine.language.constants import (
    CONSTRUCTORS,
    decimal,
    literal,
    moment_value,
    placed,
    refusal,
    unescaped,
)
from tidegate.engine.language.functions import ALIASES, SPACED
from tidegate.engine.problems import ExpressionError
from tidegate.engine.values import parse_duration, parse_money

MAX_CHARACTERS = 2_000
MAX_DEPTH = 40
KEPT_TREES = 4_096  # a set of 5,000 rules says few things more often than that
KEPT_LENGTH = 300  # characters; long texts seldom come twice, and their trees are large
_WORDS = {"true": True, "false": False, "null": None}
RESERVED = frozenset((*_WORDS, "and", "or", "not", "in", "is", "if", "then", "else", "between"))
_OPERATORS = {"≥": ">=", "≤": "<=", "≠": "!=", "×": "*", "÷": "/"}
# typed on a Chinese keyboard; one character for one, so that positions stay right
_WIDE = str.maketrans("，、（）：＞＜＝＋－＊／［］【】．？！　", ",,():><=+-*/[][].?! ")
_WIDE_DIGITS = str.maketrans("０１２３４５６７８９", "0123456789")
_QUOTES = {'"': '"', "“": "”", "「": "」", "＂": "＂"}


@dataclass(frozen=True)
class UnaryTests:
    """A table cell: any of `tests` holds, or none of them when `negated`; no tests is `-`,
    anything.
    """

    tests: tuple[tree.Node, ...]
    negated: bool = False


def parse(text: str) -> tree.Node:
    """One expression. Trees are immutable, so equal texts share one. Raises ExpressionError."""
    return kept_tree(text) if len(text) <= KEPT_LENGTH else _tree(text)


def parse_unary(text: str) -> UnaryTests:
    """One cell of a table. Raises ExpressionError."""
    return kept_tests(text) if len(text) <= KEPT_LENGTH else _tests(text)


def _tree(text: str) -> tree.Node:
    node = _read(text, "expression")
    assert isinstance(node, tree.Node)  # noqa: S101  the grammar's start guarantees it
    return node


def _tests(text: str) -> UnaryTests:
    inner = _negated(text) if len(text) <= MAX_CHARACTERS else ""
    cell = _read(inner or text, "unary")
    assert isinstance(cell, UnaryTests)  # noqa: S101  the grammar's start guarantees it
    return UnaryTests(cell.tests, negated=bool(inner))


kept_tree, kept_tests = lru_cache(KEPT_TREES)(_tree), lru_cache(KEPT_TREES)(_tests)


def _negated(text: str) -> str:
    """The inside of `not( … )` when that is the whole cell, with spaces in place of the rest;
    else empty.
    """
    typed = _half_width(text).rstrip()
    found = re.match(r"\s*not\s*\(", typed)
    if not found or not typed.endswith(")"):
        return ""
    level, quoted = 0, False
    for index, letter in enumerate(typed):
        quoted ^= letter == '"' and typed[index - 1] != "\\"
        if not quoted:
            level += (letter in "([") - (letter in ")]")
        if level == 0 and index >= found.end() and index < len(typed) - 1:
            return ""
    return " " * found.end() + text[found.end() : len(typed) - 1]


def over(subject: tree.Node, cell: UnaryTests) -> tree.Node | None:
    """The cell as a condition on `subject`; None for `-`."""
    if not cell.tests:
        return None
    at = cell.tests[0].at
    plain = tuple(test for test in cell.tests if not _mentions_input(test))
    parts = [put(test, subject) for test in cell.tests if _mentions_input(test)]
    if plain:
        parts.insert(0, _membership(subject, plain, at))
    flat = [one for part in parts for one in (part.parts if isinstance(part, tree.Or) else (part,))]
    whole = flat[0] if len(flat) == 1 else tree.Or(tuple(flat), at=at)
    return tree.Not(whole, at=at) if cell.negated else whole


def put(node: tree.Node, subject: tree.Node) -> tree.Node:
    """The tree with every `?` replaced."""
    if isinstance(node, tree.Input):
        return subject
    changes: dict[str, Any] = {}
    for name, value in vars(node).items():
        if isinstance(value, tree.Node):
            changes[name] = put(value, subject)
        elif isinstance(value, tuple):
            changes[name] = tuple(
                put(part, subject) if isinstance(part, tree.Node) else part for part in value
            )
        else:
            changes[name] = value
    return type(node)(**changes)


def _membership(subject: tree.Node, tests: tuple[tree.Node, ...], at: int) -> tree.Node:
    if len(tests) == 1 and isinstance(tests[0], tree.Test):
        return tree.Compare(tests[0].op, subject, tests[0].value, at=at)
    if len(tests) == 1 and isinstance(tests[0], (tree.Literal, tree.Negate)):
        return tree.Compare("=", subject, tests[0], at=at)
    return tree.In(subject, tests, at=at)


def _mentions_input(node: tree.Node) -> bool:
    return any(isinstance(part, tree.Input) for part in tree.walk(node))


def _read(text: str, start: str) -> tree.Node | UnaryTests:
    if len(text) > MAX_CHARACTERS:
        raise refusal(
            "rule.expression_too_long",
            f"表达式超过 {MAX_CHARACTERS} 个字符，请用 derive 拆开",
            f"the expression is longer than {MAX_CHARACTERS} characters; split it with derive",
            text[:80],
        )
    if not text.strip():
        raise refusal("rule.expression_empty", "表达式为空", "the expression is empty", text)
    typed = _half_width(text)
    try:
        node: Any = _lark().parse(typed, start=start)
    except VisitError as error:
        if isinstance(error.orig_exc, ExpressionError):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        raise _explain(text, error) from None
    assert isinstance(node, (tree.Node, UnaryTests))  # noqa: S101  what the transformer builds
    roots = node.tests if isinstance(node, UnaryTests) else (node,)
    if any(tree.depth(root) > MAX_DEPTH for root in roots):
        raise refusal(
            "rule.expression_too_deep",
            f"表达式嵌套超过 {MAX_DEPTH} 层，请用 derive 拆开",
            f"the expression is nested deeper than {MAX_DEPTH} levels; split it with derive",
            text,
        )
    return node


def _half_width(text: str) -> str:
    """Full-width signs and quotes as their plain forms, outside of quoted text, character for
    character.
    """
    if text.isascii():
        return text
    out: list[str] = []
    closing = ""
    escaped = False
    for letter in text:
        if closing:
            if letter == closing and not escaped:
                out.append('"')
                closing = ""
            else:
                # a plain quote inside “…” must not end the text; it is folded to a full-width one
                out.append("＂" if letter == '"' and not escaped else letter)
            escaped = letter == "\\" and not escaped
        elif letter in _QUOTES:
            closing, escaped = _QUOTES[letter], False
            out.append('"')
        else:
            out.append(letter.translate(_WIDE).translate(_WIDE_DIGITS))
    return "".join(out)


@lru_cache(maxsize=1)
def _lark() -> Lark:
    grammar = resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar.replace("%SPACED%", "|".join(SPACED)),
        parser="lalr",
        start=["expression", "unary"],
        transformer=_Build(),
        maybe_placeholders=False,
    )


def _explain(text: str, error: UnexpectedInput) -> ExpressionError:
    at = (
        error.pos_in_stream
        if error.pos_in_stream is not None and error.pos_in_stream >= 0
        else len(text)
    )
    at = min(at, len(text))
    ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    if ended:
        at = len(text)
    seen = text[at : at + 12] or ("末尾", "the end")[1]
    zh, en = (
        f"第 {at + 1} 个字符“{seen}”处读不懂",
        f"cannot be read at character {at + 1}, “{seen}”",
    )
    zh_tip, en_tip = _tip(text, at, ended, isinstance(error, UnexpectedCharacters))
    if ended:
        zh, en = "表达式在末尾处不完整", "the expression stops too early"
    return refusal("rule.syntax", f"{zh}；{zh_tip}", f"{en}; {en_tip}", text, at)


def _tip(text: str, at: int, ended: bool, strange: bool) -> tuple[str, str]:
    rest = text[at:]
    if rest.startswith("==") or text[max(at - 1, 0) :].startswith("=="):
        return "相等写作一个 =", "equality is written with one ="
    if rest.startswith(("&&", "||")):
        return "请写 and 或 or", "write and, or or"
    if rest.startswith("'"):
        return '文字用双引号 "…"', 'text stands in double quotes "…"'
    if re.match(r"not\s+[^(\s]", text[max(at - 4, 0) :]):
        return "请写 not(…)", "write not(…)"
    if text.count('"') % 2:
        return "引号没有成对", "a quote isn't closed"
    if text.count("(") > text.count(")"):
        return "缺少右括号", "a closing bracket is missing"
    if ended:
        return "后面缺少一个值", "a value is missing after it"
    if strange:
        return "这个符号在这里没有意义", "this sign has no meaning here"
    return (
        '检查运算符、括号，文字是否加了引号 "…"',
        'check the operator and brackets, and that text stands in quotes "…"',
    )


def _at(parts: list[Any]) -> int:
    first = parts[0]
    return (first.start_pos or 0) if isinstance(first, Token) else int(first.at)


class _Build(Transformer[Token, Any]):
    """Builds nodes while the text is parsed, so that no deep tree is ever walked recursively."""

    def expression(self, parts: list[Any]) -> tree.Node:
        node: tree.Node = parts[0]
        return node

    def any_value(self, parts: list[Any]) -> UnaryTests:
        return UnaryTests(())

    def unary_tests(self, parts: list[Any]) -> UnaryTests:
        return UnaryTests(parts[0])

    def tests(self, parts: list[Any]) -> tuple[tree.Node, ...]:
        return tuple(parts)

    def test(self, parts: list[Any]) -> tree.Node:
        return tree.Test(_OPERATORS.get(parts[0], str(parts[0])), parts[1], at=_at(parts))

    def or_(self, parts: list[Any]) -> tree.Node:
        flat = [
            inner
            for part in parts
            for inner in (part.parts if isinstance(part, tree.Or) else (part,))
        ]
        return tree.Or(tuple(flat), at=_at(parts))

    def and_(self, parts: list[Any]) -> tree.Node:
        flat = [
            inner
            for part in parts
            for inner in (part.parts if isinstance(part, tree.And) else (part,))
        ]
        return tree.And(tuple(flat), at=_at(parts))

    def compare(self, parts: list[Any]) -> tree.Node:
        return tree.Compare(
            _OPERATORS.get(parts[1], str(parts[1])), parts[0], parts[2], at=_at(parts)
        )

    def between(self, parts: list[Any]) -> tree.Node:
        return tree.Between(parts[0], parts[1], parts[2], at=_at(parts))

    def in_(self, parts: list[Any]) -> tree.Node:
        tests = parts[1] if isinstance(parts[1], tuple) else (parts[1],)
        return tree.In(parts[0], tests, at=_at(parts))

    def missing(self, parts: list[Any]) -> tree.Node:
        return tree.Presence(parts[0], True, at=_at(parts))

    def present(self, parts: list[Any]) -> tree.Node:
        return tree.Presence(parts[0], False, at=_at(parts))

    def quantified(self, parts: list[Any]) -> tree.Node:
        kind, variable, source, condition = parts
        return tree.Quantified(str(kind), str(variable), source, condition, at=_at(parts))

    def for_(self, parts: list[Any]) -> tree.Node:
        _, variable, source, result = parts
        return tree.For(str(variable), source, result, at=_at(parts))

    def if_(self, parts: list[Any]) -> tree.Node:
        return tree.If(parts[0], parts[1], parts[2], at=_at(parts))

    def arithmetic(self, parts: list[Any]) -> tree.Node:
        return tree.Arithmetic(
            _OPERATORS.get(parts[1], str(parts[1])), parts[0], parts[2], at=_at(parts)
        )

    def negate(self, parts: list[Any]) -> tree.Node:
        return tree.Negate(parts[1], at=_at(parts))

    def filter(self, parts: list[Any]) -> tree.Node:
        return tree.Filter(parts[0], parts[1], at=_at(parts))

    def member(self, parts: list[Any]) -> tree.Node:
        return tree.Member(parts[0], str(parts[1])[1:], at=_at(parts))

    def parens(self, parts: list[Any]) -> tree.Node:
        node: tree.Node = parts[0]
        return node

    def number(self, parts: list[Any]) -> tree.Node:
        return literal(decimal, parts[0], str(parts[0]))

    def money(self, parts: list[Any]) -> tree.Node:
        return literal(parse_money, parts[0], str(parts[0]))

    def duration(self, parts: list[Any]) -> tree.Node:
        return literal(parse_duration, parts[0], str(parts[0]))

    def string(self, parts: list[Any]) -> tree.Node:
        return tree.Literal(unescaped(str(parts[0])[1:-1]), at=_at(parts))

    def moment(self, parts: list[Any]) -> tree.Node:
        return literal(moment_value, parts[0], str(parts[0])[2:-1])

    def input(self, parts: list[Any]) -> tree.Node:
        return tree.Input(at=_at(parts))

    def name(self, parts: list[Any]) -> tree.Node:
        word = str(parts[0])
        if word in _WORDS:
            return tree.Literal(_WORDS[word], at=_at(parts))
        if word in RESERVED:
            raise refusal(
                "rule.syntax",
                f"“{word}”是语言里的词，不能作名字；它前后少了一个值",
                f"“{word}” is a word of the language, not a name; a value is missing beside it",
                word,
                at=_at(parts),
            )
        return tree.Name(word, at=_at(parts))

    def named(self, parts: list[Any]) -> tuple[Token, tree.Node]:
        return parts[0], parts[1]

    def call(self, parts: list[Any]) -> tree.Node:
        word = parts[0]
        name = str(word).replace(" ", "_")
        args = placed(ALIASES.get(name, name), parts[1:])
        if name == "not" and len(args) == 1:
            return tree.Not(args[0], at=_at(parts))
        constants = [arg.value for arg in args if isinstance(arg, tree.Literal)]
        read = _CONSTRUCTORS.get(name)
        found: tree.Node | None = None
        if read and args and len(constants) == len(args):
            found = read(word, constants)
        if found is not None:
            return found
        return tree.Call(name, args, at=_at(parts))

    def range_closed(self, parts: list[Any]) -> tree.Node:
        return tree.Range(parts[0], parts[1], True, True, at=_at(parts))

    def range_closed_open(self, parts: list[Any]) -> tree.Node:
        return tree.Range(parts[0], parts[1], True, False, at=_at(parts))

    def range_open_closed(self, parts: list[Any]) -> tree.Node:
        return tree.Range(parts[0], parts[1], False, True, at=_at(parts))

    def range_open(self, parts: list[Any]) -> tree.Node:
        return tree.Range(parts[0], parts[1], False, False, at=_at(parts))

    def listing(self, parts: list[Any]) -> tree.Node:
        return tree.ListOf(tuple(parts), at=_at(parts) if parts else 0)


def _range(word: Token, constants: list[Any]) -> tree.Node | None:
    """`range("[1..5)")`: the range the text says."""
    if len(constants) > 1 or not isinstance(constants[0], str):
        return None
    try:
        found = parse(constants[0])
    except ExpressionError:
        found = None
    if not isinstance(found, tree.Range) or any(isinstance(n, tree.Name) for n in tree.walk(found)):
        raise refusal(
            "rule.bad_literal",
            f"“{constants[0]}”不是区间，如 [1..5)",
            f"“{constants[0]}” isn't a range such as [1..5)",
            constants[0],
            word.start_pos or 0,
        )
    return found


_CONSTRUCTORS = {**CONSTRUCTORS, "range": _range}
