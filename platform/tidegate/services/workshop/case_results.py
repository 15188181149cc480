"""How many tests of a set pass, kept by what was run: the home page asks for every set at once."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

from tidegate.engine.cases import run_cases
from tidegate.engine.rulesets import RuleSet

KEPT = 100
_passed: OrderedDict[tuple[str, str, str], int] = OrderedDict()
_lock = Lock()


def passed(ruleset: RuleSet, timezone: str) -> int:
    """How many of the set's tests pass; run once for each content of set and tests."""
    key = (ruleset.hash, timezone, hashlib.sha256(repr(ruleset.cases).encode()).hexdigest())
    with _lock:
        if key in _passed:
            return _passed[key]
    count = sum(result.passed for result in run_cases(ruleset, ruleset.cases, timezone))
    with _lock:
        _passed[key] = count
        while len(_passed) > KEPT:
            _passed.popitem(last=False)
    return count
