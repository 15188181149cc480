"""The quick reader of simple YAML says what the full parser says, or leaves the word to it; data
that comes as JSON or from another program is held to the same limits.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from strategies import a_ruleset, a_vocabulary

from tidegate import simple_yaml
from tidegate.engine.limits import MAX_DEPTH, MAX_DIGITS, MAX_VALUES
from tidegate.engine.plain_documents import plain_data, read_json
from tidegate.engine.problems import RuleProblems
from tidegate.engine.sourced import read_fully, read_yaml
from tidegate.engine.writing import write

FILES = sorted((Path(__file__).parents[2] / "rules").rglob("*.yaml"))
BITS = [
    "- ", ": ", ":", ",", "[", "]", "{", "}", '"', "'", "#", " #", " ", "  ", "\n", "\n  ", "\n- ", "-", "?", "? ",
    "|", ">", "&a", "*a", "!x", "!!str ", "%", "@", "`", "\\", "\\n", "\\x41", "\\u4e2d", "\\ud800", "\\U0001F600", "\t",
    "\r", "<<: ", "<<", "=", "~", "null", "1.50", "0x1", "1e5", "NO", "a", "b: c", "- a", "中", "：", '"a"', "'b'",
    "---", "...", "\u2028", "\x85", "\xa0", "\ufeff", "😀", '""', "''", "-\n", "[-, a]", "{a: -}", "[a: b]", "a:b",
    "{a: {b: c}}", "12:30", "a #b", "a#b", '"a": 1', '"a" : 1', "? a\n: b", "<b", "[a, b]: c", "x: |\n  y\n", "a: 1\n",
]  # fmt: skip
SHAPES = [
    "a: %s\n", "- %s\n", "%s: b\n", "a: [%s]\n", "a: {b: %s}\n", "a: {%s: b}\n", "a:\n  - %s\n  - c\n", "- a: %s\n  b: c\n",
    "- {%s}\n", "a: '%s'\n", 'a: "%s"\n', "a: [x, %s, y]\nb: c\n", "a:\n- %s\nb: 1\n", "a:\n  b: %s\n  c: d\n", "- - %s\n  - x\n",
]  # fmt: skip
LINES = [
    "- a\n", "b: c\n", "- b: 1\n", "- - x\n", "c:\n", "-\n", "d: [x, y]\n", "- {a: b}\n", "# c\n", "\n", "- e:\n",
    "x\n", "f: 'q' # c\n", '- "q"\n', "g: {h: [1, 2.0]}\n", "  i: j\n",
]  # fmt: skip


def typed(value: Any) -> Any:
    """Data in which 1, 1.0, true and "1" are all different, and the order of keys counts."""
    if isinstance(value, dict):
        return [(key, typed(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value).__name__, str(value)


def verdict(text: str) -> str:
    """`same`, or `left` when the quick reader leaves the text; a difference fails."""
    quick = simple_yaml.read(text, MAX_DEPTH, MAX_VALUES)
    if isinstance(quick, int):
        return "left"
    assert quick is not None
    full = read_fully(text, "x")  # raises if the quick reader read what is wrong
    assert typed(quick[0]) == typed(full.data), text
    assert quick[1] == full.places, text
    return "same"


def damaged(rng: Random, text: str) -> str:
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        until = min(len(text), at + rng.randint(1, 20))
        shape = rng.random()
        if shape < 0.5:
            text = text[:at] + rng.choice(BITS) + text[at:]
        elif shape < 0.8:
            text = text[:at] + text[min(until, at + 3) :]
        else:
            text = text[:at] + text[at:until] * 2 + text[until:]
    return text


def made(rng: Random, lines: list[str]) -> str:
    shape = rng.random()
    if shape < 0.35:
        start = rng.randrange(len(lines))
        return damaged(rng, "\n".join(lines[start : start + rng.randint(1, 12)]))
    if shape < 0.7:
        letters = "ab: #,[]{}'\"-?&*!|>%@`:,  1.中<=~\\\n"
        inner = "".join(rng.choice(letters) for _ in range(rng.randint(1, 7)))
        return rng.choice(SHAPES) % inner
    if shape < 0.85:
        return "".join(rng.choice(BITS) for _ in range(rng.randint(1, 14)))
    indents = ("", "  ", "  ", "    ")
    return "a:\n" + "".join(
        rng.choice(indents) + rng.choice(LINES) for _ in range(rng.randint(1, 8))
    )


def compare(first: int, count: int) -> Counter[str]:
    lines = [line for file in FILES for line in file.read_text("utf-8").split("\n")]
    rng = Random(1)
    for number in range(30):
        lines += write(a_ruleset(rng, a_vocabulary(Random(number)))).split("\n")
    return Counter(verdict(made(Random(seed), lines)) for seed in range(first, first + count))


@pytest.mark.parametrize("text", ["a: 1\n---  b: 2\n", "a: 1\n--- {c: 3}\n", "a: 1\n...\n"])
def test_the_quick_reader_leaves_what_holds_more_documents(text: str) -> None:
    assert verdict(text) == "left"


def test_both_readers_agree_on_damaged_texts() -> None:
    found = compare(0, 6_000)
    assert found["same"] > 800
    assert found["left"] > 3_000


@pytest.mark.long
def test_both_readers_agree_on_many_damaged_texts() -> None:
    found = compare(1_000_000, 150_000)
    assert found["same"] > 20_000


def test_both_readers_agree_on_whole_documents() -> None:
    found = Counter(verdict(file.read_text("utf-8")) for file in FILES)
    assert found["same"] >= 6
    for number in range(60):
        rng = Random(number)
        assert verdict(write(a_ruleset(rng, a_vocabulary(rng)))) == "same"


@pytest.mark.parametrize(
    ("text", "place", "mark"),
    [
        ("a: 1\nb:\n  - x\n  - c: d\n", ("b", 1, "c"), (4, 5)),
        ("a: {b: [1, {c: 2}]}\n", ("a", "b", 1, "c"), (1, 13)),
        ("a: 1\n", ("a", "x", 0), (1, 1)),
        ("x: &l {k: 1}\ny: {<<: *l, z: 2}\n", ("y", "k"), (1, 8)),
        ("x: &l {k: 1}\ny: *l\n", ("y", "k"), (1, 8)),
    ],
)
def test_every_value_knows_its_place(
    text: str, place: tuple[str | int, ...], mark: tuple[int, int]
) -> None:
    assert read_yaml(text, "x").mark(place) == mark


def test_aliases_and_merges_give_the_values_they_stand_for() -> None:
    text = """
base: &base {a: 1, b: 2}
more: &more {b: 3, c: 4}
one: {<<: *base, b: 9}
two: {<<: [*base, *more], d: 5}
list: [*base, *base]
key: &k name
map: {*k : x}
again: &base 7
last: *base
"""
    data = read_yaml(text, "x").data
    assert data["one"] == {"b": 9, "a": 1}
    assert data["two"] == {"d": 5, "a": 1, "b": 2, "c": 4}
    assert data["list"] == [{"a": 1, "b": 2}] * 2
    assert data["map"] == {"name": "x"}
    assert data["last"] == 7


def test_long_texts_and_tags_of_yaml_itself_are_read() -> None:
    text = "a: |\n  one\n  two\nb: >\n  three\n  four\nc: plain\n  goes on\nd: !!str 5\ne: !!map {f: !!int 6}\n"
    assert read_yaml(text, "x").data == {
        "a": "one\ntwo\n",
        "b": "three four\n",
        "c": "plain goes on",
        "d": "5",
        "e": {"f": 6},
    }


# JSON and plain data


def test_json_reads_as_the_same_data_as_yaml() -> None:
    text = '{"a": [1, 2.50, -0, 1e3, true, null, "x"], "b": {"c": "1"}, "d": 12345678901234567890123456789012345}'
    found = read_json(text)
    assert found is not None
    assert typed(found.data) == typed(read_yaml(text, "x").data)
    assert str(found.data["a"][1]) == "2.50"


@pytest.mark.parametrize(
    "text",
    ["a: 1", "{a: 1}", '{"a": 1, "a": 2}', "[" * 10_000, '{"a": "\\ud800"}', '{"a": NaN}', "", "5"],
    ids=lambda text: text[:20],
)
def test_what_is_no_json_is_left_to_the_yaml_reader(text: str) -> None:
    found = read_json(text)
    assert found is None or str(found.data) == "{'a': 'NaN'}"


def _nested(depth: int) -> Any:
    data: Any = 1
    for _ in range(depth):
        data = [data]
    return data


REFUSED: list[tuple[str, Callable[[], Any], str]] = [
    ("deep", lambda: _nested(MAX_DEPTH + 1), "yaml.too_deep"),
    ("very deep", lambda: _nested(100_000), "yaml.too_deep"),
    ("many", lambda: [0] * (MAX_VALUES + 1), "yaml.too_many_values"),
    ("surrogate", lambda: "\ud800", "yaml.bad_text"),
    ("surrogate key", lambda: {"\udfff": 1}, "yaml.bad_text"),
    ("nan", lambda: float("nan"), "yaml.bad_number"),
    ("infinity", lambda: float("inf"), "yaml.bad_number"),
    ("decimal nan", lambda: Decimal("NaN"), "yaml.bad_number"),
    ("huge exponent", lambda: Decimal("1E+999999999"), "yaml.bad_number"),
    ("huge exponent of zero", lambda: Decimal("0E-999999999"), "yaml.bad_number"),
    ("one digit too many", lambda: 10**MAX_DIGITS, "yaml.bad_number"),
    ("decimal of too many digits", lambda: Decimal(f"1.{'1' * MAX_DIGITS}"), "yaml.bad_number"),
    ("huge", lambda: -(10**100_000), "yaml.bad_number"),
    ("bytes", lambda: b"x", "yaml.bad_value"),
    ("set", lambda: {1, 2}, "yaml.bad_value"),
    ("object", object, "yaml.bad_value"),
]


@pytest.mark.parametrize(
    ("make", "code"), [row[1:] for row in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_data_from_a_program_is_held_to_the_same_limits(make: Callable[[], Any], code: str) -> None:
    with pytest.raises(RuleProblems) as caught:
        plain_data({"a": make()}, "x")
    assert caught.value.problems[0].code == code
    assert caught.value.problems[0].zh != caught.value.problems[0].en


def test_data_from_a_program_is_copied_exactly() -> None:
    data = {
        "a": 0.1,
        "b": (1, 2),
        "c": date(2026, 11, 11),
        5: Decimal("2.50"),
        "d": None,
        "e": 10**40 - 1,
    }
    assert typed(plain_data(data, "x")) == typed(
        {
            "a": Decimal("0.1"),
            "b": [1, 2],
            "c": "2026-11-11",
            "5": Decimal("2.50"),
            "d": None,
            "e": 10**40 - 1,
        }
    )
    assert json.dumps(plain_data({"a": [True, "x"]}, "x")) == '{"a": [true, "x"]}'
