"""Published models, imported as a user would, decide what their own tests expect.

The numbers are asserted so that a case cannot vanish unseen; where a model is not carried over
whole, the reason stands here.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from exchanging import brought, definitions, given, outcome, table

from tidegate.engine.vocabulary import Vocabulary
from tidegate.interchange.remarks import Imported

pytestmark = pytest.mark.shared_data
FEEL = {"dateTime": "dateTime", "duration": "dayTimeDuration"}

# DMN TCK

NOT_OURS = {
    # spans of years and months are no fact type
    "Compare Years and Months Duration": 2,
    # the record holds the table without the decisions it needs
    "Strategy": 2,
}


def test_published_dmn_tables_decide_as_expected(shared_data: Path, vocabulary: Vocabulary) -> None:
    with lzma.open(shared_data / "dmn_tck" / "cases_dev.jsonl.xz", "rt", encoding="utf-8") as lines:
        cases = [case for case in map(json.loads, lines) if case["kind"] == "table"]
    assert len(cases) == 43
    tally: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for case in cases:
        if case["node"] in NOT_OURS:
            left[case["node"]] += 1
            continue
        found = brought(_dmn(case), vocabulary)
        assert found.complete, (case["node"], [remark.en for remark in found.remarks])
        came = outcome(found, vocabulary, dict(_leaves("", case["inputs"])))
        assert came == _wanted(case), (case["dir"], case["case"], came)
        tally[case["model"]["hitPolicy"]] += 1
    assert left == NOT_OURS
    assert sum(tally.values()) == 39
    assert len(tally) == 10, tally  # every hit policy and aggregation but MAX


def _dmn(case: Mapping[str, Any]) -> str:
    model = case["model"]
    types, inputs = "", ""
    for number, (name, value) in enumerate(case["inputs"].items()):
        kind = f"t{number}"
        if isinstance(value, list):
            types += f'<itemDefinition name="{kind}" isCollection="true"><typeRef>string</typeRef></itemDefinition>'
        elif "t" in value:
            kind = FEEL.get(value["t"], value["t"])
        else:
            types += f'<itemDefinition name="{kind}">{_components(value)}</itemDefinition>'
        inputs += given(name, kind)
    outputs = [one["name"] or "" for one in model["outputs"]]
    rules = [[*when, *then] for when, then in model["rules"]]
    values = model["outputs"][0]["values"] or ""
    return definitions(
        types,
        inputs,
        table(case["node"], model["inputs"], rules, model["hitPolicy"], outputs, values),
    )


def _components(value: Mapping[str, Any]) -> str:
    text = ""
    for name, part in value.items():
        if isinstance(part, list):
            text += f'<itemComponent name="{name}" isCollection="true"><typeRef>string</typeRef></itemComponent>'
        elif "t" in part:
            text += f'<itemComponent name="{name}"><typeRef>{FEEL.get(part["t"], part["t"])}</typeRef></itemComponent>'
        else:
            text += f'<itemComponent name="{name}">{_components(part)}</itemComponent>'
    return text


def _leaves(path: str, value: Any) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and "t" in value and "v" in value:
        yield path, value["v"]
    elif isinstance(value, list):
        yield path, [one["v"] for one in value if isinstance(one, dict) and "v" in one]
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, part)


def _wanted(case: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Equal results act once here; DMN lists them twice."""
    expected = case["expected"] if isinstance(case["expected"], list) else [case["expected"]]
    found = []
    for one in expected:
        parts = {case["node"]: one} if "t" in one else one
        found += [(name, _number(part["v"])) for name, part in parts.items()]
    return list(dict.fromkeys(found))


def _number(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# GoRules


def test_published_graphs_decide_as_expected(shared_data: Path, vocabulary: Vocabulary) -> None:
    """Of the graphs that are carried over whole, every value of every test; of the others, that
    every row is either in or named.
    """
    with lzma.open(
        shared_data / "gorules_zen" / "graphs_dev.json.xz", "rt", encoding="utf-8"
    ) as text:
        graphs = json.load(text)
    assert len(graphs) == 44
    tally: Counter[str] = Counter()
    for name, graph in graphs.items():
        found = brought(json.dumps(graph), vocabulary, name)
        tally["rows"] += found.read
        tally["accepted"] += found.accepted
        if not found.complete:
            tally["in part"] += 1
            assert found.remarks
            continue
        tally["whole"] += 1
        for case in graph["tests"]:
            tally["tests"] += 1
            came = _compare(name, found, case, vocabulary)
            tally["values"] += len(came)
            silent = [path for path in _new(case) if path not in came]
            assert not silent, (name, silent)
    assert tally["whole"] == 25, tally
    assert tally["in part"] == 19, tally
    assert (tally["tests"], tally["values"]) == (31, 162), tally
    assert (tally["rows"], tally["accepted"]) == (611, 544), tally


def _compare(
    name: str, found: Imported, case: Mapping[str, Any], vocabulary: Vocabulary
) -> set[str]:
    """The paths of the values that came, each as expected."""
    values = {one: _at(case["input"], one) for one in found.names}
    given_ = {
        one: [str(part) for part in value] if isinstance(value, list) else value
        for one, value in values.items()
        if not isinstance(value, dict)
    }
    came = outcome(found, vocabulary, given_)
    for path, value in came:
        wanted = _expected(case["output"], path)
        assert any(_same(value, one) for one in wanted), (name, path, value, wanted)
    return {path for path, _ in came}


def _new(case: Mapping[str, Any]) -> Iterator[str]:
    """Paths of single values that the graph worked out."""
    for path, value in _leaves_of("", case["output"]):
        if value is not None and _at(case["input"], path) != value:
            yield path


def _leaves_of(path: str, value: Any) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _leaves_of(f"{path}.{name}" if path else name, part)
    elif not isinstance(value, list):
        yield path, value


def _expected(output: Any, path: str) -> list[Any]:
    """Every value at a path, through lists of results."""
    if isinstance(output, list):
        return [value for one in output for value in _expected(one, path)]
    if not path:
        return [output]
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        head = ".".join(parts[:length])
        if isinstance(output, dict) and head in output:
            return [output[head], *_expected(output[head], ".".join(parts[length:]))]
    return []


def _same(value: object, wanted: object) -> bool:
    numbers = (int, float)
    if isinstance(value, numbers) and isinstance(wanted, numbers) and not isinstance(value, bool):
        return abs(value - wanted) < 1e-9 * max(1, abs(wanted))
    return value == wanted


def _at(data: Any, path: str) -> Any:
    for part in path.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return data
