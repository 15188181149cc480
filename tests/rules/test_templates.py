"""Every ready rule fires on its own example, stops just short of the other, and fits into a real set."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.engine.compiled import compile_set
from tidegate.engine.reference import evaluate
from tidegate.services.rulebook import Rulebook
from tidegate.services.workshop import templates
from tidegate.services.workshop.templates import _raw


class _Rules:
    """What the templates need of a context: the shipped rulebook."""

    rules = Rulebook()


RAW = _raw()


def test_there_are_enough_and_their_ids_differ() -> None:
    assert len(RAW) >= 40
    assert len({raw["id"] for raw in RAW}) == len(RAW)
    assert {raw["gate"] for raw in RAW} >= {"intake", "review", "inventory", "routing", "alert"}


@pytest.mark.parametrize("raw", RAW, ids=lambda raw: raw["id"])
def test_a_template_fires_on_one_example_and_not_on_the_other(raw: Any) -> None:
    ruleset = templates.as_set(_Rules(), raw)  # type: ignore[arg-type]  # only its rules are asked for
    at = templates.instant(raw)
    program = compile_set(ruleset)
    for kind, wanted in (("fires", (raw["id"],)), ("short", ())):
        assert evaluate(ruleset, raw[kind], at).fired == wanted, kind
        assert program.decide(raw[kind], at.astimezone()).fired == wanted, kind
    reasons = [
        outcome.args.get("reason") for outcome in evaluate(ruleset, raw["fires"], at).actions
    ]
    known = _Rules.rules.vocabulary.reasons
    assert [r for r in reasons if r and str(r).isascii() and r not in known] == []


def test_every_template_says_itself_in_both_languages() -> None:
    for one in templates.every(_Rules()):  # type: ignore[arg-type]
        for words in (one.title, one.about, one.sentence, *(b.title for b in one.blanks)):
            assert set(words) == {"zh", "en"}, one.id  # an unquoted comma makes a key of its own
            assert words["zh"]
            assert words["en"]
