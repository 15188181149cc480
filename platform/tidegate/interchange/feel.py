"""FEEL text of a DMN file as a tree of our language.

Our expressions are a subset of FEEL: names with spaces are replaced, then our own parser reads the
text, and `feel_meaning` rebuilds what means something else there. What our language lacks is the
parser's or the engine's complaint.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from tidegate.engine.language import tree
from tidegate.engine.language.functions import SPACED
from tidegate.engine.language.parser import UnaryTests, parse, parse_unary
from tidegate.engine.language.rendering import literal_text
from tidegate.engine.problems import ExpressionError, hint, nearest
from tidegate.interchange.feel_meaning import meaning
from tidegate.interchange.model import rebuilt
from tidegate.interchange.remarks import NotOurs

MAX_CHARACTERS = 20_000  # before names are shortened; our parser has its own, lower limit
MAX_TEXTS = 2_000
_FIRST_MASK = 0xE000  # private-use characters stand for the quoted texts while code is rewritten
_STRING = re.compile(r'"(?:\\.|[^"\\])*"', re.S)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
_CALL = re.compile(r"\b([a-z]+(?: [a-z]+)+)(?=\s*\()")
_KEYWORDS = frozenset(
    ("and", "or", "in", "if", "then", "else", "not", "between", "satisfies", "return")
)  # fmt: skip


class Feel:
    """Reads the expressions of one file. `names` maps what the file calls things (dots for parts
    of structures) to names of ours; with `closed`, another name is refused here rather than by
    the engine.
    """

    def __init__(self, names: Mapping[str, str], closed: bool = True) -> None:
        self.names = dict(names)
        self.closed = closed
        longest = sorted(self.names, key=len, reverse=True)
        parts = [r"\s+".join(map(re.escape, name.split())) for name in longest if name.strip()]
        self.known = re.compile(rf"(?<![\w.])(?:{'|'.join(parts)})(?!\w|\s*\()") if parts else None

    def expression(self, text: str) -> tree.Node:
        """Raises NotOurs."""
        try:
            return self._named(meaning(parse(self._ours(text))), frozenset())
        except ExpressionError as error:
            raise NotOurs.of(error.problem) from error

    def tests(self, text: str) -> UnaryTests:
        """A cell of a decision table. Raises NotOurs."""
        if text.strip() in ("", "-"):
            return UnaryTests(())
        ours = self._ours(text)
        try:
            cell = parse_unary(ours)
        except ExpressionError as error:
            cell = self._condition(ours, error)
        tests = (self._named(meaning(test), frozenset()) for test in cell.tests)
        return UnaryTests(tuple(_asked(test) for test in tests), cell.negated)

    def _condition(self, ours: str, error: ExpressionError) -> UnaryTests:
        """A cell may also be a whole condition on `?`, such as `? > 1 and ? < 5`."""
        if "?" in ours:
            try:
                return parse_unary(f"({ours})")
            except ExpressionError:
                pass
        raise NotOurs.of(error.problem) from error

    # names

    def _named(self, node: tree.Node, bound: frozenset[str]) -> tree.Node:
        """The tree; a name that nothing in the file declares is refused."""
        if not self.closed:
            return node
        if isinstance(node, tree.Name):
            return self._name(node, bound)
        if isinstance(node, tree.Quantified | tree.For):
            bound |= {node.variable}
        elif isinstance(node, tree.Filter):
            bound |= {"item"}
        return rebuilt(node, lambda part: self._named(part, bound))

    def _name(self, node: tree.Name, bound: frozenset[str]) -> tree.Node:
        path, known = node.path, set(self.names.values())
        if path in known or path == "now" or path.partition(".")[0] in bound:
            return node
        if path.rpartition(".")[0] in known:  # `.hour` and other properties: the engine's to judge
            return node
        told = {key: name for name, key in self.names.items()}
        head, dot, rest = path.partition(".")
        said = f"{told.get(head, head)}{dot}{rest}"
        zh, en = hint(nearest(said, self.names))
        raise NotOurs(
            "interchange.unknown_name",
            f"文件里没有声明 {said}{zh}",
            f"the file doesn't declare {said}{en}",
        )

    # spelling

    def _ours(self, text: str) -> str:
        quoted: list[str] = []

        def hide(found: re.Match[str]) -> str:
            quoted.append(found[0])
            return chr(_FIRST_MASK + len(quoted) - 1)

        if len(text) <= MAX_CHARACTERS:
            code = _COMMENT.sub(" ", _STRING.sub(hide, text))
        if len(text) > MAX_CHARACTERS or len(quoted) > MAX_TEXTS:
            raise NotOurs(
                "interchange.too_long",
                f"表达式超过 {MAX_CHARACTERS} 个字符或 {MAX_TEXTS} 段文字，请拆成几个决策",
                f"the expression is longer than {MAX_CHARACTERS} characters or holds more than "
                f"{MAX_TEXTS} texts; split the decision",
            )
        if self.known:
            code = self.known.sub(lambda found: self.names[" ".join(found[0].split())], code)
        for found in _CALL.finditer(code):
            _check_function(found[1])
        return re.sub(
            "[\ue000-\uf8ff]", lambda found: _text(quoted[ord(found[0]) - _FIRST_MASK]), code
        )


def _text(quoted: str) -> str:
    """A quoted text with our escapes."""
    value = re.sub(r"\\(u[0-9a-fA-F]{4}|.)", _unescaped, quoted[1:-1], flags=re.S)
    return literal_text(value)


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] == "u" and len(code) > 1:
        return str(json.loads(f'"\\{code}"')) if not "d800" <= code[1:].lower() <= "dfff" else "�"
    return {"n": "\n", "t": "\t", "r": "\r"}.get(code, code)


def _check_function(words: str) -> None:
    """A function with spaces in its name that we do not have."""
    if words.endswith(tuple(SPACED)) or _KEYWORDS & set(words.split()):
        return
    raise NotOurs(
        "interchange.feel_function",
        f"没有函数 {words}；请在原文件中改用别的写法，或先算好作为输入",
        f"there is no function {words} here; say it differently in the file, or make its result "
        f"an input",
    )


def _asked(test: tree.Node) -> tree.Node:
    """`null` as a cell asks whether the input is missing; `? != 5` is a test."""
    if isinstance(test, tree.Literal) and test.value is None:
        return tree.Presence(tree.Input(), missing=True)
    if isinstance(test, tree.Compare) and test.left == tree.Input():
        right = any(isinstance(part, tree.Input) for part in tree.walk(test.right))
        return test if right else tree.Test(test.op, test.right)
    return test
