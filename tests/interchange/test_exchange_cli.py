"""`tidegate rules import` and `export`: what they print, write and end with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tidegate.cli.rules import rules
from tidegate.engine.cases import run_cases
from tidegate.engine.reader import read_ruleset
from tidegate.engine.vocabulary import Vocabulary

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_LANGUAGE", "en")
    monkeypatch.delenv("TIDEGATE_RULES_DIR", raising=False)


def run(*args: str | Path, given: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(rules, [str(arg) for arg in args], input=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_a_dmn_file_is_printed_as_yaml_that_reads(vocabulary: Vocabulary) -> None:
    done = run(
        "import",
        EXAMPLES / "approval.dmn",
        "--map",
        "Verdict/look=hold",
        "--map",
        "Verdict/go=approve",
    )
    assert done.exit_code == 0
    ruleset = read_ruleset(done.stdout, vocabulary)
    assert (ruleset.id, ruleset.gate, len(ruleset.rules)) == ("order-approval", "review", 3)
    assert done.stderr == "7 rows read, 7 accepted, 0 rejected\n"


def test_json_tells_the_whole_account() -> None:
    done = run("import", EXAMPLES / "shipping.json", "--gate", "intake", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert list(told) == ["ruleset", "read", "accepted", "rejected", "problems", "inputs"]
    assert (told["read"], told["accepted"], told["rejected"]) == (6, 6, 0)
    assert told["ruleset"]["tables"][0]["id"] == "shipping-fee"
    assert told["inputs"] == {
        "customer.spent": "custom.customer_spent",
        "weightKg": "custom.weight_kg",
    }
    (problem,) = told["problems"]
    assert problem["place"] == "notify"
    assert problem["severity"] == "error"
    assert problem["code"] == "interchange.node"


def test_what_was_left_out_is_told_on_the_side(tmp_path: Path, vocabulary: Vocabulary) -> None:
    out = tmp_path / "carriers.yaml"
    done = run(
        "import",
        EXAMPLES / "carriers.tsv",
        "--gate",
        "routing",
        "--id",
        "carriers-2026",
        "--out",
        out,
    )
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "✗ 选快递, row 4 (line 7), column 货值:" in done.stderr
    assert done.stderr.endswith("4 rows read, 3 accepted, 1 rejected\n")
    assert read_ruleset(out, vocabulary).id == "carriers-2026"


def test_chinese_is_spoken_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_LANGUAGE", "zh")
    done = run("import", EXAMPLES / "carriers.tsv", "--gate", "routing")
    assert "读取 4 行，导入 3 行，未导入 1 行" in done.stderr


def test_a_pasted_table_comes_from_standard_input(vocabulary: Vocabulary) -> None:
    done = run("import", "-", given="省份\t标签\n浙江省\t近\n")
    assert done.exit_code == 0
    assert [rule.id for rule in read_ruleset(done.stdout, vocabulary).rules] == ["pasted.r1"]


def test_a_mapping_may_stand_in_a_file(tmp_path: Path, vocabulary: Vocabulary) -> None:
    names = tmp_path / "names.yaml"
    names.write_text(
        "Returns this year: custom.returns\nVerdict: {look: hold, go: approve}\n", "utf-8"
    )
    done = run("import", EXAMPLES / "approval.dmn", "--map", names)
    ruleset = read_ruleset(done.stdout, vocabulary)
    assert "custom.returns" in ruleset.fields
    assert {call.action.id for rule in ruleset.rules for call in rule.actions} == {
        "hold",
        "approve",
    }


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["missing.dmn"], "interchange.unreadable"),
        ([EXAMPLES / "approval.dmn", "--gate", "revue"], "interchange.unknown_gate"),
        ([EXAMPLES / "approval.dmn", "--map", "Verdict"], "interchange.bad_map"),
        ([EXAMPLES / "approval.dmn", "--map", "Verdict=shout"], "interchange.unknown_action"),
        ([EXAMPLES / "approval.dmn", "--id", "Not An Id"], "rule.bad_id"),
        ([EXAMPLES / "approval.dmn", "--out", "missing/folder/x.yaml"], "interchange.not_written"),
        ([EXAMPLES / "orders-nowhere.yaml"], "interchange.unreadable"),
    ],
)
def test_what_cannot_be_read_ends_with_two_and_a_code(args: list[str | Path], code: str) -> None:
    done = run("import", *args, "--json")
    assert done.exit_code == 2
    assert [problem["code"] for problem in json.loads(done.stdout)["problems"]] == [code]
    assert done.stderr


@pytest.mark.parametrize("kind", ["xlsx", "yaml", "dmn"])
def test_an_exported_set_comes_back_with_its_tests(
    kind: str, tmp_path: Path, vocabulary: Vocabulary
) -> None:
    out = tmp_path / f"routing.{kind}"
    done = run("export", "routing", "--to", kind, "--out", out, "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["rules"] == told["written"] > 20
    assert told["problems"] == []
    if kind == "yaml":
        back = read_ruleset(out, vocabulary)
    else:
        again = run("import", out)
        assert again.exit_code == 0
        back = read_ruleset(again.stdout, vocabulary)
    results = run_cases(back)
    assert len(results) > 10
    assert [result.case.name for result in results if not result.passed] == []


def test_rules_that_do_not_fit_the_format_are_named(tmp_path: Path) -> None:
    done = run("export", "review", "--to", "dmn", "--out", tmp_path / "review.dmn")
    assert done.exit_code == 1
    assert "✗ duplicate-order:" in done.stderr


def test_a_folder_or_an_unknown_set_is_refused(tmp_path: Path) -> None:
    for name in (tmp_path, "no-such-set"):
        done = run("export", name, "--to", "xlsx", "--out", tmp_path / "x.xlsx")
        assert done.exit_code == 2
    assert not (tmp_path / "x.xlsx").exists()
