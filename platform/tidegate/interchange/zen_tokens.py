"""ZEN text (the expression language of GoRules) cut into words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tidegate.interchange.remarks import NotOurs

MAX_CHARACTERS = 10_000
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][-+]?\d+)?)
    | (?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    | (?P<template>`(?:\\.|[^`\\])*`)
    | (?P<name>\$nodes\b|[^\W\d][\w$]*|\$|\#)
    | (?P<sign>\.\.|==|!=|<=|>=|\?\?|&&|\|\||[-+*/%^<>!?:,.()\[\]{}])
    )""",
    re.X,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.S)


@dataclass(frozen=True)
class Token:
    """`kind` is number, text, template, name, sign or end."""

    kind: str
    text: str
    at: int


def tokens_of(text: str) -> list[Token]:
    """The words of an expression, `end` last. Raises NotOurs."""
    if len(text) > MAX_CHARACTERS:
        raise NotOurs(
            "interchange.too_long",
            f"表达式超过 {MAX_CHARACTERS} 个字符，请拆开",
            f"the expression is longer than {MAX_CHARACTERS} characters; split it",
        )
    found: list[Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if not match:
            raise unreadable(text, position)
        kind = str(match.lastgroup)
        found.append(Token(kind, match[kind], match.start(kind)))
        position = match.end()
    return [*found, Token("end", "", len(text))]


def unquoted(text: str) -> str:
    """The inside of a quoted text with its escapes undone."""
    return _ESCAPE.sub(_plain, text[1:-1])


def _plain(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) > 1:
        return chr(int(code[1:], 16)) if not 0xD800 <= int(code[1:], 16) < 0xE000 else "�"
    return {"n": "\n", "t": "\t", "r": "\r"}.get(code, code)


def unreadable(text: str, at: int) -> NotOurs:
    shown = text[at : at + 12] or "…"
    return NotOurs(
        "interchange.zen_syntax",
        f"第 {at + 1} 个字符“{shown}”处读不懂；请在 GoRules 里改用比较、区间、and/or 或这里有的函数",
        f"it can't be read at character {at + 1}, “{shown}”; use comparisons, ranges, and/or and "
        f"the functions offered here",
    )
