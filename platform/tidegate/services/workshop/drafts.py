"""The open draft of each set: every writer names the version its page was made from, reads the whole
set again, and saves only what reads without an error.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.vocabulary import Vocabulary
from tidegate.engine.writing import document_of, write
from tidegate.errors import InputError
from tidegate.services.context import Context
from tidegate.services.workshop import set_edits
from tidegate.services.workshop.auditing import record
from tidegate.services.workshop.live_sets import live_set, unknown_set
from tidegate.services.workshop.model import EDITING, Draft, DraftChanged, DraftInfo, SetInfo
from tidegate.services.workshop.versions import in_force, in_shadow, last_text, upcoming
from tidegate.store.unit_of_work import UnitOfWork
from tidegate.store.workshop_tables import RuleDraft, RuleVersion

RESERVED = ("ideas", "new", "parameters", "simulations", "templates")  # pages beside those of sets
KEPT = 64  # sets read and kept by their text
Change = Callable[[set_edits.Document], None]
_read_sets: OrderedDict[tuple[int, str], RuleSet] = OrderedDict()
_lock = Lock()


# looking


def sets(context: Context) -> tuple[SetInfo, ...]:
    """Every set that decides or is being written, gate by gate."""
    live = [found.id for found in context.rules.all()]
    with context.store.begin(context.tenant_id, readonly=True) as work:
        drafted = work.session.scalars(select(RuleDraft.set_id).order_by(RuleDraft.set_id)).all()
        once = work.session.scalars(select(RuleVersion.set_id).distinct().order_by("set_id")).all()
    return tuple(info(context, name) for name in dict.fromkeys([*live, *drafted, *once]))


def info(context: Context, set_id: str) -> SetInfo:
    """Raises NotFound."""
    live = next((one for one in context.rules.all() if one.id == set_id), None)
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = _row(work, set_id)
        now = context.clock()
        running = in_force(work, set_id, now, live)
        shadow = in_shadow(work, set_id, now)
        planned = upcoming(work, set_id, now)
        text = row.text if row else last_text(work, set_id)
    if live is None and text is None:
        raise unknown_set(set_id)
    shown = live or _read(text or "", context.rules.vocabulary)
    draft = None if row is None else _info(row)
    differs = draft is not None and (running is None or draft.hash != running.hash)
    return SetInfo(
        set_id, shown.gate, shown.title, shown.policy, running, draft, shadow, planned, differs
    )


def draft_of(context: Context, set_id: str) -> Draft | None:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = _row(work, set_id)
    return None if row is None else _draft(row, context.rules.vocabulary)


def working_set(context: Context, set_id: str) -> RuleSet:
    """The draft's set if there is a draft, else the live one, else the last that was published; its tests
    are with it.

    Raises:
        NotFound: there is none of them.
    """
    draft = draft_of(context, set_id)
    if draft is not None:
        return draft.ruleset
    found = live_set(context, set_id) or _last(context, set_id)
    if found is None:
        raise unknown_set(set_id)
    return found


def _last(context: Context, set_id: str) -> RuleSet | None:
    """The set as it was published last, where it decides no more."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        text = last_text(work, set_id)
    return None if text is None else _read(text, context.rules.vocabulary)


# starting and ending


def start(context: Context, set_id: str, actor: str) -> Draft:
    """The open draft, or a new one from what decides now. Raises NotFound."""
    found = draft_of(context, set_id)
    if found is not None:
        return found
    base = live_set(context, set_id)
    source = base or _last(context, set_id)
    if source is None:
        raise unknown_set(set_id)
    return _begin(context, write(source), base.hash if base else "", actor, "started")


def create(
    context: Context, set_id: str, gate: str, title: Mapping[str, str], policy: str, actor: str
) -> Draft:
    """A new set without rules.

    Raises:
        InputError: the id is taken.
        RuleProblems: the id, the gate or the policy is wrong.
    """
    if draft_of(context, set_id) or live_set(context, set_id):
        raise _taken(set_id)
    document: dict[str, Any] = {
        "tidegate": "ruleset/1",
        "id": set_id,
        "gate": gate,
        "title": dict(title),
        "policy": policy,
    }
    if policy == "priority":
        gates = context.rules.vocabulary.gates
        document["severity"] = list(gates[gate].actions) if gate in gates else []
    document["otherwise"] = []
    empty = [{"id": "main", "rules": []}] if policy == "stages" else []
    if policy == "stages":
        del document["otherwise"]
        document["stages"] = empty
    else:
        document["rules"] = []
    ruleset = read_ruleset(document, context.rules.vocabulary, set_id, unfinished=True)
    return _begin(context, write(ruleset), "", actor, "created")


def import_text(context: Context, text: str, actor: str, version: int | None = None) -> Draft:
    """A set from a file: a new draft, or the next save of the open one.

    Raises:
        RuleProblems: it does not read.
        DraftChanged: there is an open draft of another version.
    """
    ruleset = _read(text, context.rules.vocabulary)
    found = draft_of(context, ruleset.id)
    if found is None:
        live = live_set(context, ruleset.id)
        return _begin(context, write(ruleset), live.hash if live else "", actor, "imported")
    return save_text(
        context, ruleset.id, found.version if version is None else version, text, actor
    )


def discard(context: Context, set_id: str, version: int, actor: str) -> None:
    """Throw the draft away; its text stays in the audit log's reach for nobody: this is final.

    Raises:
        DraftChanged: it is another version by now.
    """
    with context.store.begin(context.tenant_id) as work:
        row = _guarded(work, context, set_id, version, "")
        work.session.delete(row)
        record(work, context, set_id, actor, "discarded", data={"version": version})
        work.commit()


# writing


def save_text(context: Context, set_id: str, version: int, text: str, actor: str) -> Draft:
    """The whole set. It is written in its canonical form; comments are not kept.

    Raises:
        RuleProblems: with line and column.
        InputError: the text is of another set.
    """
    ruleset = _read(text, context.rules.vocabulary)
    if ruleset.id != set_id:
        raise InputError(
            "rules.other_set",
            zh=f"文本里的 id 是 {ruleset.id}，这里是 {set_id}；改 id 请另存为新规则集。",
            en=f"The text has the id {ruleset.id}, this is {set_id}; to change the id make a new set.",
            field="text",
        )
    return _save(context, set_id, version, ruleset, actor, "text")


def save_rule(
    context: Context,
    set_id: str,
    version: int,
    rule_id: str,
    document: Mapping[str, Any],
    actor: str,
    *,
    new: bool = False,
    stage: str = "",
    after: str = "",
) -> Draft:
    """One rule as its plain document; a new one at the end of a stage or after another rule."""

    def change(whole: set_edits.Document) -> None:
        if new:
            set_edits.add_rule(whole, document, stage, after)
        else:
            set_edits.put_rule(whole, rule_id, document)

    return _edit(context, set_id, version, actor, "rule", change, rule_id)


def remove_rule(context: Context, set_id: str, version: int, rule_id: str, actor: str) -> Draft:
    return _edit(
        context, set_id, version, actor, "rule_removed",
        lambda whole: set_edits.remove_rule(whole, rule_id), rule_id,
    )  # fmt: skip


def copy_rule(
    context: Context, set_id: str, version: int, rule_id: str, new_id: str, actor: str
) -> Draft:
    """A switched-off copy right below."""
    return _edit(
        context, set_id, version, actor, "rule_copied",
        lambda whole: set_edits.copy_rule(whole, rule_id, new_id), new_id,
    )  # fmt: skip


def move_rule(
    context: Context, set_id: str, version: int, rule_id: str, place: int, actor: str
) -> Draft:
    """To a place counted from 1 within its stage."""
    return _edit(
        context, set_id, version, actor, "rule_moved",
        lambda whole: set_edits.move_rule(whole, rule_id, place), rule_id,
    )  # fmt: skip


def switch_rule(
    context: Context, set_id: str, version: int, rule_id: str, on: bool, actor: str
) -> Draft:
    return _edit(
        context, set_id, version, actor, "rule_on" if on else "rule_off",
        lambda whole: set_edits.switch_rule(whole, rule_id, on), rule_id,
    )  # fmt: skip


def save_head(
    context: Context, set_id: str, version: int, changes: Mapping[str, Any], actor: str
) -> Draft:
    """title, note, policy, severity, on_missing, otherwise, four_eyes; None removes a key."""
    return _edit(
        context, set_id, version, actor, "head",
        lambda whole: set_edits.put_head(whole, changes), ",".join(changes),
    )  # fmt: skip


def save_parameter(
    context: Context,
    set_id: str,
    version: int,
    name: str,
    document: Mapping[str, Any] | None,
    actor: str,
) -> Draft:
    """A named threshold; None removes it."""
    return _edit(
        context, set_id, version, actor, "parameter",
        lambda whole: set_edits.put_entry(whole, "parameters", name, document), name,
    )  # fmt: skip


def save_list(
    context: Context, set_id: str, version: int, name: str, document: Any, actor: str
) -> Draft:
    """A named list, as a mapping or as bare values; None removes it."""
    return _edit(
        context, set_id, version, actor, "list",
        lambda whole: set_edits.put_entry(whole, "lists", name, document), name,
    )  # fmt: skip


def save_table(
    context: Context,
    set_id: str,
    version: int,
    table_id: str,
    document: Mapping[str, Any] | None,
    actor: str,
    stage: str = "",
) -> Draft:
    """A table with all its rows; None removes it."""
    return _edit(
        context, set_id, version, actor, "table",
        lambda whole: set_edits.put_table(whole, table_id, document, stage), table_id,
    )  # fmt: skip


def save_cases(
    context: Context, set_id: str, version: int, cases: Sequence[Mapping[str, Any]], actor: str
) -> Draft:
    """All tests of the set."""
    return _edit(
        context, set_id, version, actor, "cases",
        lambda whole: set_edits.put_cases(whole, cases), str(len(cases)),
    )  # fmt: skip


def change_document(
    context: Context,
    set_id: str,
    version: int,
    actor: str,
    act: str,
    change: Change,
    what: str = "",
) -> Draft:
    """Several changes at once, saved together or not at all; `act` is what the audit log says."""
    return _edit(context, set_id, version, actor, act, change, what)


def undo(context: Context, set_id: str, version: int, actor: str) -> Draft:
    """Take the last save back, whatever it changed; once more brings it again.

    Raises:
        DraftChanged: somebody saved meanwhile.
        InputError: there is no draft, or nothing was saved in it yet.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = _row(work, set_id)
        before = row.text_before if row else None
    if row is None:
        raise unknown_draft(set_id)
    if before is None:
        raise InputError(
            "rules.nothing_to_undo",
            zh=f"规则集 {set_id} 的草稿刚打开，还没有可撤销的改动。",
            en=f"The draft of {set_id} was just opened; there is no change to take back yet.",
            set=set_id,
        )
    ruleset = _read(before, context.rules.vocabulary)
    return _save(context, set_id, version, ruleset, actor, "undone")


# how


def _edit(
    context: Context,
    set_id: str,
    version: int,
    actor: str,
    act: str,
    change: Change,
    what: str = "",
) -> Draft:
    base = working_set(context, set_id)
    document = document_of(base)
    change(document)
    ruleset = read_ruleset(document, context.rules.vocabulary, set_id, unfinished=True, before=base)
    return _save(context, set_id, version, ruleset, actor, act, what)


def _save(
    context: Context,
    set_id: str,
    version: int,
    ruleset: RuleSet,
    actor: str,
    act: str,
    what: str = "",
) -> Draft:
    text = write(ruleset)
    if version == 0 and draft_of(context, set_id) is None:
        live, before = live_set(context, set_id), write(working_set(context, set_id))
        return _begin(context, text, live.hash if live else "", actor, act, what, before)
    with context.store.begin(context.tenant_id) as work:
        row = _guarded(work, context, set_id, version, text)
        row.version += 1
        row.state, row.approved_by = EDITING, None
        row.text_before, row.text, row.hash = row.text, text, ruleset.hash
        row.changed_by, row.changed_at = actor, context.clock()
        row.authors = [*dict.fromkeys([*row.authors, actor])]
        record(work, context, set_id, actor, act, data={"what": what, "version": row.version})
        work.commit()
        _keep(context.rules.vocabulary, text, ruleset)
        return _draft(row, context.rules.vocabulary)


def _begin(
    context: Context,
    text: str,
    base_hash: str,
    actor: str,
    act: str,
    what: str = "",
    before: str | None = None,
) -> Draft:
    ruleset = _read(text, context.rules.vocabulary)
    if ruleset.id in RESERVED:
        raise _taken(ruleset.id)
    now = context.clock()
    row = RuleDraft(
        set_id=ruleset.id, version=1, state=EDITING, text=text, hash=ruleset.hash,
        base_hash=base_hash, author=actor, authors=[actor], started_at=now,
        changed_by=actor, changed_at=now, text_before=before,
    )  # fmt: skip
    with context.store.begin(context.tenant_id) as work:
        work.add(row)
        record(work, context, ruleset.id, actor, act, data={"what": what, "version": 1})
        try:
            work.commit()
        except IntegrityError:  # somebody began at the same moment
            found = draft_of(context, ruleset.id)
            if found is None:
                raise
            raise DraftChanged(found, text) from None
    return _draft(row, context.rules.vocabulary)


def _guarded(
    work: UnitOfWork, context: Context, set_id: str, version: int, yours: str
) -> RuleDraft:
    """The draft's row, taken for this transaction if it is still of this version."""
    taken = work.session.execute(
        update(RuleDraft)
        .where(RuleDraft.set_id == set_id, RuleDraft.version == version)
        .values(changed_at=context.clock())
        .execution_options(synchronize_session=False)
    )
    row = _row(work, set_id)
    if row is None:
        raise unknown_draft(set_id)
    if not taken.rowcount:  # type: ignore[attr-defined]  # an UPDATE has it
        raise DraftChanged(_draft(row, context.rules.vocabulary), yours)
    return row


guarded = _guarded


def read_text(context: Context, text: str) -> RuleSet:
    """A set by its text, as the vocabulary is today. Raises RuleProblems."""
    return _read(text, context.rules.vocabulary)


def unknown_draft(set_id: str) -> InputError:
    return InputError(
        "rules.no_draft",
        zh=f"规则集 {set_id} 没有草稿；它可能已发布或被丢弃。请从线上版本重新开始。",
        en=f"The set {set_id} has no draft: published or discarded. Start again from the live version.",
        set=set_id,
    )


def _row(work: UnitOfWork, set_id: str) -> RuleDraft | None:
    return work.session.scalar(select(RuleDraft).where(RuleDraft.set_id == set_id))


def _info(row: RuleDraft) -> DraftInfo:
    return DraftInfo(
        row.version, row.state, row.hash, row.author, row.approved_by or "", row.changed_by,
        row.changed_at,
    )  # fmt: skip


def _draft(row: RuleDraft, vocabulary: Vocabulary) -> Draft:
    return Draft(
        row.set_id, row.version, row.text, _read(row.text, vocabulary), row.state, row.base_hash,
        row.author, tuple(row.authors), row.approved_by or "", row.changed_by, row.changed_at,
    )  # fmt: skip


def _read(text: str, vocabulary: Vocabulary) -> RuleSet:
    """A set by its text; what was read lately is kept. Raises RuleProblems."""
    key = (id(vocabulary), text)
    with _lock:
        found = _read_sets.get(key)
        if found is not None:
            _read_sets.move_to_end(key)
            return found
    found = read_ruleset(text + "\n", vocabulary, name="draft", unfinished=True)
    _keep(vocabulary, text, found)
    return found


def _keep(vocabulary: Vocabulary, text: str, ruleset: RuleSet) -> None:
    with _lock:
        _read_sets[id(vocabulary), text] = ruleset
        while len(_read_sets) > KEPT:
            _read_sets.popitem(last=False)


def _taken(set_id: str) -> InputError:
    return InputError(
        "rules.set_taken",
        zh=f"编号 {set_id} 已被使用；请换一个。",
        en=f"The id {set_id} is taken; choose another.",
        field="id",
    )
