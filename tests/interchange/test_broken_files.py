"""Files broken at random: every one is read or refused in a sentence, and every row is accounted for."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from xml.sax.saxutils import escape

import pytest
from test_dmn_export import TABLE
from test_workbook import SMALL

from tidegate.engine.reader import read_ruleset
from tidegate.engine.vocabulary import Vocabulary
from tidegate.errors import TidegateError
from tidegate.interchange.dmn_writing import write_dmn
from tidegate.interchange.grids import Grid, read_workbook
from tidegate.interchange.importing import import_file, import_model
from tidegate.interchange.options import Options
from tidegate.interchange.remarks import Imported
from tidegate.interchange.settling import settle
from tidegate.interchange.sheet_reading import read_sheets
from tidegate.interchange.workbook_reading import WorkbookComposer
from tidegate.interchange.workbook_writing import write_workbook

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
ODD = [
    "", "-", "null", "true", "{}", "[]", '"x"', "x", "=", "> ", "1", "-5", "9" * 50, "[1..2]", "not(1)", "not(",
    "? > 1", "= order.total", "order.total", "a b c", "中文", "{reason: x}", '{"a": 1}', '[{"a": 1}]', "1 EUR",
    'duration("P1D")', '@"2026-11-11"', "2000 CNY", "item.sku", "items", "now", "since(now)", "decided.tag",
    'some x in items satisfies x.sku = "a"', '"a', "\\", "if true then 1 else 2", "priority", "stages", "first",
    "table", "rules", "tidegate", "history.similar_orders(24h)", 'matches(?, "a|b")', "x" * 3_000, "1e400", "0.00",
    "any:", "hold: {reason: }", "@tag", "id", "r1", "custom.x", "today()", 'date("x")', 'exact("a")', "1/0",
    "a: b: c", "# c", "&x", "*x", "!!python/object:x", "<<: 1", "条件", "结果", "策略", "首个", "F", "C+",
]  # fmt: skip
JSON: list[Any] = [
    None, True, 0, -1, 1.5, "", [], {}, "x", [1], {"a": 1}, "contains($, #)", "a.b.c", "$", "$.x", "`${a}`", "[1..",
    "!x", "a ? b", "a ?? b ?? c", "'x','y'", "{a:1}", "x" * 500, "date(x)", "in [1]", "1 and 2", "a[0]", "loop",
]  # fmt: skip


def dmn(rng: Random, text: str) -> bytes:
    """Some cells, attributes and lines of our own head replaced or lost."""
    for _ in range(rng.randint(1, 4)):
        odd = escape(rng.choice(ODD), {'"': "&quot;"})
        begin, end = text.find("<tidegate:ruleset>") + 18, text.find("</tidegate:ruleset>")
        if rng.random() < 0.6 or end < 0:
            spots = list(re.finditer(r'<text>(.*?)</text>|="([^"]*)"', text, re.S))
            spot = rng.choice(spots)
            group = 1 if spot[1] is not None else 2
            text = text[: spot.start(group)] + odd + text[spot.end(group) :]
        else:
            lines = text[begin:end].split("\n")
            index = rng.randrange(len(lines))
            kept = lines[index].partition(":")[0]
            lines[index] = rng.choice([f"{kept}: {odd}", "", lines[index].lstrip()])
            text = text[:begin] + "\n".join(lines) + text[end:]
    return text.encode()


def graph(rng: Random, text: str) -> bytes:
    """Some values of a JSON document replaced or removed."""
    data = json.loads(text)
    for _ in range(rng.randint(1, 4)):
        places: list[tuple[Any, Any]] = []
        queue: list[Any] = [data]
        while queue:
            one = queue.pop()
            keys = list(one) if isinstance(one, dict) else range(len(one))
            places += [(one, key) for key in keys]
            queue += [one[key] for key in keys if isinstance(one[key], dict | list)]
        if places:
            owner, key = rng.choice(places)
            if rng.random() < 0.2:
                del owner[key]
            else:
                owner[key] = rng.choice(JSON)
    return json.dumps(data).encode()


def broken(rng: Random, grid: Grid) -> Grid:
    rows = [list(row) for row in grid.rows]
    for _ in range(rng.randint(0, 2)):
        row = rng.randrange(len(rows))
        if rng.random() < 0.2 and len(rows) > 1:
            del rows[row]
        elif rows[row]:
            rows[row][rng.randrange(len(rows[row]))] = rng.choice(ODD)
    return replace(grid, rows=rows)


def anything(rng: Random, vocabulary: Vocabulary) -> Imported:
    options = Options(gate=rng.choice(["review", "intake", "routing"]))
    own = rng.choice([SMALL, TABLE])
    kind = rng.choice(["ours", "dmn", "graph", "workbook", "sheet"])
    if kind == "ours":
        text = write_dmn(read_ruleset(own, vocabulary)).data.decode()
        return import_file("a.dmn", dmn(rng, text), vocabulary, options)
    if kind == "dmn":
        text = (EXAMPLES / "approval.dmn").read_text("utf-8")
        return import_file("a.dmn", dmn(rng, text), vocabulary, options)
    if kind == "graph":
        text = (EXAMPLES / "shipping.json").read_text("utf-8")
        return import_file("a.json", graph(rng, text), vocabulary, options)
    if kind == "workbook":
        grids = read_workbook("a.xlsx", write_workbook(read_ruleset(own, vocabulary)).data)
        composer = WorkbookComposer([broken(rng, grid) for grid in grids])
        return settle(composer, vocabulary, composer.read, [], "a.xlsx")
    rows = [[rng.choice(ODD) for _ in range(rng.randint(1, 5))] for _ in range(rng.randint(1, 6))]
    model = read_sheets(
        [Grid("s", [["订单金额", "省份", "标签"], *rows])], "s.xlsx", vocabulary, options
    )
    return import_model(model, vocabulary, options)


def account(seed: int, vocabulary: Vocabulary, tally: Counter[str]) -> None:
    try:
        found = anything(Random(seed), vocabulary)
    except TidegateError:
        tally["refused"] += 1
        return
    assert found.read == found.accepted + found.rejected, seed
    assert min(found.read, found.accepted, found.rejected) >= 0, seed
    assert found.complete is False or found.rejected == 0, f"{seed}: a row was dropped in silence"
    assert all(remark.text("zh") and remark.text("en") for remark in found.remarks), seed
    if found.document:
        read_ruleset(dict(found.document), vocabulary)
    tally["whole" if found.complete else "in part"] += 1


def test_every_row_of_a_broken_file_is_accounted_for(vocabulary: Vocabulary) -> None:
    tally: Counter[str] = Counter()
    for seed in range(200):
        account(seed, vocabulary, tally)
    assert min(tally["whole"], tally["in part"], tally["refused"]) >= 15, tally


@pytest.mark.long
def test_every_row_of_many_broken_files_is_accounted_for(vocabulary: Vocabulary) -> None:
    tally: Counter[str] = Counter()
    for seed in range(1_000, 4_000):
        account(seed, vocabulary, tally)
    print(tally)
    assert sum(tally.values()) == 3_000
