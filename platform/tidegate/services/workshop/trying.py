"""One subject tried on the set as it stands in the draft: an order of the shop, a saved case, or facts by hand.

Nothing is written: no order, stock, decision or job.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from tidegate.engine.cases import DEFAULT_NOW
from tidegate.engine.changes import changes
from tidegate.engine.changes.answers import Answer
from tidegate.engine.changes.slots import changed_document
from tidegate.engine.problems import RuleProblems
from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import Case, RuleSet
from tidegate.engine.values import parse_instant, plain
from tidegate.engine.vocabulary import Fact
from tidegate.engine.writing import document_of
from tidegate.errors import InputError, NotFound, TidegateError
from tidegate.services.context import Context
from tidegate.services.view_decisions import DecisionView, decision_view
from tidegate.services.view_lexicon import lexicon
from tidegate.services.view_names import Words, action_title
from tidegate.services.workshop import drafts, set_edits
from tidegate.services.workshop.live_sets import live_set
from tidegate.services.workshop.simulation_subjects import Reader
from tidegate.store.tables import Decision, Parcel

NEAR = 6  # ways to change it that are shown
LINES = 3  # lines of goods a form offers


@dataclass(frozen=True, slots=True)
class Subject:
    """What is tried: a fact document and its instant."""

    kind: str  # order, case or hand
    name: str
    facts: Mapping[str, Any]
    at: datetime
    order_id: int | None = None
    rebuilt: bool = False


@dataclass(frozen=True, slots=True)
class HandField:
    """A fact that the set reads, as a box of a form. `name` is its id, for a line `items.0.sku`."""

    name: str
    label: Words
    type: str
    sample: str
    choices: Sequence[str]
    value: str


@dataclass(frozen=True, slots=True)
class Way:
    """A smallest change that would do; `facts` is the document with it made."""

    sentence: Words
    facts: str


@dataclass(frozen=True, slots=True)
class Ways:
    want: str
    holds: bool
    total: int
    complete: bool
    ways: Sequence[Way]


@dataclass(frozen=True, slots=True)
class Tried:
    """`view` is what the set says, `live` what decides now says where the two differ. `unsaved` is why a
    rule that is being written could not be tried with it (None: it was, or there was none).
    """

    subject: Subject
    view: DecisionView
    live: DecisionView | None
    facts: str
    outcomes: Sequence[tuple[str, Words]]
    unsaved: Words | None


# subjects


def order_subject(context: Context, set_id: str, order_id: int) -> Subject:
    """An order as its gate saw it, or would see it now.

    Raises:
        NotFound: this tenant has no such order, or none of its parcels is asked about here.
    """
    ruleset = drafts.working_set(context, set_id)
    live = live_set(context, set_id) or ruleset
    with context.store.begin(context.tenant_id, readonly=True) as work:
        parcel = None
        if ruleset.gate in ("routing", "alert"):
            parcel = work.session.scalar(
                select(Parcel.id)
                .where(Parcel.order_id == order_id, Parcel.state != "cancelled")
                .order_by(Parcel.id)
                .limit(1)
            )
    found = Reader(context, set_id, (ruleset, live)).read([(order_id, parcel)])
    if not found:
        raise NotFound(
            "try.no_order",
            zh=f"没有订单 {order_id}。",
            en=f"There is no order {order_id} here.",
            id=order_id,
        )
    past = found[0]
    return Subject("order", past.key, past.facts, past.at, order_id, past.rebuilt)


def case_subject(context: Context, set_id: str, name: str) -> Subject:
    """Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    for case in ruleset.cases:
        if case.name == name:
            return Subject("case", name, case.given, _instant(case, context))
    raise NotFound(
        "try.no_case", zh=f"没有测试“{name}”。", en=f"There is no test “{name}”.", name=name
    )


def hand_subject(
    context: Context, set_id: str, form: Mapping[str, str], facts: str = ""
) -> Subject:
    """From the boxes of a form, or from a whole document as JSON text.

    Raises:
        InputError: the document is none.
    """
    if facts:
        return Subject("hand", "", _document(facts), context.clock())
    document: dict[str, Any] = {}
    for name, text in form.items():
        if not name.startswith("f.") or not text.strip():
            continue
        _put(document, name[2:].split("."), text.strip())
    return Subject("hand", "", document, context.clock())


def hand_fields(context: Context, set_id: str, facts: Mapping[str, Any]) -> list[HandField]:
    """Only what the set reads; lines of goods as boxes for the first lines."""
    ruleset = drafts.working_set(context, set_id)
    groups = ruleset.vocabulary.groups
    lists = ruleset.vocabulary.variables
    found: list[HandField] = []
    for name in ruleset.facts_checked:
        fact = ruleset.fields.get(name) or ruleset.vocabulary.facts.get(name)
        group = name.partition(".")[0]
        if fact is None or fact.window:
            continue
        if group not in lists:
            value = (facts.get(group) or {}).get(fact.field_name)
            found.append(_box(name, fact, groups[group].title if group in groups else {}, value))
            continue
        rows = facts.get(lists[group]) or []
        for place in range(max(LINES, len(rows))):
            value = rows[place].get(fact.field_name) if place < len(rows) else None
            box = f"{lists[group]}.{place}.{fact.field_name}"
            title = {lang: f"{groups[group].title[lang]} {place + 1}" for lang in ("zh", "en")}
            found.append(_box(box, fact, title, value))
    return found


def _box(name: str, fact: Fact, group: Words, value: Any) -> HandField:
    label = {
        lang: f"{group.get(lang, '')} {fact.title.get(lang, '')}".strip() for lang in ("zh", "en")
    }
    sample = "" if fact.sample is None else str(plain(fact.sample))
    text = "" if value is None or fact.personal else _text(value)
    choices = ("true", "false") if fact.type == "boolean" else fact.values
    return HandField(name, label, fact.type, sample, choices, text)


def _text(value: Any) -> str:
    found = plain(value)
    if isinstance(found, bool):
        return "true" if found else "false"
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def _put(document: dict[str, Any], path: Sequence[str], text: str) -> None:
    """One box into the document; `items.0.sku` into the first line."""
    value: Any = {"true": True, "false": False}.get(text, text)
    if len(path) == 3 and path[1].isdigit():
        rows = document.setdefault(path[0], [])
        while len(rows) <= int(path[1]):
            rows.append({})
        rows[int(path[1])][path[2]] = value
    elif len(path) == 2:
        document.setdefault(path[0], {})[path[1]] = value


def _document(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(
            "try.no_document",
            zh="这不是一份事实；请从订单、例子或表格开始。",
            en="This is no fact document; begin with an order, a case or the form.",
            field="facts",
        )
    return found


def _instant(case: Case, context: Context) -> datetime:
    if case.at is None:
        return DEFAULT_NOW.astimezone(UTC)
    found = case.at if isinstance(case.at, datetime) else parse_instant(str(case.at))
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(context.timezone))


# trying


def run(context: Context, set_id: str, subject: Subject, rule: str = "") -> Tried:
    """What the set says about the subject, rule by rule. `rule` is the plain document of a rule that is
    being written, as JSON; it is tried in its place.

    Raises:
        NotFound: no such set.
        InputError: a fact has a value of the wrong kind.
    """
    saved = drafts.working_set(context, set_id)
    ruleset, unsaved = _with_rule(context, saved, rule)
    view = _decided(context, ruleset, subject)
    live = live_set(context, set_id)
    other = None
    if live is not None and live.hash != ruleset.hash:
        other = _decided(context, live, subject)
        if _answer(other) == _answer(view):
            other = None
    actions = context.rules.vocabulary.gates[ruleset.gate].actions
    return Tried(
        subject, view, other, json.dumps(plain(subject.facts), ensure_ascii=False),
        [(name, action_title(name)) for name in actions], unsaved,
    )  # fmt: skip


def _answer(view: DecisionView) -> object:
    return view.verdict, view.headline, view.deciding_rule


def _decided(context: Context, ruleset: RuleSet, subject: Subject) -> DecisionView:
    decision = evaluate(
        ruleset, subject.facts, subject.at, context.timezone, currency=context.currency
    )
    document = decision.as_document("zh")
    actions = decision.actions
    verdict = next(
        (a.action for a in actions if not a.many), actions[0].action if actions else "none"
    )
    row = Decision(
        id=0, gate=ruleset.gate, ruleset_id=ruleset.id, ruleset_hash=ruleset.hash, trigger="tried",
        verdict=verdict, decided_at=subject.at, facts=plain(subject.facts), result=document,
        applied=True,
    )  # fmt: skip
    return decision_view(row, lexicon(ruleset))


def _with_rule(context: Context, ruleset: RuleSet, rule: str) -> tuple[RuleSet, Words | None]:
    """The set with the unsaved rule in it, if that reads."""
    if not rule:
        return ruleset, None
    try:
        given = _document(rule)
        document = document_of(ruleset)
        known = {found.id for found in ruleset.written if not found.table}
        if given.get("id") in known:
            set_edits.put_rule(document, str(given["id"]), given)
        else:
            given.setdefault("id", "new-rule")
            set_edits.add_rule(document, given)
        return read_ruleset(document, context.rules.vocabulary, ruleset.id, unfinished=True), None
    except RuleProblems as error:
        first = error.problems[0]
        return ruleset, {"zh": first.text("zh"), "en": first.text("en")}
    except TidegateError as error:
        return ruleset, {"zh": error.text("zh"), "en": error.text("en")}


def ways(context: Context, set_id: str, subject: Subject, want: str, rule: str = "") -> Ways:
    """The smallest changes of up to two facts a person can change that give the outcome.

    Raises:
        InputError: the gate has no such outcome.
    """
    ruleset, _ = _with_rule(context, drafts.working_set(context, set_id), rule)
    answer = changes(
        ruleset, subject.facts, subject.at, want, context.timezone, currency=context.currency,
        limit=NEAR,
    )  # fmt: skip
    return Ways(
        want, answer.holds, answer.total, answer.complete,
        [Way({lang: answer.sentence(one, lang) for lang in ("zh", "en")}, _changed(answer, subject, n))
         for n, one in enumerate(answer.sets)],
    )  # fmt: skip


def _changed(answer: Answer, subject: Subject, place: int) -> str:
    """The document with the changes made, as JSON."""
    document = changed_document(subject.facts, answer.sets[place].values, answer.ruleset.vocabulary)
    return json.dumps(plain(document), ensure_ascii=False)


# keeping


def save_as_case(
    context: Context, set_id: str, version: int, subject: Subject, name: str, actor: str
) -> str:
    """The subject as a test of the set: only what the set reads, nothing personal, and what the set says
    about exactly that. Returns the name it got.

    Raises:
        InputError: no name.
        DraftChanged: somebody saved meanwhile.
    """
    wanted = name.strip()
    if not wanted:
        raise InputError(
            "try.no_name", zh="给这个测试起个名字。", en="Give the test a name.", field="name"
        )
    ruleset = drafts.working_set(context, set_id)
    taken = {case.name for case in ruleset.cases}
    free, number = wanted, 2
    while free in taken:
        free, number = f"{wanted} ({number})", number + 1
    facts = _impersonal(ruleset, subject.facts)
    decision = evaluate(ruleset, facts, subject.at, context.timezone, currency=context.currency)
    case = {
        "name": free,
        "at": subject.at.astimezone(ZoneInfo(context.timezone)).isoformat(),
        "given": facts,
        "expect": {
            "actions": [one.action for one in decision.actions],
            "fired": list(decision.fired),
        },
    }
    cases = [*(document_of(ruleset).get("tests") or []), case]
    drafts.save_cases(context, set_id, version, cases, actor)
    return free


def _impersonal(ruleset: RuleSet, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Only the groups and fields the set reads, personal ones replaced by the vocabulary's sample."""
    read = set(ruleset.facts_checked)
    groups = {name.partition(".")[0] for name in read}
    lists = ruleset.vocabulary.variables
    kept: dict[str, Any] = {}
    for group, value in facts.items():
        if isinstance(value, Mapping) and group in groups:
            kept[group] = {
                field: _safe(ruleset, f"{group}.{field}", one)
                for field, one in value.items()
                if f"{group}.{field}" in read
            }
        elif isinstance(value, Sequence) and not isinstance(value, str):
            each = next((name for name, of in lists.items() if of == group), "")
            wanted = {n.partition(".")[2] for n in read if n.partition(".")[0] == each}
            if wanted or group in read:
                kept[group] = [
                    {f: _safe(ruleset, f"{each}.{f}", v) for f, v in row.items() if f in wanted}
                    for row in value
                ]
    found = plain(kept)
    return dict(found) if isinstance(found, Mapping) else {}


def _safe(ruleset: RuleSet, name: str, value: Any) -> Any:
    fact = ruleset.fields.get(name) or ruleset.vocabulary.facts.get(name)
    if fact is None or not fact.personal or value in (None, ""):
        return value
    return fact.sample
