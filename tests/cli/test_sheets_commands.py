"""Spreadsheets from the terminal: by a kept mapping only, with the rejected rows to mend and the waybills to take back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tidegate.bootstrap import open_context
from tidegate.cli import cli
from tidegate.errors import InputError, NotFound
from tidegate.services.sheets import bringing, files

sys.path.insert(0, str(Path(__file__).parents[1] / "connectors" / "files" / "sheets"))
from order_books import HEADER, ROWS, text_file


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TIDEGATE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TIDEGATE_LANGUAGE", "en")
    monkeypatch.chdir(tmp_path)

    def call(*args: str) -> Any:
        done = CliRunner().invoke(cli, args, standalone_mode=False)
        if done.exception:
            raise done.exception
        return json.loads(done.stdout) if "--json" in args else done.stdout

    return call


def a_file(tmp_path: Path, rows: Any, name: str = "orders.csv") -> str:
    (tmp_path / name).write_bytes(text_file([HEADER, *rows]).data)
    return name


def learn(run: Any) -> None:
    """What a person does once on the page."""
    run("accounts", "add", "spreadsheet", "--code", "tea", "--json")
    context = open_context()
    file_id = files.keep(context, "tea", "daily.csv", text_file([HEADER, *ROWS[:1]]).data, "lin")
    bringing.try_out(context, file_id)
    bringing.bring(context, file_id, "lin", name="daily")


def test_an_unknown_shape_is_refused_and_says_where_to_map_it(run, tmp_path) -> None:
    run("accounts", "add", "spreadsheet", "--code", "tea", "--json")
    with pytest.raises(InputError) as caught:
        run("sheets", "import", a_file(tmp_path, ROWS), "--account", "tea")
    assert caught.value.code == "sheet.shape_unknown"


def test_a_known_file_is_imported_and_its_rejected_rows_written(run, tmp_path) -> None:
    learn(run)
    rows = [list(row) for row in ROWS]
    rows[2][7] = "0"
    name = a_file(tmp_path, rows)
    dry = run("sheets", "import", name, "--account", "tea", "--dry-run", "--json")
    done = run("sheets", "import", name, "--account", "tea", "--rejected", "bad.xlsx", "--json")
    assert (dry["read"], dry["created"], dry["rejected_count"]) == (4, 1, 1)
    assert {key: done[key] for key in ("mapping", "read", "accepted", "created", "updated")} == {
        "mapping": "daily", "read": 4, "accepted": 3, "created": 1, "updated": 1,
    }  # fmt: skip
    assert (tmp_path / "bad.xlsx").read_bytes().startswith(b"PK")
    assert "4 rows read: 3 accepted, 1 rejected" in run(
        "sheets", "import", name, "--account", "tea"
    )


def test_mappings_are_listed_renamed_and_removed(run, tmp_path) -> None:
    learn(run)
    assert [one["name"] for one in run("sheets", "mappings", "tea", "--json")] == ["daily"]
    run("sheets", "rename", "tea", "daily", "every day")
    name = a_file(tmp_path, ROWS)
    assert (
        run("sheets", "import", name, "--account", "tea", "--mapping", "every day", "--json")[
            "mapping"
        ]
        == "every day"
    )
    run("sheets", "remove", "tea", "every day")
    with pytest.raises(NotFound):
        run("sheets", "import", name, "--account", "tea", "--mapping", "every day")


def test_without_a_hand_over_there_is_no_waybill_file(run) -> None:
    learn(run)
    with pytest.raises(InputError) as caught:
        run("sheets", "waybills", "tea")
    assert caught.value.code == "sheet.no_waybills"
