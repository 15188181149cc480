"""Documents and facts made to cost time or memory, each with the answer it must get.

Run as a program it tries the cases, each in a child process of bounded memory, and prints for
each a line of JSON: its name, the code of the answer (`ok` where the right answer is a result),
the seconds of CPU and the largest memory.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import parse_instant
from tidegate.engine.vocabulary import Vocabulary, load_vocabulary
from tidegate.errors import TidegateError

MEGABYTES = 300
NOON = parse_instant("2026-11-11T12:00:00+08:00")
VOCABULARY = Path(__file__).parents[2] / "rules" / "tidegate_rules" / "vocabulary.yaml"
Case = Callable[[Vocabulary], Callable[[], object]]
HEAD = "tidegate: ruleset/1\nid: t\ngate: review\npolicy: collect\n"
RULE = "rules: [{id: a, if: [], then: [approve]}]\n"


def a_document(condition: Any = "order.total > 1 CNY", **more: Any) -> dict[str, Any]:
    rules = [{"id": "a", "if": [condition], "then": ["approve"]}]
    return {
        "tidegate": "ruleset/1",
        "id": "t",
        "gate": "review",
        "policy": "collect",
        "rules": rules,
    } | more


def reading(make: Callable[[], Any]) -> Case:
    """Reading one document."""

    def prepare(vocabulary: Vocabulary) -> Callable[[], object]:
        document = make()
        return lambda: read_ruleset(document, vocabulary)

    return prepare


def condition(text: str) -> Case:
    return reading(lambda: a_document(text))


def deciding(document: Callable[[], Any], facts: Callable[[], Any]) -> Case:
    """Deciding on facts; the set itself reads."""

    def prepare(vocabulary: Vocabulary) -> Callable[[], object]:
        ruleset: RuleSet = read_ruleset(document(), vocabulary)
        given = facts()
        return lambda: evaluate(ruleset, given, NOON)

    return prepare


def chain(step: str, first: str, count: int) -> dict[str, Any]:
    """Derived facts, each made from the one above."""
    derive = {"d0": first} | {f"d{n}": step.format(f"d{n - 1}") for n in range(1, count)}
    return a_document("d0 is present", derive=derive)


def lines(count: int, **fields: Any) -> dict[str, Any]:
    return {"items": [{"sku": f"A{n}", "quantity": 1, **fields} for n in range(count)]}


def nested(count: int, wrap: Callable[[Any], Any], inner: Any) -> Any:
    for _ in range(count):
        inner = wrap(inner)
    return inner


def bomb(width: int, levels: int) -> str:
    text = f"l0: &l0 [{', '.join(['x'] * width)}]\n"
    for n in range(1, levels):
        text += f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * width)}]\n"
    return HEAD + text


def merges() -> str:
    text = "base: &base\n" + "".join(f"  k{n}: 1\n" for n in range(20_000))
    return HEAD + text + "".join(f"m{n}: {{<<: *base}}\n" for n in range(400))


def misspelt(count: int) -> dict[str, Any]:
    rules = [
        {"id": f"r{n}", "if": [f"order.totl > {n}", f"recipent.city{n} = 1"], "then": ["aprove"]}
        for n in range(count)
    ]
    return a_document(rules=rules)


def circle(count: int) -> dict[str, Any]:
    rules = [
        {"id": f"r{n}", "if": [f'"t{n}" in order.tags'], "then": [{"tag": "x"}]}
        for n in range(count)
    ]
    return a_document(rules=rules)


MATCH = 'matches(order.buyer_memo, "{}")'
MEMO = {"order": {"buyer_memo": "a" * 100_000}}
CASES: dict[str, tuple[Case, str]] = {
    # expressions
    "100,000 characters": (condition("1 + " * 25_000 + "1 > 0"), "rule.expression_too_long"),
    "a cell of 8,000,000 characters": (
        reading(
            lambda: a_document(
                tables=[
                    {
                        "id": "x",
                        "inputs": ["order.total"],
                        "outputs": ["tag"],
                        "rows": [{"id": "r", "when": ["not(" + "“" * 8_000_000], "then": ["x"]}],
                    }
                ]
            )
        ),
        "rule.expression_too_long",
    ),
    "10,000 brackets": (condition("(" * 10_000 + ")" * 10_000), "rule.expression_too_long"),
    "990 brackets": (condition("(" * 990 + "1" + ")" * 990), "rule.not_boolean"),
    "950 open brackets": (condition("(" * 1_950), "rule.syntax"),
    "390 times not": (condition("not(" * 390 + "true" + ")" * 390), "rule.expression_too_deep"),
    "70 times if": (
        condition("if true then " * 70 + "true" + " else false" * 70),
        "rule.expression_too_deep",
    ),
    "1,900 minus signs": (condition("-" * 1_900 + "1 > 0"), "rule.expression_too_deep"),
    "900 lists in lists": (condition("[" * 900 + "]" * 900 + " = []"), "rule.expression_too_deep"),
    "45 filters in filters": (
        condition("count(" + "items[" * 45 + "true" + "]" * 45 + ") > 0"),
        "rule.expression_too_deep",
    ),
    "60 quantifiers in quantifiers": (
        condition("some x in items satisfies " * 60 + "true"),
        "rule.expression_too_deep",
    ),
    "a chain of 200 or": (condition(" or ".join(["1 = 2"] * 200)), "ok"),
    "a product of 60 numbers of 30 digits": (
        deciding(lambda: a_document(" * ".join(["9" * 30] * 38) + " > 1"), dict),
        "ok",
    ),
    "a text doubled 45 times": (
        deciding(lambda: chain("{0} + {0}", '"0123456789"', 45), dict),
        "ok",
    ),
    "a list doubled 45 times": (
        deciding(lambda: chain("concatenate({0}, {0})", '["a", "b"]', 45), dict),
        "ok",
    ),
    "a sum of itself, 30 levels": (
        deciding(lambda: chain("{0} + {0} + {0}", "order.quantity", 30), dict),
        "ok",
    ),
    "derived facts 10,000 levels deep": (
        reading(lambda: chain("{0} + 1", "1", 10_000)),
        "rule.derived_too_deep",
    ),
    "derived facts as deep as they may be": (
        deciding(
            lambda: chain("some x in items satisfies {0}", "order.quantity > 1", 49),
            lambda: lines(1) | {"order": {"quantity": 2}},
        ),
        "ok",
    ),
    "1,000 rules that wait for one another": (reading(lambda: circle(1_000)), "rule.cycle"),
    # wildcards
    "500 stars": (deciding(lambda: a_document(MATCH.format("*a" * 500 + "*b")), lambda: MEMO), "ok"),
    "stars and question marks": (
        deciding(lambda: a_document(MATCH.format("*" + "a?" * 480 + "b*")), lambda: MEMO),
        "ok",
    ),
    "question marks between stars": (
        deciding(lambda: a_document(MATCH.format("*a?" * 300 + "b")), lambda: MEMO),
        "ok",
    ),
    # YAML
    "billion laughs": (reading(lambda: bomb(9, 9)), "yaml.too_many_values"),
    "a list of 20,000 named 400 times": (
        reading(
            lambda: (
                HEAD
                + "l: &l [" + ", ".join(["x"] * 20_000) + "]\n"
                + "".join(f"m{n}: *l\n" for n in range(400))
            )
        ),
        "yaml.too_many_values",
    ),
    "20,000 keys merged 400 times": (reading(merges), "yaml.too_many_values"),
    "an alias in itself": (reading(lambda: HEAD + "x: &x [*x]\n"), "yaml.loop"),
    "600 aliases": (
        reading(lambda: HEAD + "x: &x 1\ny: [" + ", ".join(["*x"] * 600) + "]\n"),
        "yaml.too_many_values",
    ),
    "anchors 10,000 deep": (
        reading(lambda: HEAD + "x: " + "".join(f"&a{n} [" for n in range(10_000))),
        "yaml.too_deep",
    ),
    "1,000,000 keys": (
        reading(lambda: HEAD + "".join(f"k{n}:\n" for n in range(1_000_000))),
        "yaml.too_large",
    ),
    "900,000 short keys": (
        reading(lambda: HEAD + "".join(f"{n}:\n" for n in range(900_000))),
        "yaml.too_many_values",
    ),
    "1,000,000 members in one line": (
        reading(lambda: HEAD + "x: [" + "1," * 1_000_000 + "1]\n"),
        "yaml.too_many_values",
    ),
    "1,000,000 members, one a line": (
        reading(lambda: HEAD + "x:\n" + "- 1\n" * 1_000_000),
        "yaml.too_many_values",
    ),
    "10,000 brackets in YAML": (reading(lambda: HEAD + "x: " + "[" * 10_000), "yaml.too_deep"),
    "10,000 braces in YAML": (reading(lambda: HEAD + "x: " + "{a: " * 10_000), "yaml.too_deep"),
    "10,000 dashes": (reading(lambda: HEAD + "x:\n  " + "- " * 10_000 + "a\n"), "yaml.too_deep"),
    "1,000 indented keys": (
        reading(lambda: HEAD + "".join(" " * n + "a:\n" for n in range(1_000))),
        "yaml.too_deep",
    ),
    "9,000,000 bytes": (reading(lambda: HEAD + RULE + "# x\n" * 2_250_000), "yaml.too_large"),
    "a line of 7,000,000 characters": (
        reading(lambda: HEAD + "note: " + "x" * 7_000_000 + "\n"),
        "yaml.too_long",
    ),
    "a quote that never ends": (
        reading(lambda: HEAD + 'note: "' + "x" * 190_000 + "\n"),
        "yaml.invalid",
    ),
    "a key of 190,000 characters": (reading(lambda: HEAD + "x" * 190_000 + ": 1\n"), "yaml.invalid"),
    "a tag that would run code": (
        reading(lambda: HEAD + "x: !!python/object/apply:os.system [ls]\n"),
        "yaml.tag",
    ),
    "500,000 comments": (reading(lambda: HEAD + "# x\n" * 500_000 + RULE), "ok"),
    # JSON and plain data
    "JSON 100,000 deep": (reading(lambda: "[" * 100_000 + "]" * 100_000), "yaml.too_deep"),
    "JSON of 1,000,000 numbers": (
        reading(lambda: '{"x": [' + "1," * 1_000_000 + "1]}"),
        "yaml.too_many_values",
    ),
    "data 100,000 deep": (
        reading(lambda: a_document(note=nested(100_000, lambda x: [x], 1))),
        "yaml.too_deep",
    ),
    "a list of 1,000,000 in a set": (
        reading(lambda: a_document(lists={"l": list(range(1_000_000))})),
        "yaml.too_many_values",
    ),
    # sets
    "groups 10,000 deep": (
        reading(lambda: a_document(nested(10_000, lambda x: {"any": [x]}, "true"))),
        "yaml.too_deep",
    ),
    "groups 15 deep": (
        reading(lambda: a_document(nested(15, lambda x: {"any": [x]}, "true"))),
        "rule.too_deep",
    ),
    "10,001 rules": (
        reading(
            lambda: a_document(
                rules=[{"id": f"r{n}", "if": [], "then": ["approve"]} for n in range(10_001)]
            )
        ),
        "rule.too_many_rules",
    ),
    "10,001 rows": (
        reading(
            lambda: a_document(
                tables=[
                    {
                        "id": "x",
                        "inputs": ["order.total"],
                        "outputs": ["tag"],
                        "rows": [{"id": f"r{n}", "when": ["-"], "then": ["x"]} for n in range(10_001)],
                    }
                ]
            )
        ),
        "rule.too_many_rules",
    ),
    "100,000 unknown keys": (
        reading(lambda: a_document(**{f"polcy{n}": 1 for n in range(100_000)})),
        "rule.unknown_key",
    ),
    "3,000 misspelt rules": (reading(lambda: misspelt(3_000)), "rule.unknown_field"),
    "100,000 wrong parameters": (
        reading(lambda: a_document(parameters={f"p{n}": {"type": "mony"} for n in range(100_000)})),
        "rule.unknown_type",
    ),
    "20,000 parameters and a wrong name": (
        reading(
            lambda: a_document(
                " or ".join(["parameterx = 1"] * 60),
                parameters={f"parameter_{n}": {"type": "number", "value": n} for n in range(20_000)},
            )
        ),
        "rule.unknown_field",
    ),
    "a number of 1,900 digits": (
        reading(lambda: a_document(f"order.quantity > {'9' * 1_900}")),
        "rule.bad_literal",
    ),
    "a huge exponent": (
        reading(
            lambda: a_document(parameters={"p": {"type": "number", "value": Decimal("1E+999999999")}})
        ),
        "yaml.bad_number",
    ),
    "a text of 5,000,000 characters as id": (
        reading(lambda: a_document(id="x" * 5_000_000)),
        "rule.bad_id",
    ),
    # facts
    "1,000,000 lines": (
        deciding(lambda: a_document("count(items) > 1"), lambda: {"items": [{}] * 1_000_000}),
        "facts.too_much",
    ),
    "10,001 lines": (
        deciding(lambda: a_document("count(items) > 1"), lambda: lines(10_001)),
        "facts.too_much",
    ),
    "10,000 lines": (
        deciding(lambda: a_document("every item in items satisfies item.quantity > 0"), lambda: lines(10_000)),
        "ok",
    ),
    "10,000 distinct texts": (
        deciding(lambda: a_document("count(distinct(items.sku)) > 1"), lambda: lines(10_000)),
        "ok",
    ),
    "1,000,000 tags": (
        deciding(lambda: a_document('"x" in order.tags'), lambda: {"order": {"tags": ["a"] * 1_000_000}}),
        "facts.too_much",
    ),
    "a memo of 100,001 characters": (
        deciding(
            lambda: a_document('contains(order.buyer_memo, "x")'),
            lambda: {"order": {"buyer_memo": "a" * 100_001}},
        ),
        "facts.too_much",
    ),
    "a memo of 100,000 characters": (
        deciding(
            lambda: a_document('contains(order.buyer_memo, "x")'),
            lambda: {"order": {"buyer_memo": "\ufdfa" * 100_000}},
        ),
        "ok",
    ),
    "1,000,000 windows": (
        deciding(
            lambda: a_document("history.similar_orders(24h) > 1"),
            lambda: {"history": {"similar_orders": {f"{n}h": 1 for n in range(1_000_000)}}},
        ),
        "facts.too_much",
    ),
    "a tiny exponent in facts": (
        deciding(
            lambda: a_document("order.quantity > 1"),
            lambda: {"order": {"quantity": Decimal("1E-999999999")}},
        ),
        "facts.bad_value",
    ),
    "a number of 100,000 digits in facts": (
        deciding(lambda: a_document("order.quantity > 1"), lambda: {"order": {"quantity": "9" * 100_000}}),
        "facts.bad_value",
    ),
}  # fmt: skip


def attempt(case: Case, vocabulary: Vocabulary) -> dict[str, Any]:
    """The answer, in this process, with little more memory than it has."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = used + MEGABYTES * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    run = case(vocabulary)
    started = time.process_time()
    code = "ok"
    try:
        run()
    except TidegateError as error:
        code = error.code if error.text("zh") != error.text("en") else "no translation"
    except BaseException as error:
        code = f"{type(error).__name__}: {error}"[:200]
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"code": code, "seconds": round(seconds, 3), "peak_mb": peak // 1_000}


def main() -> None:
    vocabulary = load_vocabulary(VOCABULARY)
    read_ruleset(a_document(), vocabulary)  # the grammar is loaded once
    for name, (case, _) in CASES.items():
        receiving, sending = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(sending, json.dumps(attempt(case, vocabulary)).encode())
            os._exit(0)
        os.close(sending)
        with os.fdopen(receiving, "rb") as stream:
            answer = stream.read()
        os.waitpid(child, 0)
        found = json.loads(answer) if answer else {"code": "died", "seconds": 99, "peak_mb": 0}
        sys.stdout.write(json.dumps({"name": name, **found}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
