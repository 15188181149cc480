"""The conformance cases of the Common Expression Language.

Its macros say what our quantifiers say. A map is read as its keys; a macro that also binds the
index (or the value of a map) runs over the positions, and asks for the element there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from asking import Evaluator, Given, ask, spelled, written
from c_like import Bytes, Node, parse
from reasons import NotOurs
from suites import Case, records

_BINARY = {"==": "=", "!=": "!=", "&&": "and", "||": "or", **{s: s for s in ("<", "<=", ">", ">=")}}
# false comes before true there; our language has no order of them, but can say what it means
_ORDERED = {
    "<": "(not({0}) and {1})",
    "<=": "(not({0}) or {1})",
    ">": "({0} and not({1}))",
    ">=": "({0} or not({1}))",
}
_PATTERN_SIGNS = set(".^$*+?()[]{}|\\")


def cases(data: Path) -> Iterator[Case]:
    for row in records(data / "cel_spec" / "cases_dev.jsonl.xz"):
        name = "/".join([*row["suite"], row["name"]])
        yield Case(name, lambda evaluator, row=row: _answer(row, evaluator))


def _answer(row: Mapping[str, Any], evaluator: Evaluator) -> tuple[Any, Any]:
    given = Given()
    tree = parse(row["expr"])
    names = {
        name: given.value(name, _value(bound["value"]))
        for name, bound in (row.get("bindings") or {}).items()
    }
    text = _Text(names, _texts(tree)).say(tree)
    wanted, found = _value(row["value"]), ask(text, given, evaluator)
    if isinstance(found, tuple) and wanted is None:
        wanted = []
    if wanted is not found and isinstance(wanted, bool):
        _named_difference(tree, found)
    return wanted, found


def _named_difference(tree: Node, found: Any) -> None:
    """Raises NotOurs where the other answer is one that we give on purpose."""
    parts = list(_walk(tree))
    if found is None and any(part == ("literal", None) for part in parts):
        raise NotOurs("unknown_members")
    if found is None and any(part[:2] == ("binary", "/") for part in parts):
        raise NotOurs("no_not_a_number")
    macros = [part[1] for part in parts if part[0] == "call"]
    if any(of[0] == "member" and of[2] == "all" and of[1] == ("list", []) for of in macros):
        raise NotOurs("every_over_nothing")


def _texts(tree: Node) -> list[str]:
    parts = _walk(tree)
    return [part[1] for part in parts if part[0] == "literal" and isinstance(part[1], str)]


def _walk(node: Any) -> Iterator[Node]:
    if isinstance(node, tuple) and node and isinstance(node[0], str):
        yield node
    if isinstance(node, (tuple, list)):
        for part in node:
            yield from _walk(part)


def _value(raw: Mapping[str, Any]) -> Any:
    ((kind, value),) = raw.items()
    if kind == "listValue":
        return [_value(member) for member in value.get("values", [])]
    if kind in ("int64Value", "uint64Value", "doubleValue"):
        return Decimal(str(value))
    if kind == "bytesValue":
        raise NotOurs("no_bytes")
    return value


class _Text:
    """A tree as our text; `names` are what names stand for, `texts` all texts of the case."""

    def __init__(self, names: Mapping[str, str], texts: Iterable[str]) -> None:
        self.names, self.texts = dict(names), texts

    def say(self, node: Node) -> str:
        said: str = getattr(self, node[0])(*node[1:])
        return said

    def literal(self, value: object) -> str:
        if isinstance(value, Bytes):
            raise NotOurs("no_bytes")
        return spelled(value, self.texts) if isinstance(value, str) else written(value)

    def name(self, word: str) -> str:
        return self.names[word]

    def list(self, parts: list[Node]) -> str:
        return f"[{', '.join(self.say(part) for part in parts)}]"

    def map(self, pairs: list[tuple[Node, Node]]) -> str:
        return self.list([key for key, _ in pairs])

    def unary(self, op: str, x: Node) -> str:
        return f"not({self.say(x)})" if op == "!" else f"(-{self.say(x)})"

    def binary(self, op: str, x: Node, y: Node) -> str:
        if op in ("==", "!=") and "map" in (x[0], y[0]):
            same = _same_maps(x, y, self)
            return same if op == "==" else f"not({same})"
        left, right = self.say(x), self.say(y)
        if op == "in":
            return f"({left} in {right})"
        if op == "%":
            return f"modulo({left}, {right})"
        if op == "+" and "list" in (x[0], y[0]):
            return f"concatenate({left}, {right})"
        if op in _ORDERED and any(isinstance(side[1], bool) for side in (x, y)):
            return _ORDERED[op].format(left, right)
        return f"({left} {_BINARY.get(op, op)} {right})"

    def call(self, of: Node, args: list[Node]) -> str:
        if of[0] == "member":
            made = getattr(self, f"do_{of[2]}", None)
            if made is None:
                raise NotOurs("other_field")
            text: str = made(of[1], *args)
            return text
        return _made(of[1], args, self)

    # what is asked of text

    def do_startsWith(self, of: Node, part: Node) -> str:
        return f"starts with({self.say(of)}, {self.say(part)})"

    def do_contains(self, of: Node, part: Node) -> str:
        return f"contains({self.say(of)}, {self.say(part)})"

    def do_matches(self, of: Node, pattern: Node) -> str:
        """A pattern without signs is a text to be found."""
        if set(pattern[1]) & _PATTERN_SIGNS:
            raise NotOurs("regular_expressions")
        return self.do_contains(of, pattern)

    # macros

    def do_exists(self, of: Node, *args: Node) -> str:
        return self.quantified("some", of, args)

    def do_all(self, of: Node, *args: Node) -> str:
        return self.quantified("every", of, args)

    def quantified(self, word: str, of: Node, args: tuple[Node, ...]) -> str:
        variable, source, condition = self.inside(of, args, args[0][1])
        return f"({word} {variable} in {source} satisfies {condition})"

    def do_exists_one(self, of: Node, *args: Node) -> str:
        _, source, condition = self.inside(of, args, "item")
        return f"(count({source}[{condition}]) = 1)"

    do_existsOne = do_exists_one

    def do_filter(self, of: Node, *args: Node) -> str:
        _, source, condition = self.inside(of, args, "item")
        return f"{source}[{condition}]"

    def do_map(self, of: Node, *args: Node) -> str:
        variable, source, result = self.inside(of, args, args[0][1])
        return f"(for {variable} in {source} return {result})"

    def do_transformList(self, of: Node, i: Node, v: Node, test: Node, result: Node) -> str:
        _, source, condition = self.inside(of, (i, v, test), "item")
        return self.do_map(of, i, v, result).replace(
            f" in {source} ", f" in {source}[{condition}] "
        )

    def inside(self, of: Node, args: tuple[Node, ...], variable: str) -> tuple[str, str, str]:
        """The variable, what it runs over, and the last argument where it is bound."""
        inner = _Text(self.names, self.texts)
        first = args[0][1]
        if len(args) == 2:
            inner.names[first] = variable
            return variable, self.say(of), inner.say(args[1])
        parts = of[1]
        places = written([Decimal(n) for n in range(len(parts))])
        second = args[1][1]
        if of[0] == "map":
            keys, values = (self.list([pair[n] for pair in parts]) for n in (0, 1))
            inner.names[first] = f"element({keys}, {variable} + 1)"
        else:
            values = self.say(of)
            inner.names[first] = variable
        inner.names[second] = f"element({values}, {variable} + 1)"
        return variable, places, inner.say(args[2])

    def __getattr__(self, kind: str) -> Any:
        if kind == "if":
            return self.chosen
        raise AttributeError(kind)

    def chosen(self, a: Node, b: Node, c: Node) -> str:
        return f"(if {self.say(a)} then {self.say(b)} else {self.say(c)})"


def _same_maps(x: Node, y: Node, text: _Text) -> str:
    """Two maps are equal when they have the same keys with equal values."""
    sides = []
    for side in (x, y):
        pairs = sorted(side[1], key=lambda pair: repr(pair[0]))
        sides.append(pairs)
    keys = [text.list([key for key, _ in pairs]) for pairs in sides]
    parts = [f"({keys[0]} = {keys[1]})"]
    if [key for key, _ in sides[0]] == [key for key, _ in sides[1]]:
        both = zip(sides[0], sides[1], strict=True)
        parts += [f"({text.say(one[1])} = {text.say(other[1])})" for one, other in both]
    return f"({' and '.join(parts)})"


def _made(name: str, args: list[Node], text: _Text) -> str:
    """`timestamp(…)` and `duration(…)` of text, of seconds, or of one that is made already."""
    (arg,) = args
    if arg[0] == "call":
        return text.say(arg)
    value = arg[1]
    if name == "timestamp" and isinstance(value, str):
        if ".0000000" in value:
            raise NotOurs("calendar_limits")
        return written(datetime.fromisoformat(value))
    if name == "timestamp":
        return f'(@"1970-01-01T00:00:00+00:00" + 1s * {value})'
    if value.endswith("ns"):
        raise NotOurs("calendar_limits")
    return written(timedelta(seconds=float(value.removesuffix("s"))))
