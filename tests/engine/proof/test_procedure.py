"""The parts of the decision procedure, each against its definition."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from random import Random
from typing import Any

import pytest

from tidegate.engine.language import tree
from tidegate.engine.language.parser import over, parse, parse_unary
from tidegate.engine.proof.boxes import (
    FALSE,
    NOT_FALSE,
    NOT_TRUE,
    TRUE,
    boxes_of,
    meet,
    on_axis,
    union,
)
from tidegate.engine.proof.columns import Column
from tidegate.engine.proof.cover import Cover, OutOfBudget, Work
from tidegate.engine.proof.formulas import Atom, Branch, Every, Fixed, Formula, Neg, Some
from tidegate.engine.proof.sources import as_cell
from tidegate.engine.regions import constants_of, truth
from tidegate.engine.values import ExactText, Money

# boxes: a formula's four sets are those of three-valued logic

SIZES = (3, 3, 3)
ATOMS = [Atom(tree.Fact(f"f{n}")) for n in range(3)]


def a_formula(rng: Random, depth: int) -> Formula:
    if depth == 0 or rng.random() < 0.2:
        return rng.choice((*ATOMS, *ATOMS, Fixed(True), Fixed(False), Fixed(None)))
    parts = tuple(a_formula(rng, depth - 1) for _ in range(rng.randint(1, 3)))
    kind = rng.randrange(4)
    if kind == 3 and len(parts) == 3:
        return Branch(*parts)
    return Neg(parts[0]) if kind == 2 else (Every, Some)[kind % 2](parts)


def value(formula: Formula, point: tuple[bool | None, ...]) -> bool | None:
    """Three-valued logic, said once more."""
    if isinstance(formula, Atom):
        return point[ATOMS.index(formula)]
    if isinstance(formula, Fixed):
        return formula.value
    if isinstance(formula, Neg):
        inner = value(formula.part, point)
        return None if inner is None else not inner
    if isinstance(formula, Branch):
        taken = formula.then if value(formula.condition, point) is True else formula.otherwise
        return value(taken, point)
    parts = [value(part, point) for part in formula.parts]
    decisive = isinstance(formula, Some)
    return decisive if decisive in parts else None if None in parts else not decisive


def test_boxes_are_where_a_formula_is_true_false_not_true_and_not_false() -> None:
    seen = 0
    for seed in range(300):
        formula = a_formula(Random(seed), 3)
        for mode in (TRUE, FALSE, NOT_TRUE, NOT_FALSE):
            boxes = boxes_of(formula, mode, lambda a: on_axis(ATOMS.index(a), 3, 0b001, 0b010))
            for regions in product(range(3), repeat=3):
                said = value(formula, tuple((True, False, None)[region] for region in regions))
                wanted = {
                    TRUE: said is True,
                    FALSE: said is False,
                    NOT_TRUE: said is not True,
                    NOT_FALSE: said is not False,
                }[mode]
                inside = any(all(mask >> regions[axis] & 1 for axis, mask in box) for box in boxes)
                assert inside is wanted, (seed, mode, regions)
                seen += 1
    assert seen == 300 * 4 * 27


# covers: against counting all points


def random_boxes(rng: Random, sizes: list[int], count: int) -> list[tuple[tuple[int, int], ...]]:
    return [
        tuple(
            (axis, rng.randint(1, (1 << size) - 2))
            for axis, size in enumerate(sizes)
            if size > 1 and rng.random() < 0.6
        )
        for _ in range(count)
    ]


def test_a_cover_leaves_open_just_what_no_box_holds() -> None:
    covered = 0
    for seed in range(400):
        rng = Random(seed)
        sizes = [rng.randint(1, 4) for _ in range(rng.randint(1, 4))]
        boxes, (asked,) = random_boxes(rng, sizes, rng.randint(1, 9)), random_boxes(rng, sizes, 1)
        cover = Cover(boxes, sizes)
        among = rng.getrandbits(len(boxes))
        chosen = [box for number, box in enumerate(boxes) if among >> number & 1]

        def holds(box: Any, point: Any) -> bool:
            return all(mask >> point[axis] & 1 for axis, mask in box)

        points = [p for p in product(*map(range, sizes)) if holds(asked, p)]
        free = [p for p in points if not any(holds(box, p) for box in chosen)]
        found = cover.uncovered(asked, among)
        assert (found is None) == (not free), seed
        if found is not None:
            inside = [p for p in points if holds(found, p)]
            assert inside, seed
            assert set(inside) <= set(free), seed
        covered += found is None
        touching = [
            n for n, box in enumerate(boxes) if among >> n & 1 and meet(box, asked) is not None
        ]
        assert cover.overlapping(asked, among) == sum(1 << n for n in touching)
    assert 40 < covered < 360


def test_a_union_keeps_its_points_with_fewer_boxes() -> None:
    for seed in range(200):
        rng = Random(seed)
        boxes = random_boxes(rng, [3, 3, 3], rng.randint(1, 8))
        joined = union(boxes)
        assert len(joined) <= len(boxes)
        for point in product(range(3), repeat=3):
            inside = [
                any(all(m >> point[a] & 1 for a, m in box) for box in some)
                for some in (boxes, joined)
            ]
            assert inside[0] == inside[1], seed


def test_a_search_over_its_budget_says_so() -> None:
    rng = Random(1)
    boxes = [
        tuple(sorted({rng.randrange(60): rng.choice((1, 2)) for _ in range(3)}.items()))
        for _ in range(256)
    ]
    cover = Cover(boxes, [2] * 60, Work(1_000))
    with pytest.raises(OutOfBudget):
        cover.uncovered((), cover.everything)


# columns: the fast masks are what the evaluator says, region by region

MONEY = [Money(Decimal(a), c) for a, c in ((0, "CNY"), (5, "CNY"), (5, "USD"))]
POINTS: dict[str, list[object]] = {
    "number": [Decimal(n) for n in (-1, 0, 3)] + [Decimal("3.5")],
    "money": [*MONEY, Decimal(0)],
    "text": ["JD", "京东", ExactText("Jd"), ExactText("jd")],
    "choice": ["new", "paid"],
    "duration": [timedelta(hours=n) for n in (0, 1, 24)],
    "date": [date(2026, 11, n) for n in (1, 2, 9)],
    "instant": [datetime(2026, 11, n, tzinfo=UTC) for n in (1, 9)],
    "hour": [Decimal(n) for n in (0, 9, 23)],
    "weekday": ["Mon", "Sun"],
}
CELLS = [
    "? = {a}",
    "? != {a}",
    "? in ({a}, {b})",
    "not(? = {a})",
    "? is missing",
    "coalesce(?, {a}) = {b}",
]
ORDERED = [
    "? < {a}",
    "? >= {b}",
    "? between {a} and {b}",
    "? in [{a}..{b})",
    "? in (< {a}, > {b})",
    "coalesce(?, {a}) > {b}",
]


def cells(kind: str) -> list[tree.Node]:
    def put(node: tree.Node, values: dict[str, object]) -> tree.Node:
        if isinstance(node, tree.Name):
            found = values[node.path]
            exact = isinstance(found, ExactText)
            return tree.Call("exact", (tree.Literal(str(found)),)) if exact else tree.Literal(found)
        changes: dict[str, Any] = {}
        for name, part in vars(node).items():
            if isinstance(part, tree.Node):
                changes[name] = put(part, values)
            elif isinstance(part, tuple):
                changes[name] = tuple(put(p, values) for p in part)
        return type(node)(**{**vars(node), **changes}) if changes else node

    forms = CELLS + (ORDERED if kind not in ("text", "choice", "weekday") else [])
    trees = [over(tree.Input(), parse_unary(form.format(a="a", b="b"))) for form in forms]
    return [
        put(node, {"a": one, "b": other})
        for node in trees
        if node is not None
        for one, other in product(POINTS[kind], repeat=2)
    ]


@pytest.mark.parametrize("kind", POINTS)
def test_masks_of_a_column_are_what_the_evaluator_says(kind: str, read: Any) -> None:
    ruleset = read(
        "tidegate: ruleset/1\nid: t\ngate: review\npolicy: first\nrules: [{id: a, if: [], then: [approve]}]\n"
    )
    constants = constants_of(ruleset)
    values = {"choice": ("new", "paid", "sent"), "weekday": ("Mon", "Tue", "Sun")}.get(kind, ())
    column = Column(kind, POINTS[kind], constants, values)
    asked = 0
    for cell in cells(kind):
        true, false = column.masks(cell)
        for region, one in enumerate(column.values):
            said = truth(cell, one, constants)
            assert (said is True, said is False) == (
                bool(true >> region & 1),
                bool(false >> region & 1),
            ), (cell, one)
            asked += 1
    assert asked > 50


def test_a_cell_has_the_input_in_place_of_what_is_looked_at() -> None:
    node = tree.Compare(
        "<", tree.Call("until", (tree.Fact("order.ship_by"),)), tree.Literal(timedelta(hours=4))
    )
    assert as_cell(node) == tree.Compare(">", tree.Input(), tree.Literal(timedelta(hours=-4)))
    assert parse("1") == tree.Literal(Decimal(1))
