"""Ready rules with blanks: found, filled in, and put into the draft of a set together with two tests.

The templates are data in `rules/tidegate_rules/templates/*.yml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from tidegate.engine.cases import DEFAULT_NOW
from tidegate.engine.language.sentences import rule_sentence
from tidegate.engine.problems import RuleProblems
from tidegate.engine.reader import read_ruleset
from tidegate.engine.reference import evaluate
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.sourced import read_yaml
from tidegate.engine.values import parse_instant
from tidegate.errors import InputError, NotFound
from tidegate.services.context import Context
from tidegate.services.rulebook import shipped_rules
from tidegate.services.view_names import Words, gate_title
from tidegate.services.workshop import drafts, set_edits
from tidegate.services.workshop.model import Draft

SCALARS = ("money", "number", "duration", "date", "time")


@dataclass(frozen=True, slots=True)
class Blank:
    """A value to fill in. `type` money, number, duration … becomes a threshold, list a named list; text and
    service stand in the rule itself.
    """

    name: str
    type: str
    title: Words
    value: str
    low: str
    high: str
    unit: str


@dataclass(frozen=True, slots=True)
class Template:
    id: str
    group: str
    gate: str
    gate_title: Words
    market: str
    title: Words
    about: Words
    blanks: Sequence[Blank]
    sentence: Words
    raw: Mapping[str, Any]


def find(context: Context, query: str = "", group: str = "") -> list[Template]:
    """Those whose title or description has the text, in the order of the files."""
    wanted = query.strip().casefold()
    return [
        one
        for one in every(context)
        if (not group or one.group == group)
        and (not wanted or any(wanted in text.casefold() for text in _texts(one)))
    ]


def groups(context: Context) -> list[str]:
    """In the order of the files."""
    return list(dict.fromkeys(one.group for one in every(context)))


def _texts(one: Template) -> Iterator[str]:
    yield one.id
    for words in (one.title, one.about, one.sentence):
        yield from words.values()


def template(context: Context, template_id: str) -> Template:
    """Raises NotFound."""
    for one in every(context):
        if one.id == template_id:
            return one
    raise NotFound(
        "templates.none",
        zh=f"没有模板 {template_id}。",
        en=f"There is no template {template_id}.",
        id=template_id,
    )


def every(context: Context) -> list[Template]:
    """All templates, told with their blanks as they come."""
    return [_template(context, raw) for raw in _raw()]


@cache
def _raw() -> tuple[Mapping[str, Any], ...]:
    files = sorted((shipped_rules() / "templates").glob("*.yml"), reverse=True)
    found: list[Mapping[str, Any]] = []
    for file in files:
        found += read_yaml(file.read_text("utf-8"), file.name).data["templates"]
    return tuple(found)


_told: dict[tuple[str, int], Words] = {}


def _template(context: Context, raw: Mapping[str, Any]) -> Template:
    blanks = [
        Blank(
            name, spec["type"], spec["title"], _shown(spec["value"]), _shown(spec.get("min")),
            _shown(spec.get("max")), spec.get("unit", ""),
        )
        for name, spec in (raw.get("blanks") or {}).items()
    ]  # fmt: skip
    key = (raw["id"], id(context.rules.vocabulary))
    if key not in _told:
        ruleset = as_set(context, raw)
        _told[key] = {lang: rule_sentence(ruleset.rules[0], ruleset, lang) for lang in ("zh", "en")}
    return Template(
        raw["id"], raw["group"], raw["gate"], gate_title(raw["gate"]), raw.get("market", "cn"),
        raw["title"], raw["about"], blanks, _told[key], raw,
    )  # fmt: skip


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def as_set(context: Context, raw: Mapping[str, Any]) -> RuleSet:
    """The template with its blanks as they come, as a set of its own."""
    document: dict[str, Any] = {
        "tidegate": "ruleset/1",
        "id": f"template-{raw['id']}",
        "gate": raw["gate"],
        "policy": "collect",
        "rules": [],
    }
    _put(document, raw, {}, raw["id"])
    return read_ruleset(document, context.rules.vocabulary, raw["id"])


# using


def use(
    context: Context,
    set_id: str,
    version: int,
    template_id: str,
    values: Mapping[str, str],
    actor: str,
) -> tuple[Draft, str]:
    """The filled template in the set's draft, with its two tests; the draft and the id of the rule.

    Raises:
        NotFound: no such template or set.
        InputError: a blank is empty or of the wrong kind (`fields["field"]` is its name), or the set is of
            another gate.
        DraftChanged: somebody saved meanwhile.
    """
    one = template(context, template_id)
    ruleset = drafts.working_set(context, set_id)
    if ruleset.gate != one.gate:
        raise InputError(
            "templates.other_gate",
            zh=f"这个模板用在“{one.gate_title['zh']}”，选一个那里的规则集。",
            en=f"This template is for “{one.gate_title['en']}”; choose a set there.",
            field="set",
        )
    taken = {rule.id for rule in ruleset.written} | set(ruleset.tables)
    rule_id = _free(one.id, taken)
    filled = _filled(one, values)

    def change(document: set_edits.Document) -> None:
        _put(document, one.raw, filled, rule_id)
        read = read_ruleset(document, context.rules.vocabulary, set_id, unfinished=True)
        names = {case.name for case in read.cases}
        cases = list(document.get("tests") or [])
        for kind in ("fires", "short"):
            title = {"fires": "触发", "short": "差一点"}[kind]
            name = _free(f"{one.title['zh']}：{title}", names)
            cases.append(_case(context, read, one.raw, kind, name))
        set_edits.put_cases(document, cases)

    try:
        draft = drafts.change_document(context, set_id, version, actor, "template", change, rule_id)
    except RuleProblems as error:
        first = error.problems[0]
        field = next(
            (b.name for b in one.blanks if b.name in first.where or b.name in first.en), ""
        )
        raise InputError(
            first.code, zh=first.text("zh"), en=first.text("en"), field=field or "set"
        ) from error
    return draft, rule_id


def _filled(one: Template, values: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for blank in one.blanks:
        text = values.get(blank.name, blank.value).strip()
        if not text:
            raise InputError(
                "templates.blank",
                zh=f"请填写“{blank.title['zh']}”。",
                en=f"Fill in “{blank.title['en']}”.",
                field=blank.name,
            )
        if blank.type == "list":
            found[blank.name] = list(dict.fromkeys(filter(None, map(str.strip, text.splitlines()))))
        else:
            found[blank.name] = text.replace(",", "") if blank.type in ("money", "number") else text
    return found


def _put(
    document: dict[str, Any], raw: Mapping[str, Any], values: Mapping[str, Any], rule_id: str
) -> None:
    """Thresholds, lists and the rule; names that are taken get a number."""
    renamed: dict[str, str] = {}
    texts: dict[str, str] = {}
    taken = {
        name for part in ("parameters", "lists", "derive") for name in document.get(part) or {}
    }
    for name, spec in (raw.get("blanks") or {}).items():
        value = values.get(name, spec["value"])
        if spec["type"] in ("text", "service"):
            texts[name] = str(value)
            continue
        own = _free(name, taken, "_")
        renamed[name] = own
        more = {key: spec[key] for key in ("min", "max", "unit") if key in spec}
        if spec["type"] == "list":
            entry = {"type": "text", "values": value, "title": spec["title"]}
            set_edits.put_entry(document, "lists", own, entry)
        else:
            entry = {"type": spec["type"], "value": value, **more, "title": spec["title"]}
            set_edits.put_entry(document, "parameters", own, entry)
    rule: dict[str, Any] = {"id": rule_id, "title": raw["title"], "why": raw["about"]}
    if raw.get("active"):
        rule["active"] = {key: str(day) for key, day in raw["active"].items()}
    rule["if"] = _worded(raw["if"], renamed, texts)
    rule["then"] = _worded(raw["then"], {}, texts)
    set_edits.add_rule(document, rule)


def _worded(part: Any, renamed: Mapping[str, str], texts: Mapping[str, str]) -> Any:
    if isinstance(part, Mapping):
        return {key: _worded(value, renamed, texts) for key, value in part.items()}
    if isinstance(part, list):
        return [_worded(value, renamed, texts) for value in part]
    if not isinstance(part, str):
        return part
    for name, text in texts.items():
        part = part.replace(f"${name}", text.replace('"', ""))
    for name, own in renamed.items():
        part = re.sub(rf"\b{re.escape(name)}\b", own, part)
    return part


def _free(name: str, taken: set[str], joint: str = "-") -> str:
    free, number = name, 2
    while free in taken:
        free, number = f"{name}{joint}{number}", number + 1
    return free


def instant(raw: Mapping[str, Any]) -> datetime:
    """When the examples of a template are looked at."""
    return parse_instant(str(raw["at"])) if "at" in raw else DEFAULT_NOW


def _case(
    context: Context, ruleset: RuleSet, raw: Mapping[str, Any], kind: str, name: str
) -> dict[str, Any]:
    """What the set with the rule in it says about an example of the template."""
    at = instant(raw)
    facts = raw[kind]
    decision = evaluate(ruleset, facts, at, context.timezone, currency=context.currency)
    expect = {"actions": [one.action for one in decision.actions], "fired": list(decision.fired)}
    return {"name": name, "at": at.isoformat(), "given": facts, "expect": expect}
