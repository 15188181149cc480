"""Write docs/templates.md from the ready rules themselves: `python tools/docs_templates.py [check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tidegate.engine.language.sentences import rule_sentence
from tidegate.services.rulebook import Rulebook
from tidegate.services.workshop import templates
from tidegate_web.language import catalogue

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "templates.md"
HEAD = """# Ready rules 规则模板

Made from [the templates](../rules/tidegate_rules/templates) by `tools/docs_templates.py`. On the page `/rules/templates` one fills in the blanks
and puts a rule into the draft of a set, together with two tests: one order on which it fires, and one just short of it. How to add one:
[workshop](workshop.md#ready-rules). Through the [API](api.md): `POST /api/v1/sets/<set>/draft/templates/<id>`.

"""


class _Rules:
    """What the templates need of a context: the shipped rulebook."""

    rules = Rulebook()


def page() -> str:
    """The whole page."""
    return HEAD + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    raw = templates._raw()
    yield f"{len(raw)} rules."
    for group in dict.fromkeys(one["group"] for one in raw):
        words = catalogue()[f"templates.groups.{group}"]
        yield f"\n## {words['en']} {words['zh']}\n"
        yield "| id | gate | what it does | blanks |"
        yield "|---|---|---|---|"
        for one in raw:
            if one["group"] == group:
                yield _row(one)


def _row(one: dict) -> str:  # type: ignore[type-arg]  # a document
    ruleset = templates.as_set(_Rules(), one)  # type: ignore[arg-type]  # only its rules are asked for
    said = {lang: rule_sentence(ruleset.rules[0], ruleset, lang) for lang in ("zh", "en")}
    blanks = "; ".join(
        f"`{name}` {spec['title']['zh']} ({spec['type']})"
        for name, spec in (one.get("blanks") or {}).items()
    )
    what = f"**{one['title']['en']} · {one['title']['zh']}**<br>{said['en']}<br>{said['zh']}"
    return f"| `{one['id']}` | {one['gate']} | {_cell(what)} | {_cell(blanks)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> int:
    text = page()
    if "check" in sys.argv[1:]:
        if PAGE.read_text("utf-8") == text:
            return 0
        print("docs/templates.md is not current: run python tools/docs_templates.py")
        return 1
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
