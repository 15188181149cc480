"""The rule editor without a browser: fields posted as they stand on the page, nothing lost, errors in their place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from tidegate.engine.writing import rule_document
from tidegate.services.workshop import drafts

NEW = "/rules/review/rules/new"
STOCK = "/rules/review/rules/paid-and-in-stock"


class _Form(HTMLParser):
    """The fields a browser would send with the editor's form."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = False
        self.found: list[tuple[str, str]] = []
        self.select = ""
        self.options: list[tuple[str, bool]] = []
        self.area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "form" and given.get("id") == "editor-form":
            self.inside = True
        elsewhere = given.get("form") == "editor-form"
        if not self.inside and not elsewhere:
            return
        name = given.get("name", "")
        ticked = given.get("type") not in ("checkbox", "radio") or "checked" in given
        if tag == "input" and name and ticked:
            self.found.append((name, given.get("value", "on")))
        if tag == "select":
            self.select, self.options = name, []
        if tag == "option" and self.select:
            self.options.append((given.get("value", ""), "selected" in given))
        if tag == "textarea":
            self.area = name
            self.found.append((name, ""))

    def handle_data(self, data: str) -> None:
        if self.area:
            self.found[-1] = (self.area, self.found[-1][1] + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        if tag == "select" and self.select:
            chosen = [value for value, yes in self.options if yes] or [self.options[0][0]]
            self.found.append((self.select, chosen[-1]))
            self.select = ""
        if tag == "textarea":
            self.area = ""


@dataclass
class Editor:
    """Somebody at the form: what stands on the page is sent, with what they change."""

    visitor: Any
    address: str
    html: str = ""
    status: int = 0
    location: str = ""
    fields: dict[str, list[str]] = field(default_factory=dict)

    def open(self) -> Editor:
        return self._read(self.visitor.get(self.address))

    def send(self, command: str, changes: dict[str, Any]) -> Editor:
        fields = {**self.fields, **changes, "do": command}
        return self._read(self.visitor.client.post(self.address, data=fields))

    def _read(self, answer: Any) -> Editor:
        self.status, self.location = answer.status_code, answer.headers.get("Location", "")
        self.html = answer.get_data(as_text=True)
        if self.status != 303:
            form = _Form()
            form.feed(self.html)
            self.fields = {}
            for name, value in form.found:
                self.fields.setdefault(name, []).append(value)
        return self

    def said(self, language: str = "zh") -> str:
        found = re.search(rf'data-tg-reading="{language}">(.*?)</p>', self.html, re.S)
        assert found
        return re.sub(r"</?b>", "", found.group(1)).strip()


def rule(desk: Any, name: str, set_id: str = "review") -> Any:
    ruleset = drafts.working_set(desk.context, set_id)
    return next(one for one in ruleset.written if one.id == name)


def conditions(desk: Any, name: str, set_id: str = "review") -> Any:
    return rule_document(rule(desk, name, set_id))["if"]


def test_opening_and_saving_any_shipped_rule_changes_nothing(desk: Any) -> None:
    count = 0
    for ruleset in desk.context.rules.all():
        for one in ruleset.rules:
            if one.table:
                continue
            editor = Editor(desk.client(), f"/rules/{ruleset.id}/rules/{one.id}").open()
            assert editor.status == 200
            editor.send("save", {})
            assert editor.status == 303, one.id
            count += 1
        draft = drafts.draft_of(desk.context, ruleset.id)
        assert draft is not None
        assert draft.ruleset.hash == ruleset.hash
    assert count == 96


def test_text_face_and_back_changes_nothing(desk: Any) -> None:
    for name in ("paid-and-in-stock", "accounts-storm", "risky-memo", "refund-in-progress"):
        before = rule_document(rule(desk, name))
        editor = Editor(desk.client(), f"/rules/review/rules/{name}").open().send("face:text", {})
        assert editor.fields["face"] == ["text"]
        editor.send("face:form", {})
        assert editor.fields["face"] == ["form"]
        editor.send("save", {})
        assert editor.status == 303
        assert rule_document(rule(desk, name)) == before


def test_a_rule_is_written_with_buttons_and_plain_posts(desk: Any) -> None:
    editor = Editor(desk.client(), NEW).open()
    editor.send(
        "pick:c-0:order.total", {"zh": "新疆大额易碎", "en": "Fragile and far", "why": "破损多"}
    )
    editor.send("", {"c-0.o": ">", "c-0.v": "2,000", "c-0.vu": "CNY"})
    editor.send("add:c", {}).send("pick:c-1:recipient.province", {})
    editor.send("", {"c-1.v": "新疆维吾尔自治区"})
    editor.send("add:c", {}).send("pick:c-2:item.fragile", {})
    assert editor.fields["c-2.q"] == ["some"]
    editor.send("", {"a-0.action": "hold"})
    editor.send("save", {"a-0.arg.reason": "far_and_fragile"})
    assert editor.status == 303
    assert editor.location.endswith("/rules/review/rules/fragile-and-far")
    assert rule_document(rule(desk, "fragile-and-far")) == {
        "id": "fragile-and-far",
        "title": {"zh": "新疆大额易碎", "en": "Fragile and far"},
        "why": "破损多",
        "if": [
            "order.total > 2000 CNY",
            'recipient.province = "新疆维吾尔自治区"',
            "some item in items satisfies item.fragile",
        ],
        "then": [{"hold": "far_and_fragile"}],
    }


def test_who_writes_a_reason_in_one_language_leaves_the_other(desk: Any) -> None:
    before = rule(desk, "paid-and-in-stock").why
    editor = Editor(desk.client(), STOCK).open()
    assert [editor.fields[name] for name in ("why", "why_en")] == [[before["zh"]], [before["en"]]]
    editor.send("save", {"why_en": "Nobody has to look"})
    both = {"zh": before["zh"], "en": "Nobody has to look"}
    assert rule_document(rule(desk, "paid-and-in-stock"))["why"] == both
    Editor(desk.client(), STOCK).open().send("face:text", {}).send("save", {})
    assert rule(desk, "paid-and-in-stock").why == both
    Editor(desk.client(), STOCK).open().send("save", {"why_en": ""})
    assert rule_document(rule(desk, "paid-and-in-stock"))["why"] == before["zh"]
    editor = Editor(desk.client(), STOCK).open()
    assert [editor.fields[name] for name in ("why", "why_en")] == [[before["zh"]], [""]]


def test_a_half_written_row_is_kept_marked_and_not_saved(desk: Any) -> None:
    editor = Editor(desk.client(), STOCK).open().send("add:c", {}).send("pick:c-2:order.total", {})
    editor.send("save", {"c-2.v": "2000元", "why": "试试"})
    assert editor.status == 422
    assert editor.fields["c-2.v"] == ["2000元"]
    assert editor.fields["why"] == ["试试"]
    assert "“2000元”不是数字，请只填数字（单位在后面选）" in editor.html
    assert re.search(
        r'name="c-2\.v"[^>]*aria-invalid="true" aria-describedby="c-2-e-v"', editor.html
    )
    assert "条件 3" in editor.html
    assert drafts.draft_of(desk.context, "review") is None


def test_a_line_can_be_asked_more_than_one_thing(desk: Any) -> None:
    editor = Editor(desk.client(), STOCK).open().send("lines:c-1", {})
    editor.send("pick:c-1-1:item.fragile", {}).send("save", {"c-1.q": "at_least", "c-1.n": "2"})
    assert editor.status == 303
    assert conditions(desk, "paid-and-in-stock")[1] == (
        "count(items[item.available >= item.quantity and item.fragile]) >= 2"
    )


def test_groups_nest_move_and_go(desk: Any) -> None:
    editor = Editor(desk.client(), STOCK).open().send("group:c", {})
    editor.send("pick:c-2-0:order.invoice_wanted", {}).send("add:c-2", {})
    editor.send("pick:c-2-1:order.kind", {}).send("", {"c-2-1.o": "in"})
    editor.send("up:c-2", {"c-2-1.m": ["gift", "sample"], "c-2.t": "none"})
    editor.send("remove:c-0", {}).send("save", {})
    assert editor.status == 303
    assert conditions(desk, "paid-and-in-stock") == [
        {"none": ["order.invoice_wanted", 'order.kind in ("gift", "sample")']},
        "every item in items satisfies item.available >= item.quantity",
    ]


WIDGETS: list[tuple[str, list[dict[str, Any]], str]] = [
    (
        "order.paid_at",
        [{"c-0.o": "since:>="}, {"c-0.v": "24", "c-0.vu": "h"}],
        "since(order.paid_at) >= 24h",
    ),
    (
        "order.paid_at",
        [{"c-0.o": "since:>"}, {"c-0.v": "2", "c-0.vu": "h", "c-0.cal": "warehouse_hours"}],
        "since(order.paid_at, warehouse_hours) > 2h",
    ),
    ("now", [{"c-0.o": "within"}, {"c-0.v": "office_hours"}], "now in office_hours"),
    (
        "now",
        [{"c-0.o": "weekday:in"}, {"c-0.m": ["Sat", "Sun"]}],
        'weekday(now) in ("Sat", "Sun")',
    ),
    (
        "now",
        [{"c-0.o": "hour:between"}, {"c-0.v": "9", "c-0.h": "18"}],
        "hour(now) between 9 and 18",
    ),
    (
        "order.total",
        [{"c-0.vs": "named"}, {"c-0.v": "high_value"}],
        "order.total >= high_value",
    ),
    (
        "order.total",
        [{"c-0.vs": "field"}, {"c-0.v": "payment.paid_total"}],
        "order.total >= payment.paid_total",
    ),
    (
        "order.total",
        [{"c-0.vs": "formula"}, {"c-0.v": "order.freight * 3"}],
        "order.total >= order.freight * 3",
    ),
    (
        "order.total",
        [{"c-0.v": "5", "c-0.if": "no"}],
        "order.total is present and order.total >= 5 CNY",
    ),
    (
        "order.buyer_memo",
        [{"c-0.o": "some:contains"}, {"c-0.mn": "加急，急用"}],
        'some word in ["加急", "急用"] satisfies contains(order.buyer_memo, word)',
    ),
    (
        "order.seller_flag",
        [{"c-0.v": "Red", "c-0.vx": "on"}],
        'order.seller_flag = exact("Red")',
    ),
    ("order.tags", [{"c-0.v": "老客"}], 'list contains(order.tags, "老客")'),
    (
        "history.orders_to_phone",
        [{"c-0.w": "48", "c-0.v": "3"}],
        "history.orders_to_phone(48h) >= 3",
    ),
    (
        "order.refund_status",
        [{"c-0.o": "not-in"}, {"c-0.m": "refunded"}],
        'not(order.refund_status in "refunded")',
    ),
    (
        "order.weight_g",
        [{"c-0.o": "between"}, {"c-0.v": "500", "c-0.h": "1000"}],
        "order.weight_g between 500 and 1000",
    ),
    ("order.invoice_wanted", [{"c-0.o": "not-holds"}], "not(order.invoice_wanted)"),
]


def test_every_widget_writes_what_it_says(desk: Any) -> None:
    assert len(WIDGETS) == 16
    for number, (field_id, changes, expected) in enumerate(WIDGETS):
        editor = Editor(desk.client(), NEW).open()
        editor.send(f"pick:c-0:{field_id}", {"id": f"probe-{number}"})
        for change in changes:
            editor.send("", change)
        editor.send("", {"a-0.action": "approve"}).send("save", {})
        assert editor.status == 303, (
            expected,
            re.findall(r"tg-ed-wrong.*?</p>", editor.html, re.S),
        )
        assert conditions(desk, f"probe-{number}") == [expected]
        again = Editor(desk.client(), f"/rules/review/rules/probe-{number}").open()
        assert again.fields["c-0.t"] == ["row"], f"{expected} opens as a row again"


def test_two_people_saving_keeps_both(desk: Any) -> None:
    mine = Editor(desk.client(), STOCK).open()
    theirs = Editor(desk.client(), STOCK).open()
    theirs.send("remove:c-1", {}).send("save", {})
    assert theirs.status == 303
    mine.send("save", {"why": "我的理由"})
    assert mine.status == 409
    assert mine.fields["why"] == ["我的理由"]
    assert "你写的" in mine.html
    assert "已付款且全部有货则通过 (我的理由): 如果" in mine.html
    assert (
        "已付款且全部有货则通过 (付了款又有货的订单不该等人): 如果付款状态是“已付款”，则通过"
        in mine.html
    )
    mine.send("save", {})
    assert mine.status == 303
    assert rule(desk, "paid-and-in-stock").why["zh"] == "我的理由"
    assert len(conditions(desk, "paid-and-in-stock")) == 2


def test_switching_off_is_saved_with_the_rule(desk: Any) -> None:
    editor = Editor(desk.client(), STOCK).open()
    del editor.fields["enabled"]
    editor.send("save", {})
    assert editor.status == 303
    assert rule_document(rule(desk, "paid-and-in-stock"))["enabled"] is False
    assert "enabled" not in Editor(desk.client(), STOCK).open().fields


def test_a_wrong_formula_is_shown_at_its_row(desk: Any) -> None:
    editor = Editor(desk.client(), STOCK).open().send("text:c-0", {})
    assert editor.fields["c-0.x"] == ['payment.status = "paid"']
    editor.send("save", {"c-0.x": 'payment.staus = "paid"'})
    assert editor.status == 422
    assert re.search(r'name="c-0\.x"[^>]*aria-describedby="c-0-e-t"', editor.html)
    assert "payment.status" in editor.html


def test_wrong_text_is_kept_with_its_error(desk: Any) -> None:
    editor = Editor(desk.client(), STOCK).open().send("face:text", {})
    editor.send(
        "save", {"text": "id: paid-and-in-stock\nif: [order.totl > 3 CNY]\nthen: [approve]\n"}
    )
    assert editor.status == 422
    assert "order.totl > 3 CNY" in editor.fields["text"][0]
    assert "order.total" in editor.html


def test_the_sentence_follows_in_both_languages(desk: Any) -> None:
    editor = Editor(desk.client(), STOCK).open()
    assert (
        editor.said("zh")
        == "如果付款状态是“已付款”，且每个商品都满足：商品可用库存不少于商品数量，则通过。"
    )
    editor.send("remove:c-1", {})
    assert editor.said("zh") == "如果付款状态是“已付款”，则通过。"
    assert editor.said("en").startswith("If payment status is “paid”, then")


def test_htmx_gets_the_bands_alone(desk: Any) -> None:
    visitor = desk.client()
    editor = Editor(visitor, STOCK).open()
    answer = visitor.client.post(
        STOCK, data={**editor.fields, "do": "add:c"},
        headers={"HX-Request": "true", "HX-Target": "editor-bands"},
    )  # fmt: skip
    html = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert html.lstrip().startswith('<div id="editor-bands"')
    assert 'id="editor-note"' in html
    assert "<html" not in html


def test_a_change_in_the_background_never_saves(desk: Any) -> None:
    visitor = desk.client()
    editor = Editor(visitor, STOCK).open()
    answer = visitor.client.post(
        STOCK, data={**editor.fields, "do": "save"},
        headers={"HX-Request": "true", "HX-Target": "editor-bands"},
    )  # fmt: skip
    assert answer.status_code == 200
    assert drafts.draft_of(desk.context, "review") is None


def test_what_is_not_there_is_404(desk: Any) -> None:
    visitor = desk.client()
    assert visitor.get("/rules/review/rules/none-such").status_code == 404
    assert visitor.get("/rules/none-such/rules/new").status_code == 404
    assert visitor.get("/rules/none-such/fields?q=a").status_code == 404


def test_the_whole_set_as_text(desk: Any) -> None:
    visitor = desk.client()
    html = visitor.get("/rules/inventory/text").get_data(as_text=True)
    assert "one-warehouse-has-all" in html
    draft = drafts.start(desk.context, "inventory", "local")
    text = draft.text.replace("value: 14", "value: 21")
    done = visitor.post(
        "/rules/inventory/text", "/rules/inventory/text", text=text, version=str(draft.version)
    )
    assert done.status_code == 303
    assert drafts.working_set(desk.context, "inventory").parameters["cover_days"].value == 21
    stale = visitor.post(
        "/rules/inventory/text", "/rules/inventory/text", text=text, version=str(draft.version)
    )
    assert stale.status_code == 409
    wrong = visitor.post(
        "/rules/inventory/text", "/rules/inventory/text", text="tidegate: 3", version="2"
    )
    assert wrong.status_code == 422
    assert "tidegate: 3" in wrong.get_data(as_text=True)


def test_hostile_fields_change_nothing_and_break_nothing(desk: Any) -> None:
    visitor = desk.client()
    editor = Editor(visitor, STOCK).open()
    for command in (
        "remove:c-99",
        "up:x",
        "pick:c-0:nope",
        "lines:c-0",
        "add:c-0-0-0",
        "act-remove:9",
        "::",
        "keep:c",
    ):
        editor.send(command, {"c-1-1-1-1.t": "row", "c-7.t": "weird", "a-3.action": "explode"})
        assert editor.status == 200, command
    assert drafts.draft_of(desk.context, "review") is None


def test_a_number_used_twice_can_be_named_at_once(desk: Any) -> None:
    for name in ("first", "second"):
        editor = Editor(desk.client(), NEW).open().send("pick:c-0:order.freight", {"id": name})
        editor.send("", {"c-0.v": "88"}).send("", {"a-0.action": "approve"}).send("save", {})
        assert editor.status == 303
    editor = Editor(desk.client(), "/rules/review/rules/second").open()
    assert "规则 first 也用了这个数" in editor.html
    editor.send("name:c-0", {})
    assert "请给门槛起个名字" in editor.html
    editor.send("name:c-0", {"c-0.pn": "贵的运费"}).send("save", {})
    assert editor.status == 303
    assert conditions(desk, "second") == ["order.freight >= gui_de_yun_fei"]
    parameter = drafts.working_set(desk.context, "review").parameters["gui_de_yun_fei"]
    assert (str(parameter.value), parameter.title["zh"]) == ("88 CNY", "贵的运费")


def test_an_id_that_is_taken_is_refused_at_its_field(desk: Any) -> None:
    editor = Editor(desk.client(), NEW).open().send("pick:c-0:order.invoice_wanted", {})
    editor.send("", {"a-0.action": "approve"}).send("save", {"id": "no-lines", "why": "试试"})
    assert editor.status == 422
    assert editor.fields["why"] == ["试试"]
    assert re.search(r'name="id"[^>]*aria-invalid="true" aria-describedby="rule-e-id"', editor.html)


def test_a_rule_somebody_removed_meanwhile_can_be_kept(desk: Any) -> None:
    mine = Editor(desk.client(), STOCK).open()
    draft = drafts.start(desk.context, "review", "other")
    drafts.remove_rule(desk.context, "review", draft.version, "paid-and-in-stock", "other")
    mine.send("save", {})
    assert mine.status == 409
    assert "对方已删除这条规则" in mine.html
    mine.send("save", {})
    assert mine.status == 303
    assert len(conditions(desk, "paid-and-in-stock")) == 2


def test_regions_lead_from_province_to_district(desk: Any) -> None:
    editor = Editor(desk.client(), NEW).open().send("pick:c-0:recipient.district", {"id": "far"})
    editor.send("", {"c-0.o": "in"}).send("", {"c-0.r1": "330000"}).send("", {"c-0.r2": "330100"})
    assert 'value="西湖区"' in editor.html
    editor.send("", {"c-0.m": ["西湖区", "余杭区"]}).send("", {"a-0.action": "approve"}).send(
        "save", {}
    )
    assert editor.status == 303
    assert conditions(desk, "far") == ['recipient.district in ("西湖区", "余杭区")']


def test_services_are_offered_by_name(desk: Any) -> None:
    editor = Editor(desk.client(), "/rules/routing/rules/new").open()
    editor.send("pick:c-0:quote.service", {})
    assert editor.fields["c-0.q"] == ["some"]
    assert '<option value="SF.standard">顺丰标快' in editor.html
