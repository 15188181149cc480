"""The editor's page as plain values: a rule in rows, read by the engine, with its sentences and with
what is not finished.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.engine.language.rendering import literal_text
from tidegate.engine.language.sentences import stage_sentences
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import plain
from tidegate.services.context import Context
from tidegate.services.view_names import Words
from tidegate.services.workshop import drafts
from tidegate.services.workshop.fields import Found, find
from tidegate.services.workshop.rule_reading import Said, read_rule, sentences
from tidegate.services.workshop.rule_rows import Group, Lines, Row, RuleRows
from tidegate.services.workshop.rule_view import Viewing
from tidegate.services.workshop.rule_views import ActionView, GroupView
from tidegate.services.workshop.rule_writing import Wrong, document_of
from tidegate.services.workshop.set_names import SetNames
from tidegate.services.workshop.widgets import Choice, Widgets

Errors = Mapping[str, Mapping[str, Words]]


@dataclass(frozen=True, slots=True)
class Edition:
    """A set as it is worked on, with the version of its draft (0: there is none yet)."""

    ruleset: RuleSet
    names: SetNames
    version: int


@dataclass(frozen=True, slots=True)
class EditorPage:
    """Everything the editor shows. `rule` is the id in the draft, empty for a new rule; it is the
    `place`-th of `total`. `document` is the rule as JSON, empty while something is wrong.
    """

    set_id: str
    rule: str
    version: int
    rows: RuleRows
    condition: GroupView
    actions: Sequence[ActionView]
    known_actions: Sequence[Choice]
    asked: Words
    said: Mapping[str, Said]
    wrong: Sequence[Wrong]
    set_title: Words
    on_missing: str
    otherwise: Words
    stages: Sequence[Choice]
    stage: str
    place: int
    total: int
    document: str
    focus: str = ""
    fields: Found | None = None
    face: str = "form"
    text: str = ""
    dirty: bool = False
    errors: Errors = field(default_factory=dict)

    @property
    def unfinished(self) -> Sequence[str]:
        """Paths of the rows that are not finished, in their order."""
        return list(dict.fromkeys(one.path for one in self.wrong))


def edition(context: Context, set_id: str) -> Edition:
    """The set with its draft's version. Raises NotFound."""
    draft = drafts.draft_of(context, set_id)
    ruleset = draft.ruleset if draft else drafts.working_set(context, set_id)
    return Edition(ruleset, names_of(ruleset), draft.version if draft else 0)


def names_of(ruleset: RuleSet) -> SetNames:
    said = {}
    for name, parameter in ruleset.parameters.items():
        value = parameter.value
        said[name] = value if isinstance(value, str) else str(plain(literal_text(value)))
    return SetNames(ruleset, said)


def page_of(
    context: Context,
    here: Edition,
    rows: RuleRows,
    rule: str,
    *,
    focus: str = "",
    stage: str = "",
    more: Sequence[Wrong] = (),
) -> EditorPage:
    """The page for rows as they are; `more` is what was found wrong elsewhere."""
    ruleset = here.ruleset
    written = document_of(rows, here.names)
    read = read_rule(ruleset, written.document, written.places)
    wrong = list(dict.fromkeys((*written.wrong, *read.wrong, *more)))
    widgets = Widgets(context, here.names)
    viewing = Viewing(ruleset, here.names, widgets, rule, wrong)
    places = [one.id for one in ruleset.written]
    stages = [one for one in ruleset.stages if one.id]
    current = next((one for one in ruleset.stages if any(r.id == rule for r in one.written)), None)
    deciding = current or ruleset.stages[0]
    return EditorPage(
        ruleset.id, rule, here.version, rows,
        viewing.condition(rows, read.rule), viewing.actions(rows),
        [Choice(a, ruleset.vocabulary.actions[a].title) for a in ruleset.gate_spec.actions],
        ruleset.gate_spec.asked,
        sentences(read.rule, ruleset) if read.rule else {},
        wrong, ruleset.title, deciding.on_missing,
        {lang: stage_sentences(deciding, ruleset, lang)[1] for lang in ("zh", "en")},
        [Choice(one.id, one.title or None) for one in stages],
        current.id if current else stage or (stages[0].id if stages else ""),
        places.index(rule) + 1 if rule in places else 0, len(places),
        "" if wrong else json.dumps(written.document, ensure_ascii=False, default=str),
        focus, _picking(context, here.names, rows, focus),
        errors=viewing.errors,
    )  # fmt: skip


def _picking(context: Context, names: SetNames, rows: RuleRows, focus: str) -> Found | None:
    """The list of fields for the row at `focus`, if its field is being chosen."""
    found = row_at(rows.condition, focus)
    if found is None:
        return None
    row, over = found
    return find(context, names, row.query, over) if row.picking or not row.subject else None


def row_at(group: Group, path: str) -> tuple[Row, str | None] | None:
    """The row at a place, and the list whose line it asks about if it stands inside such a group."""
    here: object = group
    over: str | None = None
    steps = path.split("-")[1:]
    for step in steps:
        if not isinstance(here, (Group, Lines)) or int(step) >= len(here.parts):
            return None
        over = here.over if isinstance(here, Lines) else over
        here = here.parts[int(step)]
    return (here, over) if isinstance(here, Row) and steps else None
