"""Decision tables without a browser: cells typed and said in people's words, marks, rows, columns, files."""

from __future__ import annotations

import io
import re
from html import unescape
from typing import Any

import pytest

from tidegate.services.workshop import drafts, grid, grid_edits
from tidegate.services.workshop.grid_edits import Target

TABLE: dict[str, Any] = {
    "id": "who",
    "title": {"zh": "谁来审", "en": "Who looks"},
    "policy": "first",
    "inputs": ["order.total", "recipient.province"],
    "outputs": ["hold"],
    "rows": [
        {"id": "r1", "when": [">= dear", "-"], "then": [{"reason": "high_value"}]},
        {"id": "r2", "when": ["[500 CNY..2000 CNY)", '"上海", "江苏"'], "then": [{"reason": "fraud"}]},
        {"id": "r3", "when": ["-", '"上海", "安徽"'], "then": [{"reason": "damaged"}]},
        {"id": "r4", "when": [">= 3000 CNY", '"安徽"'], "then": [{"reason": "fraud"}]},
    ],
}  # fmt: skip
PAGE = "/rules/pilot/tables/who"


@pytest.fixture
def table(desk: Any) -> Any:
    """A set with one `first` table: r2 and r3 overlap partly, r4 is dead, cheap orders elsewhere have no row."""
    context = desk.context
    draft = drafts.create(context, "pilot", "review", {"zh": "试点", "en": "Pilot"}, "first", "li")
    dear = {"type": "money", "value": "2000 CNY", "title": {"zh": "高价值门槛", "en": "High value"}}
    draft = drafts.save_parameter(context, "pilot", draft.version, "dear", dear, "li")
    drafts.save_table(context, "pilot", draft.version, "who", TABLE, "li")
    return desk


def version(desk: Any) -> int:
    found = drafts.draft_of(desk.context, "pilot")
    assert found is not None
    return found.version


def rows(desk: Any) -> list[dict[str, Any]]:
    target = Target(desk.context, "pilot", "who", 0, "li")
    return list(grid_edits.document(target)["rows"])


def do(desk: Any, what: str, **fields: Any) -> Any:
    given = {"version": version(desk), "do": what, **fields}
    return desk.client().post(PAGE, PAGE, **given)


def words(answer: Any) -> str:
    html = answer.get_data(as_text=True)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_cells_are_said_in_the_readers_words(table: Any) -> None:
    said = words(table.client().get(PAGE))
    assert "≥ 高价值门槛 2,000" in said
    assert "500 起，不到 2,000" in said
    assert "一律" in said
    english = words(table.client("en").get(PAGE))
    assert "500 to under 2,000" in english
    assert "High value 2,000" in english


@pytest.mark.parametrize(
    ("column", "typed", "written"),
    [
        ("when.0", "≥ 1,000", ">= 1000 CNY"),
        ("when.0", "1000元以上", ">= 1000 CNY"),
        ("when.0", "500 起，不到 2,000", "[500 CNY..2000 CNY)"),
        ("when.0", "from 500 to under 2000", "[500 CNY..2000 CNY)"),
        ("when.0", "≥ 高价值门槛", ">= dear"),
        ("when.0", "一律", "-"),
        ("when.0", "[500..2000)", "[500 CNY..2000 CNY)"),
        ("when.1", "新疆、西藏", '"新疆", "西藏"'),
        ("when.1", "除 新疆，西藏 外", 'not("新疆", "西藏")'),
        ("when.1", "", "-"),
    ],
)
def test_what_people_type_is_what_the_language_writes(
    table: Any, column: str, typed: str, written: str
) -> None:
    answer = do(table, "cell", row="r3", col=column, text=typed)
    assert answer.status_code == 303
    row = rows(table)[2]
    assert row["when"][int(column[-1])] == written


def test_a_cell_that_cannot_be_read_stays_as_typed_with_the_error_beside_it(table: Any) -> None:
    before = version(table)
    answer = do(table, "cell", row="r1", col="when.0", text="大概很多")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'value="大概很多"' in html
    assert 'aria-describedby="cell-help"' in html
    assert "没有保存" in html
    assert version(table) == before


def test_a_race_keeps_what_was_typed_and_says_what_stands_there_now(table: Any) -> None:
    old = version(table)
    do(table, "cell", row="r1", col="when.0", text=">= 1500")
    answer = do(table, "cell", row="r1", col="when.0", text=">= 900", version=old)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert 'value="&gt;= 900"' in html
    assert "≥ 1,500" in words(answer)
    again = re.search(r'name="version" value="(\d+)"', html)
    assert again
    assert (
        do(table, "cell", row="r1", col="when.0", text=">= 900", version=again[1]).status_code
        == 303
    )
    assert rows(table)[0]["when"][0] == ">= 900 CNY"


def test_marks_tell_overlap_dead_row_and_gap(table: Any) -> None:
    found = grid.opened(table.context, "pilot", "who")
    kinds = {(m.kind, tuple(found.numbers[r] for r in m.rows)) for m in found.problems}
    assert ("overlap", (2, 3)) in kinds
    assert ("dead", (4, 1)) in kinds
    gaps = [gap.mark.cells for gap in found.gaps]
    # by hand: nobody takes less than 500 outside Shanghai and Anhui, nor 500 to 2,000 outside the three
    assert gaps == [
        ("< 500 CNY", 'not("上海", "安徽")'),
        ("[500 CNY..2000 CNY)", 'not("上海", "江苏", "安徽")'),
    ]
    said = words(table.client().get(PAGE))
    assert "被第 1 行覆盖，没有订单会走到这里" in said
    assert "与第 3 行重叠" in said
    assert "补上这一行" in said


def test_taking_every_gap_leaves_none(table: Any) -> None:
    for _ in range(6):
        found = grid.opened(table.context, "pilot", "who")
        if not found.gaps:
            break
        cells = dict(zip(("when.0", "when.1"), found.gaps[0].mark.cells, strict=True))
        answer = do(table, "add", **cells, **{"then.0": "{reason: other}"})
        assert answer.status_code == 303
    assert grid.opened(table.context, "pilot", "who").gaps == []


def test_under_unique_the_overlap_is_red(table: Any) -> None:
    changed = {**TABLE, "policy": "unique"}
    drafts.save_table(table.context, "pilot", version(table), "who", changed, "li")
    found = grid.opened(table.context, "pilot", "who")
    red = {tuple(found.numbers[r] for r in m.rows) for m in found.problems if m.severe}
    assert red == {(1, 3), (1, 4), (2, 3), (3, 4)}
    assert not found.ordered


def test_rows_are_added_moved_copied_switched_removed_and_one_step_undone(table: Any) -> None:
    assert (
        do(
            table, "add", **{"when.0": "< 10", "when.1": "-", "then.0": "{reason: other}"}
        ).status_code
        == 303
    )
    assert [row["id"] for row in rows(table)] == ["r1", "r2", "r3", "r4", "r5"]
    do(table, "move:r5", to="1")
    assert [row["id"] for row in rows(table)] == ["r5", "r1", "r2", "r3", "r4"]
    do(table, "copy:r1")
    assert [row["id"] for row in rows(table)] == ["r5", "r1", "r6", "r2", "r3", "r4"]
    assert rows(table)[2]["enabled"] is False
    do(table, "on:r6")
    assert "enabled" not in rows(table)[2]
    do(table, "remove:r6")
    assert len(rows(table)) == 5
    assert "撤销上次修改" in words(table.client().get(PAGE))
    do(table, "undo")
    assert [row["id"] for row in rows(table)] == ["r5", "r1", "r6", "r2", "r3", "r4"]


def test_a_block_from_a_spreadsheet_fills_cells_and_adds_rows(table: Any) -> None:
    block = "≥ 9000\t西藏\n一律\t新疆、青海\n"
    do(table, "paste", row="r4", col="when.0", block=block)
    # the second line has no outcome: a row that does nothing is refused or stays without one
    found = rows(table)
    assert found[3]["when"] == [">= 9000 CNY", '"西藏"']
    assert found[4]["when"] == ["-", '"新疆", "青海"']


def test_an_outcome_is_typed_by_its_name_in_either_language(table: Any) -> None:
    assert 'value="高金额订单"' in table.client().get(f"{PAGE}?row=r1&col=then.0").get_data(
        as_text=True
    )
    do(table, "cell", row="r1", col="then.0", text="黑名单买家")
    assert rows(table)[0]["then"] == ["blacklisted"]
    do(table, "cell", row="r1", col="then.0", text="Many units")
    assert rows(table)[0]["then"] == ["many_units"]


def test_an_editor_leaves_out_what_goes_without_saying(table: Any) -> None:
    html = table.client().get(f"{PAGE}?row=r2").get_data(as_text=True)
    assert 'value="[500..2000)"' in html
    assert 'value="上海、江苏"' in html
    before = rows(table)[1]
    do(table, "row:r2", **{"when.0": "[500..2000)", "when.1": "上海、江苏", "then.0": "fraud"})
    assert rows(table)[1]["when"] == before["when"]


def test_columns_come_and_go(table: Any) -> None:
    do(table, "ask", field="order.channel")
    assert rows(table)[0]["when"] == [">= dear", "-", "-"]
    do(table, "column-gone:when.2")
    assert rows(table)[0]["when"] == [">= dear", "-"]


def test_a_table_goes_to_a_workbook_and_back_with_a_difference_to_confirm(table: Any) -> None:
    from python_calamine import CalamineWorkbook

    answer = table.client().get(f"{PAGE}/export.xlsx")
    assert answer.status_code == 200
    lines = (
        CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    )
    assert lines[0][0] == "id"
    assert [line[0] for line in lines[2:]] == ["r1", "r2", "r3", "r4"]
    lines[2][1] = "≥ 1800"
    lines.append(["", "< 5", "-", "{reason: other}", "小单"])
    lines.append(["r9", "胡写", "-", "{reason: other}", ""])
    text = "\n".join("\t".join(map(str, line)) for line in lines if line[0] != "r4")
    plan = table.client().post(f"{PAGE}/import", PAGE, version=version(table), pasted=text)
    said = words(plan)
    assert plan.status_code == 200
    assert "读到 5 行：可以导入 4 行，读不懂 1 行" in said
    assert rows(table)[0]["when"][0] == ">= dear"  # nothing is saved before it is confirmed
    content = re.search(
        r"<textarea[^>]*name=\"content\"[^>]*>(.*?)</textarea>", plan.get_data(as_text=True), re.S
    )
    assert content
    done = table.client().post(
        f"{PAGE}/import", PAGE, version=version(table), act="confirm", content=unescape(content[1])
    )
    assert done.status_code == 303
    after = grid_edits.document(Target(table.context, "pilot", "who", 0, "li"))
    assert [row["id"] for row in after["rows"]] == ["r1", "r2", "r3", "r5"]
    assert after["rows"][0]["when"][0] == ">= 1800 CNY"
    assert after["policy"] == "first"
    assert after["inputs"] == TABLE["inputs"]


def test_a_new_table_begins_with_one_row(table: Any) -> None:
    form = {
        "id": "second",
        "title": "第二张",
        "field": "order.total",
        "action": "hold",
        "result": "{reason: other}",
    }
    made = table.client().post(
        "/rules/pilot/tables", "/rules/pilot/tables", version=version(table), **form
    )
    assert made.status_code == 303
    assert table.client().get("/rules/pilot/tables/second").status_code == 200
    assert table.client().get("/rules/pilot/tables/missing").status_code == 404
