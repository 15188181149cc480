"""Tests of rule sets, written as data: found beside or inside packs, run, and measured for what
they leave untested.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tidegate.engine.decisions import FIRED, INACTIVE, UNKNOWN, Decision
from tidegate.engine.problems import nearest
from tidegate.engine.reader import read_cases, read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import Case, RuleSet
from tidegate.engine.values import fold, parse_instant, plain
from tidegate.engine.vocabulary import Vocabulary
from tidegate.errors import TidegateError

DEFAULT_NOW = datetime.fromisoformat("2026-11-11T12:00:00+08:00")
SUFFIX = "_test.yaml"


@dataclass(frozen=True)
class Difference:
    """What a case expected and what came, in both languages."""

    key: str
    zh: str
    en: str

    def text(self, lang: str = "en") -> str:
        return self.zh if lang.lower().startswith("zh") else self.en


@dataclass(frozen=True)
class CaseResult:
    case: Case
    differences: tuple[Difference, ...]
    decision: Decision | None

    @property
    def passed(self) -> bool:
        return not self.differences

    def as_document(self, lang: str = "en") -> dict[str, object]:
        return {
            "name": self.case.name,
            "line": self.case.line,
            "passed": self.passed,
            "differences": [difference.text(lang) for difference in self.differences],
        }


@dataclass(frozen=True)
class Pack:
    """A rule-set file and the test file beside it, if there is one."""

    ruleset: Path
    tests: Path | None


@dataclass(frozen=True)
class Coverage:
    """For every rule the cases that fire it and those that stop short of it (it was tried and
    did not fire).
    """

    fires: Mapping[str, tuple[str, ...]]
    stops: Mapping[str, tuple[str, ...]]

    @property
    def never_fired(self) -> tuple[str, ...]:
        return tuple(rule for rule, names in self.fires.items() if not names)

    @property
    def never_short(self) -> tuple[str, ...]:
        return tuple(rule for rule, names in self.stops.items() if not names)


def discover(paths: Path | str | Iterable[Path | str]) -> list[Pack]:
    """All packs under files or folders, sorted. A `_test.yaml` that is named itself brings its
    pack.
    """
    given = [paths] if isinstance(paths, (Path, str)) else list(paths)
    found: dict[Path, Pack] = {}
    for path in map(Path, given):
        files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
        for file in files:
            if file.name.endswith(SUFFIX) and not path.is_dir():
                file = file.with_name(file.name.removesuffix(SUFFIX) + ".yaml")
            if not file.name.endswith(SUFFIX) and (not path.is_dir() or _is_ruleset(file)):
                tests = file.with_name(file.stem + SUFFIX)
                found[file] = Pack(file, tests if tests.is_file() else None)
    return [found[file] for file in sorted(found)]


def _is_ruleset(file: Path) -> bool:
    """Whether the file declares itself a rule set; anything unreadable is left for the reader
    to complain about.
    """
    with file.open("rb") as stream:
        head = stream.read(4_096)
    return any(line.startswith(b"tidegate: ruleset/") for line in head.splitlines())


def load_pack(pack: Pack, vocabulary: Vocabulary) -> tuple[RuleSet, tuple[Case, ...]]:
    """The set with the cases inside it and beside it. Raises RuleProblems."""
    ruleset = read_ruleset(pack.ruleset, vocabulary)
    beside = read_cases(pack.tests) if pack.tests else ()
    return ruleset, (*ruleset.cases, *beside)


def run_cases(
    ruleset: RuleSet, cases: Sequence[Case] | None = None, timezone: str = "Asia/Shanghai"
) -> list[CaseResult]:
    """Run cases (by default those inside the set), each on its own."""
    return [
        run_case(ruleset, case, timezone) for case in (ruleset.cases if cases is None else cases)
    ]


def run_case(ruleset: RuleSet, case: Case, timezone: str = "Asia/Shanghai") -> CaseResult:
    """Run one case; a wrong fact, instant or expectation fails it with the reason."""
    wrong = [*_strange_facts(ruleset, case.given), *_strange_expectations(ruleset, case.expect)]
    if wrong:
        return CaseResult(case, tuple(wrong), None)
    try:
        now = parse_instant(case.at) if case.at is not None else DEFAULT_NOW
        decision = evaluate(ruleset, case.given, now, timezone)
    except TidegateError as error:
        return _refused(case, error.code, error.text("zh"), error.text("en"))
    except ValueError as error:
        return CaseResult(
            case,
            (Difference("at", f"at 不是有效时刻：{case.at}", f"at isn't an instant: {error}"),),
            None,
        )
    differences = [
        d for key, wanted in case.expect.items() for d in _compare(decision, key, wanted)
    ]
    return CaseResult(case, tuple(differences), decision)


def _refused(case: Case, code: str, zh: str, en: str) -> CaseResult:
    """The evaluation raised: right if `error` expects just that code."""
    if case.expect.get("error") == code:
        return CaseResult(case, (), None)
    return CaseResult(case, (Difference("error", zh, en),), None)


def coverage(ruleset: RuleSet, results: Sequence[CaseResult]) -> Coverage:
    """Which case fires which rule, and which stops short of it."""
    fires: dict[str, list[str]] = {rule.id: [] for rule in ruleset.rules}
    stops: dict[str, list[str]] = {rule.id: [] for rule in ruleset.rules}
    for result in results:
        for trace in result.decision.rules if result.decision and result.passed else ():
            if trace.result == FIRED:
                fires[trace.rule.id].append(result.case.name)
            else:
                stops[trace.rule.id].append(result.case.name)
    return Coverage(
        {k: tuple(v) for k, v in fires.items()}, {k: tuple(v) for k, v in stops.items()}
    )


# expectations


def _strange_expectations(ruleset: RuleSet, expect: Mapping[str, Any]) -> Iterator[Difference]:
    known = [*_EXPECT, *ruleset.gate_spec.actions]
    rule_ids = {rule.id for rule in ruleset.rules}
    for key, wanted in expect.items():
        if key not in known:
            near = nearest(key, known)
            tip = (f"；是否想写 {near}？", f"; did you mean {near}?") if near else ("", "")
            yield Difference(
                key, f"不认识的期望 {key}{tip[0]}", f"unknown expectation {key}{tip[1]}"
            )
        elif key in _RULE_KEYS:
            for name in _listed(wanted):
                if name not in rule_ids:
                    yield Difference(key, f"规则集没有规则 {name}", f"the set has no rule {name}")


def _strange_facts(ruleset: RuleSet, given: Mapping[str, Any]) -> Iterator[Difference]:
    """A fact that does not exist would make a case pass for the wrong reason."""
    vocabulary = ruleset.vocabulary
    for name, value in _spread(given, vocabulary):
        group = vocabulary.groups.get(name)
        each = group.each if group else ""
        rows = value if each and isinstance(value, list) else [value]
        for row in rows:
            for key in row if isinstance(row, Mapping) else ():
                fact = f"{each or name}.{key}"
                if fact not in vocabulary.facts and fact not in ruleset.fields:
                    near = nearest(fact, [*vocabulary.facts, *ruleset.fields])
                    tip = (f"；是否想写 {near}？", f"; did you mean {near}?") if near else ("", "")
                    yield Difference(
                        "given", f"没有事实 {fact}{tip[0]}", f"there is no fact {fact}{tip[1]}"
                    )
        if group is None and name != "custom":
            near = nearest(name, vocabulary.groups)
            yield Difference(
                "given",
                f"没有事实组 {name} {near}",
                f"there is no fact group {name} {near}".strip(),
            )


def _spread(given: Mapping[str, Any], vocabulary: Vocabulary) -> Iterator[tuple[str, Any]]:
    """Groups and lists; a list written inside the group it is `of` stands by itself."""
    for name, value in given.items():
        group = vocabulary.groups.get(name)
        if group is None or group.each or not isinstance(value, Mapping):
            yield name, value
            continue
        inside = {
            key for key in value if (found := vocabulary.groups.get(key)) and found.of == name
        }
        yield from ((key, value[key]) for key in value if key in inside)
        yield name, {key: row for key, row in value.items() if key not in inside}


def _listed(wanted: object) -> list[Any]:
    if wanted is None:
        return []
    return list(wanted) if isinstance(wanted, (list, tuple)) else [wanted]


def _compare(decision: Decision, key: str, wanted: object) -> Iterator[Difference]:
    check = _EXPECT.get(key)
    found = check(decision, wanted) if check else _main(decision, key, wanted)
    if found is not None:
        want, came = plain(wanted), plain(found)
        yield Difference(
            key, f"{key} 应为 {want}，实为 {came}", f"{key} should be {want}, but is {came}"
        )


def _bag(found: list[Any], wanted: object) -> list[Any] | None:
    """What came, if it differs from what was wanted in any order; None if it agrees."""
    same = Counter(fold(str(plain(v))) for v in found) == Counter(
        fold(str(plain(v))) for v in _listed(wanted)
    )
    return None if same else found


def _results(result: str) -> Callable[[Decision, object], object]:
    return lambda decision, wanted: _bag(
        [t.rule.id for t in decision.rules if t.result == result], wanted
    )


def _not_fired(decision: Decision, wanted: object) -> object:
    fired = {trace.rule.id for trace in decision.rules if trace.result == FIRED}
    wrong = [name for name in _listed(wanted) if name in fired]
    return f"fired: {wrong}" if wrong else None


def _reasons(decision: Decision, wanted: object) -> object:
    return _bag([o.args["reason"] for o in decision.actions if "reason" in o.args], wanted)


def _missing(decision: Decision, wanted: object) -> object:
    """The named facts are among the missing; an empty list wants none."""
    names = _listed(wanted)
    if not names:
        return list(decision.missing) or None
    return None if set(names) <= set(decision.missing) else list(decision.missing)


def _overridden(decision: Decision, wanted: object) -> object:
    """The named rules are among the overridden; an empty list wants none."""
    found = list(dict.fromkeys(item.outcome.rule for item in decision.overridden))
    names = _listed(wanted)
    if not names:
        return found or None
    return None if set(names) <= set(found) else found


def _args(decision: Decision, wanted: object) -> object:
    """For each action named, one such action came with at least these arguments."""
    for action, want in (wanted if isinstance(wanted, Mapping) else {}).items():
        came = [plain(o.args) for o in decision.actions if o.action == action]
        for one in _listed(want):
            if not any(_holds(args, one) for args in came):
                return {action: came}
    return None if isinstance(wanted, Mapping) else "?"


def _holds(args: Any, wanted: Mapping[str, Any]) -> bool:
    return all(
        key in args and str(plain(args[key])) == str(plain(value)) for key, value in wanted.items()
    )


def _derived(decision: Decision, wanted: object) -> object:
    came = {name: plain(value) for name, value in decision.derived.items()}
    return None if isinstance(wanted, Mapping) and _holds(came, wanted) else came


def _main(decision: Decision, action: str, wanted: object) -> object:
    """`use_service: SF.standard`: the main arguments of these actions, in any order."""
    return _bag([o.main for o in decision.actions if o.action == action], wanted)


_EXPECT: dict[str, Callable[[Decision, object], object]] = {
    "actions": lambda decision, wanted: _bag([o.action for o in decision.actions], wanted),
    "fired": _results(FIRED),
    "not_fired": _not_fired,
    "unknown": _results(UNKNOWN),
    "inactive": _results(INACTIVE),
    "reasons": _reasons,
    "missing": _missing,
    "overridden": _overridden,
    "args": _args,
    "derived": _derived,
    "error": lambda decision, wanted: "no error",
}
_RULE_KEYS = ("fired", "not_fired", "unknown", "inactive")
