"""The shipped packs are sound, every rule is tried from both sides, and everything has words in both languages."""

from __future__ import annotations

import re

import pytest

from tidegate import simple_yaml
from tidegate.engine.cases import CaseResult, run_cases
from tidegate.engine.checking import check
from tidegate.engine.decisions import FIRED, NOT, RuleTrace
from tidegate.engine.language import tree
from tidegate.engine.logic import Truth, conjunction, disjunction, negation
from tidegate.engine.rulesets import ActionCall, Condition, Leaf, RuleSet
from tidegate.engine.sourced import MAX_DEPTH, MAX_VALUES, read_yaml
from tidegate.services.rule_files import FilePack
from tidegate.services.rulebook import shipped_rules

PACKS = {
    "intake/intake.yaml": "intake",
    "review/review.yaml": "review",
    "inventory/inventory.yaml": "inventory",
    "routing/routing.yaml": "routing",
    "alerts/parcel.yaml": "alert",
    "connections/connections.yaml": "connection",
}
each_pack = pytest.mark.parametrize("name", PACKS)


def ruleset_of(pack: FilePack) -> RuleSet:
    assert pack.ruleset is not None, pack.problems
    return pack.ruleset


def calls_of(ruleset: RuleSet) -> list[ActionCall]:
    calls = [call for rule in ruleset.rules for call in rule.actions]
    return [*calls, *(call for stage in ruleset.stages for call in stage.otherwise)]


def near_miss(trace: RuleTrace) -> bool:
    """Whether the rule stopped for just one of the things it asks for."""
    leaves = iter(trace.leaves)

    def truth(condition: Condition) -> list[Truth]:
        found: list[Truth] = []
        for part in condition.parts:
            found.append(next(leaves).result if isinstance(part, Leaf) else whole(part))
        return found

    def whole(condition: Condition) -> Truth:
        parts = truth(condition)
        if condition.kind == "any":
            return disjunction(parts)
        return negation(disjunction(parts)) if condition.kind == "none" else conjunction(parts)

    parts = truth(trace.rule.condition)
    return trace.result == NOT and sum(part is not True for part in parts) == 1


@each_pack
def test_a_pack_loads_and_answers_for_its_gate(packs: dict[str, FilePack], name: str) -> None:
    assert packs[name].problems == ()
    assert ruleset_of(packs[name]).gate == PACKS[name]


@each_pack
def test_a_pack_has_neither_errors_nor_warnings(packs: dict[str, FilePack], name: str) -> None:
    found = check(ruleset_of(packs[name]), packs[name].cases)
    assert [finding.text("en") for finding in found] == []


@each_pack
def test_every_case_of_a_pack_is_green(packs: dict[str, FilePack], name: str) -> None:
    results = run_cases(ruleset_of(packs[name]), packs[name].cases)
    assert len(results) >= 5
    failed = [(r.case.name, d.text("en")) for r in results for d in r.differences]
    assert failed == []


def results_of(pack: FilePack) -> list[CaseResult]:
    return [result for result in run_cases(ruleset_of(pack), pack.cases) if result.passed]


@each_pack
def test_every_rule_fires_in_a_case_and_just_misses_in_another(
    packs: dict[str, FilePack], name: str
) -> None:
    traces = [
        t for result in results_of(packs[name]) if result.decision for t in result.decision.rules
    ]
    rules = {rule.id for rule in ruleset_of(packs[name]).rules}
    assert len(rules) >= 3
    fired = {trace.rule.id for trace in traces if trace.result == FIRED}
    missed = {trace.rule.id for trace in traces if near_miss(trace)}
    assert rules - fired == set(), "never fired"
    assert rules - missed == set(), "never just missed"


def test_the_packs_together_have_the_rules_the_chain_needs(packs: dict[str, FilePack]) -> None:
    found = {name: {rule.id for rule in ruleset_of(pack).rules} for name, pack in packs.items()}
    assert {"paid-and-in-stock", "suspicious-address", "duplicate-order", "risky-memo"} <= found[
        "review/review.yaml"
    ]
    assert {"refund-in-progress", "cod-over-limit"} <= found["review/review.yaml"]
    assert {"carrier.high-value", "carrier.remote", "carrier.same-city"} <= found[
        "routing/routing.yaml"
    ]
    assert {"no-pickup", "no-delivery", "stalled", "print-late"} <= found["alerts/parcel.yaml"]
    assert {"false-signature", "repeated-failed-delivery", "return-loop"} <= found[
        "alerts/parcel.yaml"
    ]
    assert {"accounts-storm", "split-orders", "orders-and-returns"} <= found["review/review.yaml"]


@each_pack
def test_everything_with_a_name_has_it_in_both_languages(
    packs: dict[str, FilePack], name: str
) -> None:
    ruleset = ruleset_of(packs[name])
    named = [ruleset.title, *(rule.title for rule in ruleset.rules)]
    named += [parameter.title for parameter in ruleset.parameters.values()]
    named += [one.title for one in ruleset.lists.values()]
    for title in named:
        assert re.search(r"[一-鿿]", title["zh"]), title
        assert not re.search(r"[一-鿿]", title["en"]), title


def test_every_reason_is_told_in_both_languages(packs: dict[str, FilePack]) -> None:
    """Of rules and rows by themselves, and of tables and rows that have one of their own."""
    own = 0
    for pack in packs.values():
        ruleset = ruleset_of(pack)
        assert all(rule.why for rule in ruleset.written)
        said = [rule.why for rule in ruleset.written]
        said += [table.why for table in ruleset.tables.values() if table.why]
        own += len([rule for rule in ruleset.written if not rule.table]) + len(ruleset.tables)
        for why in said:
            assert re.search(r"[一-鿿]", why["zh"]), why
            assert not re.search(r"[一-鿿]", why["en"]), why
            assert why["en"].strip(), why
    assert own >= 99


@each_pack
def test_every_parameter_has_limits_and_stands_inside_them(
    packs: dict[str, FilePack], name: str
) -> None:
    for parameter in ruleset_of(packs[name]).parameters.values():
        assert parameter.low is not None, parameter.id
        assert parameter.high is not None, parameter.id
        assert parameter.low != parameter.high


def test_every_reason_queue_tag_kind_and_service_has_words(packs: dict[str, FilePack]) -> None:
    spoken = (
        "reason",
        "queue",
        "desk",
        "kind",
        "tag",
        "service",
        "by",
        "packaging",
        "severity",
        "prefer",
    )
    said = {
        str(value)
        for pack in packs.values()
        for call in calls_of(ruleset_of(pack))
        for name, value in call.args.items()
        if name in spoken and not isinstance(value, tree.Node)
    }
    said |= {"missing_facts", "conflict", "no_rule_decided"}  # what the engine says by itself
    assert len(said) > 60
    reasons = ruleset_of(packs["review/review.yaml"]).vocabulary.reasons
    assert said - set(reasons) == set()


def test_every_label_note_has_words(packs: dict[str, FilePack]) -> None:
    vocabulary = ruleset_of(packs["routing/routing.yaml"]).vocabulary
    calls = calls_of(ruleset_of(packs["routing/routing.yaml"]))
    notes = {
        str(call.args["text"])
        for call in calls
        if call.action.id == "add_label_note" and not isinstance(call.args["text"], tree.Node)
    }
    assert len(notes) == 2
    assert notes - set(vocabulary.reasons) == set()


def test_every_choice_of_an_action_has_words(packs: dict[str, FilePack]) -> None:
    vocabulary = ruleset_of(packs["review/review.yaml"]).vocabulary
    gates = {name for pack in packs.values() for name in ruleset_of(pack).gate_spec.actions}
    choices = {
        v for name in gates for arg in vocabulary.actions[name].args.values() for v in arg.values
    }
    assert len(choices) > 10
    assert choices - set(vocabulary.reasons) == set()


def test_reasons_are_written_in_both_languages(packs: dict[str, FilePack]) -> None:
    reasons = ruleset_of(packs["review/review.yaml"]).vocabulary.reasons
    assert len(reasons) > 80
    for code, texts in reasons.items():
        assert re.search(r"[一-鿿]", texts["zh"]), code
        assert not re.search(r"[一-鿿]", texts["en"]), code


def test_every_finding_of_the_address_check_has_words(packs: dict[str, FilePack]) -> None:
    from tidegate.domain.addresses.verdicts import REASONS

    known = ruleset_of(packs["review/review.yaml"]).vocabulary.reasons
    assert len(REASONS) > 10
    assert set(REASONS) - set(known) == set()


def test_thresholds_stand_in_parameters_never_in_a_rule(packs: dict[str, FilePack]) -> None:
    """A number inside a condition other than 0, 1 or a count is a threshold nobody can find."""
    looked = 0
    for pack in packs.values():
        for rule in ruleset_of(pack).rules:
            for leaf in rule.leaves:
                looked += 1
                text = re.sub(r'"[^"]*"', "", leaf.text)
                assert not re.search(r"\b(?:[2-9]|\d{2,}|\d+[hdm])\b", text), (rule.id, leaf.text)
    assert looked > 150


def test_the_rules_folder_holds_no_python() -> None:
    python = [path.name for path in shipped_rules().rglob("*.py")]
    assert python == ["__init__.py"]


@pytest.mark.parametrize("name", ["vocabulary.yaml", *PACKS])
def test_what_every_start_reads_needs_no_full_parser(name: str) -> None:
    text = (shipped_rules() / name).read_text(encoding="utf-8")
    found = simple_yaml.read(text, MAX_DEPTH, MAX_VALUES)
    assert isinstance(found, tuple), f"{name}, line {found}: simple_yaml does not read it"


def test_orders_to_one_address_have_the_facts_of_orders_to_one_phone() -> None:
    groups = read_yaml((shipped_rules() / "vocabulary.yaml").read_text("utf-8"), "v").data["groups"]
    assert groups["phone_order"]["fields"]
    assert groups["address_order"]["fields"] == groups["phone_order"]["fields"]


def test_names_of_remote_provinces_agree(packs: dict[str, FilePack]) -> None:
    """Routing and alerts speak of the same provinces."""
    routing = ruleset_of(packs["routing/routing.yaml"]).lists["remote_provinces"]
    alerts = ruleset_of(packs["alerts/parcel.yaml"]).lists["remote_provinces"]
    assert routing.values == alerts.values
    assert len(routing.values) == 12
