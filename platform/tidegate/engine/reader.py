"""A rule document (YAML or plain data) to a `RuleSet`; every problem is collected and reported
at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tidegate.engine.conditions import Enough, Reading
from tidegate.engine.plain_documents import plain_data, read_json
from tidegate.engine.problems import Problem, RuleProblems
from tidegate.engine.rulesets import Case, RuleSet
from tidegate.engine.sets import SetReader
from tidegate.engine.sourced import Sourced, read_yaml
from tidegate.engine.vocabulary import Vocabulary

__all__ = ["RuleProblems", "read_cases", "read_ruleset"]


def read_ruleset(
    source: Path | str | Mapping[str, Any],
    vocabulary: Vocabulary,
    name: str = "<text>",
    *,
    unfinished: bool = False,
    before: RuleSet | None = None,
) -> RuleSet:
    """A rule set from a path, from YAML text, or from plain data (as from JSON). An `unfinished`
    one may say `rules: []`. Entries that stand in the document of `before`, as they are, are not
    read again (`rereading`); what comes out is the same.

    Raises:
        RuleProblems: with all problems of the document in `.problems`.
    """
    document, name, text = _load(source, name)
    reading, ruleset = _read(document, vocabulary, name, unfinished, before)
    if reading.problems and text:  # JSON: once more, with places if it is YAML as well
        with suppress(RuleProblems):
            reading, ruleset = _read(read_yaml(text, name), vocabulary, name, unfinished)
    if reading.problems or ruleset is None:
        raise RuleProblems(name, sorted(reading.problems, key=lambda p: (p.line, p.column)))
    return ruleset


def _read(
    document: Sourced,
    vocabulary: Vocabulary,
    name: str,
    unfinished: bool,
    before: RuleSet | None = None,
) -> tuple[Reading, RuleSet | None]:
    reading = Reading(document, vocabulary)
    reading.unfinished = unfinished
    try:
        return reading, SetReader(reading, name, before).read()
    except Enough:
        return reading, None


def read_cases(source: Path | str | Mapping[str, Any], name: str = "<text>") -> tuple[Case, ...]:
    """The cases of a `<name>_test.yaml`. Raises RuleProblems."""
    document, name, _ = _load(source, name)
    reading = Reading(document, None)
    try:
        cases = _cases(reading)
    except Enough:
        cases = ()
    if reading.problems:
        raise RuleProblems(name, reading.problems)
    return cases


def _cases(reading: Reading) -> tuple[Case, ...]:
    data = reading.document.data
    if not isinstance(data, dict):
        reading.report(
            (), "case.not_a_document", "应为带 tests 的文件", "it should be a document with tests"
        )
    else:
        reading.known_keys((), data, ("tests", "tidegate", "for"))
    return reading.cases(data.get("tests") if isinstance(data, dict) else None, ("tests",))


def _load(source: Path | str | Mapping[str, Any], name: str) -> tuple[Sourced, str, str]:
    """The document, its name, and its text where that was JSON and the places are not known."""
    if isinstance(source, Mapping):
        return Sourced(plain_data(source, name)), name, ""
    if isinstance(source, Path) or ("\n" not in source and source.endswith((".yaml", ".yml"))):
        path = Path(source)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise _unreadable(path, error.strerror or "not readable") from error
        except UnicodeDecodeError as error:
            raise _unreadable(path, "not UTF-8") from error
        source, name = text, path.name
    found = read_json(source)
    return (found, name, source) if found else (read_yaml(source, name), name, "")


def _unreadable(path: Path, what: str) -> RuleProblems:
    zh = f"读不了文件 {path.name}（{what}）；检查路径，另存为 UTF-8"
    en = f"{path.name} can't be read ({what}); check the path and save it as UTF-8"
    return RuleProblems(path.name, [Problem("rule.unreadable", zh, en)])
