"""`simple_yaml.plain` gives what ruamel.yaml's safe loader gives, for every document it is used for."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tidegate.simple_yaml import plain

ROOT = Path(__file__).parents[1]
SHIPPED = sorted(
    path
    for pattern in (
        "web/tidegate_web/texts/*.yaml",
        "connectors/tidegate_connectors/*/manifest.yaml",
        "rules/tidegate_rules/*.y*ml",
        "platform/tidegate/services/demo_data/*.yaml",
    )
    for path in ROOT.glob(pattern)
)


def test_shipped_documents_are_read_as_the_full_parser_reads_them() -> None:
    assert len(SHIPPED) > 35
    for path in SHIPPED:
        text = path.read_text("utf-8")
        assert plain(text) == YAML(typ="safe", pure=True).load(text), path.name


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: 0.1\nb: [1.5, {c: 2.25}]\n", {"a": 0.1, "b": [1.5, {"c": 2.25}]}),
        ("a: NO\nb: 12:30\nc: true\nd:\n", {"a": "NO", "b": "12:30", "c": True, "d": None}),
        ("a: &x [1, 2]\nb: *x\n", {"a": [1, 2], "b": [1, 2]}),
        ("a: >\n  one\n  two\n", {"a": "one two\n"}),
        ("", None),
    ],
)
def test_what_is_not_simple_is_read_too(text: str, data: object) -> None:
    assert plain(text) == data
    assert repr(plain(text)) == repr(YAML(typ="safe", pure=True).load(text))


def test_what_is_no_yaml_is_refused() -> None:
    with pytest.raises(YAMLError):
        plain("a: [1, 2\nb: }\n")
