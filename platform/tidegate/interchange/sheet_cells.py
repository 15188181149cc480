"""What people write into the cells of a decision table, as unary tests: `>=500`, `100-500`,
`浙江省、江苏省`, `8%`, 是, a date.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tidegate.engine.language import tree
from tidegate.engine.language.parser import UnaryTests, parse, parse_unary
from tidegate.engine.problems import ExpressionError
from tidegate.engine.values import Money
from tidegate.interchange.grids import Cell, plain_text
from tidegate.interchange.remarks import NotOurs

ANYTHING = frozenset(("", "-", "－", "—", "–", "*", "任意", "不限", "any"))
YES, NO = (
    frozenset(("是", "有", "√", "y", "yes", "true")),
    frozenset(("否", "无", "×", "n", "no", "false")),
)
_NUMBER = r"-?\d+(?:\.\d+)?(?:%|\s*[A-Z]{3}|元)?"
_SPAN = re.compile(rf"({_NUMBER})\s*(?:-|~|～|至|到|—|－)\s*({_NUMBER})\Z")
_GROUPED = re.compile(r"(?<![\d,.])(\d{1,3}(?:,\d{3})+)(?![\d,])")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*[%％]")
_SPLIT = re.compile(r"[,，、;；\n]")
_WORDS = (
    (re.compile(r"(?:大于等于|不小于|不低于|至少)\s*"), ">= "),
    (re.compile(r"(?:小于等于|不大于|不超过|至多)\s*"), "<= "),
    (re.compile(r"(?:大于|高于|超过)\s*"), "> "),
    (re.compile(r"(?:小于|低于|不足)\s*"), "< "),
    (re.compile(r"(?:不等于|不是|<>|!=)\s*"), "!= "),
)


class SheetCells:
    """Reads the cells of one sheet. `known` says whether a bare name means something (a fact, a
    list); other bare words are texts. `guessed` counts, by column, what was taken for text.
    """

    def __init__(self, known: Callable[[str], bool], timezone: str) -> None:
        self.known = known
        self.zone = ZoneInfo(timezone)
        self.guessed: dict[str, int] = {}
        self.both: dict[str, int] = {}

    def tests(self, cell: Cell, kind: str, column: str) -> UnaryTests:
        """Raises NotOurs."""
        if not isinstance(cell, str):
            return UnaryTests((self.constant(cell, kind),))
        text = cell.strip()
        if text.lower() in ANYTHING:
            return UnaryTests(())
        if kind in ("boolean", "") and text.lower() in YES | NO and (kind or text in "是否√×"):
            return UnaryTests((tree.Literal(text.lower() in YES),))
        plain = _plainly(text)
        span = _SPAN.match(plain) if kind in ("number", "money", "") else None
        if span:
            plain = f"[{span[1]}..{span[2]}]"
        try:
            found = parse_unary(plain)
        except ExpressionError as error:
            if kind in ("text", "choice", "texts", ""):
                return self._texts(text, column, error)
            raise NotOurs.of(error.problem) from error
        if not all(map(self._means_something, found.tests)):
            if kind in ("text", "choice", "texts", ""):
                return self._texts(text, column, None)
            raise _unknown(text)
        return self._one_interval(found, column)

    def constant(self, cell: Cell, kind: str) -> tree.Node:
        """A typed cell of a spreadsheet as a constant."""
        if isinstance(cell, datetime):
            if kind == "date" or (cell.time() == time(0) and kind != "instant"):
                return tree.Literal(cell.date())
            return tree.Literal(cell.replace(tzinfo=cell.tzinfo or self.zone))
        if isinstance(cell, date) and kind == "instant":
            return tree.Literal(datetime.combine(cell, time(0), self.zone))
        if isinstance(cell, Decimal) and kind in ("text", "choice"):
            return tree.Literal(plain_text(cell))
        if isinstance(cell, time):
            return tree.Literal(plain_text(cell))
        value: bool | Decimal | date | timedelta | str = cell
        return tree.Literal(value)

    def output(self, cell: Cell) -> tree.Node | None:
        """What stands under a result: a number, text as it is, or an expression behind `=`."""
        if not isinstance(cell, str):
            return self.constant(cell, "")
        text = cell.strip()
        if text.lower() in ("", "-", "－", "—"):
            return None
        if text in ("是", "否"):
            return tree.Literal(text == "是")
        if text.startswith(("=", "＝")):
            try:
                return parse(text[1:])
            except ExpressionError as error:
                raise NotOurs.of(error.problem) from error
        return _value(text)

    def _means_something(self, test: tree.Node) -> bool:
        return all(self.known(part.path) for part in tree.walk(test) if isinstance(part, tree.Name))

    def _texts(self, text: str, column: str, error: ExpressionError | None) -> UnaryTests:
        """Bare words: each a text. Signs that only make sense in a condition are a mistake."""
        negated = text.startswith(("!= ", "≠", "不是", "不等于", "<>", "!="))
        body = re.sub(r"\A(?:!=|≠|不是|不等于|<>)\s*", "", text)
        if re.search(r'[<>=≥≤"“”()（）\[\]]', body):
            if error is not None:
                raise NotOurs.of(error.problem) from error
            raise _unknown(text)
        self.guessed[column] = self.guessed.get(column, 0) + 1
        parts = [part.strip() for part in _SPLIT.split(body) if part.strip()]
        return UnaryTests(tuple(tree.Literal(part) for part in parts), negated)

    def _one_interval(self, cell: UnaryTests, column: str) -> UnaryTests:
        """`>=100, <500` is meant as both, though a comma means or."""
        if len(cell.tests) != 2 or cell.negated:
            return cell
        tests = [test for test in cell.tests if isinstance(test, tree.Test)]
        low = next((test for test in tests if test.op in (">", ">=")), None)
        high = next((test for test in tests if test.op in ("<", "<=")), None)
        if low is None or high is None:
            return cell
        ends = [_size(low.value), _size(high.value)]
        if ends[0] is None or ends[1] is None or ends[0] >= ends[1]:
            return cell
        self.both[column] = self.both.get(column, 0) + 1
        return UnaryTests((tree.Range(low.value, high.value, low.op == ">=", high.op == "<="),))


def _unknown(text: str) -> NotOurs:
    return NotOurs(
        "interchange.unknown_name",
        f"“{text}”里有不认识的名称；文字请加引号，数字请写成比较或区间",
        f"“{text}” holds a name that isn't known; put text into quotes, write numbers as "
        f"comparisons or ranges",
    )


def _size(node: tree.Node) -> Decimal | None:
    value = node.value if isinstance(node, tree.Literal) else None
    return (
        value.amount if isinstance(value, Money) else value if isinstance(value, Decimal) else None
    )


def _plainly(text: str) -> str:
    """Percent, thousands and words of comparison as the language writes them, outside of quotes."""
    parts = re.split(r'("[^"]*"|“[^”]*”)', text)
    for index in range(0, len(parts), 2):
        part = unicodedata.normalize("NFKC", parts[index])
        part = _GROUPED.sub(lambda found: found[1].replace(",", ""), part)
        part = _PERCENT.sub(lambda found: f"{Decimal(found[1]) / 100:f}", part)
        for pattern, sign in _WORDS:
            part = pattern.sub(sign, part)
        parts[index] = part
    return "".join(parts)


def _value(text: str) -> tree.Node:
    """`500`, `8%`, `24h`, `100元` and `"text"` as what they are, anything else as text."""
    try:
        node = parse(_plainly(text))
    except ExpressionError:
        return tree.Literal(text)
    if isinstance(node, tree.Literal) and node.value is not None:
        return node
    constant = isinstance(node, tree.Negate) and isinstance(node.value, tree.Literal)
    return node if constant else tree.Literal(text)
