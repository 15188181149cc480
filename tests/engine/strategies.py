"""Random vocabularies, expressions, rule sets and facts, driven by a `random.Random`, and the
Hypothesis strategies over them.

    rng = random.Random(seed)
    vocabulary = a_vocabulary(rng)
    ruleset = a_ruleset(rng, vocabulary)          # any policy; policy="stages" for one
    maker = FactDocuments(ruleset)
    facts = maker.document(rng)                   # as many as wanted

A failure is repeated from its seed alone.
"""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st
from random_expressions import Expressions
from random_facts import FactDocuments, constants
from random_literals import NOW
from random_rulesets import POLICIES, Documents, a_document
from random_vocabularies import a_vocabulary

from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import Vocabulary

__all__ = [
    "NOW",
    "POLICIES",
    "Documents",
    "Expressions",
    "FactDocuments",
    "a_document",
    "a_ruleset",
    "a_vocabulary",
    "constants",
    "seeds",
    "sizes",
]


def a_ruleset(
    rng: Random, vocabulary: Vocabulary, policy: str = "", size: int = 3, rules: int = 5
) -> RuleSet:
    return read_ruleset(a_document(rng, vocabulary, policy, size, rules), vocabulary)


def seeds() -> st.SearchStrategy[int]:
    return st.integers(min_value=0, max_value=2**48)


def sizes(largest: int = 4) -> st.SearchStrategy[int]:
    """How deep expressions may get; Hypothesis shrinks towards small ones."""
    return st.integers(min_value=0, max_value=largest)
