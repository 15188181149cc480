"""Write docs/rules-shipped.md from the packs themselves: `python tools/docs_rules.py [check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tidegate.engine.cases import discover, load_pack
from tidegate.engine.language.rendering import literal_text
from tidegate.engine.language.sentences import rule_sentence
from tidegate.engine.rulesets import ActionCall, Rule, RuleSet
from tidegate.engine.vocabulary import load_vocabulary

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "rules-shipped.md"
PACKS = ROOT / "rules" / "tidegate_rules"
ORDER = ("intake", "review", "inventory", "routing", "alert", "connection")
HEAD = """# The rules that ship 自带规则

Made from the packs by `tools/docs_rules.py`; the language is explained in [rule-language.md](rule-language.md), the facts and actions in
[vocabulary.md](vocabulary.md). Rule ids never change and are never used again for something else.

**How an order passes the gates.** Intake flags what is missing and tags what people look for; it holds nothing. Review gives the most
severe outcome (reject, hold, approve) and keeps every reason. An order that is paid and in stock is approved; one that is paid but *short*
is approved too, with the tag 缺货, and waits at the inventory gate, which asks for replenishment: being out of stock is no question for a
reviewer. Cash on delivery passes unpaid up to its limit. Routing excludes what is impossible, chooses among the services that were quoted,
and decides the packing. Alerts ring when they are due and are resolved by the platform when their rule no longer fires.

**A person's decision is final.** A release (`order.manual_review = released`) wins over every hold, also over missing facts; a
cancellation or a full refund at the source stops the order afterwards and is shown to that person once more. A release after a carrier
refused the waybill is about the waybill: the review rules go on judging that order, and reject it when its shop cancels. A rejection stays a rejection.

**What is unknown.** A review that can't be answered is held with the reason `missing_facts` and the names of what is missing. That goes for
the essentials: payment, stock, the address check (in China), the phone check and similar orders. Other facts count only when they are known: an
order without a memo has no risky memo. Amounts are compared with limits in yuan only where they are in yuan.

**The brackets in routing.** A row of the carrier table is used only where its service was quoted and not excluded; otherwise the next row is tried.

**Times in alerts** run on the clock, day and night. To count only working hours, write `since(parcel.waybill_at, warehouse_hours)` in the rule.

## Change a rule

Copy the folder, point `TIDEGATE_RULES_DIR` to the copy, edit the YAML: a threshold is the `value` of its parameter (within `min` and `max`),
words and provinces are in `lists`, a rule is switched off with `active: {to: 2020-01-01}`. A running platform takes the new files within a second,
as a whole or, if one has an error, not at all. Nothing is written in Python.

```sh
$ tidegate rules check rules/tidegate_rules
$ tidegate rules test rules/tidegate_rules
$ tidegate rules show review
$ tidegate rules decide review --facts docs/examples/facts.json --now 2026-11-11T09:00:00+08:00
```

"""


def page() -> str:
    """The whole page."""
    vocabulary = load_vocabulary(PACKS / "vocabulary.yaml")
    packs = [(pack, *load_pack(pack, vocabulary)) for pack in discover(PACKS)]
    packs.sort(key=lambda found: ORDER.index(found[1].gate))
    parts = [HEAD]
    for pack, ruleset, cases in packs:
        where = pack.ruleset.relative_to(ROOT).as_posix()
        parts += _section(ruleset, where, len(cases))
    return "".join(parts).rstrip() + "\n"


def _section(ruleset: RuleSet, where: str, cases: int) -> Iterator[str]:
    title, gate = ruleset.title, ruleset.gate_spec.asked
    yield f"## {title['en']} {title['zh']} · `{ruleset.id}`\n\n"
    yield f"[{where}](../{where}) · gate `{ruleset.gate}` · policy `{ruleset.policy}` · "
    yield f"{len(ruleset.rules)} rules, {cases} cases. Asked when {gate['en']} ({gate['zh']}).\n\n"
    if ruleset.parameters:
        yield "| parameter | default | from | to | | |\n|---|---|---|---|---|---|\n"
        for p in ruleset.parameters.values():
            value, low, high = (literal_text(each) for each in (p.value, p.low, p.high))
            unit = f" {p.unit}" if p.unit else ""
            yield f"| `{p.id}` | {value}{unit} | {low} | {high} | {p.title['en']} | {p.title['zh']} |\n"
        yield "\n"
    for named in ruleset.lists.values():
        values = ", ".join(str(value) for value in named.values)
        yield f"- `{named.id}` ({named.title['en']} · {named.title['zh']}): {values}\n"
    yield "\n" if ruleset.lists else ""
    if ruleset.derive:
        yield "Names used in the sentences:\n\n"
        for derived in ruleset.derive.values():
            yield f"- *{derived.title['en']}* · {derived.title['zh']}: `{derived.text}`\n"
        yield "\n"
    for stage in ruleset.stages:
        yield f"### Stage `{stage.id}` ({stage.policy})\n\n" if stage.id else ""
        for rule in stage.rules:
            yield _entry(rule, ruleset)
        for call in stage.otherwise:
            yield f"- otherwise 否则: {_call(call)}\n"
        yield "\n"


def _entry(rule: Rule, ruleset: RuleSet) -> str:
    said = " · ".join(rule_sentence(rule, ruleset, lang) for lang in ("en", "zh"))
    titles, why = (f"{texts['en']} · {texts['zh']}" for texts in (rule.title, rule.why))
    return f"- **`{rule.id}`** {titles}\n  {said}\n  *{why}*\n"


def _call(call: ActionCall) -> str:
    return f"`{call.action.id}` ({call.action.title['en']} · {call.action.title['zh']})"


def main(check: bool) -> int:
    made = page()
    if check:
        same = PAGE.is_file() and PAGE.read_text("utf-8") == made
        print(
            f"{PAGE.name} is current" if same else f"{PAGE.name} is stale: run tools/docs_rules.py"
        )
        return 0 if same else 1
    PAGE.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main("check" in sys.argv[1:]))
