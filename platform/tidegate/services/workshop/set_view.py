"""A rule set as its page shows it: rules as sentences, page by page, and everything around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, select

from tidegate.engine.language.rendering import literal_text
from tidegate.engine.language.sentences import action_sentence, rule_sentence, stage_sentences
from tidegate.engine.language.tree import ListName, Node, Parameter, walk
from tidegate.engine.reference import active
from tidegate.engine.rulesets import Rule, RuleSet, Stage
from tidegate.services.context import Context
from tidegate.services.view_names import gate_title, same
from tidegate.services.workshop import checking, drafts
from tidegate.services.workshop.model import SetInfo, Words
from tidegate.store.tables import Decision

LANGS = ("zh", "en")
PAGE = 50  # rules on one page
ORDERED = ("first",)  # policies under which order decides


@dataclass(frozen=True, slots=True)
class Share:
    """How often an outcome came in 24 hours."""

    verdict: str
    count: int


@dataclass(frozen=True, slots=True)
class SetCard:
    """One line of the home page. `findings` is None while this version has not been checked."""

    info: SetInfo
    gate_title: Words
    rules: int
    tests: int
    decisions: int
    undecided: int
    shares: Sequence[Share]
    findings: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class RuleLine:
    """`place` counts from 1 within its stage; `table` is empty for a rule of its own."""

    id: str
    title: Words
    why: str
    sentence: Words
    enabled: bool
    inactive: bool
    place: int
    table: str


@dataclass(frozen=True, slots=True)
class StageView:
    """`ordered`: the first rule that holds acts, so that order means something."""

    id: str
    title: Words
    policy: str
    ordered: bool
    said: Words
    otherwise: Words
    rules: Sequence[RuleLine]
    size: int


@dataclass(frozen=True, slots=True)
class SetPage:
    info: SetInfo
    gate_title: Words
    version: int
    note: str
    four_eyes: bool
    policy: str
    stages: Sequence[StageView]
    found: int
    total: int
    page: int
    pages: int
    fields: Sequence[tuple[str, Words]]
    tables: Sequence[tuple[str, Words, int]]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A named threshold; values are text as they are written."""

    id: str
    title: Words
    type: str
    value: str
    low: str
    high: str
    unit: str
    note: str
    choices: Sequence[str]
    used_by: Sequence[str]


@dataclass(frozen=True, slots=True)
class NamedValues:
    id: str
    title: Words
    type: str
    values: Sequence[str]
    note: str
    used_by: Sequence[str]


def gates(context: Context) -> list[tuple[str, Words]]:
    """Where a set can decide."""
    return [(name, gate_title(name)) for name in context.rules.vocabulary.gates]


def cards(context: Context) -> list[SetCard]:
    """Every set, in the order of the gates."""
    since = context.clock() - timedelta(hours=24)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(
            select(Decision.ruleset_id, Decision.verdict, func.count())
            .where(Decision.decided_at >= since)
            .group_by(Decision.ruleset_id, Decision.verdict)
            .order_by(func.count().desc())
        ).all()
    return [_card(context, info, rows) for info in drafts.sets(context)]


def _card(context: Context, info: SetInfo, rows: Sequence[Row[str, str, int]]) -> SetCard:
    ruleset = drafts.working_set(context, info.set_id)
    own = [Share(row[1], row[2]) for row in rows if row[0] == info.set_id]
    return SetCard(
        info=info,
        gate_title=gate_title(info.gate),
        rules=len(ruleset.written),
        tests=len(ruleset.cases),
        decisions=sum(share.count for share in own),
        undecided=sum(share.count for share in own if share.verdict == "none"),
        shares=own,
        findings=checking.summary(context, info.set_id),
    )


def set_page(
    context: Context, set_id: str, *, query: str = "", field: str = "", page: int = 1
) -> SetPage:
    """The rules that fit a text or read a field, `PAGE` at a time. Raises NotFound."""
    info = drafts.info(context, set_id)
    ruleset = drafts.working_set(context, set_id)
    fitting = [rule for rule in ruleset.written if _fits(rule, query, field)]
    pages = max(1, -(-len(fitting) // PAGE))
    page = min(max(page, 1), pages)
    shown = {rule.id for rule in fitting[(page - 1) * PAGE : page * PAGE]}
    stages = [_stage(context, ruleset, stage, shown) for stage in ruleset.stages]
    return SetPage(
        info=info,
        gate_title=gate_title(info.gate),
        version=info.draft.version if info.draft else 0,
        note=ruleset.note,
        four_eyes=ruleset.four_eyes,
        policy=ruleset.policy,
        stages=[stage for stage in stages if stage.rules or not (query or field)],
        found=len(fitting),
        total=len(ruleset.written),
        page=page,
        pages=pages,
        fields=_fields(ruleset),
        tables=[
            (name, table.title or same(name), sum(r.table == name for r in ruleset.written))
            for name, table in ruleset.tables.items()
        ],
    )


def _fits(rule: Rule, query: str, field: str) -> bool:
    if field and field not in rule.reads:
        return False
    wanted = query.strip().casefold()
    if not wanted:
        return True
    texts = (rule.id, *rule.title.values(), rule.why, rule.condition.text())
    return any(wanted in text.casefold() for text in texts)


def _stage(context: Context, ruleset: RuleSet, stage: Stage, shown: set[str]) -> StageView:
    lines = [
        _line(rule, ruleset, place, context)
        for place, rule in enumerate(stage.written, start=1)
        if rule.id in shown
    ]
    return StageView(
        id=stage.id,
        title=stage.title or same(stage.id),
        policy=stage.policy,
        ordered=stage.policy in ORDERED,
        said={lang: " ".join(stage_sentences(stage, ruleset, lang)) for lang in LANGS},
        otherwise=otherwise_said(stage, ruleset),
        rules=lines,
        size=len(stage.written),
    )


def otherwise_said(stage: Stage, ruleset: RuleSet) -> Words:
    """What happens when no rule decides, in words."""
    said = {
        lang: [action_sentence(call, ruleset, lang) for call in stage.otherwise] for lang in LANGS
    }
    return {
        "zh": "、".join(said["zh"]) or "什么都不做",
        "en": ", ".join(said["en"]) or "nothing happens",
    }


def _line(rule: Rule, ruleset: RuleSet, place: int, context: Context) -> RuleLine:
    titled = rule.title.get("zh")
    return RuleLine(
        id=rule.id,
        title=rule.title if titled else same(rule.id),
        why=rule.why,
        sentence={lang: rule_sentence(rule, ruleset, lang) for lang in LANGS},
        enabled=rule.enabled,
        inactive=not active(rule, context.clock(), ZoneInfo(context.timezone)),
        place=place,
        table=rule.table,
    )


def _fields(ruleset: RuleSet) -> Sequence[tuple[str, Words]]:
    """What the rules read, for the filter."""
    names = sorted({name for rule in ruleset.written for name in rule.reads})
    facts = ruleset.vocabulary.facts
    found: list[tuple[str, Words]] = []
    for name in names:
        fact = ruleset.fields.get(name) or facts.get(name)
        if fact is not None:
            group = ruleset.vocabulary.groups.get(fact.group)
            title = {
                lang: f"{group.title.get(lang, '') if group else ''} {fact.title.get(lang, '')}".strip()
                for lang in LANGS
            }
            found.append((name, title))
    return found


# named thresholds and lists


def thresholds(context: Context, set_id: str) -> list[Threshold]:
    """Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    used = _users(ruleset)
    return [
        Threshold(
            id=name, title=p.title, type=p.type, value=_text(p.value), low=_text(p.low),
            high=_text(p.high), unit=p.unit, note=p.note, choices=p.values,
            used_by=used.get(name, ()),
        )
        for name, p in ruleset.parameters.items()
    ]  # fmt: skip


def named_lists(context: Context, set_id: str) -> list[NamedValues]:
    """Raises NotFound."""
    ruleset = drafts.working_set(context, set_id)
    used = _users(ruleset)
    return [
        NamedValues(
            name, found.title, found.type, [_text(value) for value in found.values], found.note,
            used.get(name, ()),
        )
        for name, found in ruleset.lists.items()
    ]  # fmt: skip


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else literal_text(value)


def _users(ruleset: RuleSet) -> dict[str, list[str]]:
    """Rules by the thresholds and lists they use, derived facts seen through."""
    derived = {name: set(_names(d.node)) for name, d in ruleset.derive.items()}
    found: dict[str, list[str]] = {}
    for rule in ruleset.written:
        nodes = [leaf.node for leaf in rule.leaves]
        nodes += [v for c in rule.actions for v in c.args.values() if isinstance(v, Node)]
        names = {name for node in nodes for name in _names(node)}
        names |= {name for read in rule.reads for name in derived.get(read, ())}
        for name in names:
            found.setdefault(name, []).append(rule.id)
    return found


def _names(node: Node) -> Iterator[str]:
    for part in walk(node):
        if isinstance(part, Parameter | ListName):
            yield part.id
