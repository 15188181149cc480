"""What the tests of foreign formats need: the shipped vocabulary, and the random sets of the engine's
tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tidegate.engine.vocabulary import Vocabulary, load_vocabulary

ROOT = Path(__file__).parents[2]
for folder in (Path(__file__).parent, ROOT / "tests" / "engine"):
    sys.path.insert(0, str(folder))  # so that tests here can import exchanging and strategies


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return load_vocabulary(ROOT / "rules" / "tidegate_rules" / "vocabulary.yaml")
