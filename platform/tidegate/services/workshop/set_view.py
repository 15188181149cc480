"""A rule set as its page shows it: rules as sentences, page by page, and everything around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, select

from tidegate.engine.language.sentences import action_sentence, rule_sentence, stage_sentences
from tidegate.engine.reference import active
from tidegate.engine.rulesets import Rule, RuleSet, Stage
from tidegate.services.context import Context
from tidegate.services.view_names import action_title, gate_title, same
from tidegate.services.workshop import case_results, checking, drafts
from tidegate.services.workshop.model import SetInfo, Words
from tidegate.services.workshop.set_settings import Settings, settings_of
from tidegate.store.tables import Decision

LANGS = ("zh", "en")
PAGE = 50  # rules on one page
MUST_ANSWER = ("review", "inventory", "routing")  # without an answer the order stops here
NOTHING_SAID = {"zh": "没有动作", "en": "no action"}
ORDERED = ("first",)  # policies under which order decides


@dataclass(frozen=True, slots=True)
class Share:
    """How often an outcome came in 24 hours."""

    verdict: str
    title: Words
    count: int


@dataclass(frozen=True, slots=True)
class SetCard:
    """One line of the home page. `findings` is None while this version has not been checked. Where every
    rule that holds acts (`must_decide` is false), nothing to do is no defect.
    """

    info: SetInfo
    gate_title: Words
    rules: int
    tests: int
    passed: int
    decisions: int
    undecided: int
    must_decide: bool
    shares: Sequence[Share]
    findings: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule of its own, or a table in one line. `place` counts from 1 among the rules of its stage; `ids` are
    the rule, or those rows of the table that fit; `finding` is the worst the check says of them.
    """

    id: str
    title: Words
    why: Words
    sentence: Words
    enabled: bool
    inactive: bool
    place: int
    table: str
    ids: Sequence[str]
    finding: str


@dataclass(frozen=True, slots=True)
class StageView:
    """`ordered`: the first rule that holds acts, so that order means something; `size` counts rules that
    can be moved.
    """

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
    settings: Settings
    stages: Sequence[StageView]
    found: int
    total: int
    page: int
    pages: int
    fields: Sequence[tuple[str, Words]]


def verdict_title(verdict: str) -> Words:
    """What a set said, in words."""
    return NOTHING_SAID if verdict == "none" else action_title(verdict)


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
    own = [Share(row[1], verdict_title(row[1]), row[2]) for row in rows if row[0] == info.set_id]
    return SetCard(
        info=info,
        gate_title=gate_title(info.gate),
        rules=len(ruleset.written),
        tests=len(ruleset.cases),
        passed=case_results.passed(ruleset, context.timezone),
        decisions=sum(share.count for share in own),
        undecided=sum(share.count for share in own if share.verdict == "none"),
        must_decide=ruleset.stages[-1].policy != "collect" or ruleset.gate in MUST_ANSWER,
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
    worst = checking.by_rule(context, set_id)
    stages = [_stage(context, ruleset, stage, shown, worst) for stage in ruleset.stages]
    return SetPage(
        info=info,
        gate_title=gate_title(info.gate),
        version=info.draft.version if info.draft else 0,
        settings=settings_of(context, ruleset),
        stages=[stage for stage in stages if stage.rules or not (query or field)],
        found=len(fitting),
        total=len(ruleset.written),
        page=page,
        pages=pages,
        fields=_fields(ruleset),
    )


def _fits(rule: Rule, query: str, field: str) -> bool:
    if field and field not in rule.reads:
        return False
    wanted = query.strip().casefold()
    if not wanted:
        return True
    return any(wanted in text for text in _searched(rule))


def _searched(rule: Rule) -> Sequence[str]:
    """What a rule is found by, made once."""
    if "searched" not in rule.kept:
        texts = (rule.id, *rule.title.values(), *rule.why.values(), rule.condition.text())
        rule.kept["searched"] = [text.casefold() for text in texts]
    return rule.kept["searched"]  # type: ignore[no-any-return]


def _stage(
    context: Context, ruleset: RuleSet, stage: Stage, shown: set[str], worst: Mapping[str, str]
) -> StageView:
    own = [rule for rule in stage.written if not rule.table]
    lines = [
        _line(context, ruleset, [rule], place, worst)
        for place, rule in enumerate(own, start=1)
        if rule.id in shown
    ]
    for table in dict.fromkeys(rule.table for rule in stage.written if rule.table):
        rows = [rule for rule in stage.written if rule.table == table and rule.id in shown]
        if rows:
            lines.append(_table_line(context, ruleset, table, rows, worst))
    return StageView(
        id=stage.id,
        title=stage.title or same(stage.id),
        policy=stage.policy,
        ordered=stage.policy in ORDERED,
        said={lang: _decides(stage, ruleset, lang) for lang in LANGS},
        otherwise=otherwise_said(stage, ruleset),
        rules=lines,
        size=len(own),
    )


def _decides(stage: Stage, ruleset: RuleSet, lang: str) -> str:
    """The policy and what a missing fact means; what happens otherwise stands below the rules."""
    policy, _, missing = stage_sentences(stage, ruleset, lang)
    return f"{policy}；{missing}" if lang == "zh" else f"{policy}. {missing}."


def otherwise_said(stage: Stage, ruleset: RuleSet) -> Words:
    """What happens when no rule decides, in words."""
    said = {
        lang: [action_sentence(call, ruleset, lang) for call in stage.otherwise] for lang in LANGS
    }
    return {
        "zh": "、".join(said["zh"]) or "什么都不做",
        "en": ", ".join(said["en"]) or "nothing happens",
    }


def _line(
    context: Context, ruleset: RuleSet, rules: Sequence[Rule], place: int, worst: Mapping[str, str]
) -> RuleLine:
    """One line about a rule, or about the first of several."""
    rule = rules[0]
    ids = [one.id for one in rules]
    found = {worst[name] for name in ids if name in worst}
    return RuleLine(
        id=rule.id,
        title=rule.title if rule.title.get("zh") else same(rule.id),
        why=rule.why,
        sentence={lang: rule_sentence(rule, ruleset, lang) for lang in LANGS},
        enabled=rule.enabled,
        inactive=not active(rule, context.clock(), ZoneInfo(context.timezone)),
        place=place,
        table="",
        ids=ids,
        finding="error" if "error" in found else "warning" if found else "",
    )


def _table_line(
    context: Context, ruleset: RuleSet, table: str, rows: Sequence[Rule], worst: Mapping[str, str]
) -> RuleLine:
    """A table as one line, told by its first row."""
    line = _line(context, ruleset, rows, 0, worst)
    title = ruleset.tables[table].title or same(table)
    return replace(
        line, id=table, title=title, why={}, table=table, inactive=False,
        enabled=any(row.enabled for row in rows),
    )  # fmt: skip


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
