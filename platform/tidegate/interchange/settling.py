"""The engine's reader is the judge of what was carried over: rows it refuses are taken out, with
its complaint, until it accepts the document.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tidegate.engine.problems import Problem, RuleProblems
from tidegate.engine.reader import read_ruleset
from tidegate.engine.vocabulary import Vocabulary
from tidegate.errors import InputError
from tidegate.interchange.remarks import ERROR, WARNING, Imported, NotOurs, Place, Remark

Key = tuple[int, int]  # the decision's number in the file, and its row (0: all of it)
MAX_REJECTED = 1_000  # by the engine's reader, which stops at 200 problems each time
_CELL = re.compile(r"\.(when|then)\[(\d+)\]")


@dataclass(frozen=True)
class Origin:
    """Where a part of the document comes from."""

    key: Key
    place: Place
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass
class Draft:
    """A document, and for the start of each path in it its origin. `failures` are rows that could
    not be put in; `accepted` rows are in it.
    """

    document: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    failures: list[tuple[Key, Remark]] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    accepted: int = 0
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def says_something(self) -> bool:
        """Whether there is any rule at all."""
        return any(self.document.get(part) for part in ("tables", "rules", "stages"))

    def fail(self, key: Key, place: Place, reason: NotOurs) -> None:
        self.failures.append((key, reason.at(place)))


class Composer(Protocol):
    """Builds the document without what was rejected."""

    def compose(self, rejected: Collection[Key]) -> Draft: ...


def settle(
    composer: Composer, vocabulary: Vocabulary, read: int, remarks: list[Remark], name: str
) -> Imported:
    """The largest document the engine accepts, and the account of what is missing from it.

    Raises:
        RuleProblems: the document is wrong in a way no row is to blame for.
        InputError: so many rows are wrong that a column must be.
    """
    rejected: set[Key] = set()
    told: list[Remark] = list(remarks)
    while True:
        draft = composer.compose(rejected)
        failures = draft.failures
        if not failures and draft.says_something:
            failures = _refused(draft, vocabulary, name)
        if not failures:
            break
        if rejected.issuperset(key for key, _ in failures):  # nothing more to take out
            read_ruleset(draft.document, vocabulary, name)
            break
        told += [remark for _, remark in failures]
        rejected |= {key for key, _ in failures}
        if len(rejected) > MAX_REJECTED:
            raise _hopeless(told, name)
    document = draft.document if draft.says_something else {}
    told += [*draft.remarks, *_shortened(told, draft)]
    return Imported(document, read, draft.accepted, tuple(told), draft.names)


def _hopeless(told: list[Remark], name: str) -> InputError:
    wrong = [remark for remark in told if remark.severity == ERROR][:3]
    zh, en = ("\n".join(remark.text(lang) for remark in wrong) for lang in ("zh", "en"))
    return InputError(
        "interchange.too_many_problems",
        zh=f"文件 {name}：超过 {MAX_REJECTED} 行导入不了，多半是某一列整列写错；先改好再导入：\n{zh}",
        en=f"{name}: more than {MAX_REJECTED} rows can't be carried over, so that a whole column "
        f"is probably wrong; mend that first:\n{en}",
        file=name,
    )


def _shortened(remarks: list[Remark], draft: Draft) -> list[Remark]:
    """A table that lost rows decides differently: the rows that are left answer for them."""
    left = {origin.place.table for origin in draft.origins.values()}
    lost: dict[str, set[int]] = {}
    for remark in remarks:
        place = remark.place
        if remark.severity == ERROR and place.row and place.table in left:
            lost.setdefault(place.table, set()).add(place.row)
    return [
        Remark(
            WARNING,
            "interchange.rows_left_out",
            f"有 {len(rows)} 行没有导入，其余各行会替它们作出判断；补齐之前不要发布",
            f"{len(rows)} row(s) were left out, so that the others decide in their place; "
            f"complete the table before publishing it",
            Place(table),
        )
        for table, rows in lost.items()
    ]


def _refused(draft: Draft, vocabulary: Vocabulary, name: str) -> list[tuple[Key, Remark]]:
    try:
        read_ruleset(draft.document, vocabulary, name)
    except RuleProblems as error:
        found = [(origin_of(draft, problem), problem) for problem in error.problems]
        blamed = [
            (origin.key, _remark(problem, origin))
            for origin, problem in found
            if origin is not None
        ]
        if not blamed:
            raise
        return blamed
    return []


def origin_of(draft: Draft, problem: Problem) -> Origin | None:
    """The origin whose path is the longest beginning of the problem's place."""
    path = problem.where.rpartition(" ")[2]
    while path:
        if path in draft.origins:
            return draft.origins[path]
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return None


def _remark(problem: Problem, origin: Origin) -> Remark:
    place = origin.place
    cell = _CELL.search(problem.where)
    if cell:
        names = origin.inputs if cell[1] == "when" else origin.outputs
        number = int(cell[2])
        place = replace(place, column=names[number] if number < len(names) else place.column)
    return Remark(ERROR, problem.code, problem.zh, problem.en, place)
