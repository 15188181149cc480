"""Platforms call us: proven by signature, kept once, worked later, the same in the end in whatever order."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hook_calls import call, scan, signed, with_sandbox
from sqlalchemy import select, text

from tidegate.domain.orders import LineDraft, OrderDraft, RecipientDraft
from tidegate.errors import InputError, NotFound
from tidegate.jobs.runner import drain
from tidegate.sdk.webhooks import (
    HookAnswer,
    HookContent,
    HookEvent,
    HookRefused,
    HookRequest,
    HookSecret,
)
from tidegate.services import labels
from tidegate.services.chain import advance
from tidegate.services.hooks import addresses, receiving, working
from tidegate.services.tracking import pull_scans
from tidegate.store.tables import Event, Order, Parcel, Scan
from tidegate.store.webhook_tables import HookAddress, HookMessage

WAY = ("GOT", "ARRIVAL", "DEPARTURE", "SENT", "SIGNED")


@pytest.fixture
def hooked(both: Any) -> Any:
    """A merchant whose sandbox carrier may call, on SQLite and PostgreSQL: (world, door, secret)."""
    return hook(both)


@pytest.fixture
def one(world: Any) -> Any:
    return hook(world)


def hook(world: Any) -> Any:
    world.context = with_sandbox(world.context)
    _, secret = addresses.create(world.context, "sandbox", "主账号", "li")
    return world, door(world), secret


def door(world: Any, at: int = 0) -> addresses.Door:
    path = addresses.addresses(world.context)[at].path
    _, _, connector, token = path.split("/")
    found = addresses.find_door(world.context, connector, token)
    assert found is not None
    return found


def parcel_on_its_way(world: Any) -> tuple[int, str]:
    world.stock("KETTLE", 500)
    order_id = world.order(("KETTLE", 2))
    advance(world.context, order_id, "received")
    labels.print_labels(world.context, None, "li")
    return order_id, str(world.parcel(order_id).waybill_no)


def tell(found: Any, *scans: dict[str, Any]) -> HookAnswer:
    world, door, secret = found
    return receiving.receive(world.context, door, call(secret, world.now, *scans))


def test_pushed_scans_carry_a_parcel_to_delivered(hooked: Any) -> None:
    world, *_ = hooked
    order_id, number = parcel_on_its_way(world)
    for hour, code in enumerate(WAY):
        answer = tell(hooked, scan(f"e{hour}", number, code, world.now + timedelta(hours=hour)))
        assert (answer.status, answer.body) == (200, '{"success": true}')
    assert world.count(Scan) == 0  # nothing is worked before the answer
    drain(world.context)
    assert (world.parcel(order_id).state, world.state(order_id)) == ("delivered", "delivered")
    assert {row.state for row in world.all(HookMessage)} == {"done"}


def test_a_repeat_is_counted_and_changes_nothing(hooked: Any) -> None:
    world, *_ = hooked
    order_id, number = parcel_on_its_way(world)
    told = scan("e1", number, "FAILED", world.now)
    for _ in range(10):
        assert tell(hooked, told).status == 200
        drain(world.context)
    (row,) = world.all(HookMessage)
    assert (row.repeats, row.state) == (9, "done")
    assert world.parcel(order_id).failed_deliveries == 1


def test_what_was_pushed_and_pulled_counts_once(one: Any) -> None:
    world, *_ = one
    order_id, number = parcel_on_its_way(world)
    tell(one, scan("same", number, "FAILED", world.now))
    drain(world.context)
    world.carrier.scan(number, "delivery_attempted", world.now, "same")
    pull_scans(world.context)
    assert world.count(Scan) == 1
    assert world.parcel(order_id).failed_deliveries == 1


def test_a_wrong_signature_leaves_a_count_and_no_row(hooked: Any) -> None:
    world, door, secret = hooked
    good = call(secret, world.now, scan("e1", "SB1", "GOT", world.now))
    changed = HookRequest(good.headers, good.body.replace(b"GOT", b"SIGNED"))
    other = call("another secret", world.now, scan("e1", "SB1", "GOT", world.now))
    for bad, code in (
        (changed, "bad_signature"),
        (other, "bad_signature"),
        (HookRequest({}, good.body), "not_signed"),
    ):
        with pytest.raises(HookRefused) as refused:
            receiving.receive(world.context, door, bad)
        assert refused.value.code == code
    assert world.count(HookMessage) == 0
    (shown,) = addresses.addresses(world.context)
    assert (shown.refused, shown.refused_code, shown.received) == (3, "not_signed", 0)


@pytest.mark.parametrize(
    ("off_s", "taken"), [(300, True), (-300, True), (301, False), (-301, False)]
)
def test_a_signed_time_is_good_for_five_minutes_either_way(
    one: Any, off_s: int, taken: bool
) -> None:
    world, door, secret = one
    old = call(secret, world.now + timedelta(seconds=off_s), scan("e1", "SB1", "GOT", world.now))
    if taken:
        assert receiving.receive(world.context, door, old).status == 200
    else:
        with pytest.raises(HookRefused, match="too_old"):
            receiving.receive(world.context, door, old)
    assert world.count(HookMessage) == taken


@pytest.mark.parametrize("stamp", ["", "abc", "９９", "1" * 40, "-5"])
def test_a_time_that_is_none_is_refused(one: Any, stamp: str) -> None:
    from tidegate_connectors.sandbox.receiver import signature

    world, door, secret = one
    headers = {"x-sandbox-timestamp": stamp, "x-sandbox-signature": signature(secret, stamp, b"{}")}
    with pytest.raises(HookRefused, match="too_old"):
        receiving.receive(world.context, door, HookRequest(headers, b"{}"))


def test_after_a_rotation_old_address_and_secret_go_on_for_a_day(one: Any) -> None:
    world, old_door, old = one
    new = addresses.rotate(world.context, old_door.id, "li")
    assert new != old
    new_door = door(world)
    for n, (secret, through) in enumerate(((old, new_door), (new, new_door))):
        told = call(secret, world.now, scan(f"e{n}", "SB1", "GOT", world.now))
        assert receiving.receive(world.context, through, told).status == 200
    world.wait(hours=24)
    told = call(old, world.now, scan("e9", "SB1", "GOT", world.now))
    with pytest.raises(HookRefused, match="bad_signature"):
        receiving.receive(world.context, new_door, told)
    assert old_door.id == new_door.id


def test_the_former_path_is_found_until_the_day_is_over(one: Any) -> None:
    world, found, _ = one
    path = addresses.addresses(world.context)[0].path
    token = path.rpartition("/")[2]
    addresses.rotate(world.context, found.id, "li")
    world.wait(hours=23, minutes=59)
    assert addresses.find_door(world.context, "sandbox", token) is not None
    world.wait(minutes=1)
    assert addresses.find_door(world.context, "sandbox", token) is None


def test_a_removed_or_unknown_address_is_not_found(one: Any) -> None:
    world, found, _ = one
    token = addresses.addresses(world.context)[0].path.rpartition("/")[2]
    assert addresses.find_door(world.context, "files", token) is None
    assert addresses.find_door(world.context, "sandbox", token + "x") is None
    assert addresses.find_door(world.context, "sandbox", "") is None
    addresses.remove(world.context, found.id, "li")
    assert addresses.find_door(world.context, "sandbox", token) is None
    assert addresses.addresses(world.context) == ()
    with pytest.raises(NotFound):
        addresses.rotate(world.context, found.id, "li")


def test_another_tenants_address_cannot_be_touched(one: Any, intruder: Any) -> None:
    _, found, _ = one
    assert addresses.addresses(intruder.context) == ()
    for act in (addresses.rotate, addresses.remove):
        with pytest.raises(NotFound):
            act(intruder.context, found.id, "them")


def test_wrong_entries_are_refused_with_their_field(one: Any) -> None:
    world, *_ = one
    for arguments, more, field in (
        (("files", "x"), {}, "connector"),
        (("sandbox", "  "), {}, "name"),
        (("sandbox", "x"), {"secret": "short"}, "secret"),
    ):
        with pytest.raises(InputError) as wrong:
            addresses.create(world.context, *arguments, "li", **more)
        assert wrong.value.fields["field"] == field


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b'{"scans": 5}', b'{"scans": [{}]}', b"\xff\xfe\x00", b"[" * 100_000,
        '{"scans": [{"event_id": "中文"}]}'.encode("gb18030"),
        b'{"scans": [{"event_id": "a", "waybill_no": "b", "code": "c", "at": "2026-01-01"}]}',
    ],
    ids=range(10),
)  # fmt: skip
def test_what_is_signed_but_unreadable_is_kept_for_a_person(one: Any, body: bytes) -> None:
    world, door, secret = one
    for _ in range(2):
        asked = HookRequest(signed(secret, body, world.now), body)
        assert receiving.receive(world.context, door, asked).status == 200
    (row,) = world.all(HookMessage)
    assert (row.state, row.error, row.repeats) == ("failed", "unreadable", 1)
    assert addresses.addresses(world.context)[0].failed == 1


@pytest.mark.parametrize(
    "words",
    [
        "😀 快件已签收 👩‍👩‍👧",
        "𠮷野家 㐂",
        "nul \0 inside",
        "half \ud83d here",
        "x" * 5000,
        "'; DROP TABLE scan; --",
    ],
    ids=range(6),
)
def test_strange_words_are_kept_and_stop_nothing(both: Any, words: str) -> None:
    found = hook(both)
    order_id, number = parcel_on_its_way(both)
    told = scan("e1", number, "GOT", both.now, description=words, place=words)
    body = __import__("json").dumps({"scans": [told]}).encode()
    asked = HookRequest(signed(found[2], body, both.now), body)
    assert receiving.receive(both.context, found[1], asked).status == 200
    drain(both.context)
    assert both.parcel(order_id).state == "in_transit"
    kept = both.get(Scan)
    clean = words.replace("\0", "").encode("utf-8", "replace").decode()
    assert (kept.description, kept.place) == (clean[:2000], clean[:200])


def test_strange_and_long_ids_are_known_again(one: Any) -> None:
    world, *_ = one
    _, number = parcel_on_its_way(world)
    for event_id in ("😀", "x" * 121, "x" * 120, "tab\there"):
        for _ in range(2):
            tell(one, scan(event_id, number, "GOT", world.now))
    assert [row.repeats for row in world.all(HookMessage)] == [1] * 4
    drain(world.context)
    assert world.count(Scan) == 4 - 1  # the two long ones begin alike and are told apart only here
    assert {row.state for row in world.all(HookMessage)} == {"done"}


def test_nothing_personal_lies_open_in_the_table(one: Any) -> None:
    world, *_ = one
    tell(one, scan("e1", "SB1", "GOT", world.now, description="张三丰 13900001234 已签收"))
    with world.context.store.unscoped(readonly=True) as session:
        rows = str(session.execute(text("SELECT * FROM hook_message")).all())
        rows += str(session.execute(text("SELECT * FROM hook_address")).all())
    assert "13900001234" not in rows
    assert "张三丰" not in rows
    assert one[2] not in rows
    assert addresses.addresses(world.context)[0].path.rpartition("/")[2] not in rows


def test_a_push_that_is_quicker_than_our_commit_waits_for_the_waybill(one: Any) -> None:
    world, *_ = one
    world.stock("KETTLE", 5)
    order_id = world.order(("KETTLE", 1))
    tell(one, scan("e1", "SB00000001", "GOT", world.now))
    drain(world.context)
    (row,) = world.all(HookMessage)
    assert (row.state, row.error, row.attempts) == ("waiting", "unknown_waybill", 1)
    advance(world.context, order_id, "received")
    assert world.parcel(order_id).waybill_no == "SB00000001"
    world.wait(seconds=6)
    drain(world.context)
    assert world.get(HookMessage).state == "done"
    assert world.parcel(order_id).state == "in_transit"


def test_a_waybill_of_nobody_is_given_up_after_a_day_and_a_half(one: Any) -> None:
    world, *_ = one
    tell(one, scan("e1", "SB99999999", "GOT", world.now))
    for _ in range(len(working.AGAIN_S) + 1):
        drain(world.context)
        world.wait(days=1, seconds=1)
    (row,) = world.all(HookMessage)
    assert (row.state, row.error) == ("ignored", "unknown_waybill")
    assert world.count(Scan) == 0
    working.work_again(world.context, row.id)
    drain(world.context)
    assert world.get(HookMessage).state == "waiting"


def test_one_bad_message_stops_no_other(one: Any) -> None:
    world, *_ = one
    order_id, number = parcel_on_its_way(world)
    tell(one, scan("bad", number, "GOT", world.now))
    tell(one, scan("good", number, "SENT", world.now))
    with world.context.store.begin(world.context.tenant_id) as work:
        row = work.session.scalar(select(HookMessage).where(HookMessage.event_id == "bad"))
        row.payload = world.context.box.seal({"event_id": 5})
        work.commit()
    drain(world.context)
    states = {row.event_id: (row.state, row.error) for row in world.all(HookMessage)}
    assert states == {"bad": ("failed", "KeyError"), "good": ("done", None)}
    assert world.parcel(order_id).state == "out_for_delivery"


@pytest.mark.parametrize("copies", [12])
def test_equal_calls_at_the_same_moment_keep_one_row(hooked: Any, copies: int) -> None:
    world, door, secret = hooked
    order_id, number = parcel_on_its_way(world)
    told = [scan(f"e{n}", number, "FAILED", world.now + timedelta(minutes=n)) for n in range(3)]
    barrier, said = threading.Barrier(copies), []

    def run(n: int) -> None:
        mine = told[:]
        random.Random(n).shuffle(mine)
        barrier.wait()
        said.append(receiving.receive(world.context, door, call(secret, world.now, *mine)).status)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(copies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [200] * copies
    assert [row.repeats for row in world.all(HookMessage)] == [copies - 1] * 3
    both = [threading.Thread(target=drain, args=(world.context,)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert world.parcel(order_id).failed_deliveries == 3
    assert world.count(Scan) == 3


class OrderPlatform:
    """A platform that tells orders, signed by nothing but the secret in a header."""

    signs = True

    def verify(self, request: HookRequest, secrets: Any, now: Any) -> None:
        if request.headers.get("x-secret") not in [one.secret for one in secrets]:
            raise HookRefused("bad_signature")

    def events(self, request: HookRequest) -> list[HookEvent]:
        from datetime import datetime
        from json import loads

        told = loads(request.body)
        return [HookEvent("", "order", told, datetime.fromisoformat(told["at"]))]

    def content(self, event: HookEvent) -> HookContent:
        told = event.payload
        draft = OrderDraft(
            channel="taobao", shop="旗舰店", number=told["number"], total_minor=told["total"],
            source_status="to_ship", payment_status="paid",
            recipient=RecipientDraft(
                name="张三", phone="13800002291", province="浙江省", city="杭州市",
                district="余杭区", address="文一西路 969 号",
            ),
            lines=(LineDraft(quantity=1, sku="KETTLE"),),
        )  # fmt: skip
        return HookContent(orders=(draft,))

    def answer(self, secrets: list[HookSecret], now: Any) -> HookAnswer:
        return HookAnswer("ok", "text/plain")


def test_pushed_orders_go_through_intake_and_an_older_state_never_wins(both: Any) -> None:
    from json import dumps

    both.context = replace(both.context, receivers={"mall": OrderPlatform()})
    _, secret = addresses.create(both.context, "mall", "旗舰店", "li")
    found = door(both)
    seed = random.randrange(10**6)
    told = [
        {
            "number": f"M{order}",
            "total": 100 + hour,
            "at": (both.now + timedelta(hours=hour)).isoformat(),
        }
        for order in range(3)
        for hour in range(4)
    ] * 3
    random.Random(seed).shuffle(told)
    for n, one in enumerate(told):
        asked = HookRequest({"x-secret": secret}, dumps(one).encode())
        assert receiving.receive(both.context, found, asked).body == "ok"
        if n % 3 == 0:
            drain(both.context)
    drain(both.context)
    orders = both.all(Order)
    assert {(row.number, row.total_minor) for row in orders} == {
        ("M0", 103), ("M1", 103), ("M2", 103),
    }, f"seed {seed}"  # fmt: skip
    assert both.count(Event, Event.kind == "received") == 3
    assert {row.state for row in both.all(HookMessage)} == {"done"}
    assert both.count(HookAddress) == 1
    assert both.count(Parcel) == 0 or all(row.state != "received" for row in orders)


def test_after_a_change_of_keys_everything_opens_with_the_new_one_alone(one: Any) -> None:
    from cryptography.fernet import Fernet

    from tidegate.services.secrets_box import SecretsBox
    from tidegate.services.webhooks import endpoints, resealing
    from tidegate.store.webhook_tables import WebhookDelivery, WebhookEndpoint

    world, door_, _ = one
    tell(one, scan("e1", "SB1", "GOT", world.now))
    endpoint_id, _ = endpoints.create(
        world.context, "ERP", "https://example.com/x", ["order.held"], "li"
    )
    endpoints.send_test(world.context, endpoint_id)
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    first = world.context.box
    sealed: list[tuple[Any, Any]] = [(t, n) for t, names in resealing.SEALED for n in names]
    assert len(sealed) == 5
    for keys, opens in (([old], None), ([new, old], [new])):
        with world.context.store.begin(world.context.tenant_id) as work:
            for table, name in sealed if opens is None else ():
                for row in work.session.scalars(select(table)):
                    setattr(row, name, SecretsBox([old]).seal(first.open(getattr(row, name))))
            work.commit()
        world.context = replace(world.context, box=SecretsBox(keys))
        assert resealing.reseal(world.context) == 5
    world.context = replace(world.context, box=SecretsBox([new]))
    for table, name in sealed:
        assert world.context.box.open(getattr(world.get(table), name))
    assert door_.id == addresses.addresses(world.context)[0].id
    assert {HookAddress, HookMessage, WebhookEndpoint, WebhookDelivery} == {t for t, _ in sealed}
