"""The tests of a set: run, what they cover, what is proposed, and which mutants no test notices."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from tidegate.engine.cases import run_cases
from tidegate.engine.mutation import mutants
from tidegate.engine.problems import RuleProblems
from tidegate.engine.proposals import proposals
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.sourced import read_yaml
from tidegate.engine.values import plain
from tidegate.engine.writing import document_of
from tidegate.engine.yaml_text import yaml_text
from tidegate.errors import InputError, NotFound
from tidegate.services.context import Context
from tidegate.services.view_names import Words, same
from tidegate.services.workshop import drafts

KEPT = 40
RUNS = 150_000  # evaluations a page may spend on mutants
SHOWN = 40


@dataclass(frozen=True, slots=True)
class CaseLine:
    """`wrong` says in words what was expected and what came."""

    name: str
    passed: bool
    wrong: Sequence[Words]
    fired: Sequence[str]
    text: str


@dataclass(frozen=True, slots=True)
class Cover:
    """How many tests fire a rule, and how many stop just short of it."""

    rule: str
    title: Words
    fired: int


@dataclass(frozen=True, slots=True)
class Proposed:
    kind: str
    rules: Sequence[str]
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class TestsPage:
    """`share` of the rules is fired by some test, in per cent."""

    __test__ = False
    set_id: str
    version: int
    cases: Sequence[CaseLine]
    passed: int
    covers: Sequence[Cover]
    untested: Sequence[str]
    share: int


@dataclass(frozen=True, slots=True)
class Mutants:
    tried: int
    complete: bool
    survivors: Sequence[Words]


_surveys: OrderedDict[tuple[str, str], Mutants] = OrderedDict()
_lock = Lock()


def tests_page(context: Context, set_id: str) -> TestsPage:
    """Every test run just now. Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    info = drafts.info(context, set_id)
    results = run_cases(ruleset, ruleset.cases, context.timezone)
    fired = [[] if result.decision is None else list(result.decision.fired) for result in results]
    counts = {rule.id: sum(rule.id in one for one in fired) for rule in ruleset.rules}
    untested = [name for name, count in counts.items() if not count]
    lines = [
        CaseLine(
            result.case.name, result.passed,
            [{"zh": d.text("zh"), "en": d.text("en")} for d in result.differences], own,
            case_text(document),
        )
        for result, own, document in zip(results, fired, _cases(ruleset), strict=True)
    ]  # fmt: skip
    total = len(counts)
    return TestsPage(
        set_id=set_id,
        version=info.draft.version if info.draft else 0,
        cases=sorted(lines, key=lambda line: line.passed),
        passed=sum(line.passed for line in lines),
        covers=[
            Cover(rule.id, rule.title if rule.title.get("zh") else same(rule.id), counts[rule.id])
            for rule in ruleset.rules
        ],
        untested=untested,
        share=round(100 * (total - len(untested)) / total) if total else 0,
    )


def proposed(context: Context, set_id: str, limit: int = SHOWN) -> list[Proposed]:
    """Tests the rules themselves ask for, each of which passes as the set stands. Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    return [
        Proposed(one.kind, one.rules, one.case.name, case_text(one.as_document()))
        for one in proposals(ruleset, ruleset.cases, limit)
    ]


def survivors(context: Context, set_id: str) -> Mutants:
    """Changes of one threshold or operator that no test would notice, within a bounded effort. Raises
    NotFound.
    """
    ruleset = drafts.working_set(context, set_id)
    key = (ruleset.hash, "\n".join(map(case_text, _cases(ruleset))))
    with _lock:
        if key in _surveys:
            return _surveys[key]
    survey = mutants(ruleset, ruleset.cases, RUNS)
    said = [{"zh": m.text("zh"), "en": m.text("en")} for m in survey.survivors[: SHOWN * 2]]
    found = Mutants(survey.tried, survey.complete, said)
    with _lock:
        _surveys[key] = found
        while len(_surveys) > KEPT:
            _surveys.popitem(last=False)
    return found


# writing


def save_case(
    context: Context, set_id: str, version: int, name: str, text: str, actor: str
) -> None:
    """A test as YAML: in place of the one called `name`, or a new one with an empty name.

    Raises:
        InputError: the text is no test; its place is in the message.
    """
    given = _read(text)
    cases = _cases(drafts.working_set(context, set_id))
    if name:
        place = _place(cases, name)
        cases[place] = given
    else:
        cases.append(given)
    _save(context, set_id, version, cases, actor)


def remove_case(context: Context, set_id: str, version: int, name: str, actor: str) -> None:
    """Raises NotFound."""
    cases = _cases(drafts.working_set(context, set_id))
    del cases[_place(cases, name)]
    _save(context, set_id, version, cases, actor)


def add_proposed(
    context: Context, set_id: str, version: int, names: Sequence[str], actor: str
) -> int:
    """Those of the proposals that were chosen; how many there were.

    Raises:
        InputError: none was chosen.
    """
    ruleset = drafts.working_set(context, set_id)
    chosen = [
        one.as_document()
        for one in proposals(ruleset, ruleset.cases, SHOWN)
        if one.case.name in names
    ]
    if not chosen:
        raise InputError(
            "tests.none_chosen",
            zh="先勾选要加的测试。",
            en="Tick the tests to add first.",
            field="names",
        )
    _save(context, set_id, version, [*_cases(ruleset), *chosen], actor)
    return len(chosen)


def _save(
    context: Context, set_id: str, version: int, cases: Sequence[Mapping[str, Any]], actor: str
) -> None:
    try:
        drafts.save_cases(context, set_id, version, cases, actor)
    except RuleProblems as error:
        first = error.problems[0]
        raise InputError(
            first.code, zh=first.text("zh"), en=first.text("en"), field="text"
        ) from error


def _read(text: str) -> dict[str, Any]:
    try:
        found = read_yaml(text, "test").data
    except RuleProblems as error:
        first = error.problems[0]
        raise InputError(
            first.code, zh=first.text("zh"), en=first.text("en"), field="text"
        ) from error
    if not isinstance(found, dict) or not found.get("name"):
        raise InputError(
            "tests.no_test",
            zh="一个测试写作 name、given、expect 三项。",
            en="A test has name, given and expect.",
            field="text",
        )
    return found


def _place(cases: Sequence[Mapping[str, Any]], name: str) -> int:
    for place, case in enumerate(cases):
        if case["name"] == name:
            return place
    raise NotFound(
        "tests.no_such", zh=f"没有测试“{name}”。", en=f"There is no test “{name}”.", name=name
    )


def _cases(ruleset: RuleSet) -> list[dict[str, Any]]:
    return list(document_of(ruleset).get("tests") or [])


def case_text(case: Mapping[str, Any]) -> str:
    """A test as YAML."""
    found = plain(dict(case))
    assert isinstance(found, Mapping)  # noqa: S101  a mapping stays one
    return yaml_text(found)
