"""ZEN expressions as trees of our language.

A recursive parser over the words; names are looked up by the caller, which knows what each node
of the graph passes on. Precedence and the meaning of a table's cells follow the ZEN language.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from tidegate.engine.language import tree
from tidegate.engine.language.parser import UnaryTests
from tidegate.engine.values import parse_date, parse_instant
from tidegate.interchange.feel_meaning import meaning
from tidegate.interchange.remarks import NotOurs
from tidegate.interchange.zen_cells import Alternative, Condition, both, cell_of, compared
from tidegate.interchange.zen_tokens import Token, tokens_of, unquoted, unreadable

Lookup = Callable[[str], tree.Node]
MAX_DEPTH = 40
ELEMENT = "item"  # what `#` is called in our conditions over lists
_POWERS = {
    "or": 10, "||": 10, "and": 15, "&&": 15, "==": 20, "!=": 20, "<": 20, ">": 20, "<=": 20,
    ">=": 20, "in": 20, "+": 30, "-": 30, "*": 60, "/": 60, "%": 60, "^": 70, "??": 80,
}  # fmt: skip
_NOT_POWER, _SIGN_POWER = 50, 200
_FUNCTIONS = {
    "contains": "contains", "startsWith": "starts_with", "endsWith": "ends_with",
    "matches": "matches", "lower": "lower_case", "upper": "upper_case", "abs": "abs",
    "floor": "floor", "ceil": "ceiling", "round": "round", "string": "string", "len": "count",
    "sum": "sum", "min": "min", "max": "max", "avg": "mean",
}  # fmt: skip
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


class Zen:
    """One expression. `lookup` gives the node for a path; `current` is the path of the table's
    column, which `$` means in its cells (None: `$` is the node's own result).
    """

    def __init__(self, text: str, lookup: Lookup, current: str | None = None) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.position = 0
        self.depth = 0
        self.closures = 0
        self.lookup = lookup
        self.current = current

    def expression(self) -> tree.Node:
        """The whole text as a value. Raises NotOurs."""
        node = self._conditional(0)
        self._end()
        return meaning(node)

    def cell(self) -> UnaryTests | tree.Node:
        """The text as a cell of a column: tests, or a condition that does not look at the column.

        Raises:
            NotOurs: it mixes both, or cannot be said.
        """
        whole = self._pair()
        while self.token.kind != "end":
            join = self._take().text
            if join not in (",", "or", "||", "and", "&&"):
                raise unreadable(self.text, self.tokens[self.position - 1].at)
            right = self._pair()
            whole = both(whole, right) if join in ("and", "&&") else [*whole, *right]
        return cell_of(whole)

    # words

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def _take(self) -> Token:
        self.position += 1
        return self.tokens[self.position - 1]

    def _is(self, *texts: str) -> bool:
        return self.token.kind in ("sign", "name") and self.token.text in texts

    def _expect(self, text: str) -> None:
        if not self._is(text):
            raise unreadable(self.text, self.token.at)
        self._take()

    def _end(self) -> None:
        if self.token.kind != "end":
            raise unreadable(self.text, self.token.at)

    # cells

    def _pair(self) -> list[Alternative]:
        """One of the alternatives of a cell, as tests on the column."""
        if self._is(*_COMPARISONS, "in"):
            op = self._take().text
            return [compared(op, self._binary(25))]
        if self._is("not") and self.tokens[self.position + 1].text == "in":
            self.position += 2
            return [Condition(tree.Not(tree.In(tree.Input(), (self._binary(25),))))]
        node = self._ternary(self._binary(16))
        boolean = (
            tree.Compare,
            tree.In,
            tree.Not,
            tree.Quantified,
            tree.Presence,
            tree.Or,
            tree.And,
        )
        asks = isinstance(node, boolean) or (
            isinstance(node, tree.Call)
            and node.function in ("contains", "starts_with", "ends_with", "matches")
        )
        return [Condition(node)] if asks else [node]

    # expressions

    def _conditional(self, power: int) -> tree.Node:
        return self._ternary(self._binary(power))

    def _ternary(self, condition: tree.Node) -> tree.Node:
        if not self._is("?"):
            return condition
        self._take()
        then = self._conditional(0)
        self._expect(":")
        return tree.If(condition, then, self._conditional(0))

    def _binary(self, power: int) -> tree.Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotOurs(
                "interchange.too_deep", "嵌套过深，请拆开", "it is nested too deeply; split it"
            )
        left = self._unary()
        while True:
            negated = self._is("not") and self.tokens[self.position + 1].text == "in"
            op = "in" if negated else self.token.text
            if self.token.kind not in ("sign", "name") or _POWERS.get(op, -1) < power:
                break
            self.position += 2 if negated else 1
            right = self._binary(_POWERS[op] + (op != "^"))
            left = _operation(op, left, right)
            left = tree.Not(left) if negated else left
        self.depth -= 1
        return left

    def _unary(self) -> tree.Node:
        if self._is("not", "!"):
            self._take()
            return tree.Not(self._binary(_NOT_POWER))
        if self._is("-", "+"):
            minus = self._take().text == "-"
            value = self._binary(_SIGN_POWER)
            return tree.Negate(value) if minus else value
        return self._postfix(self._primary())

    def _postfix(self, node: tree.Node) -> tree.Node:
        if self._is("["):
            raise NotOurs(
                "interchange.index",
                "不支持按位置取列表元素；请把该元素作为输入",
                "taking an element of a list by its position isn't offered; make it an input",
            )
        if self._is("."):
            raise NotOurs(
                "interchange.structure",
                "不支持读取结构或列表元素里的字段；请把它作为输入",
                "fields of computed structures and of list elements can't be read here; make them "
                "inputs",
            )
        return node

    def _primary(self) -> tree.Node:
        token = self._take()
        if token.kind == "number":
            return tree.Literal(Decimal(token.text.replace("_", "")))
        if token.kind == "text":
            return tree.Literal(unquoted(token.text))
        if token.kind == "template":
            return self._template(token.text)
        if token.kind == "name":
            return self._named(token)
        if token.text == "(":
            return self._bracketed(token)
        if token.text == "[":
            return self._bracketed(token)
        if token.text == "{":
            raise NotOurs(
                "interchange.structure",
                "不支持结构 {…}；请拆成几个输出",
                "structures {…} aren't offered; make it several outputs",
            )
        raise unreadable(self.text, token.at)

    def _bracketed(self, opening: Token) -> tree.Node:
        """`( … )`, a list, or a range."""
        if opening.text == "[" and self._is("]"):
            self._take()
            return tree.ListOf(())
        first = self._conditional(0)
        if self._is(".."):
            self._take()
            last = self._conditional(0)
            closing = self._take().text
            if closing not in (")", "]"):
                raise unreadable(self.text, self.tokens[self.position - 1].at)
            return tree.Range(first, last, opening.text == "[", closing == "]")
        if opening.text == "(":
            self._expect(")")
            return first
        members = [first]
        while self._is(","):
            self._take()
            members.append(self._conditional(0))
        self._expect("]")
        return tree.ListOf(tuple(members))

    def _named(self, token: Token) -> tree.Node:
        word = {"true": True, "false": False, "null": None}
        if token.text in word:
            return tree.Literal(word[token.text])
        if self._is("(") and token.text not in ("$", "#"):
            return self._call(token)
        path = self._path(token)
        if token.text == "#":
            if path != "#":
                raise NotOurs(
                    "interchange.structure",
                    "列表元素是结构，其字段读不了；请先把需要的值作为输入",
                    "the list's elements are structures whose fields can't be read; make the "
                    "values inputs",
                )
            return tree.Name(ELEMENT)
        if token.text == "$" and self.current is not None:
            own = path.removeprefix("$").removeprefix(".")
            return self.lookup(f"{self.current}.{own}") if own else tree.Input()
        return self.lookup(path)

    def _path(self, token: Token) -> str:
        path = token.text
        while self._is(".") and self.tokens[self.position + 1].kind == "name":
            self._take()
            path += f".{self._take().text}"
        return path

    def _call(self, token: Token) -> tree.Node:
        self._take()
        args: list[tree.Node] = []
        while not self._is(")"):
            args.append(self._conditional(0))
            if not self._is(","):
                break
            self._take()
        self._expect(")")
        made = _call_of(token.text, tuple(args))
        if made is None:
            raise NotOurs(
                "interchange.zen_function",
                f"没有函数 {token.text}（{len(args)} 个参数）；请把它的结果作为输入",
                f"there is no function {token.text} of {len(args)} argument(s) here; make its "
                f"result an input",
            )
        return made

    def _template(self, text: str) -> tree.Node:
        """`` `a ${x}` `` as `"a " + string(x)`."""
        parts: list[tree.Node] = []
        for index, piece in enumerate(re.split(r"\$\{([^{}]*)\}", text[1:-1])):
            if index % 2:
                inner = Zen(piece, self.lookup, self.current)
                value = inner._conditional(0)
                inner._end()
                parts.append(tree.Call("string", (value,)))
            elif piece:
                parts.append(tree.Literal(unquoted(f"`{piece}`")))
        whole = parts[0] if parts else tree.Literal("")
        for part in parts[1:]:
            whole = tree.Arithmetic("+", whole, part)
        return whole


def _operation(op: str, left: tree.Node, right: tree.Node) -> tree.Node:
    if op in ("and", "&&"):
        return tree.And((*_parts(left, tree.And), *_parts(right, tree.And)))
    if op in ("or", "||"):
        return tree.Or((*_parts(left, tree.Or), *_parts(right, tree.Or)))
    if op in _COMPARISONS:
        return tree.Compare("=" if op == "==" else op, left, right)
    if op == "in":
        return tree.In(left, (right,))
    if op == "??":
        return tree.Call("coalesce", (left, right))
    if op == "%":
        return tree.Call("modulo", (left, right))
    if op == "^":
        raise NotOurs(
            "interchange.power",
            "不支持乘方 ^；请把结果作为输入",
            "powers (^) aren't offered; make the result an input",
        )
    return tree.Arithmetic(op, left, right)


def _parts(node: tree.Node, kind: type[tree.And] | type[tree.Or]) -> tuple[tree.Node, ...]:
    return node.parts if isinstance(node, kind) else (node,)


def _call_of(name: str, args: tuple[tree.Node, ...]) -> tree.Node | None:
    """Our call for ZEN's; None for what we do not have."""
    if name == "number" and len(args) == 1:
        return args[0]  # a number written as text is a number in our facts
    if name == "date" and len(args) == 1:
        return _date(args[0])
    if name in ("some", "all", "none") and len(args) == 2:
        kind = {"some": "some", "all": "every", "none": "no"}[name]
        return tree.Quantified(kind, ELEMENT, args[0], args[1])
    if name == "filter" and len(args) == 2:
        return tree.Filter(args[0], args[1])
    if name == "count" and len(args) == 2:
        return tree.Call("count", (tree.Filter(args[0], args[1]),))
    wanted = 1 if name not in ("contains", "startsWith", "endsWith", "matches") else 2
    if name in _FUNCTIONS and (len(args) == wanted or (name == "round" and len(args) == 2)):
        return tree.Call(_FUNCTIONS[name], args)
    return None


def _date(arg: tree.Node) -> tree.Node:
    if not isinstance(arg, tree.Literal) or not isinstance(arg.value, str):
        return tree.Call("date", (arg,))
    if arg.value == "now":
        return tree.Name("now")
    try:
        return tree.Literal((parse_instant if "T" in arg.value else parse_date)(arg.value))
    except ValueError as error:
        raise NotOurs(
            "interchange.bad_date",
            f"{arg.value} 不是日期（如 2026-11-11）",
            f"{arg.value} is no date such as 2026-11-11",
        ) from error
