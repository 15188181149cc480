"""The API does what the editor does, says the same about errors, and loses nobody's work."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from tidegate.jobs.runner import drain
from tidegate.services import review
from tidegate.services.accounts import founding, tokens
from tidegate.services.accounts.principals import local_principal
from tidegate.services.workshop import drafts, history, lifecycle
from tidegate.services.workshop.simulation_files import FACTS
from tidegate.store.tables import Order
from tidegate_web.api.description import description
from tidegate_web.api.operations import OPERATIONS

RULE: dict[str, Any] = {
    "id": "far-and-dear",
    "title": {"zh": "新疆大额转人工", "en": "Dear orders to Xinjiang wait"},
    "why": "运费高",
    "if": ['recipient.province = "新疆维吾尔自治区"', "order.total > 2000 CNY"],
    "then": [{"hold": {"reason": "high_value", "queue": "manual_review"}}],
}


@dataclass
class Program:
    """Something that speaks JSON with a token."""

    desk: Any
    secret: str = ""
    language: str = "en"

    def __call__(self, method: str, path: str, json: Any = None, **headers: Any) -> Any:
        given = {"Accept-Language": self.language}
        if self.secret:
            given["Authorization"] = f"Bearer {self.secret}"
        more = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        client = self.desk.app.test_client(use_cookies=False)
        return client.open(f"/api/v1{path}", method=method, json=json, headers={**given, **more})

    def text(self, method: str, path: str, text: str, **headers: Any) -> Any:
        more = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        client = self.desk.app.test_client(use_cookies=False)
        return client.open(
            f"/api/v1{path}", method=method, data=text.encode(), content_type="text/yaml",
            headers={"Authorization": f"Bearer {self.secret}", "Accept-Language": "en", **more},
        )  # fmt: skip


@pytest.fixture
def program(desk: Any) -> Program:
    founding.create_owner(desk.context, "owner@example.com", "Lin", "潮水退去 才知道 2026", "test")
    return Program(desk, token(desk, "manager"))


def token(desk: Any, role: str) -> str:
    return tokens.create(desk.context, local_principal(1), role, role, 90, None)


def quoted(version: int) -> str:
    return f'"{version}"'


def test_a_set_is_written_tested_published_and_rolled_back_by_a_program(program: Program) -> None:
    made = program(
        "POST", "/sets",
        {"id": "far-orders", "gate": "review", "title": {"zh": "远单", "en": "Far"}, "policy": "first"},
    )  # fmt: skip
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    assert made.headers["Location"] == "/api/v1/sets/far-orders/draft"
    added = program("POST", "/sets/far-orders/draft/rules", {"document": RULE}, If_Match='"1"')
    assert added.status_code == 201
    assert added.get_json()["document"]["rules"][0]["if"] == RULE["if"]
    case = {
        "name": "one over",
        "given": {"order": {"total": "2000.01 CNY"}, "recipient": {"province": RULE["if"][0][22:-1]}},
        "expect": {"actions": ["hold"]},
    }  # fmt: skip
    case["given"]["recipient"]["province"] = "新疆维吾尔自治区"
    saved = program("PUT", "/sets/far-orders/draft/tests", {"tests": [case]}, If_Match='"2"')
    assert saved.status_code == 200, saved.get_json()
    tests = program("GET", "/sets/far-orders/tests").get_json()
    assert (tests["passed"], tests["share"]) == (1, 100)
    ready = program("GET", "/sets/far-orders/draft/readiness").get_json()
    published = program(
        "POST", "/sets/far-orders/draft/publish", {"note": "v1"}, If_Match=saved.headers["ETag"]
    )
    assert published.status_code == 201, (ready, published.get_json())
    assert published.get_json()["number"] == 1
    assert program("GET", "/sets/far-orders/draft").status_code == 404
    back = program("POST", "/sets/far-orders/roll-back", {"to": 1, "reason": "试"})
    assert back.get_json()["number"] == 2
    acts = [one["act"] for one in program("GET", "/sets/far-orders/audit").get_json()["items"]]
    assert acts == ["rolled_back", "published", "cases", "rule", "created"]


def test_a_change_names_its_version_and_a_faster_one_is_412_with_both_told(
    program: Program,
) -> None:
    path = "/sets/review/draft/rules/no-lines/switch"
    assert program("POST", path, {"on": False}).status_code == 428
    assert program("POST", path, {"on": False}, If_Match="x").status_code == 422
    first = program("POST", path, {"on": False}, If_Match='"0"')
    assert (first.status_code, first.headers["ETag"]) == (200, '"1"')
    drafts.switch_rule(program.desk.context, "review", 1, "unknown-sku", False, "wang")
    late = program("POST", path, {"on": True}, If_Match='"1"')
    assert (late.status_code, late.headers["ETag"]) == (412, '"2"')
    told = late.get_json()
    assert (told["code"], told["changed_by"], told["version"]) == (
        "rules.draft_changed", "wang", 2,
    )  # fmt: skip
    assert late.mimetype == "application/problem+json"
    off = {
        r.id for r in drafts.working_set(program.desk.context, "review").written if not r.enabled
    }
    assert off == {"no-lines", "unknown-sku"}


def test_errors_name_the_place_in_the_language_that_was_asked(program: Program) -> None:
    wrong = {**RULE, "if": ["order.totl > 5 CNY"]}
    for language, words in (("en", "did you mean"), ("zh-CN", "order.total")):
        program.language = language
        answer = program("POST", "/sets/review/draft/rules", {"document": wrong}, If_Match='"0"')
        told = answer.get_json()
        assert answer.status_code == 422
        assert answer.headers["Content-Language"] == language
        (error,) = told["errors"]
        assert error["pointer"].endswith("/if/0")
        assert words in error["detail"]
        assert bool(re.search(r"[\u4e00-\u9fff]", told["detail"])) == (language == "zh-CN")
    program.language = "en"
    odd = program(
        "POST", "/sets/review/draft/rules/x/move", {"place": "2", "more": 1}, If_Match='"0"'
    )
    assert {error["pointer"] for error in odd.get_json()["errors"]} == {"/place", "/more"}
    assert program("GET", "/sets/none").get_json()["code"] == "rules.no_set"
    assert program("GET", "/nothing").mimetype == "application/problem+json"
    assert program("PUT", "/sets").headers["Allow"]


def test_a_set_goes_out_as_yaml_and_comes_back_the_same(program: Program) -> None:
    out = program("GET", "/sets/routing/export")
    assert out.mimetype == "text/yaml"
    text = out.get_data(as_text=True)
    assert text == history.text_of(program.desk.context, "routing", "live")
    back = program.text("POST", "/import", text.replace("high_value, en", "high_value, en"))
    assert back.status_code == 200, back.get_json()
    assert program("GET", "/sets/routing/diff").get_json()["changes"] == []
    again = program("GET", "/sets/routing/export?version=draft").get_data(as_text=True)
    assert again == text
    broken = program.text("PUT", "/sets/routing/draft/text", "tidegate: [", If_Match='"1"')
    assert broken.status_code == 422
    assert broken.get_json()["errors"][0]["line"] >= 1


def test_trying_and_explaining_show_no_person_and_change_nothing(program: Program) -> None:
    order = program.desk.all(Order, Order.state == "on_hold")[0]
    before = len(program.desk.all(Order))
    tried = program("POST", "/sets/review/try", {"order": order.id})
    assert tried.status_code == 200, tried.get_json()
    assert tried.get_json()["decision"]["verdict"] == "hold"
    text = tried.get_data(as_text=True)
    for personal in (order.recipient_name, order.recipient_phone, order.address):
        assert not personal or str(personal) not in text
    ways = program("POST", "/sets/review/explain", {"order": order.id, "want": "approve"})
    assert ways.status_code == 200
    assert set(ways.get_json()) == {"want", "holds", "total", "complete", "ways"}
    assert program("POST", "/sets/review/try", {}).status_code == 422
    by_hand = {"facts": {"order": {"total": "much"}}}
    assert program("POST", "/sets/review/try", by_hand).status_code == 422
    decisions = program("GET", f"/orders/{order.id}/decisions").get_json()["decisions"]
    assert {one["gate"] for one in decisions} >= {"review"}
    assert len(program.desk.all(Order)) == before


def test_a_simulation_is_started_watched_and_read(program: Program) -> None:
    all_wait = {**RULE, "id": "all-wait", "if": ["order.total > 0 CNY"]}
    made = program("POST", "/sets/review/draft/rules", {"document": all_wait}, If_Match='"0"')
    assert made.status_code == 201
    started = program("POST", "/sets/review/simulations", {"days": 30})
    assert started.status_code == 202
    path = started.headers["Location"].removeprefix("/api/v1")
    assert program("GET", path).get_json()["run"]["state"] == "queued"
    assert program("GET", f"{path}/result").status_code == 404
    drain(program.desk.context)
    assert program("GET", path).get_json()["run"]["state"] == "done"
    result = program("GET", f"{path}/result").get_json()
    assert result["summary"]["subjects"] == sum(one["subjects"] for one in result["outcomes"]) > 0
    assert program("POST", f"{path}/cancel").status_code == 409
    assert len(program("GET", "/sets/review/simulations").get_json()["items"]) == 1
    changed = program("GET", f"{path}/changes").get_json()
    assert changed["total"] == result["summary"]["changed"] >= len(changed["lines"]) > 0
    one = changed["lines"][0]
    cell = f"before={one['before']['key']}&after={one['after']['key']}"
    assert one in program("GET", f"{path}/changes?{cell}").get_json()["lines"]
    why = program("GET", f"{path}/changes/{one['id']}").get_json()
    assert (why["gone"], why["line"]) == (False, one)
    assert {rule["id"] for rule in why["before"]["rules"]} >= {"unknown-sku"}
    assert "all-wait" in {rule["id"] for rule in why["after"]["rules"] if rule["result"] == "fired"}
    assert program("GET", f"{path}/changes/{10**6}").status_code == 404


def test_a_file_of_orders_is_simulated(program: Program) -> None:
    off = program(
        "POST", "/sets/review/draft/rules/unknown-sku/switch", {"on": False}, If_Match='"0"'
    )
    assert off.status_code == 200
    rows = [
        {"order": {"total": f"{n} CNY"}, "recipient": {"province": "浙江省"}} for n in range(1, 8)
    ]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n这不是 JSON\n"
    content = base64.b64encode(lines.encode()).decode()
    given = {"file": {"name": "orders.jsonl", "content": content, "mapping": FACTS}}
    started = program("POST", "/sets/review/simulations", given)
    assert started.status_code == 202, started.get_json()
    drain(program.desk.context)
    path = started.headers["Location"].removeprefix("/api/v1")
    run = program("GET", path).get_json()
    assert run["run"]["state"] == "done", run
    assert program("GET", f"{path}/result").get_json()["summary"]["subjects"] == 7
    given["file"]["content"] = "不是 base64"
    refused = program("POST", "/sets/review/simulations", given)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "simulation.not_base64")


def test_what_a_shadow_says_is_read(program: Program) -> None:
    assert program("GET", "/sets/review/shadow").status_code == 404
    desk = program.desk
    found = drafts.start(desk.context, "review", "mei")
    lifecycle.publish(desk.context, "review", found.version, "mei", mode="shadow", note="试试")
    told = program("GET", "/sets/review/shadow").get_json()
    assert (told["version"]["mode"], told["asked"], told["moved"]) == ("shadow", 0, [])


def test_discovery_templates_and_feedback(program: Program) -> None:
    words = program("GET", "/vocabulary").get_json()
    assert {one["id"] for one in words["gates"]} >= {"intake", "review", "routing"}
    total = next(one for one in words["facts"] if one["id"] == "order.total")
    assert (total["type"], total["title"]["zh"]) == ("money", "金额")
    assert any(one["type"] == "money" and one["operator"] == ">" for one in words["operators"])
    page = program("GET", "/templates?per_page=10&page=2").get_json()
    assert (len(page["items"]), page["page"]) == (10, 2)
    assert page["total"] >= 40
    used = program(
        "POST", "/sets/review/draft/templates/hold-large", {"blanks": {"large_total": "9 CNY"}},
        If_Match='"0"',
    )  # fmt: skip
    assert used.status_code == 201, used.get_json()
    assert used.get_json()["rule_id"] == "hold-large"
    wrong = program(
        "POST", "/sets/review/draft/templates/hold-large", {"blanks": {"large_total": "many"}},
        If_Match='"1"',
    )  # fmt: skip
    assert wrong.status_code == 422
    hits = program("GET", "/sets/review/hits").get_json()["rules"]
    assert all(len(one["per_day"]) == 7 for one in hits.values())
    found = program("GET", "/sets/review/feedback?hours=48").get_json()
    assert found["decisions"] == sum(found["by_verdict"].values()) > 0
    assert program("GET", "/ideas").get_json()["items"] == []


def test_roles_hold_for_programs(program: Program) -> None:
    desk = program.desk
    reader, operator = Program(desk, token(desk, "reader")), Program(desk, token(desk, "operator"))
    assert reader("GET", "/sets").status_code == 200
    assert reader("GET", "/sets/review/check").status_code == 200
    refused = reader("POST", "/sets/review/draft")
    assert (refused.status_code, refused.get_json()["code"]) == (403, "api.forbidden")
    assert operator("POST", "/sets/review/draft/publish", {}, If_Match='"1"').status_code == 403
    nobody = Program(desk)("GET", "/sets")
    assert (nobody.status_code, nobody.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_every_operation_is_described_and_every_address_of_the_api_is_an_operation(
    desk: Any,
) -> None:
    document = description()
    told = {
        (method, re.sub(r"\{(\w+)\}", r"<\1>", path))
        for path, methods in document["paths"].items()
        for method in methods
    }
    there = {
        (method.lower(), re.sub(r"<int:", "<", rule.rule))
        for rule in desk.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert len(there) == len(OPERATIONS) > 45
    assert told == there
    answer = desk.app.test_client().get("/api/openapi.json")
    assert answer.get_json() == document
    assert document["openapi"] == "3.1.0"


def test_a_released_order_shows_its_decision_to_programs(program: Program) -> None:
    order = program.desk.all(Order, Order.state == "on_hold")[0]
    review.release(program.desk.context, order.id, "li", "verified")
    assert program("GET", f"/orders/{order.id}/decisions").status_code == 200
    assert program("GET", "/orders/999999/decisions").status_code == 404
    assert program("GET", f"/orders/{2**40}/decisions").status_code == 404
