"""A cold start: 1,000 rules read, checked and compiled, against parsing and schema-checking the same JSON.

    .venv-bench/bin/python benchmarks/engine/cold.py [--quick]

The schema knows the shape of a set alone: no names, types, units or expressions. Printed, not judged.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import ours
from measuring import Figure, heading, installed, options, repeated, self_check, table
from orders import GAPS, SEED, facts_of, plain_orders
from rulesets import document, make_rules, vocabulary

from tidegate.engine.compiled import compile_set
from tidegate.engine.reader import read_ruleset

CHECKED = 60
ROUNDS = 5
TEXT = {"type": "string", "minLength": 1}
TITLE = {"type": "object", "required": ["zh", "en"], "additionalProperties": TEXT}
RULE = {
    "type": "object",
    "required": ["id", "title", "why", "if", "then"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"},
        "title": TITLE,
        "why": TEXT,
        "if": {"type": "array", "items": TEXT},
        "then": {
            "type": "array",
            "minItems": 1,
            "items": {"anyOf": [TEXT, {"type": "object", "minProperties": 1, "maxProperties": 1}]},
        },
    },
}
SCHEMA = {
    "type": "object",
    "required": ["tidegate", "id", "gate", "title", "policy", "rules"],
    "properties": {
        "tidegate": {"const": "ruleset/1"},
        "id": RULE["properties"]["id"],  # type: ignore[index]
        "gate": TEXT,
        "title": TITLE,
        "policy": {"enum": ["first", "unique", "any", "priority", "collect", "stages"]},
        "rules": {"type": "array", "minItems": 1, "items": RULE},
    },
}


def steps(text: str) -> Iterator[tuple[str, Figure]]:
    """What a cold start does, and ours of it step by step."""
    data = json.loads(text)
    ruleset = read_ruleset(data, vocabulary())
    yield "read and check (names, types, units)", repeated(lambda: read_ruleset(data, vocabulary()))
    yield "compile", repeated(lambda: compile_set(ruleset))
    yield (
        "tidegate: json.loads, read, check, compile",
        repeated(lambda: compile_set(read_ruleset(json.loads(text), vocabulary()))),
    )
    yield "json.loads", repeated(lambda: json.loads(text))


def peers(text: str) -> Iterator[tuple[str, Figure]]:
    """json.loads and the schema check, the validator made beforehand."""
    for name, validate in validators():
        validate(json.loads(text))
        yield name, repeated(lambda validate=validate: validate(json.loads(text)))  # type: ignore[misc]


def validators() -> Iterator[tuple[str, Callable[[Any], object]]]:
    if installed("jsonschema"):
        import jsonschema

        yield (
            f"json.loads, jsonschema {installed('jsonschema')}",
            jsonschema.Draft202012Validator(SCHEMA).validate,
        )
    if installed("fastjsonschema"):
        import fastjsonschema

        yield (
            f"json.loads, fastjsonschema {installed('fastjsonschema')}",
            fastjsonschema.compile(SCHEMA),
        )


def main() -> int:
    asked = options(__doc__ or "")
    count = 100 if asked.quick or asked.self_check else 1_000
    rules = make_rules(count, SEED)
    text = json.dumps(document(rules), ensure_ascii=False)
    heading(f"Cold start: {count:,} rules, {len(text.encode()) / 1024:,.0f} KB of JSON", SEED)
    found = dict(steps(text))
    whole = found["tidegate: json.loads, read, check, compile"].median
    theirs = {} if asked.self_check else dict(peers(text))
    table(
        ["step", "ms", "spread", "tidegate's cold start ÷ it"],
        (
            [name, f"{1_000 * f.median:.1f}", f.spread, f"{whole / f.median:.1f}×"]
            for name, f in {**found, **theirs}.items()
        ),
    )
    few = [facts_of(order) for order in plain_orders(CHECKED, SEED, gaps=GAPS)]
    ruleset = read_ruleset(json.loads(text), vocabulary())
    return self_check(len(few), ours.differences(ruleset, few))


if __name__ == "__main__":
    sys.exit(main())
