"""The rulebook keeps a folder's rules current, replaces them whole, and never loses the last good ones."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidegate.engine.problems import RuleProblems
from tidegate.engine.reference import evaluate
from tidegate.errors import ConfigError, NotFound
from tidegate.services.rulebook import Rulebook

NOW = datetime(2026, 11, 11, 1, tzinfo=UTC)
COD = {
    "payment": {"method": "cod", "status": "unpaid"},
    "items": [{"quantity": 1, "available": 1}],
    "recipient": {"phone_valid": True, "address_check": "deliverable"},
    "history": {"similar_orders": 0},
}


class Ticking:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def decided(book: Rulebook, total: str) -> str:
    facts = {**COD, "order": {"total": total}}
    return evaluate(book.for_gate("review")[0], facts, NOW).actions[0].action


def test_the_shipped_rules_answer_at_six_gates() -> None:
    book = Rulebook()
    found = {gate: [one.id for one in book.for_gate(gate)] for gate in book.vocabulary.gates}
    assert found == {
        "intake": ["intake"], "review": ["review"], "inventory": ["inventory"], "routing": ["routing"],
        "tracking": [], "alert": ["parcel-alerts"], "notify": [],
        "connection": ["connections"],
    }  # fmt: skip
    assert len(book.all()) == 6
    assert book.problems == ()
    assert book.states["order"]["received"]["to"][0] == "on_hold"


def test_content_is_the_text_of_the_file_behind_a_hash(copied: Path) -> None:
    book = Rulebook(copied)
    review = book.for_gate("review")[0]
    assert book.content(review.hash) == (copied / "review" / "review.yaml").read_text("utf-8")
    with pytest.raises(NotFound, match="no rule set with the hash 000000000000"):
        book.content("0" * 64)


def test_reasons_are_told_in_both_languages_and_unknown_ones_as_they_are() -> None:
    book = Rulebook()
    assert book.reason_text("unpaid", "zh-CN") == "未付清"
    assert book.reason_text("unpaid", "en") == "Not paid in full"
    assert book.reason_text("my_own_reason", "en") == "my_own_reason"


def test_an_unknown_gate_is_refused_with_the_known_ones() -> None:
    with pytest.raises(NotFound, match="known: intake, review"):
        Rulebook().for_gate("reviw")


def test_an_edit_is_in_force_after_a_second_and_not_before(
    copied: Path, edit: Callable[[str, str, str], Path]
) -> None:
    clock = Ticking()
    book = Rulebook(copied, clock=clock)
    old = book.for_gate("review")[0].hash
    assert decided(book, "900 CNY") == "approve"
    edit("review/review.yaml", "value: 1000 CNY", "value: 800 CNY")
    clock.now += 0.99
    assert decided(book, "900 CNY") == "approve"
    clock.now += 0.01
    assert decided(book, "900 CNY") == "hold"
    assert book.for_gate("review")[0].hash != old
    assert "value: 1000 CNY" in book.content(
        old
    )  # a decision of a minute ago can still be explained


def test_a_broken_edit_keeps_the_last_good_rules_and_says_what_is_wrong(
    copied: Path, edit: Callable[[str, str, str], Path]
) -> None:
    clock = Ticking()
    book = Rulebook(copied, clock=clock)
    before = {one.id: one.hash for one in book.all()}
    edit("review/review.yaml", "value: 1000 CNY", "value: 800 CNY")
    edit(
        "routing/routing.yaml",
        "[parcel.weight_g > instant_weight]",
        "[parcel.wieght_g > instant_weight]",
    )
    clock.now += 1
    assert {one.id: one.hash for one in book.all()} == before  # not even the good half
    assert len(book.problems) == 1
    assert "did you mean parcel.weight_g?" in book.problems[0].text("en")
    assert "routing/routing.yaml" in book.problems[0].text("en")
    edit(
        "routing/routing.yaml",
        "[parcel.wieght_g > instant_weight]",
        "[parcel.weight_g > instant_weight]",
    )
    clock.now += 1
    assert list(book.problems) == []
    assert decided(book, "900 CNY") == "hold"


def test_a_new_pack_and_a_removed_one_are_noticed(copied: Path) -> None:
    clock = Ticking()
    book = Rulebook(copied, clock=clock)
    own = copied / "review" / "own.yaml"
    own.write_text(
        "tidegate: ruleset/1\nid: own\ngate: review\npolicy: first\nrules:\n"
        '  - {id: a, if: [order.channel = "jd"], then: [approve]}\n',
        "utf-8",
    )
    clock.now += 1
    assert [one.id for one in book.for_gate("review")] == ["own", "review"]
    own.unlink()
    clock.now += 1
    assert [one.id for one in book.for_gate("review")] == ["review"]


def test_an_untouched_folder_is_not_read_again(copied: Path) -> None:
    clock = Ticking()
    book = Rulebook(copied, clock=clock)
    first = book.for_gate("review")[0]
    clock.now += 60
    assert book.for_gate("review")[0] is first
    file = copied / "review" / "review.yaml"
    os.utime(file, ns=(1, 1))
    clock.now += 60
    assert book.for_gate("review")[0] is first, "looked at again, and it says the same"
    file.write_text(file.read_text("utf-8") + "\n# said otherwise\n", "utf-8")
    clock.now += 60
    assert book.for_gate("review")[0] is not first


def test_two_sets_with_one_id_are_refused(copied: Path) -> None:
    text = (copied / "review" / "review.yaml").read_text("utf-8")
    (copied / "review" / "copy.yaml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"review/copy\.yaml and in review/review\.yaml"):
        Rulebook(copied)


def test_broken_rules_at_start_name_file_line_and_remedy(
    copied: Path, edit: Callable[[str, str, str], Path]
) -> None:
    edit("review/review.yaml", "cod_due > cod_limit", "cod_due > cod_limmit")
    edit("alerts/parcel.yaml", "policy: collect", "policy: colect")
    with pytest.raises(RuleProblems) as caught:
        Rulebook(copied)
    said = caught.value.text("en")
    assert "alerts/parcel.yaml, review/review.yaml has 2 problem(s)" in said
    assert "did you mean cod_limit?" in said
    assert "did you mean collect?" in said


def test_a_file_without_the_head_of_a_rule_set_is_not_passed_over(copied: Path) -> None:
    (copied / "review" / "notes.yaml").write_text("gate: review\n", "utf-8")
    with pytest.raises(RuleProblems, match="begins with tidegate: ruleset/1"):
        Rulebook(copied)


def test_a_file_that_is_no_utf8_is_refused_with_its_name(copied: Path) -> None:
    (copied / "review" / "review.yaml").write_bytes("标题".encode("gb18030"))
    with pytest.raises(ConfigError, match=r"review/review\.yaml can't be read"):
        Rulebook(copied)


def test_a_folder_without_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="TIDEGATE_RULES_DIR"):
        Rulebook(tmp_path)
    with pytest.raises(ConfigError, match="TIDEGATE_RULES_DIR"):
        Rulebook(tmp_path / "nowhere")


def test_a_folder_without_vocabulary_uses_the_shipped_one(copied: Path) -> None:
    (copied / "vocabulary.yaml").unlink()
    (copied / "states.yaml").unlink()
    book = Rulebook(copied)
    assert book.vocabulary.fact("订单.金额") is not None
    assert "received" in book.states["order"]


def test_a_changed_vocabulary_is_taken_with_the_rules(
    copied: Path, edit: Callable[[str, str, str], Path]
) -> None:
    clock = Ticking()
    book = Rulebook(copied, clock=clock)
    edit(
        "vocabulary.yaml",
        "{zh: 未付清, en: Not paid in full}",
        "{zh: 等付款, en: Awaiting payment}",
    )
    clock.now += 1
    assert book.reason_text("unpaid", "zh") == "等付款"


def test_many_threads_see_whole_editions_only(copied: Path) -> None:
    """Two files are edited as one; no thread ever sees one of them alone."""
    clock = Ticking()
    book = Rulebook(copied, clock=clock)
    seen: set[tuple[str, ...]] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.add(tuple(one.hash for one in book.all()))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for name, old, new in (("review", "1000 CNY", "800 CNY"), ("routing", "1000 CNY", "800 CNY")):
        file = copied / name / f"{name}.yaml"
        file.write_text(file.read_text("utf-8").replace(old, new), "utf-8")
    clock.now += 1
    book.all()
    stop.set()
    for thread in threads:
        thread.join()
    assert 1 <= len(seen) <= 2
    assert book.for_gate("routing")[0].parameters["insure_from"].value.amount == 800  # type: ignore[attr-defined]
