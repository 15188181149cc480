"""A small parser for the C-like expressions of CEL and GoRules: text to nested tuples.

("literal", value)  ("name", word)  ("member", of, word)  ("index", of, at)  ("call", of, args)
("list", parts)  ("map", pairs)  ("unary", op, x)  ("binary", op, x, y)  ("if", a, b, c)
("range", low, high, low_closed, high_closed)  ("template", parts)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

Node = tuple[Any, ...]
_TOKENS = re.compile(
    r"""\s*(?:
      (?P<string>[bB]?[rR]?(?:'''.*?'''|\"\"\".*?\"\"\")|[rR][bB]?'[^']*'|[bB][rR]?'[^']*'
        |[rR][bB]?"[^"]*"|[bB][rR]?"[^"]*"|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    | (?P<template>`[^`]*`)
    | (?P<number>\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?[uU]?|\.\d+(?:[eE][-+]?\d+)?)
    | (?P<word>[A-Za-z_$#][\w$]*)
    | (?P<sign>==|!=|<=|>=|&&|\|\||\?\?|\.\.|[-+*/%^!<>?:.,()\[\]{}])
    )""",
    re.VERBOSE | re.DOTALL,
)
_LEVELS: Sequence[Sequence[str]] = (
    ("??",),
    ("||", "or"),
    ("&&", "and"),
    ("==", "!=", "<", "<=", ">", ">=", "in", "not in"),
    ("+", "-"),
    ("*", "/", "%"),
    ("^",),
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


class Unreadable(Exception):
    """The text is none of these expressions."""


class Bytes(bytes):
    """A literal of CEL that is not text."""


def parse(text: str) -> Node:
    reader = _Reader(text)
    node = reader.ternary()
    reader.end()
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKENS.match(text, at)
            if not found or found.lastgroup is None:
                raise Unreadable(text[at:])
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        kind, word = (
            self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ("", "")
        )
        return "" if kind in ("string", "template") else word

    def take(self, *wanted: str) -> bool:
        if self.at < len(self.tokens) and self.peek() in wanted:
            self.at += 1
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise Unreadable(f"{sign} is missing")

    def end(self) -> None:
        if self.at < len(self.tokens):
            raise Unreadable(self.tokens[self.at][1])

    def ternary(self) -> Node:
        condition = self.level(0)
        if not self.take("?"):
            return condition
        then = self.ternary()
        self.need(":")
        return ("if", condition, then, self.ternary())

    def level(self, number: int) -> Node:
        if number == len(_LEVELS):
            return self.unary()
        left = self.level(number + 1)
        while self.peek() in _LEVELS[number] or (
            self.peek() == "not" and self.peek(1) == "in" and number == 3
        ):
            op = self.tokens[self.at][1]
            self.at += 2 if op == "not" else 1
            op = "not in" if op == "not" else op
            left = ("binary", op, left, self.level(number + 1))
        return left

    def unary(self) -> Node:
        for sign in ("!", "-", "not"):
            if self.take(sign):
                return ("unary", "!" if sign == "not" else sign, self.unary())
        return self.postfix()

    def postfix(self) -> Node:
        node = self.primary()
        while True:
            if self.take("."):
                node = ("member", node, self.tokens[self.at][1])
                self.at += 1
            elif self.take("("):
                node = ("call", node, self.until(")"))
            elif self.take("["):
                node = ("index", node, self.ternary())
                self.need("]")
            else:
                return node

    def until(self, closing: str) -> list[Node]:
        parts: list[Node] = []
        while not self.take(closing):
            parts.append(self.ternary())
            if self.peek() != closing:
                self.need(",")
        return parts

    def primary(self) -> Node:
        if self.at >= len(self.tokens):
            raise Unreadable("the end")
        kind, word = self.tokens[self.at]
        self.at += 1
        if kind == "string":
            return ("literal", unquoted(word))
        if kind == "template":
            return ("template", _template(word[1:-1]))
        if kind == "number":
            return ("literal", Decimal(word.rstrip("uU").replace("_", "")))
        if kind == "word":
            known = {"true": True, "false": False, "null": None}
            return ("literal", known[word]) if word in known else ("name", word)
        if word in "([":
            return self.bracket(word)
        if word == "{":
            return ("map", self.pairs())
        raise Unreadable(word)

    def bracket(self, opening: str) -> Node:
        if opening == "[" and self.take("]"):
            return ("list", [])
        first = self.ternary()
        if self.take(".."):
            high = self.ternary()
            closed = self.peek() == "]"
            self.at += 1
            return ("range", first, high, opening == "[", closed)
        if opening == "(":
            self.need(")")
            return first
        parts = [first]
        while self.take(","):
            parts.append(self.ternary())
        self.need("]")
        return ("list", parts)

    def pairs(self) -> list[tuple[Node, Node]]:
        found: list[tuple[Node, Node]] = []
        while not self.take("}"):
            key = self.ternary()
            self.need(":")
            found.append((key, self.ternary()))
            if self.peek() != "}":
                self.need(",")
        return found


def _template(text: str) -> list[Node]:
    parts: list[Node] = []
    for piece in re.split(r"(\$\{[^}]*\})", text):
        if piece.startswith("${"):
            parts.append(parse(piece[2:-1]))
        elif piece:
            parts.append(("literal", piece))
    return parts


def unquoted(word: str) -> str | Bytes:
    """What a quoted word says."""
    prefix = word[: min(word.find("'") % 99, word.find('"') % 99)].lower()
    body = word[len(prefix) :]
    width = 3 if body[:3] in ("'''", '"""') else 1
    body = body[width:-width]
    if "r" not in prefix:
        body = re.sub(
            r"\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))",
            _unescaped,
            body,
        )
    return Bytes(body.encode()) if "b" in prefix else body


def _unescaped(found: re.Match[str]) -> str:
    point = next((value for value in found.groups()[:3] if value), "")
    if point:
        return chr(int(point, 16))
    return chr(int(found[4], 8)) if found[4] else _ESCAPES.get(found[5], found[5])
