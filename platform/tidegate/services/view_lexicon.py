"""What a rule set's own names read like in both languages, so that an old decision can be told in either."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from tidegate.engine.language.sentences import sentence
from tidegate.engine.rulesets import Condition, Leaf, Rule, RuleSet
from tidegate.services.context import Context
from tidegate.services.view_names import Words
from tidegate.store.tables import Decision

LANGUAGES = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """`wanted` tells for each leaf of a rule which result lets the rule fire (false inside a `none` group)."""

    title: Words | None = None
    rules: Mapping[str, Words] = field(default_factory=dict)
    sentences: Mapping[str, Words] = field(default_factory=dict)
    names: Mapping[str, Words] = field(default_factory=dict)
    wanted: Mapping[str, tuple[bool, ...]] = field(default_factory=dict)


UNKNOWN = Lexicon()


def lexicon(ruleset: RuleSet, only: Iterable[Rule] | None = None) -> Lexicon:
    """Titles of rules and parameters, and the sentence of every condition by its text; of all rules, or
    `only` of these.
    """
    rules = list(ruleset.rules if only is None else only)
    leaves = {leaf.text: leaf for rule in rules for leaf in rule.leaves}
    return Lexicon(
        title=ruleset.title,
        rules={rule.id: rule.title for rule in rules},
        sentences={
            text: {lang: sentence(leaf.node, ruleset, lang) for lang in LANGUAGES}
            for text, leaf in leaves.items()
        },
        names={
            **{name: parameter.title for name, parameter in ruleset.parameters.items()},
            **{name: derived.title for name, derived in ruleset.derive.items()},
        },
        wanted={rule.id: tuple(_wanted(rule.condition, True)) for rule in rules},
    )


def lexicons(context: Context, session: Session, order_id: int) -> Mapping[str, Lexicon]:
    """By content hash, for the sets that decided about this order and are still the ones in use.

    A decision of an older set is shown as it was stored.
    """
    rows = session.execute(
        select(Decision.gate, Decision.ruleset_hash).where(Decision.order_id == order_id).distinct()
    )
    used = {(gate, content_hash) for gate, content_hash in rows}
    found = {}
    for gate in {gate for gate, _ in used}:
        for ruleset in context.rules.for_gate(gate):
            if (gate, ruleset.hash) in used:
                found[ruleset.hash] = lexicon(ruleset)
    return found


def _wanted(condition: Condition, want: bool) -> list[bool]:
    inner = want if condition.kind != "none" else not want
    found: list[bool] = []
    for part in condition.parts:
        found += [inner] if isinstance(part, Leaf) else _wanted(part, inner)
    return found
