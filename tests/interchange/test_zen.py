"""ZEN, the language of GoRules, in ours."""

from __future__ import annotations

import pytest

from tidegate.engine.language import tree
from tidegate.engine.language.parser import UnaryTests
from tidegate.engine.language.rendering import render, render_unary
from tidegate.interchange.remarks import NotOurs
from tidegate.interchange.zen import Zen


def cell(text: str) -> str:
    found = Zen(text, tree.Name, "field").cell()
    if isinstance(found, UnaryTests):
        return render_unary(found.tests, found.negated)
    return f"free: {render(found)}"


@pytest.mark.parametrize(
    ("zen", "ours"),
    [
        ("'US'", '"US"'),
        ("'US', 'CA'", '"US", "CA"'),
        ("['US', 'CA']", '"US", "CA"'),
        ("'Approved' or 'Conditional'", '"Approved", "Conditional"'),
        ("> 1_000", "> 1000"),
        ("== 5", "5"),
        ("!= 5", "!= 5"),
        ("> 10 and <= 30", "(10..30]"),
        ("<= 30 and > 10", "(10..30]"),
        (">= 10000, < 100000", ">= 10000, < 100000"),
        ("[0..24]", "[0..24]"),
        ("(0.5..0.8]", "(0.5..0.8]"),
        ("-5", "-5"),
        ("true", "true"),
        ("null", "? is missing"),
        ("contains($, 'x')", 'contains(?, "x")'),
        ("!contains($, 'x')", '(not(contains(?, "x")))'),
        ("startsWith($, 'CT') or startsWith($, 'MRI')", 'starts with(?, "CT"), starts with(?, "MRI")'),
        ("not in ['a']", '(not(? in ["a"]))'),
        ("some($, # in ['a', 'b'])", '(some item in ? satisfies item in ["a", "b"])'),
        ("some(['a', 'b'], contains($, #))", '(some item in ["a", "b"] satisfies contains(?, item))'),
        ("date('2023-01-01')", '@"2023-01-01"'),
        ("[date('2023-01-01')..date('2023-02-01')]", '[@"2023-01-01"..@"2023-02-01"]'),
        ("other > 5", "free: other > 5"),
        ("len(other) > 5", "free: count(other) > 5"),
        # a bare name is compared with the column, a comparison is not
        ("isOpen and $ > 5", "(? = isOpen and ? > 5)"),
    ],
)  # fmt: skip
def test_cells_mean_what_they_meant(zen: str, ours: str) -> None:
    assert cell(zen) == ours


@pytest.mark.parametrize(
    ("zen", "ours"),
    [
        ("a + b * c", "a + b * c"),
        ("(a + b) * c", "(a + b) * c"),
        ("a ? b : c ? d : e", "if a then b else if c then d else e"),
        ("a.b ?? 0", "coalesce(a.b, 0)"),
        ("not a and b or c", "not(a) and b or c"),
        ("!a.b", "not(a.b)"),
        ("a == null", "a is missing"),
        ("a != 'x' && b >= 2", 'a != "x" and b >= 2'),
        ("`Hi ${a.b}!`", '"Hi " + string(a.b) + "!"'),
        ("round(a / 2)", "round(a / 2)"),
        ("min([a, 200])", "min([a, 200])"),
        ("avg([a, b])", "mean([a, b])"),
        ("a % 7", "modulo(a, 7)"),
        ("number(a) > 3", "a > 3"),
        ("filter(a, # > 1)", "a[item > 1]"),
        ("count(a, # == true)", "count(a[item = true])"),
        ("all(a, # > 1)", "count(a) = 0 or (every item in a satisfies item > 1)"),
        ("none(a, # > 1)", "no item in a satisfies item > 1"),
        ("'it\\'s' + \"\\u52a0\"", '"it\'s" + "加"'),
        ("a in [1..5)", "a in [1..5)"),
        ("a not in ['x']", 'not(a in ["x"])'),
    ],
)
def test_expressions_mean_what_they_meant(zen: str, ours: str) -> None:
    assert render(Zen(zen, tree.Name).expression()) == ours


@pytest.mark.parametrize(
    ("zen", "code"),
    [
        ("a[0]", "interchange.index"),
        ("{a: 1}", "interchange.structure"),
        ("some(a, #.b > 1)", "interchange.structure"),
        ("a ^ 2", "interchange.power"),
        ("keys(a)", "interchange.zen_function"),
        ("contains(a)", "interchange.zen_function"),
        ("a +", "interchange.zen_syntax"),
        ("a b", "interchange.zen_syntax"),
        ("'open", "interchange.zen_syntax"),
        ("a = 5", "interchange.zen_syntax"),
        ("(" * 200 + "a" + ")" * 200, "interchange.too_deep"),
        ("a" * 20_000, "interchange.too_long"),
        ("matches(a, '[0-9]')", "interchange.regex"),
        ("date('soon')", "interchange.bad_date"),
    ],
)
def test_what_is_not_ours_is_named(zen: str, code: str) -> None:
    with pytest.raises(NotOurs) as caught:
        Zen(zen, tree.Name).expression()
    assert caught.value.code == code
    assert caught.value.zh


def test_a_cell_that_mixes_its_column_with_other_things_is_refused() -> None:
    with pytest.raises(NotOurs) as caught:
        cell("> 5, other > 3")
    assert caught.value.code == "interchange.mixed_cell"
