"""A changed set read beside the set it was is the same set, with the same problems, as one that is read whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from random_patterns import VOCABULARY as EPISODES
from random_patterns import a_pattern_set
from strategies import POLICIES, Documents, a_vocabulary

from tidegate.engine.frozen import Entry, thawed
from tidegate.engine.problems import RuleProblems
from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import Vocabulary
from tidegate.engine.writing import document_of, write

Document = dict[str, Any]
Edit = Callable[[Random, Documents, Document], None]
BROKEN: tuple[Any, ...] = (
    "order.totl > 1",
    "1 +",
    'not("x")',
    7,
    None,
    {},
    {"any": []},
    "",
    "x" * 2_100,
)


def blocks(document: Document) -> list[Document]:
    return document.get("stages") or [document]


def a_list(rng: Random, document: Document) -> list[Any]:
    """Rules of some stage, or rows of some table."""
    found = [block["rules"] for block in blocks(document) if block.get("rules")]
    found += [table["rows"] for block in blocks(document) for table in block.get("tables") or []]
    return rng.choice(found) if found else []


def put_rule(rng: Random, make: Documents, document: Document) -> None:
    rules = rng.choice(blocks(document)).setdefault("rules", [])
    rules.insert(rng.randint(0, len(rules)), make.rule())


def put_table(rng: Random, make: Documents, document: Document) -> None:
    rng.choice(blocks(document)).setdefault("tables", []).append(make.table())


def remove(rng: Random, _: Documents, document: Document) -> None:
    found = a_list(rng, document)
    if found:
        del found[rng.randrange(len(found))]


def move(rng: Random, _: Documents, document: Document) -> None:
    one, other = a_list(rng, document), a_list(rng, document)
    if one:
        entry = one.pop(rng.randrange(len(one)))
        (one if "when" in entry or rng.random() < 0.8 else other).insert(0, entry)


def twice(rng: Random, _: Documents, document: Document) -> None:
    """The same entry once more: its id is used twice."""
    found = a_list(rng, document)
    if found:
        found.append(rng.choice(found))


def change(rng: Random, make: Documents, document: Document) -> None:
    """A key of a rule or row, to something that may be wrong."""
    found = a_list(rng, document)
    if not found:
        return
    place = rng.randrange(len(found))
    entry = thawed(found[place])
    key = rng.choice((*entry, "enabled", "active", "colour"))
    values = {
        "enabled": (True, False, False, "no"), "title": ("题", {"zh": "一", "en": "one"}, 3),
        "active": ({"from": "2026-11-11"}, {"from": "x"}, {"from": "2026-11-12", "to": "2026-11-10"}),
        "if": (make.condition(frozenset()), [rng.choice(BROKEN)], "true"),
        "then": (make.rule()["then"], ["fly"], None, ["-"]),
        "when": (["-"] * len(entry.get("when", ())), ["-"], ['"x"', "> 1"], [rng.choice(BROKEN)]),
        "id": (f"n{rng.randint(0, 99)}", "Not An Id", None),
    }  # fmt: skip
    entry[key] = rng.choice(values.get(key, ("因为", "")))
    found[place] = entry


def head(rng: Random, make: Documents, document: Document) -> None:
    key = rng.choice(
        ("title", "policy", "on_missing", "otherwise", "id", "four_eyes", "note", "gate")
    )
    values: dict[str, tuple[Any, ...]] = {
        "title": ("新", {"zh": "新", "en": "New"}), "policy": POLICIES,
        "on_missing": ("hold", "skip", "fail", "wait"), "otherwise": (make.rule()["then"], []),
        "id": ("other", "set-1"), "four_eyes": (True, False, 1), "note": ("n", ""),
        "gate": ("gate", "gate", "gaet"),
    }  # fmt: skip
    document[key] = rng.choice(values[key])


def named(rng: Random, make: Documents, document: Document) -> None:
    """A threshold, list, field or derived fact: its value, its kind, its name, or gone."""
    section = rng.choice(("parameters", "lists", "fields", "derive"))
    found = document.get(section) or {}
    name = rng.choice([*found, "p0", "extra"])
    fresh = {
        "parameters": make._parameter, "lists": make._list, "fields": make._field,
        "derive": lambda: rng.choice(("true", "1 + 1", *(str(one) for one in BROKEN))),
    }[section]()  # fmt: skip
    kept = {key: value for key, value in found.items() if key != name}
    if rng.random() < 0.7:
        kept = rng.choice(({name: fresh, **kept}, {**kept, name: fresh}))
    document[section] = kept


def values_only(rng: Random, _: Documents, document: Document) -> None:
    """Another number behind a name: no rule is read again for that."""
    for entry in (document.get("parameters") or {}).values():
        if entry["type"] == "number" and "min" not in entry:
            entry["value"] = rng.randint(0, 9)
            return


def table_head(rng: Random, make: Documents, document: Document) -> None:
    tables = [table for block in blocks(document) for table in block.get("tables") or []]
    if not tables:
        return
    table = rng.choice(tables)
    key = rng.choice(("id", "title", "why", "policy", "inputs", "outputs", "note"))
    others = {
        "id": "t-new", "title": {"zh": "表", "en": "T"},
        "why": rng.choice(("原因", {"zh": "原因", "en": "Reason"}, {"zh": "原因"}, ["原因"])),
        "policy": rng.choice(("first", "unique", "collect", "most")), "note": "n",
        "inputs": [*table["inputs"][:-1], rng.choice(("true", "1 +"))],
        "outputs": table["outputs"][::-1],
    }  # fmt: skip
    table[key] = others[key]


def cases(rng: Random, _: Documents, document: Document) -> None:
    found = document.setdefault("tests", [])
    act = rng.randint(0, 3)
    if act == 0 and found:
        found.append(rng.choice(found))  # a name used twice
    elif act == 1 and found:
        found.pop(rng.randrange(len(found)))
    else:
        name = rng.choice((f"t{rng.randint(0, 999)}", "") if act == 2 else ("t", f"u{len(found)}"))
        given = {"order": {"total": f"{rng.randint(1, 9)} CNY"}}
        found.insert(0, {"name": name, "given": given, "expect": {"fired": []}})


EDITS: tuple[Edit, ...] = (
    put_rule, put_table, remove, remove, move, move, twice, change, change, change, head, named,
    values_only, table_head, cases, cases,
)  # fmt: skip


def outcome(read: Callable[[], RuleSet]) -> RuleSet | list[Any]:
    try:
        return read()
    except RuleProblems as error:
        return list(error.problems)


def compared(before: RuleSet, document: Document, vocabulary: Vocabulary) -> RuleSet | list[Any]:
    """What both ways of reading say."""
    fresh = thawed(document)
    found = outcome(
        lambda: read_ruleset(document, vocabulary, "set", unfinished=True, before=before)
    )
    whole = outcome(lambda: read_ruleset(fresh, vocabulary, "set", unfinished=True))
    assert found == whole
    if isinstance(found, RuleSet):
        assert isinstance(whole, RuleSet)
        assert (found.hash, found.facts_read) == (whole.hash, whole.facts_read)
        assert document_of(found) == document_of(whole)
        assert write(found) == write(whole)
        assert repr(document_of(found)) == repr(
            document_of(whole)
        )  # 1, 1.0 and True are not equal here
    return found


def walk(seed: int, steps: int, seen: Counter[str]) -> None:
    """A set changed again and again, each time read beside what it was."""
    rng = Random(seed)
    vocabulary = a_vocabulary(Random(seed % 12))
    make = Documents(rng, vocabulary, 2, 6)
    now = read_ruleset(make.document(rng.choice(POLICIES)), vocabulary, "set")
    for _ in range(steps):
        document = document_of(now)
        for edit in rng.choices(EDITS, k=rng.choice((1, 1, 1, 2))):
            edit(rng, make, document)
            seen[edit.__name__] += 1
        found = compared(now, document, vocabulary)
        seen["read" if isinstance(found, RuleSet) else "refused"] += 1
        if isinstance(found, RuleSet):
            kept = {id(rule.condition) for rule in now.written}
            seen["taken over"] += sum(id(rule.condition) in kept for rule in found.written)
            seen["rules"] += len(found.written)
            now = found


def check_walks(first: int, count: int, steps: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(first, first + count):
        try:
            walk(seed, steps, seen)
        except BaseException:
            print(f"seed {seed}")
            raise
    print(dict(seen))
    assert min(seen[edit.__name__] for edit in EDITS) >= 3
    assert min(seen["read"], seen["refused"]) >= count * steps // 12
    assert 0.5 < seen["taken over"] / seen["rules"] < 1


def test_reading_beside_what_was_is_reading_whole() -> None:
    check_walks(0, 14, 8)


@pytest.mark.long
def test_reading_beside_what_was_is_reading_whole_over_many_sets() -> None:
    check_walks(1_000, 1_500, 20)


def test_patterns_are_taken_over_too() -> None:
    for seed in range(20):
        now = a_pattern_set(Random(seed))
        document = document_of(now)
        document["rules"].append({**document["rules"][0], "id": "copied"})
        document["rules"].reverse()
        found = compared(now, document, EPISODES)
        assert isinstance(found, RuleSet), seed
        assert found.written[-1].condition is now.written[0].condition


def test_a_shared_entry_cannot_be_changed_in_place() -> None:
    make = Documents(Random(1), a_vocabulary(Random(1)), 2, 6)
    ruleset = read_ruleset(make.document("first"), make.vocabulary)
    entry = document_of(ruleset)["rules"][0]
    assert isinstance(entry, Entry)
    for act in (
        lambda: entry.update(id="x"), lambda: entry.pop("id"), lambda: entry["if"].append("true"),
        lambda: entry.__setitem__("id", "x"), lambda: entry["then"].clear(), lambda: entry.setdefault("x", 1),
        lambda: entry["if"].sort(), lambda: entry.popitem(), lambda: entry["then"].__delitem__(0),
    ):  # fmt: skip
        with pytest.raises(TypeError, match="can't be changed in place"):
            act()
    own = thawed(entry)
    own["if"].append("true")
    assert own != entry
