"""The manager's story where no script runs."""

from __future__ import annotations

from typing import Any

import pytest
from hands import Plain
from steps import MANAGER, OWNER, whole_story

pytestmark = pytest.mark.browser


def test_from_an_empty_set_to_a_decision_and_back_without_javascript(crew: Any) -> None:
    manager = Plain(crew.window(MANAGER, "zh", java_script_enabled=False))
    owner = Plain(crew.window(OWNER, "zh", java_script_enabled=False))
    whole_story(manager, owner, crew, "zh")
