"""Labels that carriers give: fetched once, sealed, printed in place of our drawing, the same when printed again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import pymupdf
import pytest
from sqlalchemy import update

from tidegate.documents.merging import merged
from tidegate.errors import InputError, NotFound
from tidegate.jobs.runner import drain
from tidegate.sdk.http.sending import Times
from tidegate.sdk.stage.protocol import Fault
from tidegate.services import label_batches, labels
from tidegate.services.chain import advance_many
from tidegate.services.pruning import prune_personal
from tidegate.services.remotes import accounts
from tidegate.services.remotes.connected import Connected
from tidegate.services.view_labels import print_desk
from tidegate.store.label_tables import KeptLabel
from tidegate.store.tables import CarrierService, Event, Order, Parcel, PrintRecord
from tidegate_platforms.kdniao import KDNiaoServer
from tidegate_platforms.sf import SFServer
from tidegate_platforms.sf.paper import paper


@dataclass
class Shop:
    """A merchant whose SF parcels go by SF's own interface, all others by the ledger carrier."""

    world: Any
    server: Any

    def parcels(self, *services: str) -> list[int]:
        """Parcels with a waybill, by these services."""
        ids = [self.world.order(("KETTLE", 1)) for _ in services]
        with self.world.context.store.begin(1) as work:
            for order_id, service in zip(ids, services, strict=True):
                work.session.get_one(Order, order_id).manual_service = service
            work.commit()
        advance_many(self.world.context, ids, "received")
        return [self.world.parcel(order_id).id for order_id in ids]

    def print(self, reason: str | None = None, ids: Any = None) -> Any:
        return labels.print_labels(self.world.context, ids, "li", reason)

    def texts(self, number: str) -> list[str]:
        content = label_batches.batch_pdf(self.world.context, number)
        with pymupdf.open(stream=content) as document:
            return [page.get_text() for page in document]

    def number(self, parcel_id: int) -> str:
        return str(self.world.get(Parcel, Parcel.id == parcel_id).waybill_no)


@pytest.fixture
def shop(world: Any) -> Iterator[Callable[..., Shop]]:
    with ExitStack() as stack:

        def make(name: str = "sf", **settings: str) -> Shop:
            server = stack.enter_context({"sf": SFServer, "kdniao": KDNiaoServer}[name]())
            secret = {"sf": "check_word", "kdniao": "api_key"}[name]
            host = server.url.partition("//")[2]
            reach = replace(world.context.reach, trusted=(host,), times=Times(2, 5, 10))
            context = replace(world.context, reach=reach)
            given = {**server.settings, **settings}
            accounts.add(
                context, name, "li", code="own", secrets={secret: given.pop(secret)}, settings=given
            )
            with context.store.begin(context.tenant_id) as work:
                work.session.execute(
                    update(CarrierService)
                    .where(CarrierService.code == "SF.standard")
                    .values(connector="own")
                )
                work.commit()
            world.stock("KETTLE", 20)
            world.context = replace(
                context, carriers=Connected(context, fixed={"sandbox": world.carrier})
            )
            return Shop(world, server)

        yield make


def test_carriers_labels_and_our_own_stand_in_one_batch_in_its_order(
    shop: Callable[..., Shop],
) -> None:
    sf = shop()
    ids = sf.parcels("ZTO.standard", "SF.standard", "ZTO.standard")
    drain(sf.world.context)
    batch = sf.print()
    assert (batch.printed, batch.problems) == (3, ())
    texts = sf.texts(batch.number)
    assert [sf.number(one) in text for one, text in zip(ids, texts, strict=True)] == [True] * 3
    assert texts[1].strip() == f"SF {sf.number(ids[1])}"  # theirs, and nothing of ours
    assert len([one for one in sf.server.calls if one.api == "label.print"]) == 1

    kept = sf.world.get(KeptLabel)
    assert (kept.kind, kept.account, kept.waybill_no) == ("pdf", "own", sf.number(ids[1]))
    assert "%PDF" not in kept.sealed
    files = [one.read_bytes() for one in (sf.world.context.data_dir / "labels").iterdir()]
    assert all(sf.number(ids[1]).encode() not in one for one in files)


def test_a_reprint_gives_the_same_label_without_asking_again(shop: Callable[..., Shop]) -> None:
    sf = shop()
    (parcel,) = sf.parcels("SF.standard")
    drain(sf.world.context)
    first = sf.print()
    again = sf.print("卡纸", [parcel])
    contents = {
        label_batches.batch_pdf(sf.world.context, one.number) for one in (first, again, first)
    }
    assert len(contents) == 1
    assert len([one for one in sf.server.calls if one.api == "label.print"]) == 1
    assert sf.world.count(PrintRecord) == 2


def test_a_label_that_has_not_come_is_a_problem_and_is_fetched(shop: Callable[..., Shop]) -> None:
    sf = shop()
    sf.server.fail(Fault.THROTTLED, api="label.print")
    sf.parcels("SF.standard")
    drain(sf.world.context)
    early = sf.print()
    assert (early.printed, [one.error.code for one in early.problems]) == (
        0,
        ["labels.carrier_label_missing"],
    )
    assert "labels" in early.problems[0].error.text("zh")
    sf.world.wait(minutes=5)
    drain(sf.world.context)
    assert sf.print().printed == 1


def test_a_definite_no_is_on_the_parcels_time_line_and_own_labels_are_a_setting(
    shop: Callable[..., Shop],
) -> None:
    sf = shop()
    sf.server.fail(Fault.REFUSED, api="label.print", times=9)
    sf.parcels("SF.standard")
    drain(sf.world.context)
    assert sf.world.get(Event, Event.kind == "label_refused").data["code"].startswith("sf.")
    accounts.change(sf.world.context, "own", "li", settings={"labels": "own"})
    batch = sf.print()
    assert (batch.printed, batch.problems) == (1, ())
    assert "手冲壶" in sf.texts(batch.number)[0]
    with pytest.raises(InputError):
        accounts.change(sf.world.context, "own", "li", settings={"labels": "both"})


def test_print_data_is_for_the_platforms_component_and_no_paper(shop: Callable[..., Shop]) -> None:
    bird = shop("kdniao", labels="carrier", shipper="SF")
    (parcel,) = bird.parcels("SF.standard")
    drain(bird.world.context)
    batch = bird.print()
    assert (batch.printed, batch.file) == (1, None)
    told = json.loads(label_batches.batch_print_data(bird.world.context, batch.number))
    (task,) = told["tasks"]
    assert (task["account"], task["connector"]) == ("own", "kdniao")
    assert task["taskID"] == f"{batch.number}-own"
    assert [one["documentID"] for one in task["documents"]] == [bird.number(parcel)]
    with pytest.raises(NotFound, match="print data"):
        label_batches.batch_pdf(bird.world.context, batch.number)
    (row,) = print_desk(bird.world.context).batches
    assert (row.paper, row.print_data) == (False, True)


def test_kdniaos_parcels_are_drawn_by_us_unless_the_account_says_otherwise(
    shop: Callable[..., Shop],
) -> None:
    bird = shop("kdniao", shipper="SF")
    bird.parcels("SF.standard")
    assert bird.print().printed == 1
    assert bird.world.count(KeptLabel) == 0


def test_kept_labels_go_after_a_month_and_the_batch_says_so(shop: Callable[..., Shop]) -> None:
    sf = shop()
    sf.parcels("SF.standard")
    drain(sf.world.context)
    batch = sf.print()
    sf.world.wait(days=29)
    assert prune_personal(sf.world.context) == 0
    sf.world.wait(days=2)
    assert (prune_personal(sf.world.context), sf.world.count(KeptLabel)) == (1, 0)
    with pytest.raises(NotFound, match="print again"):
        label_batches.batch_pdf(sf.world.context, batch.number)


def test_another_tenant_reads_nothing_of_a_batch(shop: Callable[..., Shop]) -> None:
    sf = shop()
    sf.parcels("SF.standard")
    drain(sf.world.context)
    batch = sf.print()
    other = replace(sf.world.context, tenant_id=2)
    for act in (label_batches.batch_pdf, label_batches.batch_print_data):
        with pytest.raises(NotFound):
            act(other, batch.number)


def test_who_sees_one_shop_only_prints_the_carriers_label_all_the_same(
    shop: Callable[..., Shop],
) -> None:
    sf = shop()  # the account is of all shops, which such a person does not see
    sf.parcels("SF.standard")
    drain(sf.world.context)
    limited = replace(sf.world.context, store=sf.world.context.store.limited_to(frozenset({1})))
    batch = labels.print_labels(limited, None, "li")
    assert (batch.printed, batch.file) == (1, None)
    assert label_batches.batch_pdf(limited, batch.number).startswith(b"%PDF")
    other = replace(limited, store=sf.world.context.store.limited_to(frozenset({99})))
    with pytest.raises(NotFound):
        label_batches.batch_pdf(other, batch.number)


def test_pages_are_merged_in_order_and_what_is_no_label_is_refused() -> None:
    picture = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 20, 30)).tobytes("png")
    content = merged(paper("A1"), [("pdf", paper("B2")), ("drawn", b""), ("png", picture)])
    with pymupdf.open(stream=BytesIO(content)) as document:
        found = [page.get_text().strip() for page in document]
    assert found == ["SF B2", "SF A1", ""]
    for kind in ("pdf", "png"):
        with pytest.raises(InputError, match="can't be opened"):
            merged(b"", [(kind, b"%PDF- nothing")])
