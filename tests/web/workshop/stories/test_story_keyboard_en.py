"""The manager's story in English, with the keyboard alone."""

from __future__ import annotations

from typing import Any

import pytest
from hands import Keys
from steps import MANAGER, OWNER, whole_story

pytestmark = pytest.mark.browser


def test_from_an_empty_set_to_a_decision_and_back_with_keys_alone(crew: Any) -> None:
    manager = Keys(crew.window(MANAGER, "en"))
    owner = Keys(crew.window(OWNER, "en"))
    whole_story(manager, owner, crew, "en")
