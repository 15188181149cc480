"""A rule document (YAML or plain data) to a `RuleSet`; every problem is collected and reported
at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from tidegate.engine.conditions import Reading
from tidegate.engine.problems import Problem, RuleProblems
from tidegate.engine.rulesets import Case, RuleSet
from tidegate.engine.sets import SetReader
from tidegate.engine.sourced import Sourced, read_yaml
from tidegate.engine.vocabulary import Vocabulary

__all__ = ["RuleProblems", "read_cases", "read_ruleset"]


def read_ruleset(
    source: Path | str | Mapping[str, Any], vocabulary: Vocabulary, name: str = "<text>"
) -> RuleSet:
    """A rule set from a path, from YAML text, or from plain data (as from JSON).

    Raises:
        RuleProblems: with all problems of the document in `.problems`.
    """
    document, name = _load(source, name)
    reading = Reading(document, vocabulary)
    ruleset = SetReader(reading, name).read()
    if reading.problems or ruleset is None:
        raise RuleProblems(name, sorted(reading.problems, key=lambda p: (p.line, p.column)))
    return ruleset


def read_cases(source: Path | str | Mapping[str, Any], name: str = "<text>") -> tuple[Case, ...]:
    """The cases of a `<name>_test.yaml`. Raises RuleProblems."""
    document, name = _load(source, name)
    reading = Reading(document, None)
    data = document.data
    if not isinstance(data, dict):
        reading.report(
            (), "case.not_a_document", "应为带 tests 的文件", "it should be a document with tests"
        )
    else:
        reading.known_keys((), data, ("tests", "tidegate", "for"))
    cases = reading.cases(data.get("tests") if isinstance(data, dict) else None, ("tests",))
    if reading.problems:
        raise RuleProblems(name, reading.problems)
    return cases


def _load(source: Path | str | Mapping[str, Any], name: str) -> tuple[Sourced, str]:
    if isinstance(source, Mapping):
        return Sourced(_exact(source)), name
    if isinstance(source, Path) or ("\n" not in source and source.endswith((".yaml", ".yml"))):
        path = Path(source)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise _unreadable(path, error.strerror or "not readable") from error
        except UnicodeDecodeError as error:
            raise _unreadable(path, "not UTF-8") from error
        return read_yaml(text, path.name), path.name
    return read_yaml(source, name), name


def _unreadable(path: Path, what: str) -> RuleProblems:
    zh = f"读不了文件 {path.name}（{what}）；检查路径，另存为 UTF-8"
    en = f"{path.name} can't be read ({what}); check the path and save it as UTF-8"
    return RuleProblems(path.name, [Problem("rule.unreadable", zh, en)])


def _exact(value: Any) -> Any:
    """Plain data with dicts, lists and no binary floats."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, Mapping):
        return {str(key): _exact(item) for key, item in value.items()}
    return [_exact(item) for item in value] if isinstance(value, (list, tuple)) else value
