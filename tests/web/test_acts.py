"""What a person can do, through plain forms without JavaScript."""

from __future__ import annotations

import re

from tidegate.store.tables import Alert, Event, LabelBatch, Order, Parcel, Stock, Warehouse


def one_held(desk) -> Order:
    return desk.all(Order, Order.state == "on_hold")[0]


def test_release_needs_a_reason_and_keeps_what_was_chosen(desk) -> None:
    order = one_held(desk)
    page = f"/orders/{order.id}"
    answer = desk.client().post(f"{page}/release", page, reason="  ", reason_code="")
    assert answer.status_code == 422
    assert "web.reason_missing" in answer.get_data(as_text=True)
    answer = desk.client().post(
        f"{page}/release", page, reason_code="verified", reason="called him"
    )
    assert answer.status_code == 303
    assert desk.all(Order, Order.id == order.id)[0].manual_review == "released"
    html = desk.client().get(page).get_data(as_text=True)
    assert "已核实：called him" in html
    assert 'class="tg-hand"' in html


def test_second_release_is_a_conflict_in_both_languages(desk) -> None:
    order = one_held(desk)
    page = f"/orders/{order.id}"
    assert desk.client().post(f"{page}/reject", page, reason="fraud").status_code == 303
    for language, word in (("zh", "刷新"), ("en", "Reload")):
        answer = desk.client(language).post(f"{page}/release", page, reason="late")
        assert answer.status_code == 409
        assert word in answer.get_data(as_text=True)


def test_stale_edit_is_a_conflict_and_keeps_what_was_typed(desk) -> None:
    order = one_held(desk)
    page = f"/orders/{order.id}"
    fields = {"version": order.version - 1, "seller_memo": "gift wrap", "reason": "buyer called"}
    answer = desk.client().post(f"{page}/edit", page, **fields)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert 'value="gift wrap"' in html
    assert 'value="buyer called"' in html
    fields["version"] = order.version
    assert desk.client().post(f"{page}/edit", page, **fields).status_code == 303
    changed = desk.all(Order, Order.id == order.id)[0]
    assert changed.seller_memo == "gift wrap"
    assert changed.edited == ["order.seller_memo"]


def test_empty_masked_field_of_the_edit_form_changes_nothing(desk) -> None:
    order = one_held(desk)
    page = f"/orders/{order.id}"
    fields = {"version": order.version, "phone": "", "name": "", "address": "", "district": "新区"}
    assert desk.client().post(f"{page}/edit", page, reason="x", **fields).status_code == 303
    changed = desk.all(Order, Order.id == order.id)[0]
    assert changed.recipient_phone == order.recipient_phone
    assert changed.address == order.address


def test_reveal_shows_once_and_keeps_who_and_why(desk) -> None:
    order = next(row for row in desk.all(Order) if row.recipient_kind == "plain")
    page = f"/orders/{order.id}"
    refused = desk.client().post(f"{page}/reveal", page)
    assert refused.status_code == 422
    assert order.recipient_phone not in refused.get_data(as_text=True)
    assert desk.all(Event, Event.kind == "revealed") == []
    shown = desk.client().post(f"{page}/reveal", page, reason_code="call_back")
    assert order.recipient_phone in shown.get_data(as_text=True)
    assert order.recipient_name in shown.get_data(as_text=True)
    (event,) = desk.all(Event, Event.kind == "revealed")
    assert (event.order_id, event.actor, event.data) == (order.id, "local", {"reason": "call_back"})
    again = desk.client().get(page).get_data(as_text=True)
    assert order.recipient_phone not in again
    assert "查看收件人" in again


def test_bulk_tells_the_result_of_each_order(desk) -> None:
    held = one_held(desk)
    gone = desk.all(Order, Order.state == "handed_over")[0]
    answer = desk.client().post(
        "/orders/act", order=[held.id, gone.id, 999999], act="release", reason_code="verified"
    )
    html = answer.get_data(as_text=True)
    assert answer.status_code == 200
    results = re.search(r'<ul class="tg-results".*?</ul>', html, re.DOTALL)
    assert results
    assert results.group().count("<li>") == 3
    assert "已放行" in results.group()
    assert "state.wrong" in results.group()
    assert "order.not_found" in results.group()


def test_bulk_without_a_tick_or_reason_says_so_and_keeps_the_words(desk) -> None:
    nothing = desk.client().post("/orders/act", act="release", reason="why")
    assert nothing.status_code == 422
    assert "web.nothing_chosen" in nothing.get_data(as_text=True)
    held = one_held(desk)
    no_reason = desk.client("en").post("/orders/act", act="reject", order=[held.id])
    html = no_reason.get_data(as_text=True)
    assert no_reason.status_code == 422
    assert "Choose or write a reason" in html
    assert re.search(rf'name="order" value="{held.id}"\s+checked', html)


def test_review_goes_on_to_the_next_order(desk) -> None:
    waiting = desk.all(Order, Order.state == "on_hold")
    waiting.sort(key=lambda order: (order.state_since, order.id))
    answer = desk.client().post(f"/review/{waiting[0].id}", "/review", act="release", reason="ok")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/review?order={waiting[1].id}"
    refused = desk.client().post(f"/review/{waiting[1].id}", "/review", act="reject", reason="")
    assert refused.status_code == 422


def test_labels_are_printed_once_and_again_only_with_a_reason(desk) -> None:
    parcels = desk.all(Parcel, Parcel.state == "waybill")[:3]
    ids = [parcel.id for parcel in parcels]
    answer = desk.client().post("/labels/print", "/labels", act="chosen", parcel=ids)
    assert answer.status_code == 303
    batch = desk.all(LabelBatch)[-1]
    assert batch.printed == 3
    pdf = desk.client().get(f"/labels/{batch.number}.pdf")
    assert pdf.mimetype == "application/pdf"
    assert pdf.data.startswith(b"%PDF-")
    assert desk.client().get(f"/labels/{batch.number}/pick-list.pdf").data.startswith(b"%PDF-")
    refused = desk.client().post("/labels/print", "/labels", act="reprint", parcel=ids)
    assert refused.status_code == 422
    fields = {"act": "reprint", "parcel": ids, "reason_code": "printer_jam"}
    assert (
        desk.client().post("/labels/print?queue=hand_over", "/labels", **fields).status_code == 303
    )
    assert len(desk.all(Event, Event.kind == "label_reprinted")) == 3


def test_whole_queue_becomes_one_batch(desk) -> None:
    waiting = len(desk.all(Parcel, Parcel.state == "waybill"))
    assert waiting > 3
    desk.client().post("/labels/print", "/labels", act="everything")
    assert desk.all(LabelBatch)[-1].printed == waiting
    assert desk.all(Parcel, Parcel.state == "waybill") == []


def test_hand_over_moves_the_ticked_parcels(desk) -> None:
    parcel = desk.all(Parcel, Parcel.state == "printed")[0]
    answer = desk.client().post("/labels/hand-over?queue=hand_over", "/labels", parcel=[parcel.id])
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/labels?queue=hand_over"
    assert desk.all(Parcel, Parcel.id == parcel.id)[0].state == "handed_over"


def test_stock_is_adjusted_with_a_reason_and_never_below_what_is_promised(desk) -> None:
    row = desk.all(Stock, Stock.reserved > 0)[0]
    (house,) = desk.all(Warehouse, Warehouse.id == row.warehouse_id)
    fields = {"sku": row.sku, "warehouse_code": house.code, "reason_code": "stock_count"}
    page = f"/stock?q={row.sku}"
    for typed, code in (
        ("12x", "stock.not_a_number"),
        (str(row.reserved - 1), "stock.below_reserved"),
    ):
        answer = desk.client().post("/stock/adjust?q=" + row.sku, page, on_hand=typed, **fields)
        assert answer.status_code == 422
        assert code in answer.get_data(as_text=True)
        assert f'value="{typed}"' in answer.get_data(as_text=True)
    answer = desk.client().post("/stock/adjust", page, on_hand=str(row.reserved), **fields)
    assert answer.status_code == 303
    assert desk.all(Stock, Stock.id == row.id)[0].on_hand == row.reserved


def test_exported_stock_runs_no_formula(desk) -> None:
    row = desk.all(Stock)[0]
    with desk.context.store.begin(desk.context.tenant_id) as work:
        work.session.get(Stock, row.id).location = '=HYPERLINK("http://evil")'
        work.commit()
    text = desk.client().get("/stock.csv").data.decode("utf-8-sig")
    assert len(text.splitlines()) == len(desk.all(Stock)) + 1
    assert "'=HYPERLINK" in text
    assert ",=HYPERLINK" not in text
    assert ',"=HYPERLINK' not in text


def test_alert_is_claimed_and_resolved_with_a_reason(desk) -> None:
    alert = desk.all(Alert, Alert.state == "open")[0]
    fields = {"alert": [alert.id], "kind": alert.kind, "act": "acknowledge"}
    refused = desk.client().post("/alerts/act", "/alerts", **fields)
    assert refused.status_code == 422
    fields["reason_code"] = "carrier_called"
    assert desk.client().post("/alerts/act", "/alerts", **fields).status_code == 303
    assert desk.all(Alert, Alert.id == alert.id)[0].acknowledged_by == "local"
    fields["act"] = "resolve"
    assert desk.client().post("/alerts/act", "/alerts", **fields).status_code == 303
    assert desk.all(Alert, Alert.id == alert.id)[0].state == "closed"
    html = desk.client().get("/alerts").get_data(as_text=True)
    assert f'name="alert" value="{alert.id}"' not in html


def test_carrier_is_changed_by_hand(desk) -> None:
    parcel = desk.all(Parcel, Parcel.state == "waybill")[0]
    page = f"/orders/{parcel.order_id}"
    wrong = desk.client().post(f"{page}/carrier", page, service="NO.such", reason="x")
    assert wrong.status_code == 422
    other = "SF.standard" if parcel.service_code != "SF.standard" else "ZTO.standard"
    right = desk.client().post(f"{page}/carrier", page, service=other, reason="buyer asked")
    assert right.status_code == 303
    assert desk.all(Order, Order.id == parcel.order_id)[0].manual_service == other


def test_cancelled_order_says_so(desk) -> None:
    order = desk.all(Order, Order.state == "waybill")[0]
    page = f"/orders/{order.id}"
    answer = desk.client().post(f"{page}/cancel", page, reason_code="buyer_cancelled")
    assert answer.status_code == 303
    assert desk.all(Order, Order.id == order.id)[0].state == "cancelled"
    assert "已取消" in desk.client().get(page).get_data(as_text=True)


def test_asking_again_after_a_person_decided_only_proposes(desk) -> None:
    order = one_held(desk)
    page = f"/orders/{order.id}"
    desk.client().post(f"{page}/release", page, reason="known buyer")
    assert desk.client().post(f"{page}/ask_again", page).status_code == 303
    assert "未采用" in desk.client().get(page).get_data(as_text=True)
