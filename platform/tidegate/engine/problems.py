"""What an author did wrong, with the place and the remedy; problems are collected and raised
together.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from tidegate.errors import RuleError


@dataclass(frozen=True)
class Problem:
    """One mistake in a rule document. `where` is a path such as `rules.large-order.if[0]`.

    `line` and `column` count from 1 in the file (0: the document was not text); `at` counts
    characters from 0 inside the expression.
    """

    code: str
    zh: str
    en: str
    where: str = ""
    line: int = 0
    column: int = 0
    at: int = 0
    near: str = ""

    def text(self, lang: str = "en") -> str:
        """One sentence with the place in front."""
        chinese = lang.lower().startswith("zh")
        place = self.where
        if self.line:
            spot = (
                f"第 {self.line} 行第 {self.column} 列"
                if chinese
                else f"line {self.line}, column {self.column}"
            )
            place = f"{spot} {place}".strip()
        sentence = self.zh if chinese else self.en
        if not place:
            return sentence
        return f"{place}：{sentence}" if chinese else f"{place}: {sentence}"

    def moved(self, where: str, line: int, column: int) -> Problem:
        """The same problem, seen from the document the expression stands in."""
        return replace(self, where=where, line=line, column=column)

    def as_document(self, lang: str = "en") -> dict[str, object]:
        """Plain data for `--json`."""
        return {
            "code": self.code,
            "where": self.where,
            "line": self.line,
            "column": self.column,
            "near": self.near,
            "message": self.text(lang),
        }


class ExpressionError(RuleError):
    """One expression cannot be understood."""

    def __init__(self, problem: Problem, text: str = "") -> None:
        super().__init__(
            problem.code,
            zh=problem.zh,
            en=problem.en,
            at=problem.at,
            near=problem.near,
            expression=text,
        )
        self.problem = problem


class RuleProblems(RuleError):
    """Everything wrong with one document, in the order of the document."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        shown, rest = self.problems[:20], len(self.problems) - 20
        more = {
            "zh": f"\n… 另有 {rest} 处" if rest > 0 else "",
            "en": f"\n… and {rest} more" if rest > 0 else "",
        }
        zh = "\n".join(p.text("zh") for p in shown) + more["zh"]
        en = "\n".join(p.text("en") for p in shown) + more["en"]
        super().__init__(
            self.problems[0].code,
            zh=f"规则文件 {name} 有 {len(self.problems)} 处问题：\n{zh}",
            en=f"{name} has {len(self.problems)} problem(s):\n{en}",
            document=name,
            count=len(self.problems),
        )


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like `name`, or an empty text. Bounded: only names of similar length
    are compared, and only the first hundreds of those.
    """
    if len(name) > _LONGEST_NAME:
        return ""
    size = len(name)
    near = (other for other in known if size < 2.4 * len(other) and len(other) < 2.4 * size)
    found = difflib.get_close_matches(name, list(islice(near, _MOST_NAMES)), n=1, cutoff=0.6)
    return found[0] if found else ""


_LONGEST_NAME, _MOST_NAMES = 80, 600


def hint(near: str) -> tuple[str, str]:
    """`did you mean …` in zh and en; empty when nothing is near."""
    return (f"；是否想写 {near}？", f"; did you mean {near}?") if near else ("", "")
