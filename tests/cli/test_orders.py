"""`tidegate orders`: exit codes, both shapes of output, and no personal data unless asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tidegate.cli.orders import orders
from tidegate.errors import InputError

GOOD = "订单编号,收货人,联系电话,收货地址,商家编码,数量\nA1,张三丰,13800002291,杭州市余杭区文一西路969号,K,1\n"
BAD = GOOD + "A2,李四光,13900002292,杭州市余杭区文一西路970号,K,-1\n"


@pytest.fixture(autouse=True)
def own_house(tmp_path: Path, house: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_DATA_DIR", str(tmp_path / "house"))
    monkeypatch.delenv("TIDEGATE_DATABASE_URL", raising=False)
    for name, value in house.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TIDEGATE_LANGUAGE", "en")


def run(*arguments: str, stdin: str | None = None) -> Result:
    made = CliRunner().invoke(orders, [*arguments], input=stdin, standalone_mode=False)
    if made.exception is not None and not isinstance(made.exception, InputError):
        raise made.exception
    return made


def a_file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "orders.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_clean_import_answers_0_and_a_second_changes_nothing(tmp_path: Path) -> None:
    path = a_file(tmp_path, GOOD)
    first = run("import", path, "--mapping", "generic", "--json")
    assert first.return_value == 0
    told = json.loads(first.stdout)
    assert (told["read"], told["accepted"], told["rejected"], told["created"]) == (1, 1, [], 1)
    second = json.loads(run("import", path, "--mapping", "generic", "--json").stdout)
    assert (second["created"], second["updated"], second["unchanged"]) == (0, 0, 1)


def test_rejected_rows_answer_1_with_a_remedy(tmp_path: Path) -> None:
    done = run("import", a_file(tmp_path, BAD), "--mapping", "generic")
    assert done.return_value == 1
    assert "2 rows read: 1 accepted, 1 rejected" in done.stdout
    assert "orders.csv row 3: The quantity -1 is not above 0" in done.stderr


def test_an_unreadable_file_is_an_error_and_the_report_is_written_whole(tmp_path: Path) -> None:
    failed = run("import", a_file(tmp_path, "%PDF-1.7"), "--mapping", "generic")
    assert isinstance(failed.exception, InputError)
    report = tmp_path / "r.json"
    run("import", a_file(tmp_path, BAD), "--mapping", "generic", "--report", str(report))
    told = json.loads(report.read_text("utf-8"))
    assert told["read"] == told["accepted"] + told["rejected_count"] == 2
    assert told["rejected"][0]["row"] == 3


def test_standard_input_and_dry_run(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("import", "-", "--mapping", "generic", "--dry-run", "--json", stdin=GOOD)
    assert json.loads(done.stdout)["created"] == 1
    again = run("import", "-", "--mapping", "generic", "--json", stdin=GOOD)
    assert json.loads(again.stdout)["created"] == 1


def test_show_masks_personal_data_unless_asked(tmp_path: Path) -> None:
    run("import", a_file(tmp_path, GOOD), "--mapping", "generic", "--shop", "北岸")
    for output in (run("show", "A1", "--json").stdout, run("show", "A1").stdout):
        assert "张三丰" not in output
        assert "13800002291" not in output
        assert "文一西路" not in output
    document = json.loads(run("show", "A1", "--reveal", "--json").stdout)
    assert document["recipient"]["phone"] == "13800002291"
    assert document["order"]["shop"] == "北岸"
    assert document["items"] == [{"sku": "K", "quantity": 1}]
    events = json.loads(run("show", "A1", "--json").stdout)["events"]
    assert [event["kind"] for event in events] == ["received", "revealed"]


def test_what_show_writes_can_be_imported_again(tmp_path: Path) -> None:
    run("import", a_file(tmp_path, GOOD), "--mapping", "generic")
    line = json.dumps(
        json.loads(run("show", "A1", "--reveal", "--json").stdout), ensure_ascii=False
    )
    done = run("import", "-", "--mapping", "tidegate", "--json", stdin=line)
    told = json.loads(done.stdout)
    assert (told["accepted"], told["rejected"]) == (1, [])
    assert (told["created"], told["updated"] + told["unchanged"]) == (0, 1)


def test_the_same_number_in_two_shops_is_a_list(tmp_path: Path) -> None:
    path = a_file(tmp_path, GOOD)
    run("import", path, "--mapping", "generic", "--shop", "一店")
    run("import", path, "--mapping", "generic", "--shop", "二店")
    shown = json.loads(run("show", "A1", "--json").stdout)
    assert [document["order"]["shop"] for document in shown] == ["一店", "二店"]


def test_both_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_LANGUAGE", "zh")
    done = run("import", a_file(tmp_path, BAD), "--mapping", "generic")
    assert "读取 2 行：接受 1，拒收 1" in done.stdout
    assert "数量 -1 不大于 0" in done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("{")]  # log lines
    assert said[0].startswith("orders.csv 第 3 行")
