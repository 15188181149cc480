"""Published cases, each ending as passed, failed or not ours."""

from __future__ import annotations

import hashlib
import json
import lzma
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from asking import Evaluator, Refused
from reasons import NotOurs


@dataclass(frozen=True)
class Case:
    """`answer` gives the wanted and the found value. Raises NotOurs and Refused. `no_answer` says
    that the case wants none.
    """

    id: str
    answer: Callable[[Evaluator], tuple[Any, Any]]
    no_answer: bool = False


@dataclass
class Tally:
    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    not_ours: dict[str, list[str]] = field(default_factory=dict)

    def refused(self, case: Case) -> None:
        """A wrong type that has no answer there has none here either: it is refused when read."""
        if case.no_answer:
            self.passed.append(case.id)
        else:
            self.not_ours.setdefault("types_refused", []).append(case.id)

    @property
    def total(self) -> int:
        return len(self.passed) + len(self.failed) + sum(map(len, self.not_ours.values()))

    def told(self, name: str) -> str:
        reasons = Counter({reason: len(ids) for reason, ids in self.not_ours.items()})
        listed = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
        share = 100 * len(self.passed) / self.total
        return (
            f"{name}: {self.total} cases, {len(self.passed)} passed ({share:.1f} %), "
            f"{len(self.failed)} failed, not ours {sum(reasons.values())} ({listed})"
        )


def run(cases: Iterator[Case], evaluator: Evaluator) -> Tally:
    tally = Tally()
    for case in cases:
        try:
            wanted, found = case.answer(evaluator)
        except NotOurs as reason:
            tally.not_ours.setdefault(reason.reason, []).append(case.id)
        except Refused as problems:
            if set(problems.codes) <= TYPE_CODES:
                tally.refused(case)
            else:
                tally.failed[case.id] = str(problems)
        else:
            if same(wanted, found):
                tally.passed.append(case.id)
            else:
                tally.failed[case.id] = f"wanted {wanted!r}, found {found!r}"
    return tally


TYPE_CODES = {
    "rule.type_compare",
    "rule.type_list",
    "rule.type_arithmetic",
    "rule.type_arguments",
    "rule.type_branches",
    "rule.not_boolean",
}


def same(wanted: Any, found: Any) -> bool:
    """Equal values of one kind. Binary fractions of a case are held to ten digits."""
    if isinstance(wanted, bool) or isinstance(found, bool) or wanted is None or found is None:
        return wanted is found
    if isinstance(wanted, (list, tuple)) and isinstance(found, (list, tuple)):
        return len(wanted) == len(found) and all(map(same, wanted, found))
    if isinstance(wanted, (int, float, Decimal)) and isinstance(found, Decimal):
        exact = Decimal(str(wanted))
        return abs(exact - found) <= abs(exact) * Decimal("1e-10") * isinstance(wanted, float)
    if isinstance(wanted, str) and isinstance(found, str):
        return str(wanted) == str(found)
    if isinstance(wanted, time) and isinstance(found, time):
        return _utc(wanted) == _utc(found)
    return type(wanted) is type(found) and bool(wanted == found)


def _utc(value: time) -> time:
    """A time with an offset as a clock in UTC shows it; a case is asked in that zone."""
    shift = value.utcoffset() or timedelta(0)
    return (
        datetime.combine(datetime(2000, 1, 2, tzinfo=UTC), value.replace(tzinfo=None)) - shift
    ).time()


def told(*parts: object) -> str:
    """A short name for a text that must not be copied."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def records(path: Path, every: bool = False) -> list[dict[str, Any]]:
    """The translatable records of a file of JSON lines, or every one."""
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    return [row for row in rows if every or row["translatable"]]
