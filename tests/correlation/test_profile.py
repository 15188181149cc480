"""The sealed profile: what durable-rules 2.0.28 is known to get wrong can't be reached, or is asked
for before it is trusted. Numbers B1 … are those of the design's list of faults.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest
from questions import NO, YES, a_set, events, question
from random_patterns import a_pattern_set, an_episode

import tidegate.correlation
from tidegate.correlation.network import (
    MAX_FACTS,
    MAX_JOINS,
    MAX_NETWORKS,
    MAX_STEPS,
    Network,
    NetworkError,
    Pattern,
    is_field,
)
from tidegate.correlation.selftest import QUESTIONS, failing

PACKAGE = Path(str(tidegate.correlation.__file__)).parent
SAFE_CALLS = {
    "create_ruleset", "assert_fact", "retract_fact", "start_action_for_state", "get_facts",
}  # fmt: skip
PAIR = Pattern((True, True), ((), (("=", "v0", 0, "v1"),)))


def fact(place: int, **values: int) -> dict[str, int]:
    return {"p": place, "f0": 0, "f1": 0, "v0": 0, "v1": 0, **values}


def sealed_patterns() -> list[tuple[Pattern, list[dict[str, int]]]]:
    found = []
    for seed in range(400):
        rng = Random(seed)
        out = question(a_pattern_set(rng), an_episode(rng, 8, gaps=0)).sealed()
        if out is not None:
            document = json.loads(json.dumps(out.document()))
            found.append((Pattern.of(document), document["facts"]))
    assert len(found) > 100
    return found


class Recorder:
    """Stands before the library and writes down what is called, with what."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.error = engine.error
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.engine, name)

        def call(*args: Any) -> Any:
            self.calls.append((name, args))
            return real(*args)

        return call


@pytest.fixture
def network(durable: None) -> Network:
    return Network()


def test_only_one_module_imports_durable_rules() -> None:
    """Read from the source, so that it also holds where the library is not installed."""
    platform = PACKAGE.parents[1]
    found = [
        file.relative_to(platform).as_posix()
        for file in sorted(platform.rglob("*.py"))
        if re.search(r"^\s*(import|from) durable", file.read_text("utf-8"), re.M)
    ]
    assert found == ["tidegate/correlation/network.py"]


def test_only_harmless_functions_of_the_library_are_used(network: Network) -> None:
    """No sessions made or deleted, no timers, no callbacks, no batches, no state, no events: B3 to
    B6, B12, B20 to B24, B27. One session for everything.
    """
    recorder = network._engine = Recorder(network._engine)
    for pattern, facts in sealed_patterns()[:60]:
        network.find(pattern, facts)
    assert {name for name, _ in recorder.calls} == SAFE_CALLS
    asserted = [json.loads(args[1]) for name, args in recorder.calls if name == "assert_fact"]
    assert len(asserted) > 100
    assert {message["sid"] for message in asserted} == {"s1"}


def test_a_rule_is_a_flat_conjunction_that_ends_with_what_is_always_true() -> None:
    """No `$or`, negation, quantifier, wildcard or division (B2, B7, B10, B15 to B17, B19); the kind
    marker is the first condition, and the last of a join is true (B1).
    """
    joins = 0
    for pattern, _ in sealed_patterns():
        (rule,) = pattern.rule().values()
        text = json.dumps(rule)
        assert set(re.findall(r'"(\$\w+)"', text)) <= {"$and", "$neq", "$lt", "$lte", "$gt", "$gte"}
        assert "$not" not in text
        for place, entry in enumerate(rule["all"]):
            (whole,) = entry.values()
            conditions = whole.get("$and", [whole])
            assert conditions[0] == {"k": "skind"}
            if place:
                joins += 1
                assert conditions[-1] == {"$gte": {"z": {"m0": "z"}}}
    assert joins > 100


def hash_of(text: str) -> int:
    """The library's: FNV-1a over bytes, 32 bits."""
    found = 2166136261
    for byte in text.encode():
        found = ((found ^ byte) * 16777619) % 2**32
    return found


def test_no_two_ids_or_names_look_alike_to_the_library() -> None:
    """It tells facts (B13), sessions (B12) and fields (B14) apart by 32 bits alone."""
    ids = [f"e{n}" for n in range(MAX_FACTS)]
    assert len({hash_of(name) for name in [*ids, "s1", "sid-s1"]}) == MAX_FACTS + 2
    fields = ["k", "z", "p", "id", "sid", "$s"]
    fields += [f"f{n}" for n in range(MAX_STEPS)] + [f"v{n}" for n in range(64)]
    fields += [f"m{n}" for n in range(MAX_STEPS)]
    assert all(is_field(name) for name in fields if name[0] in "fvp")
    assert len({hash_of(name) for name in fields}) == len(fields) == 6 + MAX_STEPS + 64 + MAX_STEPS


@pytest.mark.parametrize(
    "fields",
    [
        {"p": 0, "f0": 1, "f1": 1, "v0": 1},  # a joined field is missing: B18
        fact(0, sid=1),  # chooses the session
        fact(0, id=1),  # an identity of its own: B11, B13
        fact(0, v0=2**53),  # would be compared as a double
        fact(0, v0=-(2**53)),
        fact(0, v0=True),  # true = 1 = "1" to the library
        fact(0, v0=1.0),  # type: ignore[arg-type]  # B28: 1e-07 and nan
        fact(0, v0="s" * 70_000),  # type: ignore[arg-type]  # B25: lengths of 16 bits
        fact(0, v0=None),  # type: ignore[arg-type]
    ],
)
def test_a_fact_outside_the_profile_never_reaches_the_library(
    network: Network, fields: dict[str, int]
) -> None:
    recorder = network._engine = Recorder(network._engine)
    with pytest.raises(NetworkError):
        network.find(PAIR, [fields])
    assert {name for name, _ in recorder.calls} <= {"create_ruleset"}


@pytest.mark.parametrize(
    "document",
    [
        {"flags": [], "joins": []},
        {"flags": [True] * 9, "joins": [[]] * 9},
        {"flags": [True], "joins": [[], []]},
        {"flags": [True, True], "joins": [[], [["~", "v0", 0, "v1"]]]},
        {"flags": [True, True], "joins": [[], [["=", "v0", 1, "v1"]]]},
        {"flags": [True, True], "joins": [[["=", "v0", 0, "v1"]], []]},
        {"flags": [True, True], "joins": [[], [["=", "sid", 0, "v1"]]]},
        {"flags": [True, True], "joins": [[], [["=", "v064", 0, "v1"]]]},
        {"flags": [True, True], "joins": [[], [["=", "v0", 0, "v1"]] * (MAX_JOINS + 1)]},
    ],
)
def test_a_pattern_outside_the_profile_is_refused(document: dict[str, Any]) -> None:
    """Too large (B8, B9), or nothing that sealing makes."""
    with pytest.raises(NetworkError):
        Pattern.of(document)


def test_too_many_facts_are_refused(network: Network) -> None:
    with pytest.raises(NetworkError):
        network.find(PAIR, [fact(n) for n in range(MAX_FACTS + 1)])


# the questions of the self-test


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_question_of_the_self_test_is_answered_rightly(network: Network, name: str) -> None:
    assert QUESTIONS[name](network)
    assert QUESTIONS[name](network)  # and again: nothing is left of the first time


class Wrong(Network):
    """A library that is wrong in its nth answer."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self.left = nth

    def find(self, *args: Any) -> bool:
        self.left -= 1
        return super().find(*args) is not (self.left == 0)


def test_a_single_wrong_answer_fails_the_self_test(durable: None) -> None:
    """Whichever question it is given to."""

    class Counting(Network):
        asked = 0

        def find(self, *args: Any) -> bool:
            Counting.asked += 1
            return super().find(*args)

    assert failing(Counting()) == ""
    assert Counting.asked > 150
    refused = 4  # the last question asks for refusals, which have no answer to get wrong
    failed = [failing(Wrong(nth)) for nth in range(1, Counting.asked - refused + 1)]
    assert set(failed) == set(QUESTIONS) - {"outside_the_profile"}


def test_an_engine_that_refuses_fails_the_self_test(network: Network) -> None:
    network._engine = Recorder(network._engine)
    network._engine.create_ruleset = lambda *args: 10**6  # no such handle
    assert failing(network) == "last_condition_false"


def test_memory_stays_flat_over_many_episodes(network: Network) -> None:
    """Facts that are taken back leave nothing: 30,000 episodes without a match."""
    rows = [fact(0, f0=1), fact(1, f1=1, v0=1), fact(2, f1=1, v0=2)]
    process = psutil.Process()

    def run(count: int) -> int:
        for _ in range(count):
            assert not network.find(PAIR, rows)
            assert not network.find(PAIR, rows[1:])
        return int(process.memory_info().rss)

    before = run(2_000)
    assert run(13_000) - before < 3_000_000
    assert not network.spent


def test_a_network_that_found_a_match_is_never_touched_again(network: Network) -> None:
    """To retract a fact of a match writes past the end of the match's frame; what is left behind
    instead is bounded, because the process is replaced.
    """
    recorder = network._engine = Recorder(network._engine)
    rows = [fact(0, f0=1), fact(1, f1=1)]
    before = psutil.Process().memory_info().rss
    for _ in range(MAX_NETWORKS):
        assert not network.spent
        assert network.find(PAIR, rows)
    assert network.spent
    assert psutil.Process().memory_info().rss - before < 150_000_000
    started = [args[0] for name, args in recorder.calls if name == "start_action_for_state"]
    found = sorted(set(started))
    assert len(found) == MAX_NETWORKS
    for handle in found[:20]:
        names = [name for name, args in recorder.calls if args[0] == handle]
        assert names == ["assert_fact", "start_action_for_state"] * 2


# the raw faults, so that it is known what the profile is for


RAW = {
    "B7": (
        "import json, durable_rules_engine as C\n"
        "d = {'first': {'all': [{'m': {'a': 1}}]}, 'second': {'all': [{'m': {'b': 1}}]}}\n"
        "d.update({'a%d' % i: {'all': [{'m': {'a': 1}}]} for i in range(255)})\n"
        "h = C.create_ruleset('x', json.dumps(d)); rc, s = C.assert_fact(h, '{\"a\": 1}')\n"
        "m = C.start_action_for_state(h, s)[1]; names = set()\n"
        "while m: names |= set(json.loads(m)); m = C.complete_and_start_action(h, s)\n"
        "print('second' in names)\n"
    ),
    "B9": (
        "import json, durable_rules_engine as C\n"
        "d = {'r%d' % i: {'all': [{'m': {'$gt': {'a': i}}}]} for i in range(65)}\n"
        "try: C.assert_fact(C.create_ruleset('y', json.dumps(d)), '{\"a\": 1000000}')\n"
        "except C.error as error: print('303' in str(error))\n"
    ),
    "B18": (
        "import json, durable_rules_engine as C\n"
        "d = {'r': {'all': [{'m': {'k': 1}}, {'n': {'$and': [{'k': 1}, {'$gt': {'a': {'m': 'a'}}}]}}]}}\n"
        "h = C.create_ruleset('z', json.dumps(d))\n"
        "try:\n"
        '    C.assert_fact(h, \'{"id": "1", "k": 1}\'); C.assert_fact(h, \'{"id": "2", "k": 1, "a": 1}\')\n'
        "except C.error as error: print('31' in str(error))\n"
    ),
}


@pytest.mark.parametrize("fault", RAW)
def test_a_fault_the_profile_keeps_away_from_is_still_there(durable: None, fault: str) -> None:
    """If this fails the library was repaired: read the profile again, it may carry more."""
    command = [sys.executable, "-I", "-c", RAW[fault]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0 or done.stdout.strip() == "True", done.stderr


def test_two_questions_with_one_answer_each(network: Network) -> None:
    """The plainest pattern through the plainest road."""
    for facts, wanted in (
        (YES, True),
        (NO, False),
        (events((0, {"flag": True, "amount": 1, "state": "b"})), False),
    ):
        out = question(a_set(), facts).sealed()
        assert out is not None
        document = json.loads(json.dumps(out.document()))
        assert network.find(Pattern.of(document), document["facts"]) is wanted
