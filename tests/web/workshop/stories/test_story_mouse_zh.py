"""The manager's story in Chinese, with the mouse."""

from __future__ import annotations

from typing import Any

import pytest
from hands import Mouse
from steps import MANAGER, OWNER, whole_story

pytestmark = pytest.mark.browser


def test_from_an_empty_set_to_a_decision_and_back_with_the_mouse(crew: Any) -> None:
    manager = Mouse(crew.window(MANAGER, "zh"))
    owner = Mouse(crew.window(OWNER, "zh"))
    whole_story(manager, owner, crew, "zh")
