"""The catalogue: everything in both languages, nothing missing, nothing left over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import tidegate
import tidegate_web
from tidegate.services.remotes.wording import title_of, words_of
from tidegate_web.language import catalogue, text_of

FOLDER = Path(tidegate_web.__file__).parent
OPEN = (  # areas whose keys are codes of data
    "reasons", "channels", "connectors", "payment", "refund", "address_check", "severity",
    "policies", "triggers", "events", "actors", "details", "values", "issues", "problem.", "sync.reasons.", "said.",
)  # fmt: skip
KEY = re.compile(r"""\b(?:t|text_of)\(f?["']([a-z_]+\.[a-z_.]*[a-z])["']""")
PREFIX = re.compile(r"""\b(?:t|known)\(f?["']([a-z_.]+[._])(?:["'] ~|\{)""")
PLACE = re.compile(r"\{(\w+)\}")


def sources() -> Iterator[tuple[Path, str]]:
    for path in [*FOLDER.rglob("*.py"), *(FOLDER / "templates").rglob("*.html")]:
        yield path, path.read_text(encoding="utf-8")


def variants(text: object) -> list[str]:
    return [str(each) for each in text.values()] if isinstance(text, Mapping) else [str(text)]


def test_every_text_exists_in_both_languages_with_the_same_places() -> None:
    assert len(catalogue()) > 400
    for key, texts in catalogue().items():
        assert set(texts) == {"zh", "en"}, key
        assert all(text.strip() for lang in texts.values() for text in variants(lang)), key
        if isinstance(texts["en"], Mapping):
            assert set(texts["en"]) == {"one", "other"}, key
        places = {lang: set(PLACE.findall(variants(texts[lang])[-1])) for lang in texts}
        odd = places["zh"] ^ places["en"]
        assert odd <= {"sum", "n"}, key


def test_english_is_english() -> None:
    for key, texts in catalogue().items():
        assert not any(re.search(r"[\u4e00-\u9fff]", text) for text in variants(texts["en"])), key


def test_every_text_a_page_asks_for_exists() -> None:
    asked = {(key, path.name) for path, text in sources() for key in KEY.findall(text)}
    assert len(asked) > 150
    assert [pair for pair in sorted(asked) if pair[0] not in catalogue()] == []


def test_no_text_is_left_over() -> None:
    asked = {key for _, text in sources() for key in KEY.findall(text)}
    asked_groups = {group for _, text in sources() for group in PREFIX.findall(text)}
    assert len(asked_groups) > 8
    unused = [
        key
        for key in catalogue()
        if key not in asked and not key.startswith((*asked_groups, *OPEN))
    ]
    assert unused == []


def test_plural_follows_the_number() -> None:
    assert text_of("orders.sum", "en", n="1") == "1 order not over yet"
    assert text_of("orders.sum", "en", n="2") == "2 orders not over yet"
    assert text_of("orders.sum", "zh", n="2") == "2 单未完结"


def remote_codes() -> Iterator[tuple[str, str]]:
    """(code, file) of every error of another side that the platform itself raises."""
    for path in Path(tidegate.__file__).parent.rglob("*.py"):
        if "contract" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id.startswith("Remote")
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                yield str(node.args[0].value), path.name


def test_every_code_that_is_kept_of_a_call_has_words() -> None:
    codes = set(remote_codes())
    assert len(codes) > 15
    assert sorted(pair for pair in codes if f"said.{pair[0]}" not in catalogue()) == []


def test_codes_of_connectors_are_told_in_the_words_of_their_manifests() -> None:
    assert words_of("shopify.THROTTLED") == {
        "zh": "Shopify 的查询点数用完了, 稍后再试。",
        "en": "Shopify's query points are used up; tried again soon.",
    }
    assert words_of("shopify.TIMEOUT") == {
        "zh": "Shopify 店铺暂时不能处理; 会自动重试。",
        "en": "Shopify shop can't do it just now; it is tried again.",
    }
    assert [words_of(code) for code in ("shopify.nobody_knows", "nobody.x", "")] == [None] * 3


def test_an_account_that_nobody_named_is_called_as_its_platform_in_both_languages() -> None:
    assert title_of("jushuitan", "聚水潭") == {"zh": "聚水潭", "en": "Jushuitan"}
    assert title_of("jushuitan", "我的 ERP") == {"zh": "我的 ERP", "en": "我的 ERP"}
    assert title_of("nobody", "聚水潭") == {"zh": "聚水潭", "en": "聚水潭"}
