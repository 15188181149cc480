"""Write docs/vocabulary.md from the data dictionary: `python tools/docs_vocabulary.py [check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tidegate.engine.sourced import read_yaml
from tidegate.engine.values import plain
from tidegate.engine.vocabulary import Action, Fact, Group, Vocabulary, load_vocabulary

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "vocabulary.md"
SOURCE = ROOT / "rules" / "tidegate_rules"
HEAD = """# Vocabulary 数据字典

Made from [vocabulary.yaml](../rules/tidegate_rules/vocabulary.yaml) and [states.yaml](../rules/tidegate_rules/states.yaml) by `tools/docs_vocabulary.py`.
Facts are what rules read, actions what they ask for. Either name of a fact may stand in a rule: `order.total` or `订单.金额`.

Marks: **P** personal data (never in a log, a metric or an error) · **E** a person may change it on the order · **W** counted over a time window, `history.similar_orders(24h)`.

"""


def page() -> str:
    """The whole page."""
    vocabulary = load_vocabulary(SOURCE / "vocabulary.yaml")
    states = read_yaml((SOURCE / "states.yaml").read_text("utf-8"), "states.yaml").data
    parts = [
        HEAD,
        *_facts(vocabulary),
        *_words(vocabulary),
        *_gates(vocabulary),
        *_actions(vocabulary),
        *_states(states),
        *_reasons(vocabulary),
    ]
    return "".join(parts).rstrip() + "\n"


def _facts(vocabulary: Vocabulary) -> Iterator[str]:
    yield "## Facts 事实\n\n"
    lists = {group.each: group for group in vocabulary.groups.values() if group.each}
    for group in vocabulary.groups.values():
        facts = [fact for fact in vocabulary.facts.values() if fact.group == group.id]
        if facts:
            yield f"### `{group.id}` {group.title['en']} {group.title['zh']}\n\n"
            yield _list_note(group, lists)
            yield "| id | 名称 | name | type | sample | |\n|---|---|---|---|---|---|\n"
            yield from (_fact(fact, group) for fact in facts)
            yield "\n"


def _list_note(group: Group, lists: Mapping[str, Group]) -> str:
    owner = lists.get(group.id)
    if owner is None:
        return ""
    return f"One element of the list `{owner.id}` ({owner.title['zh']}): `some {group.id} in {owner.id} satisfies …`.\n\n"


def _fact(fact: Fact, group: Group) -> str:
    kind = fact.type + (f" ({fact.unit})" if fact.unit else "")
    if fact.values:
        kind = "choice: " + ", ".join(fact.values)
    marks = "".join(
        mark for mark, on in (("P", fact.personal), ("E", fact.editable), ("W", fact.window)) if on
    )
    note = f"{marks} {fact.help['en']} · {fact.help['zh']}".strip() if fact.help else marks
    name = f"{group.title['zh']}.{fact.title['zh']}"
    sample = _cell(fact.sample)
    return f"| `{fact.id}` | {name} | {fact.title['en']} | {kind} | {sample} | {note} |\n"


def _words(vocabulary: Vocabulary) -> Iterator[str]:
    yield "## Values in words 值的名称\n\nThe text of a rule keeps the code, sentences say the name.\n\n"
    yield "| fact | values |\n|---|---|\n"
    for fact, words in vocabulary.words.items():
        said = (f"`{code}` {texts['zh']} {texts['en']}" for code, texts in words.items())
        yield f"| `{fact}` | {' · '.join(said)} |\n"
    yield "\n"


def _gates(vocabulary: Vocabulary) -> Iterator[str]:
    yield "## Gates 关口\n\n| gate | 名称 | subject | asked when | facts | actions |\n|---|---|---|---|---|---|\n"
    for gate in vocabulary.gates.values():
        asked = f"{gate.asked['en']} · {gate.asked['zh']}"
        facts, actions = (
            " ".join(f"`{name}`" for name in names) for names in (gate.facts, gate.actions)
        )
        yield f"| `{gate.id}` | {gate.title['zh']} | {gate.subject} | {asked} | {facts} | {actions} |\n"
    yield "\n## Calendars 日历\n\n| id | 名称 | name | hours | days | holidays |\n|---|---|---|---|---|---|\n"
    for calendar in vocabulary.calendars.values():
        names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
        days = " ".join(names[day] for day in sorted(calendar.days))
        windows = dict.fromkeys(window for day in calendar.week for window in day)
        hours = ", ".join(f"{opens:%H:%M}–{closes:%H:%M}" for opens, closes in windows)
        title = f"{calendar.title['zh']} | {calendar.title['en']}"
        yield f"| `{calendar.id}` | {title} | {hours} | {days} | {calendar.holidays or '-'} |\n"
    yield "\n"


def _actions(vocabulary: Vocabulary) -> Iterator[str]:
    yield "## Actions 动作\n\nThe first argument in bold may be written bare: `tag: 加急`. *many*: several live side by side.\n\n"
    yield "| action | 名称 | name | writes | arguments |\n|---|---|---|---|---|\n"
    for action in vocabulary.actions.values():
        writes = f"`{action.writes}`" + (" *many*" if action.many else "")
        title = f"{action.title['zh']} | {action.title['en']}"
        yield f"| `{action.id}` | {title} | {writes} | {_arguments(action)} |\n"
    yield "\n"


def _arguments(action: Action) -> str:
    said = []
    for arg in action.args.values():
        name = f"**`{arg.id}`**" if arg.id == action.main else f"`{arg.id}`"
        kind = (
            ", ".join(arg.values)
            if arg.values
            else arg.type + (f" ({arg.unit})" if arg.unit else "")
        )
        need = (
            ""
            if arg.required
            else f", default {_cell(arg.default)}"
            if arg.default is not None
            else ", optional"
        )
        said.append(f"{name} {arg.title['zh']} {arg.title['en']}: {kind}{need}")
    return " · ".join(said)


def _states(states: Mapping[str, Mapping[str, Mapping[str, object]]]) -> Iterator[str]:
    yield "## States 状态\n\nMoves that aren't listed are refused.\n\n"
    for subject, name in (("order", "Order 订单"), ("parcel", "Parcel 包裹")):
        yield f"### {name}\n\n| state | 名称 | name | may become |\n|---|---|---|---|\n"
        for state, spec in states[subject].items():
            title, to = spec["title"], spec["to"]
            assert isinstance(title, Mapping)
            assert isinstance(to, list)
            after = " ".join(f"`{each}`" for each in to) or "(final)"
            yield f"| `{state}` | {title['zh']} | {title['en']} | {after} |\n"
        yield "\n"


def _reasons(vocabulary: Vocabulary) -> Iterator[str]:
    yield "## Reasons, alert kinds and tags 原因、告警和标签\n\n| code | 中文 | English |\n|---|---|---|\n"
    for code, texts in vocabulary.reasons.items():
        yield f"| `{code}` | {texts['zh']} | {texts['en']} |\n"


def _cell(value: object) -> str:
    if value is None or value == []:
        return ""
    shown = plain(value)
    if isinstance(shown, bool):
        shown = str(shown).lower()
    if isinstance(shown, list):
        shown = ", ".join(map(str, shown))
    return str(shown).replace("|", "\\|")


def main(check: bool) -> int:
    made = page()
    if check:
        same = PAGE.is_file() and PAGE.read_text("utf-8") == made
        print(
            f"{PAGE.name} is current"
            if same
            else f"{PAGE.name} is stale: run tools/docs_vocabulary.py"
        )
        return 0 if same else 1
    PAGE.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main("check" in sys.argv[1:]))
