"""The pages of simulations without JavaScript: start, watch, stop, look at what changes, and why."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from tidegate.jobs.runner import drain_once
from tidegate.services.workshop import drafts, simulating, simulation_run
from tidegate.services.workshop.simulating import Request
from tidegate.store.simulation_tables import Simulation, SimulationChange

PAGE = "/rules/routing/simulate"


def faster(desk: Any) -> None:
    """A draft of the routing set: the fastest service in place of the cheapest."""
    found = drafts.start(desk.context, "routing", "mei")
    text = found.text.replace("cheapest_meeting_promise", "fastest")
    text = text.replace("value: 2000 CNY", "value: 150 CNY")
    assert text != found.text
    drafts.save_text(desk.context, "routing", found.version, text, "mei")


def simulated(desk: Any, **wanted: Any) -> int:
    faster(desk)
    found = simulating.start(desk.context, "routing", Request(**wanted), "mei")
    simulation_run.run(desk.context, found)
    return found


def text_of(answer: Any) -> str:
    html = answer.get_data(as_text=True)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_started_by_a_plain_form_it_runs_as_a_job_and_shows_its_result(desk: Any) -> None:
    faster(desk)
    visitor = desk.client()
    answer = visitor.post(PAGE, PAGE, against="live", source="orders", days="30", minutes="3")
    assert answer.status_code == 303
    address = answer.headers["Location"]
    waiting = visitor.get(address)
    assert "排队中" in text_of(waiting)
    assert f'href="{address}"' in waiting.get_data(as_text=True)  # look again, without JavaScript
    assert '<meta http-equiv="refresh"' in waiting.get_data(as_text=True)
    while drain_once(desk.context):
        pass
    shown = text_of(visitor.get(address))
    (row,) = desk.all(Simulation)
    assert row.state == "done"
    assert f"{row.result['changed']}" in shown
    assert "从哪里到哪里" in shown
    assert "历史少" in shown
    assert "每单按 3 分钟" in shown
    assert f"模拟 {row.id}" in shown
    listed = text_of(visitor.get(PAGE))
    assert f"{row.result['subjects']} 单里 {row.result['changed']} 单变化" in listed


def test_with_htmx_only_the_state_is_fetched_until_it_is_over(desk: Any) -> None:
    faster(desk)
    found = simulating.start(desk.context, "routing", Request(), "mei")
    asked = {"HX_Request": "true", "HX_Target": "simulation-state"}
    waiting = desk.client().get(f"/rules/simulations/{found}", **asked).get_data(as_text=True)
    assert waiting.lstrip().startswith('<div id="simulation-state"')
    assert "every 1s" in waiting
    simulation_run.run(desk.context, found)
    over = desk.client().get(f"/rules/simulations/{found}", **asked).get_data(as_text=True)
    assert "every 1s" not in over
    assert "tg-si-mx" in over


def test_every_cell_of_the_matrix_leads_to_as_many_orders_as_it_says(desk: Any) -> None:
    found = simulated(desk)
    visitor = desk.client("en")
    html = visitor.get(f"/rules/simulations/{found}").get_data(as_text=True)
    cells = re.findall(r'<td class="[mw]\d"><a href="([^"]+)"[^>]*>(\d+)</a>', html)
    assert len(cells) >= 2
    for address, number in cells:
        page = visitor.get(address.replace("&amp;", "&")).get_data(as_text=True)
        assert page.count('<th scope="row">') == int(number)
        assert "/orders/" in page
    by_rule = re.findall(r'href="([^"]+rule=[^"]+)"', html)
    assert by_rule
    assert visitor.get(by_rule[0].replace("&amp;", "&")).status_code == 200


def test_a_changed_order_shows_both_traces(desk: Any) -> None:
    found = simulated(desk)
    change = desk.all(SimulationChange)[0]
    page = desk.client().get(f"/rules/simulations/{found}/order/{change.id}")
    assert page.status_code == 200
    html = page.get_data(as_text=True)
    assert html.count("tg-si-trace") >= 2
    assert change.row_key in html
    assert desk.client().get(f"/rules/simulations/{found}/order/999999").status_code == 404


def test_the_export_has_every_change_and_no_personal_data(desk: Any) -> None:
    found = simulated(desk)
    answer = desk.client().get(f"/rules/simulations/{found}/changes.csv")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    kept = desk.all(SimulationChange)
    assert [row["number"] for row in rows] == [one.row_key for one in kept]
    assert len(rows) > 3
    assert {"before", "after", "freight_delta", "rules"} <= set(rows[0])
    from tidegate.store.tables import Order

    people = {one.recipient_name for one in desk.all(Order)} - {None}
    assert not any(name in answer.get_data(as_text=True) for name in people)


def test_wrong_input_comes_back_with_what_was_typed_and_the_error_beside_it(desk: Any) -> None:
    answer = desk.client().post(PAGE, PAGE, source="orders", days="很多", minutes="2", sample="50")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'aria-invalid="true" aria-describedby="sim-e-days"' in html
    assert 'id="sim-e-days"' in html
    assert 'value="很多"' in html
    assert 'value="50"' in html
    assert desk.all(Simulation) == []
    no_file = desk.client().post(PAGE, PAGE, source="file", mapping="facts", days="30", minutes="2")
    assert no_file.status_code == 422
    assert 'id="sim-e-file"' in no_file.get_data(as_text=True)


def test_an_uploaded_file_is_simulated_and_its_bad_rows_are_listed(desk: Any) -> None:
    content = b'{"order": {"number": "F1"}, "parcel": {"weight_g": 500, "goods_value": "30.00 CNY"}}\nnope\n'
    answer = desk.client().post(
        PAGE, PAGE, source="file", mapping="facts", days="30", minutes="2", against="live",
        file=(io.BytesIO(content), "facts.jsonl"),
    )  # fmt: skip
    assert answer.status_code == 303
    while drain_once(desk.context):
        pass
    shown = text_of(desk.client().get(answer.headers["Location"]))
    assert "文件里有 1 行不能用" in shown
    assert "第 2 行" in shown


def test_stopped_says_so_and_stopping_twice_is_told(desk: Any) -> None:
    found = simulating.start(desk.context, "routing", Request(), "mei")
    visitor = desk.client()
    address = f"/rules/simulations/{found}"
    assert visitor.post(f"{address}/cancel", address).status_code == 303
    assert "模拟已取消" in text_of(visitor.get(address))
    again = visitor.post(f"{address}/cancel", PAGE)
    assert again.status_code == 409
    assert "已经结束" in text_of(again)


def test_what_is_not_there_is_not_found(desk: Any) -> None:
    visitor = desk.client()
    assert visitor.get("/rules/nope/simulate").status_code == 404
    for address in ("", "/cell", "/changes.csv", "/order/1"):
        assert visitor.get(f"/rules/simulations/77{address}").status_code == 404, address


def test_a_shop_without_orders_is_told_what_to_do(empty_desk: Any) -> None:
    found = simulating.start(empty_desk.context, "routing", Request(), "mei")
    simulation_run.run(empty_desk.context, found)
    shown = text_of(empty_desk.client("en").get(f"/rules/simulations/{found}"))
    assert "There is no order in this range." in shown
