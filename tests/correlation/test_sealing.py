"""What travels to the second matcher, what does not, and that it is only ever whole numbers."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from questions import Question, a_set, events, question
from random_patterns import a_pattern_set, an_episode, opened, sequence_of

from tidegate.correlation.network import MAX_FACTS, Pattern, is_field
from tidegate.correlation.sealing import MAX_SEALED_WORK, Sealed
from tidegate.engine.patterns.judging import MAX_WORK


def sealed(find: list[dict[str, str]], facts: dict[str, Any], within: str = "") -> Sealed | None:
    return question(a_set(find, within), facts).sealed()


def test_conditions_on_one_event_become_flags_and_comparisons_become_ranks() -> None:
    facts = events(
        (3, {"state": "b", "amount": "2.50", "flag": False}),
        (1, {"state": "a", "amount": "2.5", "flag": True}),
        (2, {"state": "B ", "amount": "10", "flag": True}),
    )
    found = sealed([{"one": "flag"}, {"two": 'state = "b" and amount > one.amount'}], facts)
    assert found == Sealed(
        flags=[True, True],
        joins=[[], [(">", "v0", 0, "v1")]],
        facts=[  # oldest first: 2.5 and 2.50 share a rank, 10 is above them
            {"p": 0, "f0": 1, "f1": 0, "v0": 0, "v1": 0},
            {"p": 1, "f0": 1, "f1": 1, "v0": 1, "v1": 1},
            {"p": 2, "f0": 0, "f1": 1, "v0": 0, "v1": 0},
        ],
    )


def test_absent_becomes_a_comparison_of_counts() -> None:
    facts = events(
        (1, {"state": "a"}), (2, {"state": "x"}), (3, {"state": "x"}), (4, {"state": "b"})
    )
    find = [{"one": 'state = "a"'}, {"absent": 'state = "x"'}, {"two": 'state = "b"'}]
    found = sealed(find, facts)
    assert found is not None
    assert found.joins == [[], [("=", "v0", 0, "v1")]]
    assert [(fact["v0"], fact["v1"]) for fact in found.facts] == [(0, 0), (0, 1), (1, 2), (2, 2)]


def test_within_becomes_a_comparison_of_the_last_event_with_the_end_of_the_span() -> None:
    facts = events((0, {}), (2, {}), (4, {}))
    found = sealed([{"one": "true"}, {"two": "true"}, {"three": "true"}], facts, within="2m")
    assert found is not None
    assert found.flags == [False, False, False]
    assert found.joins == [[], [], [("<=", "v0", 0, "v1")]]
    # instants 12:00, 12:02, 12:04 and ends 12:02, 12:04, 12:06 are the ranks 0 to 3
    assert [(fact["v0"], fact["v1"]) for fact in found.facts] == [(0, 1), (1, 2), (2, 3)]


def test_a_comparison_may_stand_either_way_round_and_a_difference_of_instants_is_moved_across() -> (
    None
):
    facts = events((0, {"amount": 1}), (2, {"amount": 2}))
    one: dict[str, str] = {"one": "true"}
    turned = sealed([one, {"two": "one.amount < amount"}], facts)
    assert turned is not None
    assert turned.joins[1] == [(">", "v0", 0, "v1")]
    moved = sealed([one, {"two": "at - one.at <= 2m"}], facts)
    plain = sealed([one, {"two": "at <= one.at + 2m"}], facts)
    assert moved is not None
    assert moved == plain


def test_text_is_ranked_as_the_language_compares_it() -> None:
    facts = events((0, {"who": "Ａnna "}), (1, {"who": "anna"}), (2, {"who": "张三"}))
    found = sealed([{"one": "true"}, {"two": "who != one.who"}], facts)
    assert found is not None
    assert [fact["v0"] for fact in found.facts] == [0, 0, 1]


PLAIN = {"amount": 1, "who": "a", "price": "1 CNY", "state": "a", "flag": True, "tags": []}


@pytest.mark.parametrize(
    ("find", "more"),
    [
        ([{"one": 'state = "a"'}], {"state": None}),
        ([{"one": "true"}, {"two": "amount > one.amount"}], {"amount": None}),
        ([{"one": "true"}, {"two": "true"}], {"at": None}),
        ([{"one": "true"}, {"two": "price > one.price"}], {"price": "1 USD"}),
        ([{"one": "true"}, {"two": "amount + one.amount > 3"}], {}),
        ([{"one": "true"}, {"two": "amount > one.amount or flag"}], {}),
        ([{"one": "true"}, {"two": "contains(who, one.who)"}], {}),
        ([{"one": "true"}, {"two": "amount in [0..one.amount]"}], {}),
        ([{"one": "true"}, {"two": "exact(who) = one.who"}], {}),
        ([{"one": "true"}, {"absent": "amount > one.amount"}, {"two": "true"}], {}),
        ([{"one": "order.limit > 1"}], {}),
    ],
)
def test_what_the_profile_cannot_carry_is_left_to_our_matcher(
    find: list[dict[str, str]], more: dict[str, Any]
) -> None:
    facts = events((0, PLAIN), (1, {**PLAIN, **more}))
    assert sealed(find, facts) is None


@pytest.mark.parametrize(
    "condition",
    [
        "tags = one.tags", "flag != one.flag", "price >= one.price", "who < one.who", "at > one.until",
        "amount * 2 > one.amount * one.amount", "one.flag", "took = one.took", "flag and one.flag",
    ],
)  # fmt: skip
def test_one_event_on_each_side_of_a_comparison_can_be_carried(condition: str) -> None:
    more = {"took": "1h", "until": "2026-11-11T12:00:00+08:00"}
    facts = events((0, {**PLAIN, **more}), (1, {**PLAIN, **more}))
    assert sealed([{"one": "true"}, {"two": condition}], facts) is not None


def test_an_episode_that_is_empty_or_too_long_is_left_to_our_matcher() -> None:
    find = [{"one": "flag"}]
    many = {"events": [{"at": "2026-11-11T12:00:00+08:00", "flag": True}] * (MAX_FACTS + 1)}
    assert sealed(find, many) is None
    assert sealed(find, {"events": many["events"][:-1]}) is not None
    assert sealed(find, {"events": []}) is None


def test_what_could_take_our_matcher_too_much_work_is_left_to_it() -> None:
    """A second matcher must not answer where the definition refuses."""
    names = ["one", "two", "three", "four"]
    find = [{name: f"amount >= {n}"} for n, name in enumerate(names)]
    few = {"events": [{"at": "2026-11-11T12:00:00+08:00", "amount": 9}] * 10}
    many = {"events": few["events"] * 20}
    assert sealed(find, few) is not None
    assert sealed(find, many) is None
    assert MAX_SEALED_WORK < MAX_WORK


def test_sealing_leaves_the_context_as_it_was() -> None:
    asked = question(a_set(), events((0, {"flag": True, "amount": 1, "state": "b"})))
    asked.context.variables["one"] = "kept"
    assert asked.sealed() is not None
    assert asked.context.variables == {"one": "kept"}


def test_only_whole_numbers_and_known_names_ever_leave() -> None:
    """Over random patterns and episodes: no text, no decimal, nothing personal."""
    looked = 0
    for seed in range(300):
        rng = Random(seed)
        ruleset = a_pattern_set(rng)
        context = opened(ruleset, an_episode(rng, 8, gaps=0))
        sequence = sequence_of(ruleset)
        found: Any = context.value(sequence.over)
        out = Question(sequence, found, context).sealed()
        if out is None:
            continue
        looked += 1
        document = json.loads(json.dumps(out.document()))
        pattern = Pattern.of(document)
        assert all(frozenset(fact) == pattern.fields for fact in document["facts"])
        assert all(is_field(name) for name in pattern.fields)
        values = [value for fact in document["facts"] for value in fact.values()]
        assert all(type(value) is int and 0 <= value <= 2 * MAX_FACTS for value in values)
    assert looked > 80
