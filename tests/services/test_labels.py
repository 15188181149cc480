"""Printing: one PDF, every parcel either in it or named with its problem, and no silent second print."""

from __future__ import annotations

import threading
from typing import Any

import pymupdf
import pytest

from tidegate.errors import NotFound
from tidegate.services import labels
from tidegate.services.chain import advance_many
from tidegate.services.label_batches import batch_pdf
from tidegate.store.tables import Event, LabelBatch, Order, Parcel, PrintRecord


def waiting(world: Any, count: int) -> list[int]:
    """Parcels that wait for their label."""
    world.stock("KETTLE", 100)
    ids = [world.order() for _ in range(count)]
    advance_many(world.context, ids, "received")
    return [world.parcel(id_).id for id_ in ids]


def pages(batch: Any) -> list[str]:
    with pymupdf.open(batch.file) as document:
        return [page.get_text() for page in document]


def test_all_waiting_parcels_go_into_one_pdf(both: Any) -> None:
    parcels = waiting(both, 3)
    batch = labels.print_labels(both.context, None, "li")
    assert (batch.printed, batch.problems, batch.number) == (3, (), "L261111-001")
    texts = pages(batch)
    assert len(texts) == 3
    for n, (text, parcel_id) in enumerate(zip(texts, parcels, strict=True), start=1):
        assert str(both.get(Parcel, Parcel.id == parcel_id).waybill_no) in text
        assert "13800002291" not in text
        assert f"{n}" in text
        assert "重打" not in text
    assert (
        {row.state for row in both.all(Parcel)}
        == {row.state for row in both.all(Order)}
        == {"printed"}
    )
    assert both.get(LabelBatch).printed == both.count(PrintRecord) == 3
    again = labels.print_labels(both.context, None, "li")
    assert (again.printed, again.file) == (0, None)
    assert both.count(LabelBatch) == 1


def test_a_second_print_needs_a_reason_and_shows_that_it_is_one(both: Any) -> None:
    (parcel,) = waiting(both, 1)
    labels.print_labels(both.context, [parcel], "li")
    refused = labels.print_labels(both.context, [parcel], "li", reason="  ")
    assert [p.error.code for p in refused.problems] == ["labels.reprint_needs_reason"]
    batch = labels.print_labels(both.context, [parcel], "li", reason="卡纸")
    (text,) = pages(batch)
    assert "重打" in text
    kept = both.all(PrintRecord)
    assert [(row.reprint_no, row.reason) for row in kept] == [(0, None), (1, "卡纸")]
    told = both.get(Event, Event.kind == "label_reprinted")
    assert (told.actor, told.data["reason"]) == ("li", "卡纸")
    assert both.get(Parcel).state == "printed"


def test_a_parcel_that_cannot_be_printed_is_named_and_stays(world: Any) -> None:
    good, bad = waiting(world, 2)
    with world.context.store.begin(world.context.tenant_id) as work:
        order_id = work.session.get(Parcel, bad).order_id
        work.session.get(Order, order_id).recipient_name = "\U0001f9ff" * 3
        work.commit()
    batch = labels.print_labels(world.context, None, "li")
    assert batch.printed == 1
    (problem,) = batch.problems
    assert (problem.parcel_id, problem.error.code) == (bad, "label.missing_glyph")
    assert problem.error.text("zh")
    states = {row.id: row.state for row in world.all(Parcel)}
    assert states == {good: "printed", bad: "waybill"}
    assert world.get(LabelBatch).problems[0]["code"] == "label.missing_glyph"


def test_what_has_no_waybill_or_does_not_exist_is_a_problem_of_its_own(world: Any) -> None:
    (parcel,) = waiting(world, 1)
    batch = labels.print_labels(world.context, [parcel, 999], "li")
    assert batch.printed == 1
    assert [(p.parcel_id, p.error.code) for p in batch.problems] == [(999, "parcel.not_found")]


def test_two_people_who_print_at_once_print_each_parcel_once(both: Any) -> None:
    waiting(both, 12)
    start, made = threading.Barrier(2), []

    def run(actor: str) -> None:
        start.wait()
        made.append(labels.print_labels(both.context, None, actor))

    threads = [threading.Thread(target=run, args=(actor,)) for actor in ("li", "wang")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(batch.printed for batch in made) == [0, 12]
    assert both.count(PrintRecord) == 12
    assert both.count(LabelBatch) == 1


def test_the_pick_list_names_goods_and_no_recipient(world: Any) -> None:
    waiting(world, 2)
    batch = labels.print_labels(world.context, None, "li")
    with pymupdf.open(stream=labels.pick_list(world.context, batch.number, "zh")) as document:
        text = "".join(page.get_text() for page in document)
    assert "KETTLE" in text
    assert "张" not in text
    assert "文一西路" not in text
    with pytest.raises(NotFound):
        labels.pick_list(world.context, "L000000-001", "en")


def test_another_tenant_prints_and_reads_nothing(world: Any, intruder: Any) -> None:
    (parcel,) = waiting(world, 1)
    batch = labels.print_labels(world.context, None, "li")
    for act in (labels.pick_list, batch_pdf):
        with pytest.raises(NotFound):
            act(intruder.context, batch.number)
    assert labels.print_labels(intruder.context, [parcel], "x", reason="y").printed == 0


def test_others_write_while_labels_are_drawn_and_what_they_changed_is_printed(both: Any) -> None:
    """No lock is held meanwhile; whatever a label would tell wrongly is drawn once more."""
    parcels = waiting(both, 3)
    written: list[int] = []

    def move(drawn: int) -> None:
        if not written:
            written.append(drawn)
            with both.context.store.begin(both.context.tenant_id) as work:
                order_id = work.session.get_one(Parcel, parcels[2]).order_id
                work.session.get_one(Order, order_id).address = "新塘路 99 号"
                work.commit()

    batch = labels.print_labels(both.context, None, "li", progress=move)
    assert written == [1]
    assert ["新塘" in text for text in pages(batch)] == [False, False, True]
