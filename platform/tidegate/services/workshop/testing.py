"""The tests of a set: run, what they cover, what is proposed, and which mutants no test notices."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from tidegate.engine.cases import coverage, run_cases
from tidegate.engine.mutation import Mutant, Survey
from tidegate.engine.problems import RuleProblems
from tidegate.engine.proposals import proposals
from tidegate.engine.rulesets import Case, RuleSet
from tidegate.engine.sourced import read_yaml
from tidegate.engine.values import plain
from tidegate.engine.writing import document_of
from tidegate.engine.yaml_text import yaml_text
from tidegate.errors import Conflict, InputError, NotFound
from tidegate.services.context import Context
from tidegate.services.view_names import Words
from tidegate.services.workshop import (
    case_forms,
    case_keeping,
    case_words,
    drafts,
    mutant_hunting,
)
from tidegate.services.workshop.mutant_hunting import Progress

KEPT = 200
SHOWN = 60
PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class CaseLine:
    """`wrong` says in words what was expected and what came; `fired` are titles of rules."""

    name: str
    passed: bool
    wrong: Sequence[Words]
    fired: Sequence[Words]


@dataclass(frozen=True, slots=True)
class Cover:
    """The tests that fire a rule, and how many stop just short of it."""

    rule: str
    title: Words
    fired: Sequence[str]
    short: int


@dataclass(frozen=True, slots=True)
class Proposed:
    """`key` names it when it is added."""

    key: str
    kind: str
    title: Words
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
    share: int

    @property
    def untested(self) -> Sequence[Cover]:
        return [one for one in self.covers if not one.fired]


@dataclass(frozen=True, slots=True)
class Survivor:
    """`number` names it when the test that notices it is added; `noticed` is that test as YAML, if there is one."""

    number: int
    title: Words
    noticed: str


@dataclass(frozen=True, slots=True)
class Mutants:
    """`same` were proved to mean what the set means, and are left out."""

    tried: int
    same: int
    complete: bool
    survivors: Sequence[Survivor]


@dataclass(frozen=True, slots=True)
class Status:
    """How the tests of a set stand. `untested` rules are fired by no test that passes."""

    title: Words
    passed: int
    total: int
    untested: int


_statuses: OrderedDict[mutant_hunting.Key, Status] = OrderedDict()
_lock = Lock()


# looking


def status(context: Context) -> Mapping[str, Status]:
    """Every set as it is worked on, by id; what was run once is remembered by content."""
    return {info.set_id: status_of(context, info.set_id) for info in drafts.sets(context)}


def status_of(context: Context, set_id: str) -> Status:
    """Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    key = mutant_hunting.key_of(ruleset)
    with _lock:
        if key in _statuses:
            return _statuses[key]
    results = run_cases(ruleset, ruleset.cases, context.timezone)
    untested = coverage(ruleset, results).never_fired
    found = Status(ruleset.title, sum(one.passed for one in results), len(results), len(untested))
    with _lock:
        _statuses[key] = found
        while len(_statuses) > KEPT:
            _statuses.popitem(last=False)
    return found


def tests_page(context: Context, set_id: str) -> TestsPage:
    """Every test run just now, those that fail first. Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    info = drafts.info(context, set_id)
    results = run_cases(ruleset, ruleset.cases, context.timezone)
    covered = coverage(ruleset, results)
    lines = [
        CaseLine(
            result.case.name, result.passed,
            [words for _, words in case_words.differences(ruleset, result)],
            [case_words.rule_title(ruleset, name) for name in (result.decision.fired if result.decision else ())],
        )
        for result in results
    ]  # fmt: skip
    covers = [
        Cover(
            rule.id, case_words.rule_title(ruleset, rule.id), covered.fires[rule.id],
            len(covered.stops[rule.id]),
        )
        for rule in ruleset.rules
    ]  # fmt: skip
    fired = sum(1 for one in covers if one.fired)
    return TestsPage(
        set_id=set_id,
        version=info.draft.version if info.draft else 0,
        cases=sorted(lines, key=lambda line: line.passed),
        passed=sum(line.passed for line in lines),
        covers=covers,
        share=round(100 * fired / len(covers)) if covers else 0,
    )


def proposed(context: Context, set_id: str, limit: int = SHOWN) -> list[Proposed]:
    """Tests the rules themselves ask for, each of which passes as the set stands. Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    return [
        Proposed(
            one.case.name, one.kind, case_words.proposal_name(ruleset, one),
            case_text(one.as_document()),
        )
        for one in proposals(ruleset, ruleset.cases, limit)
    ]  # fmt: skip


def hunt(context: Context, set_id: str, wait_s: float, again: bool = False) -> Mutants | Progress:
    """Changes that no test would notice; how far the search is while it runs. Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    found = mutant_hunting.begin(ruleset, wait_s, again)
    return found if isinstance(found, Progress) else _shown(ruleset, found)


def survivors(context: Context, set_id: str) -> Mutants:
    """The same for programs, which wait for it.

    Raises:
        NotFound: no such set.
        Conflict: it takes longer than a request may; ask again.
    """
    found = hunt(context, set_id, PATIENCE_S, again=True)
    if isinstance(found, Progress):
        raise Conflict(
            "tests.searching",
            zh=f"还在找（{found.percent} %），过一会儿再问。",
            en=f"Still searching ({found.percent} %); ask again in a while.",
        )
    return found


def stop(context: Context, set_id: str) -> None:
    """Stop the search. Raises NotFound."""
    mutant_hunting.stop(drafts.working_set(context, set_id))


def _shown(ruleset: RuleSet, survey: Survey) -> Mutants:
    said = [
        Survivor(
            number, case_words.mutant_sentence(ruleset, one),
            case_text(case_forms.document_of_case(one.noticing)) if one.noticing else "",
        )
        for number, one in enumerate(survey.survivors[: SHOWN * 3])
    ]  # fmt: skip
    said.sort(key=lambda one: not one.noticed)
    return Mutants(survey.tried, survey.same, survey.complete, said)


def as_text(context: Context, set_id: str) -> str:
    """All tests as the YAML file that stands beside a set. Raises NotFound."""
    cases = cases_of(drafts.working_set(context, set_id))
    return yaml_text({"tests": cases}) if cases else "tests: []\n"


# one test as a form


def opened(context: Context, set_id: str, name: str, copy: bool = False) -> case_forms.CaseForm:
    """A saved test, a copy of one, or an empty one for no name. Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    case = _case(ruleset, name) if name else Case("", {}, {"actions": []}, None)
    if copy:
        taken = case_keeping.free_name(name, cases_of(ruleset))
        return case_forms.form_of(context, ruleset, replace(case, name=taken), "")
    return case_forms.form_of(context, ruleset, case, name)


def reopened(
    context: Context, set_id: str, name: str, form: Mapping[str, str]
) -> case_forms.CaseForm:
    """The form as it was typed, with what is wrong beside its boxes. Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    base = _case(ruleset, name) if name else None
    lenient = {**form, "at": "" if _wrong_instant(context, ruleset, form) else form.get("at", "")}
    lenient.pop("result", None)
    case, wrong = case_forms.read_form(context, ruleset, lenient, base)
    shown = case_forms.form_of(
        context, ruleset, case, name, typed=form if wrong else None, wrong=wrong
    )
    return replace(shown, at=form.get("at", ""))


def _wrong_instant(context: Context, ruleset: RuleSet, form: Mapping[str, str]) -> bool:
    try:
        case_forms.read_form(context, ruleset, {"at": form.get("at", "")}, None)
    except InputError:
        return True
    return False


def save_form(
    context: Context, set_id: str, version: int, name: str, form: Mapping[str, str], actor: str
) -> str:
    """A test from its form: in place of the one called `name`, or a new one; the name it got.

    Raises:
        InputError: it has no name, or a box holds no value of its kind (`field`: boxes).
        DraftChanged: somebody saved meanwhile.
    """
    ruleset = drafts.working_set(context, set_id)
    base = _case(ruleset, name) if name else None
    case, wrong = case_forms.read_form(context, ruleset, form, base)
    if wrong:
        raise InputError(
            "tests.wrong_boxes",
            zh=f"{len(wrong)} 处没填对，改好再存。",
            en=f"{len(wrong)} boxes are wrong; correct them and save again.",
            field="boxes",
        )
    others = [one for one in cases_of(ruleset) if one["name"] != name]
    free = case_keeping.free_name(case.name, others)
    _put(
        context, set_id, version, name, case_forms.document_of_case(replace(case, name=free)), actor
    )
    return free


# writing


def save_case(
    context: Context, set_id: str, version: int, name: str, text: str, actor: str
) -> None:
    """A test as YAML: in place of the one called `name`, or a new one with an empty name.

    Raises:
        InputError: the text is no test; its place is in the message.
    """
    _put(context, set_id, version, name, _read(text), actor)


def remove_case(context: Context, set_id: str, version: int, name: str, actor: str) -> None:
    """Raises NotFound."""
    cases = cases_of(drafts.working_set(context, set_id))
    del cases[_place(cases, name)]
    _save(context, set_id, version, cases, actor)


def add_proposed(
    context: Context, set_id: str, version: int, keys: Sequence[str], actor: str, lang: str = "zh"
) -> int:
    """Those of the proposals that were chosen, called in a language; how many there were.

    Raises:
        InputError: none was chosen.
    """
    ruleset = drafts.working_set(context, set_id)
    cases = cases_of(ruleset)
    chosen = [one for one in proposals(ruleset, ruleset.cases, SHOWN) if one.case.name in keys]
    for one in chosen:
        name = case_keeping.free_name(case_words.proposal_name(ruleset, one)[lang], cases)
        cases.append({**one.as_document(), "name": name})
    if not chosen:
        raise InputError(
            "tests.none_chosen",
            zh="先勾选要加的测试。",
            en="Tick the tests to add first.",
            field="names",
        )
    _save(context, set_id, version, cases, actor)
    return len(chosen)


def add_noticing(
    context: Context,
    set_id: str,
    version: int,
    numbers: Sequence[int],
    actor: str,
    lang: str = "zh",
) -> int:
    """Tests that notice mutants of the last search, by number; one test where it notices several.

    Raises:
        InputError: the search is of another version, or there is no such test.
    """
    ruleset = drafts.working_set(context, set_id)
    found = [mutant_hunting.noticing(ruleset, number) for number in numbers]
    cases, seen = cases_of(ruleset), set()
    for mutant in found:
        if mutant is None or mutant.noticing is None:
            continue
        key = repr((plain(mutant.noticing.given), mutant.noticing.at))
        if key not in seen:
            seen.add(key)
            name = case_keeping.free_name(_noticing_name(ruleset, mutant, lang), cases)
            case = replace(mutant.noticing, name=name)
            cases.append(case_forms.document_of_case(case))
    if not seen:
        raise InputError(
            "tests.search_again",
            zh="规则或测试变了；请重新找一遍再加。",
            en="The rules or tests have changed; search again, then add.",
            field="number",
        )
    _save(context, set_id, version, cases, actor)
    return len(seen)


def _noticing_name(ruleset: RuleSet, mutant: Mutant, lang: str) -> str:
    said = case_words.mutant_sentence(ruleset, mutant)[lang]
    short = said.removesuffix("，没有测试会发现").removesuffix(", no test would notice")
    return {"zh": f"会发现：{short}", "en": f"notices: {short[:1].lower()}{short[1:]}"}[lang][:120]


def _put(
    context: Context, set_id: str, version: int, name: str, given: Mapping[str, Any], actor: str
) -> None:
    cases: list[Mapping[str, Any]] = list(cases_of(drafts.working_set(context, set_id)))
    if name:
        cases[_place(cases, name)] = given
    else:
        cases.append(given)
    _save(context, set_id, version, cases, actor)


def _save(
    context: Context, set_id: str, version: int, cases: Sequence[Mapping[str, Any]], actor: str
) -> None:
    try:
        drafts.save_cases(context, set_id, version, cases, actor)
    except RuleProblems as error:
        raise _as_input(error) from error


def _read(text: str) -> dict[str, Any]:
    try:
        found = read_yaml(text, "test").data
    except RuleProblems as error:
        raise _as_input(error) from error
    if not isinstance(found, dict) or not found.get("name"):
        raise InputError(
            "tests.no_test",
            zh="一个测试写作 name、given、expect 三项。",
            en="A test has name, given and expect.",
            field="text",
        )
    return found


def _as_input(error: RuleProblems) -> InputError:
    first = error.problems[0]
    return InputError(first.code, zh=first.text("zh"), en=first.text("en"), field="text")


def _case(ruleset: RuleSet, name: str) -> Case:
    found = next((case for case in ruleset.cases if case.name == name), None)
    if found is None:
        raise _unknown(name)
    return found


def _place(cases: Sequence[Mapping[str, Any]], name: str) -> int:
    for place, case in enumerate(cases):
        if case["name"] == name:
            return place
    raise _unknown(name)


def _unknown(name: str) -> NotFound:
    return NotFound(
        "tests.no_such", zh=f"没有测试“{name}”。", en=f"There is no test “{name}”.", name=name
    )


def cases_of(ruleset: RuleSet) -> list[dict[str, Any]]:
    """The tests as they stand in the set's document."""
    return list(document_of(ruleset).get("tests") or [])


def case_text(case: Mapping[str, Any]) -> str:
    """A test as YAML."""
    found = plain(dict(case))
    assert isinstance(found, Mapping)  # noqa: S101  a mapping stays one
    return yaml_text(found)
