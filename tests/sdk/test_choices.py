"""Choices of a connector's settings: plain values, or values with what people read in both languages."""

from __future__ import annotations

import pytest
from marshmallow import ValidationError

from tidegate.sdk import discovery
from tidegate.sdk.manifest_schema import SettingSchema

TITLE = {"zh": "方式", "en": "Way"}


def loaded(choices: object) -> dict[str, object]:
    found: dict[str, object] = SettingSchema().load({"title": TITLE, "choices": choices})
    return found


def test_values_alone_and_values_with_words() -> None:
    assert loaded([1, "two"])["choices"] == {"1": None, "two": None}
    said = {"own": {"zh": "自研", "en": "Own"}}
    assert loaded(said)["choices"] == said


@pytest.mark.parametrize("wrong", ["own", {"own": "自研"}, {"own": {"zh": "自研"}}])
def test_what_is_neither_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        loaded(wrong)


def test_shipped_choices_that_are_no_names_of_calls_have_words() -> None:
    looked = 0
    for name in discovery.installed():
        for setting in discovery.manifest_of(name).settings.values():
            for choice, said in setting.choices.items():
                looked += 1
                if said is None:  # names of algorithms and calls, products by number
                    assert "." in choice or "md5" in choice or "hmac" in choice or choice.isdigit()
                else:
                    assert said["zh"] != choice
    assert looked > 30
