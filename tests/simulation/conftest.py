"""Sets, facts and versions for simulations."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tidegate.engine.compiled import Program, compile_set
from tidegate.engine.reader import read_ruleset
from tidegate.engine.vocabulary import Vocabulary, load_vocabulary
from tidegate.simulation.pool import Line, Settings

ROOT = Path(__file__).parents[2]
NOON = datetime.fromisoformat("2026-11-11T12:00:00+08:00")
HEAD = "tidegate: ruleset/1\nid: t\ngate: {gate}\npolicy: first\n"


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return load_vocabulary(ROOT / "rules" / "tidegate_rules" / "vocabulary.yaml")


@pytest.fixture(scope="session")
def text_of() -> Callable[..., str]:
    def make(*rules: str, gate: str = "review") -> str:
        return HEAD.format(gate=gate) + "rules:\n" + "".join(f"  - {rule}\n" for rule in rules)

    return make


@pytest.fixture(scope="session")
def program(vocabulary: Vocabulary) -> Callable[[str], Program]:
    return lambda text: compile_set(read_ruleset(text, vocabulary))


@pytest.fixture(scope="session")
def lines() -> Callable[[list[Any]], list[Line]]:
    return lambda documents: [
        (number, json.dumps(document, ensure_ascii=False).encode())
        for number, document in enumerate(documents, 1)
    ]


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(NOON)
