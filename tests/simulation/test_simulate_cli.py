"""`tidegate rules simulate` as an operations manager types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tidegate.cli.rules import rules

HIGH = "{id: high, if: ['order.total >= %d CNY'], then: [hold: {reason: high, queue: finance}]}"
PASS = "{id: pass, if: [], then: [approve]}"


@pytest.fixture
def folder(tmp_path: Path, text_of: Any) -> Path:
    (tmp_path / "live.yaml").write_text(text_of(HIGH % 2000, PASS), "utf-8")
    (tmp_path / "draft.yaml").write_text(text_of(HIGH % 3000, PASS), "utf-8")
    rows = [{"order": {"number": f"N{n}", "total": f"{n * 500} CNY"}} for n in range(10)]
    (tmp_path / "f.jsonl").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return tmp_path


def simulate(folder: Path, *more: str, facts: str = "f.jsonl", lang: str = "en") -> Any:
    arguments = [
        "simulate",
        str(folder / "draft.yaml"),
        "--against",
        str(folder / "live.yaml"),
    ]
    return CliRunner().invoke(
        rules,
        [*arguments, "--facts", str(folder / facts), *more],
        env={"TIDEGATE_LANGUAGE": lang},
    )


def test_the_json_has_the_promised_keys_and_adds_up(folder: Path) -> None:
    result = simulate(folder, "--json", "--now", "2026-11-11T12:00:00+08:00")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["subjects"], document["changed"], document["rejected"]) == (10, 2, 0)
    assert document["outcomes"]["before"] == {"approve": 4, "hold": 6}
    assert document["outcomes"]["after"] == {"approve": 6, "hold": 4}
    assert document["outcomes"]["moved"] == [{"from": "hold", "to": "approve", "count": 2}]
    assert [one["key"] for one in document["examples"]] == ["N4", "N5"]
    assert document["seconds"] >= 0
    assert document["live"]["hash"] != document["draft"]["hash"]


def test_a_bad_line_is_named_and_the_rest_is_judged(folder: Path) -> None:
    with (folder / "f.jsonl").open("a", encoding="utf-8") as stream:
        stream.write("\n\n{oops\n")
    result = simulate(folder, "--json", "--now", "2026-11-11T12:00:00+08:00")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (document["read"], document["subjects"], document["rejected"]) == (11, 10, 1)
    assert document["rejected_lines"][0]["line"] == 12


def test_bad_lines_and_refused_facts_are_told_with_place_and_remedy(folder: Path) -> None:
    with (folder / "f.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('\n{"order": {"total": "12 EUROS"}}\n{"order": }\n')
    result = simulate(folder, "--now", "2026-11-11T12:00:00+08:00")
    assert result.exit_code == 1
    bad = "f.jsonl:12: isn't one JSON object (Expecting value, character 11); check quotes"
    assert bad in result.stderr
    assert "refused 2 times (facts.bad_value); tidegate rules decide says why" in result.stderr


def test_resources_are_used_up_in_order(folder: Path, text_of: Any) -> None:
    enough = "{id: enough, if: ['every item in items satisfies item.available >= item.quantity'], then: [allocate]}"
    wait = "{id: wait, if: [], then: [hold_for_stock]}"
    (folder / "live.yaml").write_text(text_of(enough, wait, gate="inventory"), "utf-8")
    (folder / "draft.yaml").write_text(text_of(wait, gate="inventory"), "utf-8")
    rows = [{"items": [{"sku": "A1", "quantity": 1, "available": 9}]}] * 5
    (folder / "stock.jsonl").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    (folder / "r.json").write_text('{"item.available": {"A1": 2}}', "utf-8")
    result = simulate(folder, "--json", "--resources", str(folder / "r.json"), facts="stock.jsonl")
    assert json.loads(result.stdout)["outcomes"]["before"] == {"allocate": 2, "hold_for_stock": 3}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    ("file", "content", "code"),
    [("f.jsonl", None, 2), ("f.jsonl", "", 2), ("draft.yaml", "tidegate: ruleset/1\n", 2)],
)
def test_what_cannot_be_read_is_said_and_nothing_breaks(
    folder: Path, file: str, content: str | None, code: int, lang: str
) -> None:
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content, "utf-8")
    result = simulate(folder, lang=lang)
    assert result.exit_code == code
    assert result.output.strip()
    assert "Traceback" not in result.output


def test_sets_of_different_gates_are_not_compared(folder: Path, text_of: Any) -> None:
    (folder / "draft.yaml").write_text(
        text_of("{id: a, if: [], then: [allocate]}", gate="inventory"), "utf-8"
    )
    result = simulate(folder)
    assert result.exit_code == 2
    assert "review" in result.output
    assert "inventory" in result.output


def test_the_text_says_what_moved_in_both_languages(folder: Path) -> None:
    assert "2 come out differently" in simulate(folder).output
    assert "结果不同 2" in simulate(folder, lang="zh").output


def test_the_gate_judges_facts_and_changed_copies_of_them(folder: Path) -> None:
    arguments = ["agree", str(folder / "live.yaml"), "--facts", str(folder / "f.jsonl"), "--json"]
    result = CliRunner().invoke(rules, arguments, env={"TIDEGATE_LANGUAGE": "en"})
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document == {"real": 10, "mutated": 4, "failures": [], "unusable": 0}
