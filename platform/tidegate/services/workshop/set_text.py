"""A whole set as YAML, for people who would rather write it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.engine.problems import RuleProblems
from tidegate.engine.writing import write
from tidegate.errors import InputError
from tidegate.services.context import Context
from tidegate.services.view_names import Words
from tidegate.services.workshop import drafts
from tidegate.services.workshop.model import DraftChanged


@dataclass(frozen=True, slots=True)
class SetText:
    """`version` 0: there is no draft yet, this is the set in force."""

    set_id: str
    title: Words
    version: int
    text: str


@dataclass(frozen=True, slots=True)
class TextProblem:
    line: int
    column: int
    words: Words


@dataclass(frozen=True, slots=True)
class TextSaved:
    """`theirs` is what somebody else saved meanwhile, as of `version`."""

    done: bool
    problems: Sequence[TextProblem] = ()
    changed: bool = False
    theirs: str = ""


def opened(context: Context, set_id: str) -> SetText:
    """Raises NotFound."""
    draft = drafts.draft_of(context, set_id)
    if draft is not None:
        return SetText(set_id, draft.ruleset.title, draft.version, draft.text)
    ruleset = drafts.working_set(context, set_id)
    return SetText(set_id, ruleset.title, 0, write(ruleset))


def save(context: Context, set_id: str, version: int, text: str, actor: str) -> TextSaved:
    """Write the text into the draft if it reads without an error. Raises NotFound."""
    try:
        drafts.save_text(context, set_id, version, text, actor)
    except DraftChanged as error:
        return TextSaved(False, changed=True, theirs=error.theirs.text)
    except RuleProblems as error:
        problems = [
            TextProblem(p.line, p.column, {"zh": p.text("zh"), "en": p.text("en")})
            for p in error.problems
        ]
        return TextSaved(False, problems)
    except InputError as error:
        return TextSaved(
            False, [TextProblem(0, 0, {"zh": error.text("zh"), "en": error.text("en")})]
        )
    return TextSaved(True)
