"""docs/rules-shipped.md and docs/vocabulary.md say what the packs and the dictionary say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.engine.language.rendering import literal_text
from tidegate.services.rule_files import FilePack

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("tool", ["docs_rules.py", "docs_vocabulary.py", "docs_templates.py"])
def test_a_page_made_from_the_data_is_current(tool: str) -> None:
    done = subprocess.run(
        [sys.executable, f"tools/{tool}", "check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_and_parameter_is_on_the_page(packs: dict[str, FilePack]) -> None:
    page = (ROOT / "docs" / "rules-shipped.md").read_text("utf-8")
    looked = 0
    for pack in packs.values():
        assert pack.ruleset is not None
        for rule in pack.ruleset.rules:
            looked += 1
            assert f"**`{rule.id}`** {rule.title['en']} · {rule.title['zh']}" in page
        for p in pack.ruleset.parameters.values():
            looked += 1
            assert f"| `{p.id}` | {literal_text(p.value)}" in page
    assert looked > 90


def test_every_fact_and_action_is_on_the_page(packs: dict[str, FilePack]) -> None:
    page = (ROOT / "docs" / "vocabulary.md").read_text("utf-8")
    ruleset = packs["review/review.yaml"].ruleset
    assert ruleset is not None
    names = [*ruleset.vocabulary.facts, *ruleset.vocabulary.actions, *ruleset.vocabulary.reasons]
    assert len(names) > 200
    assert [name for name in names if f"| `{name}` |" not in page] == []
