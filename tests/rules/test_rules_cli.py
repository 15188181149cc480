"""`tidegate rules`: what it prints, in which shape, and which exit code it ends with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tidegate.cli.rules import rules
from tidegate.services.rulebook import shipped_rules

AT = ("--now", "2026-11-11T09:00:00+08:00")
CLEAN = {
    "payment": {"status": "paid"},
    "recipient": {"phone_valid": True, "address_check": "deliverable"},
    "history": {"similar_orders": 0},
    "items": [{"quantity": 2, "available": 5}],
}
SUSPICIOUS = {**CLEAN, "recipient": {"phone_valid": True, "address_check": "suspicious"}}


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_LANGUAGE", "en")
    monkeypatch.delenv("TIDEGATE_RULES_DIR", raising=False)


def run(*args: str | Path, given: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(rules, [str(arg) for arg in args], input=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def written(folder: Path, name: str, content: object) -> Path:
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return file


# decide


def test_decide_prints_one_document_for_one_object(tmp_path: Path) -> None:
    facts = written(tmp_path, "facts.json", SUSPICIOUS)
    result = run("decide", "review", "--facts", facts, *AT, "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert list(document) == [
        "ruleset", "hash", "now", "actions", "overridden", "rules", "derived", "missing",
    ]  # fmt: skip
    assert document["ruleset"] == "review"
    assert re.fullmatch(r"[0-9a-f]{64}", document["hash"])
    assert document["now"] == "2026-11-11T09:00:00+08:00"
    assert document["actions"] == [
        {
            "action": "hold",
            "args": {"reason": "suspicious_address", "queue": "manual_review"},
            "rule": "suspicious-address",
        }
    ]
    assert [one["rule"] for one in document["overridden"]] == ["paid-and-in-stock"]
    assert document["missing"] == []
    fired = next(rule for rule in document["rules"] if rule["id"] == "suspicious-address")
    assert fired["result"] == "fired"
    assert {"text", "result", "values"} <= set(fired["leaves"][0])
    leaf = fired["leaves"][2]
    assert leaf["text"] == 'recipient.address_check = "suspicious"'
    assert (leaf["result"], leaf["values"]) == (True, {"recipient.address_check": "suspicious"})


def test_decide_prints_a_list_for_json_lines(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(one) for one in (CLEAN, SUSPICIOUS)) + "\n"
    result = run(
        "decide", "review", "--facts", written(tmp_path, "facts.jsonl", lines), *AT, "--json"
    )
    assert result.exit_code == 0
    assert [one["actions"][0]["action"] for one in json.loads(result.stdout)] == ["approve", "hold"]


def test_one_json_line_is_still_a_list(tmp_path: Path) -> None:
    facts = written(tmp_path, "facts.jsonl", json.dumps(CLEAN))
    assert len(json.loads(run("decide", "review", "--facts", facts, *AT, "--json").stdout)) == 1


def test_of_many_facts_only_rules_that_fired_or_lost_are_listed(tmp_path: Path) -> None:
    lines = f"{json.dumps(CLEAN)}\n{json.dumps(SUSPICIOUS)}\n"
    facts = written(tmp_path, "facts.jsonl", lines)
    found = json.loads(run("decide", "review", "--facts", facts, *AT, "--json").stdout)
    for one, line in zip(found, lines.splitlines(), strict=True):
        alone = run("decide", "review", "--facts", "-", *AT, "--json", given=line)
        whole = json.loads(alone.stdout)
        assert {rule["result"] for rule in one["rules"]} == {"fired"}
        assert one["rules"] == [rule for rule in whole["rules"] if rule["result"] == "fired"]
        assert one["untraced"] == len(whole["rules"]) - len(one["rules"])
        assert one["actions"] == whole["actions"]


def test_decide_prints_a_list_for_a_json_list(tmp_path: Path) -> None:
    facts = written(tmp_path, "facts.json", [CLEAN])
    assert len(json.loads(run("decide", "review", "--facts", facts, *AT, "--json").stdout)) == 1


def test_decide_reads_standard_input_as_object_or_lines() -> None:
    one = run("decide", "review", "--facts", "-", *AT, "--json", given=json.dumps(CLEAN, indent=2))
    assert json.loads(one.stdout)["actions"][0]["action"] == "approve"
    lines = f"{json.dumps(CLEAN)}\n{json.dumps(SUSPICIOUS)}\n"
    many = run("decide", "review", "--facts", "-", *AT, "--json", given=lines)
    assert len(json.loads(many.stdout)) == 2


def test_decide_takes_a_file_and_the_same_answer_comes_for_its_name(tmp_path: Path) -> None:
    facts = written(tmp_path, "facts.json", CLEAN)
    file = shipped_rules() / "review" / "review.yaml"
    by_file = run("decide", file, "--facts", facts, *AT, "--json").stdout
    assert by_file == run("decide", "review", "--facts", facts, *AT, "--json").stdout


def test_decimals_stay_exact(tmp_path: Path) -> None:
    """1000.01 as a JSON number is one cent over the limit, and stays so with twenty digits."""
    cod = {**CLEAN, "payment": {"method": "cod", "status": "unpaid"}}
    over = json.dumps({**cod, "order": {"total": "X"}}).replace('"X"', "1000.000000000000000001")
    result = run(
        "decide", "review", "--facts", written(tmp_path, "facts.json", over), *AT, "--json"
    )
    assert json.loads(result.stdout)["actions"][0]["args"]["reason"] == "cod_over_limit"


def test_now_is_the_only_clock(tmp_path: Path) -> None:
    facts = written(
        tmp_path,
        "f.json",
        {"parcel": {"state": "waybill", "waybill_at": "2026-11-11T08:00:00+08:00"}},
    )
    early = run(
        "decide", "parcel", "--facts", facts, "--now", "2026-11-11T09:00:00+08:00", "--json"
    )
    late = run("decide", "parcel", "--facts", facts, "--now", "2026-11-11T01:00:01Z", "--json")
    assert json.loads(early.stdout)["actions"] == []
    assert json.loads(late.stdout)["actions"][0]["args"]["kind"] == "print_late"


def test_the_language_of_titles_can_be_chosen(tmp_path: Path) -> None:
    facts = written(tmp_path, "facts.json", CLEAN)
    zh = json.loads(run("decide", "review", "--facts", facts, *AT, "--json", "--lang", "zh").stdout)
    en = json.loads(run("decide", "review", "--facts", facts, *AT, "--json").stdout)
    titles = [
        next(rule["title"] for rule in one["rules"] if rule["id"] == "paid-and-in-stock")
        for one in (zh, en)
    ]
    assert titles == ["已付款且全部有货则通过", "Paid and in stock passes"]
    assert zh["hash"] == en["hash"]


def test_the_account_says_what_why_and_what_stopped_the_others(tmp_path: Path) -> None:
    said = run(
        "decide", "review", "--facts", written(tmp_path, "facts.json", SUSPICIOUS), *AT
    ).stdout
    assert (
        "→ Hold for a person (Reason Suspicious address, Queue Manual review)  ← suspicious-address"
        in said
    )
    assert "why: Parcels to fake or test addresses only come back" in said
    assert "Approve (paid-and-in-stock) overridden by suspicious-address" in said
    assert (
        "recipient address check is “incomplete”: no (recipient.address_check = suspicious)" in said
    )


def test_the_account_names_values_and_reasons_in_the_language_of_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_LANGUAGE", "zh")
    facts = written(tmp_path, "facts.json", SUSPICIOUS)
    said = run("decide", "review", "--facts", facts, *AT).stdout
    assert "为什么: 假地址、测试地址发出去只会退回来" in said
    assert "(recipient.address_check = 可疑)" in said
    file = written(
        tmp_path, "t.yaml", TABLE.replace("order.quantity <= 5", 'payment.status = "paid"')
    )
    said = run("check", file).stdout
    assert "payment.status = 已付款" in said
    (given,) = {
        one["witness"]["payment"]["status"]
        for one in json.loads(run("check", file, "--json").stdout)["findings"]
        if one["code"] == "check.overlap"
    }
    assert given == "paid"


def test_the_account_names_what_is_missing(tmp_path: Path) -> None:
    facts = written(tmp_path, "facts.json", {**CLEAN, "items": [{"quantity": 1}]})
    said = run("decide", "review", "--facts", facts, *AT).stdout
    assert "missing: Line Available (item.available)" in said


def test_a_mistyped_fact_is_pointed_out_beside_the_answer(tmp_path: Path) -> None:
    facts = written(tmp_path, "facts.json", {**CLEAN, "order": {"totl": "1 CNY"}, "itms": []})
    result = run("decide", "review", "--facts", facts, *AT, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["ruleset"] == "review"
    assert "there is no fact order.totl; did you mean order.total?" in result.stderr
    assert "there is no fact group itms; did you mean items?" in result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"order": {"total": }}', r"facts\.json:1:21 isn't valid JSON"),
        ('{\n "order": {},\n "items": [}\n', r"facts\.json:3:12 isn't valid JSON"),
        ("", r"facts\.json holds nothing"),
        ("12", r"should be one object"),
        ("[]", r"should be one object"),
        ('{"order": {"total": NaN}}', "NaN isn't a number; write null"),
        ('{"order": {}, "order": {}}', "the key order stands twice"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_broken_fact_file_gets_one_clear_sentence(
    tmp_path: Path, content: str, said: str
) -> None:
    result = run(
        "decide", "review", "--facts", written(tmp_path, "facts.json", content), *AT, "--json"
    )
    assert result.exit_code == 2
    problem = json.loads(result.stdout)["problems"][0]
    assert re.search(said, problem["message"]), problem
    assert problem["message"] in result.stderr
    assert "Traceback" not in result.output


def test_a_fact_file_in_another_encoding_says_so(tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    file.write_bytes('{"order": {"buyer_memo": "改地址"}}'.encode("gb18030"))
    result = run("decide", "review", "--facts", file, *AT)
    assert result.exit_code == 2
    assert "isn't UTF-8; save it as UTF-8" in result.stderr


def test_a_fact_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    result = run("decide", "review", "--facts", tmp_path / "none.json", *AT)
    assert result.exit_code == 2
    assert "none.json can't be read" in result.stderr


def test_a_fact_of_the_wrong_type_names_the_fact_and_not_its_value(tmp_path: Path) -> None:
    facts = written(
        tmp_path, "facts.json", {**CLEAN, "order": {"total": "secret", "manual_review": "none"}}
    )
    result = run("decide", "intake", "--facts", facts, *AT, "--json")
    assert result.exit_code == 2
    problem = json.loads(result.stdout)["problems"][0]
    assert "The fact order.total should be money such as 99.00 CNY" in problem["message"]
    assert "secret" not in result.output


def test_bad_lines_lose_none_of_the_good_ones(tmp_path: Path) -> None:
    lines = [json.dumps(CLEAN), '{"order": ', json.dumps({"items": 3}), "7", json.dumps(SUSPICIOUS)]
    facts = written(tmp_path, "facts.jsonl", "\n".join(lines))
    result = run("decide", "review", "--facts", facts, *AT, "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert len(found) == 5
    assert [one["actions"][0]["action"] for one in (found[0], found[4])] == ["approve", "hold"]
    places = [one["problems"][0]["place"] for one in found[1:4]]
    assert places == [f"{facts}:2", f"{facts}:3", f"{facts}:4"]
    assert f"{facts}:2" in result.stderr


@pytest.mark.parametrize("now", ["yesterday", "2026-11-11", "2026-11-11T09:00:00"])
def test_an_instant_without_offset_is_refused_with_an_example(tmp_path: Path, now: str) -> None:
    facts = written(tmp_path, "facts.json", CLEAN)
    result = run("decide", "review", "--facts", facts, "--now", now, "--json")
    assert result.exit_code == 2
    assert "write 2026-11-11T09:00:00+08:00" in json.loads(result.stdout)["problems"][0]["message"]


def test_an_unknown_time_zone_is_refused(tmp_path: Path) -> None:
    facts = written(tmp_path, "facts.json", CLEAN)
    result = run("decide", "review", "--facts", facts, *AT, "--timezone", "Asia/Peking")
    assert result.exit_code == 2
    assert "such as Asia/Shanghai" in result.stderr


def test_an_unknown_set_is_refused_with_the_shipped_ones(tmp_path: Path) -> None:
    facts = written(tmp_path, "facts.json", CLEAN)
    result = run("decide", "reviw", "--facts", facts, *AT)
    assert result.exit_code == 2
    assert "There is no file or folder reviw" in result.stderr
    assert "review" in result.stderr


def test_a_rule_file_with_an_error_is_refused_with_line_and_remedy(
    edit: Callable[[str, str, str], Path], tmp_path: Path
) -> None:
    file = edit("review/review.yaml", "cod_due > cod_limit", "cod_due > cod_limmit")
    facts = written(tmp_path, "facts.json", CLEAN)
    result = run("decide", file, "--facts", facts, *AT, "--json")
    assert result.exit_code == 2
    problem = json.loads(result.stdout)["problems"][0]
    line = next(
        n for n, text in enumerate(file.read_text("utf-8").split("\n"), 1) if "limmit" in text
    )
    assert (problem["file"], problem["line"], problem["near"]) == (str(file), line, "cod_limit")
    assert f"{file}:{line}:" in result.stderr
    assert "did you mean cod_limit?" in result.stderr


# check


def test_check_finds_nothing_in_the_shipped_rules() -> None:
    result = run("check", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"rulesets": 6, "errors": 0, "warnings": 0, "findings": []}


TABLE = """tidegate: ruleset/1
id: t
gate: review
title: {zh: 表, en: Table}
policy: unique
otherwise: [approve]
rules:
  - {id: few, title: {zh: 少, en: Few}, why: x, if: [order.quantity <= 5], then: [hold: few]}
  - {id: many, title: {zh: 多, en: Many}, why: x, if: [order.quantity >= 5], then: [reject: many]}
"""


def test_check_carries_a_document_on_which_decide_agrees(tmp_path: Path) -> None:
    file = written(tmp_path, "t.yaml", TABLE)
    result = run("check", file, "--json")
    assert result.exit_code == 1
    findings = json.loads(result.stdout)["findings"]
    assert len(findings) == 2
    for one in findings:
        assert {"code", "severity", "rules", "message", "witness"} <= set(one)
    overlap = next(one for one in findings if one["code"] == "check.overlap")
    assert (overlap["severity"], sorted(overlap["rules"])) == ("error", ["few", "many"])
    facts = written(tmp_path, "witness.json", overlap["witness"])
    decided = run("decide", file, "--facts", facts, "--now", overlap["now"], "--json")
    fired = [r["id"] for r in json.loads(decided.stdout)["rules"] if r["result"] == "fired"]
    assert fired == ["few", "many"]
    assert "e.g. order.quantity = 5" in run("check", file).stdout


def test_check_compares_the_sets_of_one_gate_once(tmp_path: Path) -> None:
    """Both rules are of the same gate in two files: one finding, in the first file."""
    for name, action in (("a", "approve"), ("b", "reject: x")):
        text = (
            TABLE.split("rules:")[0]
            .replace("id: t", f"id: {name}")
            .replace("otherwise: [approve]", "")
        )
        rule = f"rules: [{{id: r, title: {{zh: 总, en: All}}, why: x, if: [], then: [{action}]}}]\n"
        written(tmp_path, f"{name}.yaml", text + rule)
    findings = json.loads(run("check", tmp_path, "--json").stdout)["findings"]
    across = [one for one in findings if one["code"] == "check.sets_conflict"]
    assert [Path(one["file"]).name for one in across] == ["a.yaml"]


def test_check_finds_references_to_what_is_gone(tmp_path: Path) -> None:
    file = written(
        tmp_path, "t.yaml", TABLE.replace("hold: few", "hold: {reason: few, queue: finance}")
    )
    gone = written(tmp_path, "known.json", {"queue": ["warehouse"]})
    codes = [
        one["code"]
        for one in json.loads(run("check", file, "--known", gone, "--json").stdout)["findings"]
    ]
    assert "check.dead_reference" in codes
    there = written(tmp_path, "known.json", {"queue": ["finance"]})
    codes = [
        one["code"]
        for one in json.loads(run("check", file, "--known", there, "--json").stdout)["findings"]
    ]
    assert codes.count("check.overlap") == 1
    assert "check.dead_reference" not in codes
    broken = run("check", file, "--known", written(tmp_path, "known.json", "[1]"))
    assert broken.exit_code == 2
    assert "JSON object" in broken.stderr


def test_information_alone_leaves_the_exit_code_at_zero(tmp_path: Path) -> None:
    text = TABLE.replace(">= 5", "> 6").replace("otherwise: [approve]", "otherwise: []")
    cases = """tests:
  - {name: few, given: {order: {quantity: 5}}, expect: {fired: [few]}}
  - {name: many, given: {order: {quantity: 7}}, expect: {fired: [many]}}
"""
    result = run("check", written(tmp_path, "t.yaml", text + cases), "--json")
    found = [(one["code"], one["severity"]) for one in json.loads(result.stdout)["findings"]]
    assert found == [("check.gap", "info")]
    assert result.exit_code == 0


def test_check_names_file_line_and_remedy(
    edit: Callable[[str, str, str], Path], copied: Path
) -> None:
    file = edit(
        "review/review.yaml",
        "severity: [reject, hold, approve]",
        "severity: [reject, hold, aprove]",
    )
    result = run("check", copied, "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["rulesets"] == 6
    assert document["errors"] == 1
    finding = document["findings"][0]
    assert (finding["file"], finding["line"], finding["near"]) == (str(file), 8, "approve")
    said = run("check", copied)
    assert f"{file}:8:" in said.stdout
    assert said.exit_code == 1


def test_check_sees_a_set_without_cases(copied: Path) -> None:
    (copied / "inventory" / "inventory_test.yaml").unlink()
    result = run("check", copied / "inventory", "--json")
    assert result.exit_code == 1
    assert "check.no_tests" in {one["code"] for one in json.loads(result.stdout)["findings"]}


def test_check_sees_files_that_would_never_load(copied: Path) -> None:
    (copied / "review" / "review.yaml").rename(copied / "review" / "other.yaml")
    (copied / "review" / "half.yaml").write_text("id: half\ngate: review\n", "utf-8")
    document = json.loads(run("check", copied, "--json").stdout)
    codes = {(Path(str(one["file"])).name, one["code"]) for one in document["findings"]}
    assert ("review_test.yaml", "rules.cases_without_pack") in codes
    assert ("half.yaml", "rule.not_a_ruleset") in codes


def test_check_of_an_empty_folder_is_not_fine(tmp_path: Path) -> None:
    result = run("check", tmp_path)
    assert result.exit_code == 1
    assert "No rule set found" in result.stderr


@pytest.mark.parametrize("command", ["check", "test", "show"])
def test_a_path_that_is_not_there_is_unreadable_input(tmp_path: Path, command: str) -> None:
    result = run(command, tmp_path / "none.yaml", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["problems"][0]["code"] == "rules.no_such_file"


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"tidegate: ruleset/1\n\tid: x", b"- 1\n", b"{[", b""]
)
def test_garbage_is_a_finding_and_never_a_traceback(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "rules.yaml"
    file.write_bytes(content)
    for command in ("check", "test"):
        result = run(command, file, "--json")
        assert result.exit_code == 1
        assert "Traceback" not in result.output
        json.loads(result.stdout)


def test_own_rules_are_read_with_the_vocabulary_beside_them(
    edit: Callable[[str, str, str], Path], copied: Path
) -> None:
    known = "      known:      {type: boolean"
    edit(
        "vocabulary.yaml",
        known,
        f"      colour: {{type: text, title: {{zh: 颜色, en: Colour}}}}\n{known}",
    )
    own = copied / "review" / "own.yaml"
    own.write_text(
        "tidegate: ruleset/1\nid: own\ngate: review\ntitle: {zh: 红, en: Red}\npolicy: first\nrules:\n"
        "  - id: red\n    title: {zh: 红色, en: Red}\n    why: w\n"
        '    if: [some item in items satisfies item.colour = "red"]\n    then: [approve]\n'
        "tests:\n  - name: red\n    given: {items: [{colour: red}]}\n    expect: {actions: [approve]}\n"
        "  - name: blue\n    given: {items: [{colour: blue}]}\n    expect: {actions: []}\n",
        "utf-8",
    )
    assert json.loads(run("test", own, "--json").stdout)["passed"] == 2
    shipped = run("check", own, "--vocabulary", shipped_rules() / "vocabulary.yaml", "--json")
    assert shipped.exit_code == 1


# test


def test_test_runs_every_case_of_the_shipped_rules() -> None:
    result = run("test", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["failed"] == 0
    assert document["passed"] == len(document["cases"]) > 150
    assert {"ruleset", "file", "name", "line", "passed", "differences"} <= set(document["cases"][0])


def test_a_failing_case_is_told_with_both_values(edit: Callable[[str, str, str], Path]) -> None:
    file = edit("inventory/inventory.yaml", "value: 14,", "value: 15,")
    result = run("test", file, "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert (document["passed"], document["failed"]) == (5, 1)
    failed = next(case for case in document["cases"] if not case["passed"])
    assert failed["name"] == "one unit short waits and asks for goods"
    assert failed["differences"] == ["request_replenishment should be 14, but is [15]"]
    said = run("test", file)
    assert "5 cases passed, 1 failed" in said.stdout
    assert "should be 14, but is [15]" in said.stdout


def test_zero_cases_are_no_success(copied: Path) -> None:
    (copied / "inventory" / "inventory_test.yaml").unlink()
    result = run("test", copied / "inventory", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"passed": 0, "failed": 0, "cases": [], "problems": []}
    assert "untested rules don't pass" in result.stderr


def test_a_broken_pack_fails_the_run_and_the_others_still_count(
    edit: Callable[[str, str, str], Path], copied: Path
) -> None:
    edit("review/review.yaml", "gate: review", "gate: reviw")
    result = run("test", copied, "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["failed"] == 0
    assert document["passed"] > 100
    assert document["problems"][0]["near"] == "review"


def test_rules_dir_names_the_rules_that_are_tested(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copied / "inventory" / "inventory_test.yaml").unlink()
    monkeypatch.setenv("TIDEGATE_RULES_DIR", str(copied))
    document = json.loads(run("test", "--json").stdout)
    assert {case["ruleset"] for case in document["cases"]} == {
        "intake",
        "review",
        "routing",
        "parcel-alerts",
        "connections",
    }


# show


def test_show_reads_a_set_as_sentences_with_its_thresholds() -> None:
    said = run("show", "inventory").stdout
    assert "cover_days = 14 days  (1 … 180)  Days a replenishment should cover" in said
    assert "• one-warehouse-has-all  One warehouse has everything: allocate, nearest first" in said
    document = json.loads(run("show", "inventory", "--json").stdout)
    assert document["parameters"][0] == {
        "id": "cover_days", "type": "number", "value": "14", "min": "1", "max": "180", "unit": "days",
        "title": "Days a replenishment should cover",
    }  # fmt: skip
    assert document["rules"][1]["id"] == "one-warehouse-has-all"
    assert document["cases"] == 6


def test_show_of_a_folder_is_a_list() -> None:
    assert len(json.loads(run("show", "--json").stdout)) == 6


# the real command


def command(*args: str, given: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """`tidegate rules …` in a process of its own, where no database could be opened."""
    settings = {
        "TIDEGATE_DATABASE_URL": "sqlite:////nowhere/at/all.db",
        "TIDEGATE_LANGUAGE": "en",
        **env,
    }
    return subprocess.run(
        [sys.executable, "-m", "tidegate", "rules", *args],
        env={**os.environ, **settings}, input=given, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_command_decides_without_a_database(tmp_path: Path) -> None:
    done = command("decide", "review", "--facts", "-", *AT, "--json", given=json.dumps(CLEAN))
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["actions"] == [{"action": "approve", "args": {}, "rule": "paid-and-in-stock"}]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("args", "code"),
    [(("test",), 0), (("check", "nowhere.yaml"), 2), (("decide", "review"), 2)],
)
def test_the_command_ends_with_its_exit_code(args: tuple[str, ...], code: int) -> None:
    done = command(*args)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


HELPS = """
from click.testing import CliRunner
from tidegate.cli.rules import rules
for words in ([], ["check"], ["test"], ["decide"], ["show"]):
    print(CliRunner().invoke(rules, [*words, "--help"]).stdout)
"""


def test_help_speaks_both_languages() -> None:
    said = {}
    for lang in ("zh", "en"):
        done = subprocess.run(
            [sys.executable, "-c", HELPS],
            env={**os.environ, "TIDEGATE_LANGUAGE": lang}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        said[lang] = done.stdout
    assert said["zh"].count("Usage:") == said["en"].count("Usage:") == 5
    assert re.search(r"[一-鿿]", said["zh"])
    assert not re.search(r"[一-鿿]", said["en"])
