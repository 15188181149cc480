"""The rule editor without a memory: every change posts the whole rule, and the answer is the rule as it
is now. Saving writes it into the set's draft.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from pypinyin import lazy_pinyin

from tidegate.engine.problems import RuleProblems
from tidegate.engine.rulesets import Rule, RuleSet
from tidegate.engine.sourced import read_yaml
from tidegate.engine.yaml_text import yaml_text
from tidegate.errors import InputError, NotFound
from tidegate.services.context import Context
from tidegate.services.view_names import Words
from tidegate.services.workshop import drafts
from tidegate.services.workshop.fields import Found, find
from tidegate.services.workshop.model import DraftChanged
from tidegate.services.workshop.rule_edits import edited, with_row
from tidegate.services.workshop.rule_opening import rows_of
from tidegate.services.workshop.rule_page import (
    Edition,
    EditorPage,
    edition,
    names_of,
    page_of,
    row_at,
)
from tidegate.services.workshop.rule_posting import Posted, rows_of_post
from tidegate.services.workshop.rule_reading import read_rule, row_of, sentences
from tidegate.services.workshop.rule_rows import ActionRow, Group, Row, RuleRows, Value
from tidegate.services.workshop.rule_view import unknown_rule
from tidegate.services.workshop.rule_writing import Wrong, document_of

_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a save: the id it was saved under, or the page with what is wrong; `theirs` is
    the rule as somebody else saved it meanwhile (None when they removed it).
    """

    rule: str = ""
    page: EditorPage | None = None
    changed: bool = False
    theirs: Words | None = None


def opened(context: Context, set_id: str, rule_id: str = "") -> EditorPage:
    """The editor on a rule of the set; with an empty id on a new one.

    Raises:
        NotFound: no such set or rule.
        InputError: the rule is a row of a table.
    """
    here = edition(context, set_id)
    if not rule_id:
        rows = RuleRows(condition=Group("all", (Row(picking=True),)), actions=(ActionRow(),))
        return page_of(context, here, rows, "", focus="c-0")
    rule = rule_named(here.ruleset, rule_id)
    return page_of(context, here, rows_of(rule, here.names), rule_id)


def changed(
    context: Context, set_id: str, rule_id: str, posted: Posted, command: str = "", actor: str = ""
) -> EditorPage:
    """The rule as posted, after the button `command` (or none). Nothing is kept, but `name:` makes a
    named threshold in the draft, at once.
    """
    here = edition(context, set_id)
    rows, wrong = _posted_rows(posted, here)
    if wrong:
        return _text_page(context, here, rule_id, posted, wrong)
    version = _version(posted, here)
    if command.startswith("name:"):
        rows, version, wrong = _named(context, here, rows, version, posted, command, actor)
        here = edition(context, set_id)
    rows, focus = edited(rows, command, here.names)
    stage = _one(posted, "stage")
    page = page_of(context, here, rows, rule_id, focus=focus, stage=stage, more=wrong)
    page = replace(page, version=version, dirty=True)
    if command == "face:text" and not page.wrong:
        return replace(page, face="text", text=yaml_text(document_of(rows, here.names).document))
    if _one(posted, "face") == "text" and command != "face:form":
        return replace(page, face="text", text=_one(posted, "text"))
    return page


def save(context: Context, set_id: str, rule_id: str, posted: Posted, actor: str) -> Saved:
    """Write the rule into the draft, unless something is wrong or the draft is another by now.

    Raises:
        NotFound: the rule is gone.
    """
    here = edition(context, set_id)
    rows, wrong = _posted_rows(posted, here)
    if wrong:
        return Saved(page=_text_page(context, here, rule_id, posted, wrong))
    rows = replace(rows, id=rows.id or _fresh_id(rows, here.ruleset))
    page = page_of(context, here, rows, rule_id, stage=_one(posted, "stage"))
    page = replace(page, version=_version(posted, here), dirty=True)
    if _one(posted, "face") == "text":
        page = replace(page, face="text", text=_one(posted, "text"))
    if page.wrong:
        return Saved(page=page)
    written = document_of(rows, here.names)
    new = not rule_id or all(rule.id != rule_id for rule in here.ruleset.written)
    try:
        drafts.save_rule(
            context, set_id, page.version, rule_id or rows.id, written.document, actor,
            new=new, stage=_one(posted, "stage") if new else "",
        )  # fmt: skip
    except DraftChanged as error:
        found = _theirs(error.theirs.ruleset, rule_id or rows.id)
        return Saved(page=replace(page, version=error.theirs.version), changed=True, theirs=found)
    except RuleProblems as error:
        found_wrong = [_placed(p.where, p.zh, p.en, written.places) for p in error.problems]
        again = page_of(context, here, rows, rule_id, more=found_wrong)
        return Saved(page=replace(again, version=page.version, face=page.face, text=page.text, dirty=True))  # fmt: skip
    except InputError as error:
        part = str(error.fields.get("field") or "id")
        taken = Wrong("rule", part, error.text("zh"), error.text("en"))
        again = page_of(context, here, rows, rule_id, stage=page.stage, more=[taken])
        return Saved(page=replace(again, version=page.version, dirty=True))
    return Saved(rule=rows.id)


def search(context: Context, set_id: str, query: str, over: str | None = None) -> Found:
    """Fields by what was typed. Raises NotFound."""
    return find(context, names_of(drafts.working_set(context, set_id)), query, over)


def rule_named(ruleset: RuleSet, rule_id: str) -> Rule:
    """Raises NotFound, or InputError for a row of a table."""
    for rule in ruleset.written:
        if rule.id == rule_id:
            if rule.table:
                raise unknown_rule(ruleset.id, rule_id)
            return rule
    raise NotFound(
        "editor.no_rule",
        zh=f"规则集 {ruleset.id} 里没有规则 {rule_id}，可能已改名或删除。",
        en=f"The rule set {ruleset.id} has no rule {rule_id}; it may be renamed or removed.",
        set=ruleset.id,
        rule=rule_id,
    )


# from what was posted


def _posted_rows(posted: Posted, here: Edition) -> tuple[RuleRows, list[Wrong]]:
    """From the fields of the form, or from the text where the text was shown."""
    if _one(posted, "face") != "text":
        return rows_of_post(posted, here.names), []
    try:
        data = read_yaml(_one(posted, "text"), "rule").data
    except RuleProblems as error:
        return RuleRows(), [
            Wrong("text", "text", p.text("zh"), p.text("en")) for p in error.problems
        ]
    if not isinstance(data, dict):
        zh, en = "一条规则应为“键: 值”，例如 if: […]", "A rule is a mapping, such as if: […]"
        return RuleRows(), [Wrong("text", "text", zh, en)]
    found = read_rule(here.ruleset, data, {})
    if found.rule is None or found.wrong:
        return RuleRows(), [Wrong("text", "text", one.zh, one.en) for one in found.wrong]
    rows = rows_of(found.rule, here.names)
    return replace(rows, id=str(data.get("id") or "")), []


def _named(
    context: Context,
    here: Edition,
    rows: RuleRows,
    version: int,
    posted: Posted,
    command: str,
    actor: str,
) -> tuple[RuleRows, int, list[Wrong]]:
    """The fixed number of a row as a named threshold of the set; the row uses it from now on."""
    path = command.partition(":")[2]
    title = _one(posted, f"{path}.pn").strip()
    found = row_at(rows.condition, path)
    kind = here.names.get(found[0].subject) if found else None
    if found is None or kind is None or not title:
        return rows, version, [Wrong(path, "pn", "请给门槛起个名字", "Give the threshold a name")]
    value = found[0].value
    number = value.text.replace(",", "")
    name = _free(title.replace("-", " "), here.names.all, "_")
    document = {
        "type": kind.type.kind,
        "value": f"{number} {value.unit}" if kind.type.kind == "money" else number + value.unit,
        **({"unit": kind.type.unit} if kind.type.unit else {}),
        "title": title,
    }
    try:
        draft = drafts.save_parameter(context, here.ruleset.id, version, name, document, actor)
    except DraftChanged:
        zh = "别人先改了草稿；请先保存这条规则，再起名字"
        en = "Somebody changed the draft first; save this rule, then name it"
        return rows, version, [Wrong(path, "pn", zh, en)]
    except RuleProblems as error:
        problem = error.problems[0]
        return rows, version, [Wrong(path, "pn", problem.zh, problem.en)]
    row = replace(found[0], value=Value(name, "named"))
    return replace(rows, condition=with_row(rows.condition, path, row)), draft.version, []


def _text_page(
    context: Context, here: Edition, rule_id: str, posted: Posted, wrong: Sequence[Wrong]
) -> EditorPage:
    """The text as typed, with what is wrong with it."""
    page = page_of(context, here, RuleRows(id=rule_id), rule_id, more=wrong)
    kept = [one for one in page.wrong if one.path == "text"]
    return replace(
        page, wrong=kept, document="", said={}, version=_version(posted, here),
        face="text", text=_one(posted, "text"), dirty=True,
    )  # fmt: skip


def _version(posted: Posted, here: Edition) -> int:
    text = _one(posted, "version")
    return int(text) if text.isdigit() and len(text) < 10 else here.version


def _one(posted: Posted, name: str) -> str:
    found = posted.get(name)
    return found[-1].replace("\r\n", "\n") if found else ""


# saving


def _theirs(ruleset: RuleSet, rule_id: str) -> Words | None:
    found = next((rule for rule in ruleset.written if rule.id == rule_id), None)
    if found is None:
        return None
    said = sentences(found, ruleset)
    return {
        lang: told(found.title[lang], found.why.get(lang, ""), said[lang].text) for lang in said
    }


def told(title: str, why: str, sentence: str) -> str:
    """A rule in one line: its name, why, and what it says."""
    return f"{title}{f' ({why})' if why else ''}: {sentence}"


def _placed(where: str, zh: str, en: str, places: dict[str, str]) -> Wrong:
    """A problem of the whole set with the row it belongs to; the paths are the rule's own."""
    _, _, inner = where.rpartition(" ")
    path, part = row_of(inner if inner.startswith("rules[") else f"rules[0].{inner}", places)
    return Wrong(path, part, zh, en)


def _fresh_id(rows: RuleRows, ruleset: RuleSet) -> str:
    """An id made from the name that no other rule has."""
    return _free(rows.en or rows.zh, {rule.id for rule in ruleset.written}, "-")


def _free(title: str, taken: Container[str], gap: str) -> str:
    """A name spelled from a title, with a number behind it if it is taken."""
    spelled = " ".join(lazy_pinyin(title)).lower()
    name = _SLUG.sub(gap, spelled).strip(gap)[:60] or "rule"
    found, number = name if name[0].isalpha() else f"r{gap}{name}", 2
    while found in taken:
        found, number = f"{name}{gap}{number}", number + 1
    return found
