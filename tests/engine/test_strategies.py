"""The generators are worth their trust: what they make reads, and in a thousand sets everything
comes.
"""

from __future__ import annotations

from collections import Counter
from random import Random

from random_vocabularies import KINDS
from strategies import NOW, POLICIES, FactDocuments, a_ruleset, a_vocabulary

from tidegate.engine.facts import Facts
from tidegate.engine.language import tree
from tidegate.engine.language.functions import FUNCTIONS
from tidegate.engine.rulesets import RuleSet

SETS = 1_000


def _nodes(ruleset: RuleSet) -> list[tree.Node]:
    roots = [leaf.node for rule in ruleset.rules for leaf in rule.leaves]
    roots += [derived.node for derived in ruleset.derive.values()]
    return [node for root in roots for node in tree.walk(root)]


def test_every_generated_set_reads_and_every_construct_of_the_language_comes() -> None:
    seen: Counter[str] = Counter()
    for seed in range(SETS):
        rng = Random(seed)
        vocabulary = a_vocabulary(rng)
        assert {fact.type for fact in vocabulary.facts.values()} == set(KINDS)
        ruleset = a_ruleset(rng, vocabulary)  # raises with all problems, if there are any
        for node in _nodes(ruleset):
            seen[type(node).__name__] += 1
            if isinstance(node, tree.Call):
                seen[node.function] += 1
        seen[ruleset.policy] += 1
        seen.update(f"stratum {rule.stratum}" for rule in ruleset.rules)
        seen.update(f"table {rule.table_policy}" for rule in ruleset.rules if rule.table)
        seen.update(f"does {call.action.id}" for rule in ruleset.rules for call in rule.actions)
    kinds = {kind.__name__ for kind in tree.Node.__subclasses__()} - {
        "Name",
        "Input",
        "Sequence",
        "Step",
    }
    wanted = kinds | set(FUNCTIONS) | set(POLICIES) | {"stratum 1", "stratum 2"}
    wanted |= {f"table {policy}" for policy in ("", "first", "unique", "any", "collect")}
    wanted |= {f"does {name}" for name in ("exclude", "use", "insure", "cover", "put", "switch")}
    assert len(wanted) > 60
    assert sorted(wanted - set(seen)) == []


def test_facts_fit_their_set_and_meet_its_constants() -> None:
    met = total = 0
    for seed in range(60):
        rng = Random(seed)
        ruleset = a_ruleset(rng, a_vocabulary(rng))
        maker = FactDocuments(ruleset)
        for _ in range(5):
            facts = Facts(maker.document(rng, NOW), ruleset.vocabulary, ruleset.fields)
            for fact in maker.facts:
                value = None if fact.window else facts.get(fact.id)
                total += value is not None
                met += value in maker.pool.get(type(value), [])
    assert total > 500
    assert met / total > 0.15


def test_a_seed_makes_the_same_set_and_facts_again() -> None:
    def run(seed: int) -> tuple[str, str]:
        rng = Random(seed)
        ruleset = a_ruleset(rng, a_vocabulary(rng))
        return ruleset.hash, repr(FactDocuments(ruleset).document(rng))

    assert [run(seed) for seed in range(20)] == [run(seed) for seed in range(20)]
