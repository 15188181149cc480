"""The part of YAML that rule documents are written in, read line by line: block mappings and
sequences, and values, quoted texts and flow collections that end on the line they begin on.

`read` gives exactly what the full parser gives, values and places, or the line at which the
document uses something else (anchors, tags, texts over several lines) or is wrong: then the full
parser has the word. That the two agree is tested over generated and damaged documents.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NoReturn

Path = tuple[str | int, ...]
Place = tuple[int, int, "dict[str | int, Place] | None"]

_INTEGER = re.compile(r"[-+]?(0|[1-9]\d{0,30})\Z")
_DECIMAL = re.compile(r"[-+]?(\d{1,30}\.\d{0,30}|\.\d{1,30}|\d{1,30})([eE][-+]?\d{1,3})?\Z")
_WORDS: dict[str, object] = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
# what YAML calls printable, without tabs and the other line breaks
_STRANGE = re.compile(
    "[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_FIRST = r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|-(?=[^\s,\[\]{}]))"
_BLOCK_TEXT = re.compile(rf"{_FIRST}[^:#\n]*(?:(?::(?=\S)|(?<=\S)#)[^:#\n]*)*")
_FLOW_TEXT = re.compile(
    rf"{_FIRST}[^:#,\[\]{{}}\n]*(?:(?::(?=[^\s,\[\]{{}}])|(?<=\S)#)[^:#,\[\]{{}}\n]*)*|-(?=[,\]}}])"
)
_SINGLE_QUOTED = re.compile(r"'([^'\n]*(?:''[^'\n]*)*)'")
_DOUBLE_QUOTED = re.compile(
    r'"([^"\\\n]*(?:\\(?:["\\/nt]|x[0-9a-fA-F]{2}|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})[^"\\\n]*)*)"'
)
_END = re.compile(r"(?: +#.*| *)\Z")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "/": "/"}
_MAX_KEY = 500
_DEEPEST, _MOST = 60, 200_000  # of what `plain` reads by itself


def scalar(text: str) -> object:
    """A plain scalar as YAML 1.2's core schema has it, decimals exact, dates as text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "0123456789+-.":
        if _INTEGER.match(text):
            return int(text)
        if _DECIMAL.match(text):
            return Decimal(text)
    return text


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _ESCAPES[found[3]]


class _Unknown(Exception):
    """The document is not simple."""


class _TooMany(Exception):
    """It holds too many values."""


def plain(text: str) -> Any:
    """A document as plain data, decimals as floats, dates as text. It takes a twentieth of the time of the full parser,
    which reads what is not simple here.

    Raises:
        ruamel.yaml.error.YAMLError: it is no YAML.
    """
    found = read(text, _DEEPEST, _MOST)
    if isinstance(found, tuple):
        return _floats(found[0])
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).load(text)


def _floats(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _floats(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_floats(value) for value in data]
    return float(data) if isinstance(data, Decimal) else data


def read(text: str, depth: int, values: int) -> tuple[Any, Place] | int | None:
    """The data and its places, or the line that is not simple, or None when there are more than
    `values` values. Collections may nest up to `depth`.
    """
    strange = _STRANGE.search(text)
    if strange:
        return text.count("\n", 0, strange.start()) + 1
    reader = _Reader(text, depth, values)
    try:
        return reader.document()
    except _Unknown:
        return reader.lines[min(reader.at, len(reader.lines) - 1)][0] if reader.lines else 1
    except _TooMany:
        return None


class _Reader:
    """`lines` are those that hold something, each with its number and its indentation."""

    def __init__(self, text: str, depth: int, values: int) -> None:
        self.lines: list[tuple[int, int, str]] = []
        for number, line in enumerate(text.split("\n"), 1):
            inner = line.lstrip(" ")
            if inner and inner[0] != "#":
                self.lines.append((number, len(line) - len(inner), line.rstrip(" ")))
        self.at = 0
        self.depth = depth
        self.left = values
        # the line being read by `flow`, and how far
        self.line = ""
        self.number = 0
        self.spot = 0

    def document(self) -> tuple[Any, Place]:
        if not self.lines or any(line.startswith(("---", "...", "%")) for *_, line in self.lines):
            self.refuse()
        value, place = self.block(self.lines[0][1], 1)
        if self.at < len(self.lines):
            self.refuse()
        return value, place

    def refuse(self) -> NoReturn:
        raise _Unknown

    def count(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise _TooMany

    def block(self, column: int, level: int) -> tuple[Any, Place]:
        """The collection that begins in this column of the current line."""
        if level > self.depth:
            self.refuse()
        line = self.lines[self.at][2]
        if line.startswith("- ", column) or line[column:] == "-":
            return self.sequence(column, level)
        return self.mapping(column, level)

    def sequence(self, column: int, level: int) -> tuple[Any, Place]:
        found: list[Any] = []
        inside: dict[str | int, Place] = {}
        first = self.lines[self.at][0]
        indent = column
        while self.at < len(self.lines):
            number, indent, line = self.lines[self.at]
            if found and indent != column:
                break
            if not (line.startswith("- ", column) or line[column:] == "-"):
                break
            start = column + 1
            while line.startswith(" ", start):
                start += 1
            if start >= len(line) or line[start] == "#":
                self.refuse()  # an empty entry, or a value on the lines below
            value, place = self.entry(number, line, start, column, level)
            inside[len(found)] = place
            found.append(value)
            self.count(1)
        if self.at < len(self.lines) and indent > column:
            self.refuse()
        return found, (first, column + 1, inside)

    def entry(
        self, number: int, line: str, start: int, column: int, level: int
    ) -> tuple[Any, Place]:
        """What follows a dash: a collection that begins here, or a value."""
        if line.startswith("- ", start) or line[start:] == "-" or self.key(line, start):
            return self.block(start, level + 1)
        value, inside = self.inline(number, line, start, column, level)
        return value, (number, start + 1, inside)

    def mapping(self, column: int, level: int) -> tuple[Any, Place]:
        found: dict[str, Any] = {}
        inside: dict[str | int, Place] = {}
        first = self.lines[self.at][0]
        while self.at < len(self.lines):
            number, indent, line = self.lines[self.at]
            if found and indent != column:
                if indent > column:
                    self.refuse()
                break
            key = self.key(line, column)
            if key is None:
                if found and (line.startswith("- ", column) or line[column:] == "-"):
                    break
                self.refuse()
            name, start = key
            if name in found or name == "<<":
                self.refuse()
            while line.startswith(" ", start):
                start += 1
            if start < len(line) and line[start] != "#":
                value, within = self.inline(number, line, start, column, level)
            else:
                self.at += 1
                value, within = self.below(column, level)
            found[name] = value
            inside[name] = (number, column + 1, within)
            self.count(1)
        return found, (first, column + 1, inside)

    def below(self, column: int, level: int) -> tuple[Any, dict[str | int, Place] | None]:
        """The value of a key that ends its line: deeper lines, a sequence under it, or null."""
        if self.at == len(self.lines):
            return None, None
        _, indent, line = self.lines[self.at]
        dash = line.startswith("- ", indent) or line[indent:] == "-"
        if indent > column or (indent == column and dash):
            if not dash and self.key(line, indent) is None:
                self.refuse()
            value, place = self.block(indent, level + 1)
            return value, place[2]
        return None, None

    def key(self, line: str, start: int) -> tuple[str, int] | None:
        """The key that begins here and where its value begins; None if there is none."""
        opening = line[start]
        if opening in "'\"":
            text, end = self.quoted(line, start)
        else:
            matched = _BLOCK_TEXT.match(line, start)
            if not matched:
                return None
            text, end = matched[0], matched.end()
        if end - start > _MAX_KEY or not (line.startswith(": ", end) or line[end:] == ":"):
            return None
        return (text if opening in "'\"" else text.rstrip(" ")), end + 1

    def quoted(self, line: str, start: int) -> tuple[str, int]:
        if line[start] == "'":
            matched = _SINGLE_QUOTED.match(line, start)
            if matched:
                return matched[1].replace("''", "'"), matched.end()
        else:
            matched = _DOUBLE_QUOTED.match(line, start)
            if matched:
                return _ESCAPE.sub(_unescaped, matched[1]), matched.end()
        self.refuse()

    def inline(
        self, number: int, line: str, start: int, column: int, level: int
    ) -> tuple[Any, dict[str | int, Place] | None]:
        """A value on its line; what follows must not continue it."""
        opening = line[start]
        inside: dict[str | int, Place] | None = None
        if opening in "[{":
            self.line, self.number, self.spot = line, number, start
            value, (_, _, inside) = self.flow(level + 1)
            end = self.spot
        elif opening in "'\"":
            value, end = self.quoted(line, start)
        else:
            matched = _BLOCK_TEXT.match(line, start)
            if not matched:
                self.refuse()
            value, end = scalar(matched[0].rstrip(" ")), matched.end()
            if matched[0].endswith(" ") and line.startswith("#", end):
                end -= 1
        if not _END.match(line, end):
            self.refuse()
        self.at += 1
        if self.at < len(self.lines) and self.lines[self.at][1] > column:
            self.refuse()
        return value, inside

    def flow(self, level: int) -> tuple[Any, Place]:
        """The flow collection that begins at `spot`."""
        if level > self.depth:
            self.refuse()
        start = self.spot
        closing = "]" if self.line[start] == "[" else "}"
        found: list[Any] = []
        mapped: dict[str, Any] = {}
        inside: dict[str | int, Place] = {}
        self.skip(1)
        while not self.line.startswith(closing, self.spot):
            if found or mapped:
                self.take(",")
            if closing == "]":
                value, place = self.member(level)
                inside[len(found)] = place
                found.append(value)
            else:
                name, value, place = self.pair(level)
                if name in mapped or name == "<<":
                    self.refuse()
                mapped[name] = value
                inside[name] = place
        self.spot += 1
        self.count(len(inside))
        return (found if closing == "]" else mapped), (self.number, start + 1, inside)

    def skip(self, count: int) -> None:
        self.spot += count
        while self.line.startswith(" ", self.spot):
            self.spot += 1

    def take(self, sign: str) -> None:
        if not self.line.startswith(sign, self.spot):
            self.refuse()
        self.skip(1)

    def pair(self, level: int) -> tuple[str, Any, Place]:
        start = self.spot
        name, _, _ = self.text()
        if not self.line.startswith(": ", self.spot) or self.spot - start > _MAX_KEY:
            self.refuse()
        self.skip(1)
        value, place = self.value(level)
        return name, value, (self.number, start + 1, place[2])

    def member(self, level: int) -> tuple[Any, Place]:
        """A member of a flow sequence; `a: b` is a mapping of one."""
        start = self.spot
        if self.line.startswith(("[", "{"), start):
            return self.value(level)
        text, value, plain = self.text()
        if not self.line.startswith(":", self.spot):
            return (value if plain else text), (self.number, start + 1, None)
        self.spot = start
        if level >= self.depth:
            self.refuse()
        name, value, place = self.pair(level + 1)
        if name == "<<":
            self.refuse()
        return {name: value}, (self.number, start + 1, {name: place})

    def value(self, level: int) -> tuple[Any, Place]:
        start = self.spot
        if self.line.startswith(("[", "{"), start):
            value, place = self.flow(level + 1)
            self.skip(0)
            return value, place
        text, value, plain = self.text()
        return (value if plain else text), (self.number, start + 1, None)

    def text(self) -> tuple[str, Any, bool]:
        """A scalar in flow: its text, its value, and whether it is plain."""
        if self.line.startswith(("'", '"'), self.spot):
            text, self.spot = self.quoted(self.line, self.spot)
            self.skip(0)
            return text, text, False
        matched = _FLOW_TEXT.match(self.line, self.spot)
        if not matched:
            self.refuse()
        text = matched[0].rstrip(" ")
        self.spot = matched.end()
        self.skip(0)
        return text, scalar(text), True
