"""Kleene's tables, written out."""

from __future__ import annotations

import pytest

from tidegate.engine.logic import conjunction, disjunction, negation

T, F, U = True, False, None


@pytest.mark.parametrize(
    ("one", "other", "both", "either"),
    [
        (T, T, T, T), (T, F, F, T), (T, U, U, T),
        (F, T, F, T), (F, F, F, F), (F, U, F, U),
        (U, T, U, T), (U, F, F, U), (U, U, U, U),
    ],
)  # fmt: skip
def test_and_and_or_over_three_values(
    one: object, other: object, both: object, either: object
) -> None:
    assert conjunction([one, other]) is both  # type: ignore[list-item]
    assert disjunction([one, other]) is either  # type: ignore[list-item]


def test_not_over_three_values() -> None:
    assert [negation(value) for value in (T, F, U)] == [F, T, U]


def test_nothing_is_true_for_all_and_false_for_any() -> None:
    assert conjunction([]) is True
    assert disjunction([]) is False
