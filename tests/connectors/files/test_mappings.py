"""Mapping files: the shipped ones are sound, mistakes are told, and the documentation names everything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tidegate.errors import ConfigError
from tidegate.sdk.fields import order_fields
from tidegate.sdk.issues import TEXTS, issue_text
from tidegate_connectors.files import load_mapping, shipped
from tidegate_connectors.files.converters import CONVERTERS, STEPS
from tidegate_connectors.files.mapping import COLUMN, FILE, FILLS, TOP, parse_mapping

ROOT = Path(__file__).parents[3]

GOOD = """
tidegate: mapping/1
id: mine
title: {zh: 我的, en: Mine}
channel: mall
shop: Mall
files:
  orders:
    rows: line
    fields:
      order.number: {column: 单号, required: true}
    items:
      item.quantity: 数量
"""


def test_all_promised_mappings_are_shipped_and_valid() -> None:
    wanted = {
        "taobao",
        "jd",
        "douyin",
        "amazon",
        "tmall-report",
        "olist",
        "online-retail",
        "generic",
        "tidegate",
    }
    assert wanted == set(shipped())
    for name in wanted:
        mapping = load_mapping(name)
        assert mapping.id == name
        assert mapping.title.keys() == {"zh", "en"}


def test_every_status_of_a_shipped_mapping_is_in_the_vocabulary() -> None:
    choices = set(order_fields()["order.source_status"].choices)
    seen = 0
    for name in shipped():
        for file in load_mapping(name).files.values():
            for column in (file.fields.get("order.source_status"),):
                if column is not None:
                    seen += 1
                    assert set(column.values.values()) <= choices
    assert seen >= 8


def test_a_good_mapping_is_read() -> None:
    assert parse_mapping(GOOD, "mine.yaml").files["orders"].rows == "line"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("mapping/1", "mapping/2", "mapping/1"),
        ("channel: mall", "chanel: mall", "did you mean `channel`"),
        ("order.number", "order.numbre", "did you mean `order.number`"),
        ("item.quantity: 数量", "item.sku: 货号", "needs `item.quantity`"),
        ("rows: line", "rows: lines", "`order` or `line`"),
        ("required: true", "requird: true", "did you mean `required`"),
        (
            "item.quantity: 数量",
            "item.quantity: {column: 数量, convert: [quantty]}",
            "did you mean `quantity`",
        ),
        (
            "item.quantity: 数量",
            "item.quantity: {column: 数量, convert: [instant]}",
            "makes a instant",
        ),
        ("item.quantity: 数量", "item.quantity: {}", "needs `column`"),
        ("shop: Mall", "shop: Mall\ntimezone: Mars/Olympus", "IANA"),
        ("shop: Mall", "shop: Mall\ncurrency: yuan", "three-letter"),
        ("shop: Mall", "shop: Mall\ncurrency: {column: 币种}", "needs a `default`"),
        ("shop: Mall", "shop: Mall\nencodings: [klingon]", "klingon"),
        ("shop: Mall", "shop: Mall\nfill_in: [order.profit]", "order.profit"),
        ("  orders:", "  order:", "needs `orders`"),
        (
            "      order.number",
            "      order.source_status: {column: 状态, values: {x: lost}}\n      order.number",
            "'lost' is none of",
        ),
        ("id: mine", "id: [", "YAML"),
    ],
)
def test_a_mistake_is_told_with_its_place(old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        parse_mapping(GOOD.replace(old, new), "mine.yaml")
    assert caught.value.code == "mapping.invalid"
    assert told in caught.value.text("en")


def test_all_mistakes_are_told_at_once() -> None:
    broken = GOOD.replace("channel: mall", "chanel: mall").replace("rows: line", "rows: x")
    with pytest.raises(ConfigError) as caught:
        parse_mapping(broken, "mine.yaml")
    assert "chanel" in caught.value.text()
    assert "rows" in caught.value.text()


def test_an_unknown_mapping_names_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        load_mapping("taobo")
    assert "taobao?" in caught.value.text("en")
    with pytest.raises(ConfigError):
        load_mapping("./nowhere.yaml")


def test_the_page_names_every_key_step_converter_and_mapping() -> None:
    page = (ROOT / "docs" / "import.md").read_text("utf-8")
    named = set(re.findall(r"`([^`\n]+)`", page))
    wanted = TOP | FILE | COLUMN | set(STEPS) | set(CONVERTERS) | set(FILLS) | set(shipped())
    assert len(wanted) > 45
    assert wanted - named == set()


def test_the_example_on_the_page_is_valid() -> None:
    page = (ROOT / "docs" / "import.md").read_text("utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.S)
    assert parse_mapping(example, "example").id == "my-mall"


def test_every_code_that_is_raised_has_a_text_and_the_reverse() -> None:
    """Codes in the sources of this connector, the SDK and intake against the table of texts."""
    folders = [
        ROOT / "connectors" / "tidegate_connectors" / "files",
        ROOT / "platform" / "tidegate" / "services",
        ROOT / "platform" / "tidegate" / "sdk",
    ]
    used: set[str] = set()
    of_errors: set[str] = set()
    for folder in folders:
        for path in folder.glob("*.py"):
            if path.name == "issues.py" or (
                folder.name == "services" and "intake" not in path.name
            ):
                continue
            text = path.read_text("utf-8")
            errors = set(re.findall(r'Error\(\s*"((?:import|intake)\.\w+)"', text))
            of_errors |= errors
            used |= set(re.findall(r'"((?:import|intake)\.\w+)"', text)) - errors
    assert len(used) > 20
    assert used - set(TEXTS) == set()
    assert set(TEXTS) - used - of_errors == set()


def test_texts_exist_in_both_languages_and_name_field_and_value() -> None:
    assert issue_text("import.not_an_amount", "order.total", "abc", "zh").startswith(
        "“金额”写的是 abc"
    )
    assert issue_text("import.not_an_amount", "order.total", "abc", "en").startswith(
        "“Total” says abc"
    )
    assert issue_text("import.quantity_not_positive", "item.quantity", "-3", "en").startswith(
        "The quantity -3"
    )
    assert issue_text("their.code", "their.field", "x", "en") == "their.code their.field x"
    assert "nothing" in issue_text("import.not_an_amount", "order.total", "", "en")
    for chinese, english in TEXTS.values():
        assert re.search("[\u4e00-\u9fff]", chinese)
        assert not re.search("[\u4e00-\u9fff]", english)
