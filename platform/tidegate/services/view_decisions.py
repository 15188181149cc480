"""A stored decision as a person reads it: verdict, then each rule, then leaf by leaf with the values it saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.services.view_lexicon import UNKNOWN as NO_LEXICON
from tidegate.services.view_lexicon import Lexicon
from tidegate.services.view_masks import masked_name, masked_phone, masked_text
from tidegate.services.view_names import (
    Words,
    action_title,
    fact_name,
    field_title,
    gate_title,
    is_personal,
    reason_title,
    same,
    walk,
)
from tidegate.store.tables import Decision

TRUE, FALSE, UNKNOWN, SKIPPED = "true", "false", "unknown", "skipped"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One condition. `result` is true, false, unknown or skipped; `first` marks the one that decided against."""

    sentence: Words
    text: str
    result: str
    values: Words
    first: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """An action in words: its name, the argument that says most, and how many further actions there are.

    `code` is that argument as it stands in the rule set, for words a page may have for it.
    """

    action: Words
    detail: Words
    code: str
    more: int


@dataclass(frozen=True, slots=True)
class RuleLine:
    """`result` is fired, not, unknown or inactive; `lost_to` names the rule that won over it."""

    id: str
    title: Words
    result: str
    outcome: Outcome | None
    lost_to: Words | None
    leaves: Sequence[Leaf]
    skipped: int


@dataclass(frozen=True, slots=True)
class DecisionView:
    id: int
    at: datetime
    trigger: str
    gate: str
    gate_title: Words
    ruleset_id: str
    ruleset_title: Words
    short_hash: str
    verdict: str
    headline: Outcome | None
    tone: str  # ok, warn, bad, go: which colour the verdict has, always beside its words
    deciding_rule: str
    deciding_title: Words
    lost_title: Words | None
    applied: bool
    rules: Sequence[RuleLine]
    facts: Sequence[tuple[Words, Words]]
    missing: Sequence[Words]
    untraced: int = 0  # rules that came nowhere near and whose conditions are not kept


TONES = {
    "approve": "ok",
    "allocate": "ok",
    "hold": "warn",
    "hold_for_stock": "warn",
    "raise": "bad",
    "reject": "bad",
}


def decision_view(
    decision: Decision,
    lexicon: Lexicon = NO_LEXICON,
    full: Mapping[str, Any] | None = None,
) -> DecisionView:
    """The result document of the engine, personal values masked; words from `lexicon` where it has them.

    `full` is the document with all rules, or with more of those that came close, where it can be had.
    """
    result = full or decision.document
    actions: list[Mapping[str, Any]] = list(result.get("actions", []))
    lost = {
        row["rule"]: row.get("by", "") for row in result.get("overridden", []) if row.get("rule")
    }
    titles = {
        row["id"]: lexicon.rules.get(row["id"]) or words(row.get("title"), row["id"])
        for row in result.get("rules", [])
    }
    deciding = str(actions[0].get("rule") or "") if actions else ""
    loser = next(iter(lost), "")
    return DecisionView(
        id=decision.id,
        at=decision.decided_at,
        trigger=decision.trigger,
        gate=decision.gate,
        gate_title=gate_title(decision.gate),
        ruleset_id=decision.ruleset_id,
        ruleset_title=lexicon.title or same(decision.ruleset_id),
        short_hash=decision.ruleset_hash[:8],
        verdict=decision.verdict,
        headline=_headline(actions),
        tone=TONES.get(decision.verdict, "go") if actions else "plain",
        deciding_rule=deciding,
        deciding_title=titles.get(deciding, same(deciding)),
        lost_title=titles.get(loser, same(loser)) if loser else None,
        applied=decision.applied,
        rules=[_rule(row, result, lost, titles, lexicon) for row in result.get("rules", [])],
        facts=[
            (field_title(path), {lang: shown(path, value, lang) for lang in ("zh", "en")})
            for path, value in walk(decision.facts)
        ],
        missing=[field_title(str(name)) for name in result.get("missing", [])],
        untraced=int(result.get("untraced", 0)),
    )


def words(value: Any, otherwise: str) -> Words:
    """A title as it stands in a document: both languages, or one text for both."""
    if isinstance(value, Mapping):
        return {"zh": value.get("zh") or otherwise, "en": value.get("en") or value.get("zh", "")}
    return same(str(value or otherwise))


def shown(fact: str, value: Any, lang: str = "zh") -> str:
    """A fact's value as text; masked when the vocabulary calls it personal."""
    name = fact_name(fact)
    if value in (None, "", [], {}) or not is_personal(name):
        return value_text(value, lang)
    if name.endswith(".phone"):
        return masked_phone(str(value))
    return masked_name(str(value)) if name.endswith(".name") else masked_text(value)


def value_text(value: Any, lang: str = "zh") -> str:
    """Plain reading of a stored value; an absent one as a dash, lists with commas."""
    if value in (None, "", [], {}):
        return "-"
    if isinstance(value, bool):
        return {"zh": ("否", "是"), "en": ("no", "yes")}[lang][value]
    if isinstance(value, list):
        return ", ".join(value_text(each, lang) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {value_text(each, lang)}" for key, each in value.items())
    return str(value)


def _headline(actions: Sequence[Mapping[str, Any]]) -> Outcome | None:
    if not actions:
        return None
    args = actions[0].get("args") or {}
    main = args.get("reason", next(iter(args.values()), None))
    code = "" if main is None else value_text(main)
    return Outcome(
        action=action_title(str(actions[0]["action"])),
        detail=reason_title(code) if code else same(""),
        code=code,
        more=len(actions) - 1,
    )


def _rule(
    row: Mapping[str, Any],
    result: Mapping[str, Any],
    lost: Mapping[str, str],
    titles: Mapping[str, Words],
    lexicon: Lexicon,
) -> RuleLine:
    leaves = list(row.get("leaves", []))
    wanted = lexicon.wanted.get(row["id"], ())
    if "near" in row:  # kept short: only the leaf it failed by
        wanted = wanted[row["near"] :][:1]
    if len(wanted) != len(leaves):
        wanted = (True,) * len(leaves)
    blocking = _first_against(leaves, wanted) if row.get("result") != "fired" else None
    asked = [_leaf(leaf, n == blocking, lexicon) for n, leaf in enumerate(leaves)]
    by = lost.get(row["id"], "")
    return RuleLine(
        id=row["id"],
        title=titles[row["id"]],
        result=row.get("result", "not"),
        outcome=_outcome(row["id"], result),
        lost_to=titles.get(by, same(by)) if by else None,
        leaves=[leaf for leaf in asked if leaf.result != SKIPPED],
        skipped=sum(1 for leaf in asked if leaf.result == SKIPPED),
    )


def _outcome(rule: str, result: Mapping[str, Any]) -> Outcome | None:
    """What the rule asked for, whether it won or lost."""
    rows = [*result.get("actions", []), *result.get("overridden", [])]
    mine = [row for row in rows if row.get("rule") == rule]
    return _headline(mine)


def _first_against(leaves: Sequence[Mapping[str, Any]], wanted: Sequence[bool]) -> int | None:
    """The leaf a rule stopped at: the first that came out against it, else the first unknown one."""
    against = [FALSE if want else TRUE for want in wanted]
    for n, leaf in enumerate(leaves):
        if _truth(leaf) == against[n]:
            return n
    return next((n for n, leaf in enumerate(leaves) if _truth(leaf) == UNKNOWN), None)


def _leaf(leaf: Mapping[str, Any], first: bool, lexicon: Lexicon) -> Leaf:
    text = str(leaf.get("text", ""))
    return Leaf(
        sentence=lexicon.sentences.get(text) or words(leaf.get("sentence"), text),
        text=text,
        result=_truth(leaf),
        values={lang: _values(leaf, lexicon, lang) for lang in ("zh", "en")},
        first=first,
    )


def _truth(leaf: Mapping[str, Any]) -> str:
    """The engine's three values, however written; None is a leaf that was not asked."""
    value = leaf.get("result", SKIPPED)
    known = {
        True: TRUE,
        False: FALSE,
        None: SKIPPED,
        "yes": TRUE,
        "no": FALSE,
        "not_asked": SKIPPED,
    }
    found = known.get(value, value)
    return found if found in (TRUE, FALSE, UNKNOWN) else SKIPPED


def _values(leaf: Mapping[str, Any], lexicon: Lexicon, lang: str) -> str:
    """`订单金额 1286.00 CNY` for each value that was read; the list element that decided comes first."""
    values = leaf.get("values")
    if not isinstance(values, Mapping):
        return value_text(values, lang) if values else ""
    said = [
        f"{(lexicon.names.get(name) or field_title(name))[lang]} {shown(name, value, lang)}"
        for name, value in values.items()
    ]
    line = leaf.get("line")
    if line:
        said.insert(0, {"zh": f"第 {line} 项", "en": f"item {line}"}[lang])
    return {"zh": "，", "en": ", "}[lang].join(said)
