"""The set that decides now, with the tests that belong to it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from tidegate.engine.cases import SUFFIX
from tidegate.engine.reader import read_cases
from tidegate.engine.rulesets import Case, RuleSet
from tidegate.errors import NotFound
from tidegate.services.context import Context


def live_set(context: Context, set_id: str) -> RuleSet | None:
    """The set in force under this id, its tests with it; None if nothing decides under it."""
    found = next((one for one in context.rules.all() if one.id == set_id), None)
    return None if found is None else with_tests(context, found)


def with_tests(context: Context, ruleset: RuleSet) -> RuleSet:
    """A set of the rules folder together with the cases in the file beside it."""
    beside = _beside(context.rules.directory, ruleset.source)
    return replace(ruleset, cases=(*ruleset.cases, *beside)) if beside else ruleset


def _beside(folder: Path, source: str) -> tuple[Case, ...]:
    if not source.endswith(".yaml"):
        return ()
    file = folder / (source.removesuffix(".yaml") + SUFFIX)
    try:
        found = file.stat()
    except OSError:
        return ()
    return _read(file, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=64)
def _read(file: Path, changed_ns: int, size: int) -> tuple[Case, ...]:
    """Read once per state of the file: some packs have a hundred cases."""
    del changed_ns, size
    return read_cases(file)


def unknown_set(set_id: str) -> NotFound:
    return NotFound(
        "rules.no_set",
        zh=f"没有规则集 {set_id}；可能已改名或属于别的商家。",
        en=f"There is no rule set {set_id} here.",
        set=set_id,
    )
